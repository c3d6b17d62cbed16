//! One request from its head to its answer.
//!
//! Decides nothing about the protocol: the core parses the request, its machine says yes or no, and
//! this file waits for what the machine or the client owes.

use std::sync::Arc;

use engineio_proto::{
    EngineRequest, ExistingKind, OpenRequest, Payload, PollId, PostBody, PostContent, PostTicket,
    RequestError, RequestHead, Transport, Upgrade, WebSocketId,
};
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use http_body::Body as HttpBody;
use tokio::sync::oneshot;

use crate::{
    Handshake,
    body::{self, BodyError},
    engine::Engine,
    hooks::Answer,
    response::{self, Body},
    session::SessionCell,
    websocket::{self, Accept, asks_for_websocket},
};

/// An answer and whether it opened a session.
pub(crate) type Answered = (Answer, Response<Body>);

/// Answers a request for our path.
pub(crate) async fn answer<B: HttpBody>(engine: &Arc<Engine>, request: Request<B>) -> Answered {
    if let Some(refusal) = improper(&request) {
        return (Answer::Later, response::empty(refusal));
    }
    match EngineRequest::parse(&head(&request), &engine.config().protocol) {
        Ok(EngineRequest::Open(open)) => open_session(engine, open, request).await,
        Ok(EngineRequest::Existing { sid, version, kind }) => {
            let found = engine
                .registry()
                .find(&sid)
                .ok_or(RequestError::SessionIdUnknown);
            let answer = match found.and_then(|cell| cell.check(version, &kind)) {
                Ok(cell) => existing(cell, kind, request).await,
                Err(error) => Err(error),
            };
            (Answer::Later, answer.unwrap_or_else(response::refused))
        }
        Err(error) => (Answer::Later, response::refused(error)),
    }
}

/// What hyper lets through and we do not: a target without bound, a missing or doubled Host.
fn improper<B>(request: &Request<B>) -> Option<StatusCode> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let due = request.version() == Version::HTTP_11;
    (hosts > 1 || (due && hosts == 0)).then_some(StatusCode::BAD_REQUEST)
}

fn head<B>(request: &Request<B>) -> RequestHead<'_> {
    let headers = request.headers();
    RequestHead {
        method: request.method().as_str(),
        query: request.uri().query().unwrap_or(""),
        upgrade: if asks_for_websocket(headers) {
            Upgrade::WebSocket
        } else {
            Upgrade::None
        },
        origin: bytes_of(headers, &header::ORIGIN),
        content_type: bytes_of(headers, &header::CONTENT_TYPE),
    }
}

fn bytes_of<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a [u8]> {
    headers.get(name).map(|value| value.as_bytes())
}

/// A handshake: the application is asked before anything is made.
async fn open_session<B: HttpBody>(
    engine: &Arc<Engine>,
    open: OpenRequest,
    mut request: Request<B>,
) -> Answered {
    let hooks = &engine.config().hooks;
    let handshake = Handshake::of(&request);
    if let Err(refusal) = hooks.ask(&handshake).await {
        return (Answer::Later, response::forbidden(&refusal));
    }
    let accept = match open.transport() {
        Transport::Polling => None,
        Transport::WebSocket => match Accept::take(&mut request) {
            Ok(accept) => Some(accept),
            Err(refusal) => return (Answer::Later, refusal.response()),
        },
    };
    let open = match hooks.initial_message() {
        Some(message) => open.with_initial(message),
        None => open,
    };
    let cell = match engine.open(&open, handshake) {
        Ok(cell) => cell,
        Err(error) => return (Answer::Later, response::not_opened(error)),
    };
    let answer = first_answer(engine, &cell, accept).await;
    let mut answer = answer.unwrap_or_else(response::refused);
    let cookie = engine
        .config()
        .cookie
        .as_ref()
        .and_then(|cookie| cookie.header(cell.sid()));
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    (Answer::Initial, answer)
}

