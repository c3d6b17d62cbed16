//! One request from its head to its answer.
//!
//! Decides nothing about the protocol: the core parses the request, its machine says yes or no, and
//! this file waits for what the machine or the client owes.

use std::{fmt, sync::Arc};

use engineio_proto::{
    EngineRequest, ExistingKind, OpenRequest, Payload, PollId, PostBody, PostContent, PostTicket,
    RequestError, RequestHead, Transport, Upgrade, Version, WebSocketId,
};
use http::{HeaderMap, Request, Response, header};
use http_body::Body as HttpBody;
use tokio::{sync::oneshot, time::timeout};

use crate::{
    Handshake,
    body::{self, BodyError},
    engine::Engine,
    hooks::Answer,
    refused::Refused,
    response::{self, Body},
    session::SessionCell,
    websocket::{self, Accept, asks_for_websocket},
};

/// An answer and whether it opened a session.
pub(crate) type Answered = (Answer, Response<Body>);

/// Answers a request for our path.
///
/// A poll may wait for long: the request is boxed, so that it ends before that, and so is what takes
/// more room than waiting does.
pub(crate) async fn answer<B: HttpBody>(
    engine: &Arc<Engine>,
    request: Box<Request<B>>,
) -> Answered {
    let config = &engine.config().protocol;
    let parsed = improper(&request, config.limits.max_target)
        .and_then(|()| Ok(EngineRequest::parse(&head(&request), config)?));
    let (sid, answered) = match parsed {
        Ok(EngineRequest::Open(open)) => {
            let opened = Box::pin(open_session(engine, open, request)).await;
            (None, opened)
        }
        Ok(EngineRequest::Existing { sid, version, kind }) => {
            let answer = match find(engine, &sid, version, &kind) {
                Ok(cell) => existing(cell, kind, request).await,
                Err(error) => Err(error.into()),
            };
            (Some(sid), answer.map(|answer| (Answer::Later, answer)))
        }
        Err(refused) => (None, Err(refused)),
    };
    answered.unwrap_or_else(|refused| (Answer::Later, refuse(engine, &refused, sid.as_deref())))
}

/// Answers, logs and counts a request that is refused.
pub(crate) fn refuse(engine: &Engine, refused: &Refused, sid: Option<&str>) -> Response<Body> {
    let response = response::refused(refused);
    tracing::debug!(
        reason = refused.name(),
        hint = refused.hint(),
        status = response.status().as_u16(),
        sid = sid.map(|sid| tracing::field::debug(Shortened(sid))),
        "request refused"
    );
    engine.counters().refused(refused.name());
    response
}

/// A sid is a secret, and an unknown one is whatever a client made up.
struct Shortened<'a>(&'a str);

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(4).collect();
        write!(f, "Sid({}…)", shown.escape_debug())
    }
}

/// What hyper lets through and we do not: a target without bound, a missing or doubled Host.
fn improper<B>(request: &Request<B>, max_target: usize) -> Result<(), Refused> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > max_target {
        return Err(Refused::TargetTooLong);
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let due = request.version() == http::Version::HTTP_11;
    if hosts > 1 || (due && hosts == 0) {
        return Err(Refused::Host);
    }
    Ok(())
}

fn find(
    engine: &Engine,
    sid: &str,
    version: Option<Version>,
    kind: &ExistingKind,
) -> Result<Arc<SessionCell>, RequestError> {
    let found = engine.registry().find(sid);
    found
        .ok_or(RequestError::SessionIdUnknown)?
        .check(version, kind)
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
    mut request: Box<Request<B>>,
) -> Result<Answered, Refused> {
    let hooks = &engine.config().hooks;
    let handshake = Handshake::of(&request, engine.config().proxies.as_ref());
    allowed(engine, &handshake).await?;
    let accept = match open.transport() {
        Transport::Polling => None,
        Transport::WebSocket => Some(Accept::take(&mut request)?),
    };
    let open = match hooks.initial_message() {
        Some(message) => open.with_initial(message),
        None => open,
    };
    let cell = engine.open(&open, handshake)?;
    let mut answer = first_answer(engine, &open, &cell, accept).await?;
    let cookie = engine.config().cookie.as_ref();
    if let Some(cookie) = cookie.and_then(|cookie| cookie.header(cell.sid())) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok((Answer::Initial, answer))
}

/// What the application's own check says, if it says anything in time.
async fn allowed(engine: &Engine, handshake: &Handshake) -> Result<(), Refused> {
    let config = engine.config();
    let asked = config.hooks.ask(handshake);
    match timeout(config.protocol.limits.allow_timeout, asked).await {
        Ok(answer) => answer.map_err(Refused::Application),
        Err(_) => Err(Refused::AllowTimeout),
    }
}

/// The transport is in place before the application can send, so that the open packet comes first.
async fn first_answer(
    engine: &Arc<Engine>,
    open: &OpenRequest,
    cell: &Arc<SessionCell>,
    accept: Option<Accept>,
) -> Result<Response<Body>, Refused> {
    match accept {
        Some(accept) => {
            let id = cell.announce_websocket(open.binary_frames())?;
            engine.start(cell)?;
            Ok(switch(cell, id, accept))
        }
        None => {
            let parked = cell.park();
            engine.start(cell)?;
            let (id, payload) = parked?;
            wait(Arc::clone(cell), id, payload).await
        }
    }
}

async fn existing<B: HttpBody>(
    cell: Arc<SessionCell>,
    kind: ExistingKind,
    mut request: Box<Request<B>>,
) -> Result<Response<Body>, Refused> {
    match kind {
        ExistingKind::Poll => {
            drop(request);
            let (id, payload) = cell.park()?;
            wait(cell, id, payload).await
        }
        ExistingKind::Post(content) => Box::pin(post(cell, content, request.into_body())).await,
        ExistingKind::WebSocket(binary) => {
            let accept = Accept::take(&mut request)?;
            Ok(switch(&cell, cell.announce_websocket(binary)?, accept))
        }
        ExistingKind::Mismatch => Err(RequestError::BadRequest.into()),
        ExistingKind::OtherMethod => Err(RequestError::MethodNotAllowed.into()),
    }
}

/// Answers 101 for a WebSocket that the machine knows of, and lets its task wait for the connection.
fn switch(cell: &Arc<SessionCell>, id: WebSocketId, accept: Accept) -> Response<Body> {
    let (response, upgrade) = accept.switch();
    let task = websocket::run(Arc::clone(cell), id, upgrade);
    cell.engine().websockets().spawn(task);
    response
}

/// Waits for a parked poll's payload; a client that leaves meanwhile is told to the machine.
async fn wait(
    cell: Arc<SessionCell>,
    id: PollId,
    payload: oneshot::Receiver<Payload>,
) -> Result<Response<Body>, Refused> {
    let mut parked = Parked { cell, id: Some(id) };
    let payload = payload.await;
    parked.id = None;
    payload
        .map(response::payload)
        .map_err(|_| RequestError::SessionIdUnknown.into())
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
) -> Result<Response<Body>, Refused> {
    let ticket = cell.feed(|session, now| session.handle_post_start(now))?;
    let mut upload = Upload {
        cell,
        ticket: Some(ticket),
    };
    // While the application has enough, nothing is taken out of the connection. The upload counts as
    // running, so that at most one body waits, whatever number of them the client sends.
    upload.cell.may_read().await;
    let limits = &upload.cell.engine().config().protocol.limits;
    let body = body::collect(body, limits.max_payload, limits.body_timeout).await;
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
            Err(RequestError::TooLarge.into())
        }
        Err(broken) => {
            upload.ticket = Some(ticket);
            Err(broken.into())
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