/// The transport is in place before the application can send, so that the open packet comes first.
async fn first_answer(
    engine: &Arc<Engine>,
    cell: &Arc<SessionCell>,
    accept: Option<Accept>,
) -> Result<Response<Body>, RequestError> {
    match accept {
        Some(accept) => {
            let id = cell.announce_websocket()?;
            if engine.start(cell).is_err() {
                return Ok(response::empty(StatusCode::INTERNAL_SERVER_ERROR));
            }
            Ok(switch(cell, id, accept))
        }
        None => {
            let parked = cell.park();
            if engine.start(cell).is_err() {
                return Ok(response::empty(StatusCode::INTERNAL_SERVER_ERROR));
            }
            let (id, payload) = parked?;
            wait(Arc::clone(cell), id, payload).await
        }
    }
}

async fn existing<B: HttpBody>(
    cell: Arc<SessionCell>,
    kind: ExistingKind,
    mut request: Request<B>,
) -> Result<Response<Body>, RequestError> {
    match kind {
        ExistingKind::Poll => {
            let (id, payload) = cell.park()?;
            wait(cell, id, payload).await
        }
        ExistingKind::Post(content) => post(cell, content, request.into_body()).await,
        ExistingKind::WebSocket => match Accept::take(&mut request) {
            Ok(accept) => Ok(switch(&cell, cell.announce_websocket()?, accept)),
            Err(refusal) => Ok(refusal.response()),
        },
        ExistingKind::Mismatch => Err(RequestError::BadRequest),
        ExistingKind::OtherMethod => Err(RequestError::MethodNotAllowed),
    }
}

/// Answers 101 for a WebSocket that the machine knows of, and lets its task wait for the connection.
fn switch(cell: &Arc<SessionCell>, id: WebSocketId, accept: Accept) -> Response<Body> {
    let (response, upgrade) = accept.switch();
    tokio::spawn(websocket::run(Arc::clone(cell), id, upgrade));
    response
}

/// Waits for a parked poll's payload; a client that leaves meanwhile is told to the machine.
async fn wait(
    cell: Arc<SessionCell>,
    id: PollId,
    payload: oneshot::Receiver<Payload>,
) -> Result<Response<Body>, RequestError> {
    let mut parked = Parked { cell, id: Some(id) };
    let payload = payload.await;
    parked.id = None;
    payload
        .map(response::payload)
        .map_err(|_| RequestError::SessionIdUnknown)
}

/// A parked poll: dropping its response future is how a vanished client shows.
struct Parked {
    cell: Arc<SessionCell>,
    id: Option<PollId>,
}

impl Drop for Parked {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.cell
                .feed(|session, now| session.handle_poll_closed(now, id));
        }
    }
}

async fn post<B: HttpBody>(
    cell: Arc<SessionCell>,
    content: PostContent,
    body: B,
) -> Result<Response<Body>, RequestError> {
    let ticket = cell.feed(|session, now| session.handle_post_start(now))?;
    let mut upload = Upload {
        cell,
        ticket: Some(ticket),
    };
    // While the application has enough, nothing is taken out of the connection. The upload counts as
    // running, so that at most one body waits, whatever number of them the client sends.
    upload.cell.may_read().await;
    let config = upload.cell.engine().config();
    let limit = config.protocol.limits.max_payload;
    let body = body::collect(body, limit, config.body_timeout).await;
    let ticket = upload.ticket.take().expect("taken once, here");
    match body {
        Ok(bytes) => {
            let body = PostBody { content, bytes };
            upload
                .cell
                .feed(|session, now| session.handle_post(now, ticket, body))?;
            Ok(response::ok())
        }
        Err(BodyError::TooLarge) => {
            upload
                .cell
                .feed(|session, now| session.handle_post_too_large(now, ticket));
            Err(RequestError::TooLarge)
        }
        Err(BodyError::TimedOut | BodyError::Aborted) => {
            upload.ticket = Some(ticket);
            Ok(response::empty(StatusCode::BAD_REQUEST))
        }
    }
}

/// A POST whose body is on its way: dropping it without a body is an abandoned upload.
struct Upload {
    cell: Arc<SessionCell>,
    ticket: Option<PostTicket>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.cell
                .feed(|session, now| session.handle_post_closed(now, ticket));
        }
    }
}

/// Bytes of a request's path and query.
const MAX_TARGET: usize = 8 * 1024;
