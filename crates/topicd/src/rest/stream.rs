//! Live values as the answer to one HTTP request: `GET /v2/things/{token}`, and
//! `GET /v2/me/resources/{key}?keepAlive=…`.
//!
//! Each frame of the body, and so each chunk on the wire, is exactly one JSON document: clients
//! parse chunks one by one and compare them with `{}`.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderName, header};
use hyper::body::Frame;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep, sleep},
};

use super::{
    Api,
    credentials::Peer,
    error::ApiError,
    params::{Path, Query},
    things::{self, unknown_thing},
};
use crate::{
    datetime::Timestamp,
    hub::{Channel, Ended, Listener},
    places::{AddressFull, Place},
    store::{Admission, Admitted, Holder, Session, StoreError, Ticket},
    token::Token,
    topic::Key,
};

/// Milliseconds of silence that clients may ask for.
const KEEP_ALIVE: std::ops::RangeInclusive<u64> = 1_000..=600_000;
const DEFAULT_KEEP_ALIVE: u64 = 60_000;
/// Clients compare with these texts.
const GREETING: &str = r#"{"status":"success","message":"subscribed"}"#;
const STILL_HERE: &str = "{}";

/// The query as it comes.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StreamQuery {
    keep_alive: Option<String>,
}

/// The body: a greeting, then updates, and `{}` where there has been none for long.
struct Documents {
    stage: Stage,
    listener: Listener,
    keep_alive: Duration,
    silence: Pin<Box<Sleep>>,
    /// Of the session, if there is one: being in use, it does not expire before.
    end: Option<Pin<Box<Sleep>>>,
    /// Given back with the stream; the operator's takes none.
    _place: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    Live,
    Over,
}

impl StreamQuery {
    /// On a path that has a plain answer, too, the parameter's presence asks for the stream.
    pub(super) fn asks(&self) -> bool {
        self.keep_alive.is_some()
    }

    fn keep_alive(&self) -> Result<Duration, ApiError> {
        let millis = match self.keep_alive.as_deref() {
            None | Some("") => DEFAULT_KEEP_ALIVE,
            Some(text) => text
                .parse::<u64>()
                .map_err(|_| ApiError::bad_request("malformed keepAlive"))?,
        };
        let millis = millis.clamp(*KEEP_ALIVE.start(), *KEEP_ALIVE.end());
        Ok(Duration::from_millis(millis))
    }
}

/// All values of a thing, for whoever has its token.
pub(super) async fn thing(
    State(api): State<Arc<Api>>,
    Peer(from): Peer,
    Path(token): Path<String>,
    Query(query): Query<StreamQuery>,
) -> Result<Response, ApiError> {
    let keep_alive = query.keep_alive()?;
    let place = place(&api, from)?;
    // Whoever has no thing is sent away by the readers: all writes share the one queue behind.
    things::thing(&api, &token).await?;
    let ticket = Ticket::Thing {
        session: None,
        thing: Token::presented(&token).digest(),
    };
    let channel = |holder| match holder {
        Holder::Thing(thing) => Some(Channel::Thing(thing.row)),
        Holder::Session(_) => None,
    };
    let listener = listen(&api, ticket, channel).await?;
    Ok(answer(Documents::new(listener, keep_alive).taking(place)))
}

/// One resource of all things that are linked to the user.
pub(super) async fn resource(
    api: &Api,
    session: &Session,
    from: IpAddr,
    key: Key,
    query: &StreamQuery,
) -> Result<Response, ApiError> {
    let keep_alive = query.keep_alive()?;
    let place = place(api, from)?;
    let channel = move |holder| match holder {
        Holder::Session(session) => Some(Channel::Resource(session.user, key)),
        Holder::Thing(_) => None,
    };
    let listener = listen(api, Ticket::Session(session.token), channel).await?;
    let documents = Documents::new(listener, keep_alive);
    Ok(answer(documents.taking(place).until(session.ends)))
}

/// Streams of clients behind one proxy are counted apart, unlike their connections.
fn place(api: &Api, from: IpAddr) -> Result<Place, AddressFull> {
    let most = api.live.now().config.limits.connections_per_address;
    api.streams.take(from, most)
}

/// Begins to listen in the publish stage: every value that is stored from there on is in the
/// stream, and none from before.
async fn listen(
    api: &Api,
    ticket: Ticket,
    channel: impl FnOnce(Holder) -> Option<Channel> + Send + 'static,
) -> Result<Listener, ApiError> {
    let token = match &ticket {
        Ticket::Session(session) => *session,
        Ticket::Thing { thing, .. } => *thing,
    };
    let (sender, listener) = oneshot::channel();
    let hub = Arc::clone(&api.hub);
    let enter = move |admitted: Admitted| {
        if let Some(channel) = channel(admitted.holder) {
            // Whoever asked may be gone.
            let _ = sender.send(hub.listen(channel, Some(token)));
        }
    };
    match api.store.admit(ticket, None, Box::new(enter)).await? {
        Admission::Admitted => {}
        Admission::NoSession => return Err(ApiError::invalid_session()),
        Admission::NoThing => return Err(unknown_thing()),
    }
    let lost = |_| StoreError::Failed("the publish stage let nobody in".into());
    Ok(listener.await.map_err(lost)??)
}

/// The values of whatever somebody listens to who needs no ticket.
pub(crate) fn live_values(listener: Listener) -> Response {
    let keep_alive = Duration::from_millis(DEFAULT_KEEP_ALIVE);
    answer(Documents::new(listener, keep_alive))
}

fn answer(documents: Documents) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        // A proxy that collects the answer first would never hand it on.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::new(documents)).into_response()
}

impl Documents {
    fn new(listener: Listener, keep_alive: Duration) -> Self {
        Self {
            stage: Stage::Greeting,
            listener,
            keep_alive,
            silence: Box::pin(sleep(keep_alive)),
            end: None,
            _place: None,
        }
    }

    /// Takes one of the places of a client's address.
    fn taking(mut self, place: Place) -> Self {
        self._place = Some(place);
        self
    }

    /// Ends with a session.
    fn until(mut self, end: Timestamp) -> Self {
        let millis = end.millis().saturating_sub(Timestamp::now().millis());
        let left = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        self.end = Some(Box::pin(sleep(left)));
        self
    }

    fn poll_document(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let document = match self.stage {
            Stage::Greeting => {
                self.stage = Stage::Live;
                Bytes::from_static(GREETING.as_bytes())
            }
            Stage::Live => ready!(self.poll_live(cx)),
            Stage::Over => return Poll::Ready(None),
        };
        let next = Instant::now() + self.keep_alive;
        self.silence.as_mut().reset(next);
        Poll::Ready(Some(document))
    }

    fn poll_live(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if let Some(end) = &mut self.end
            && end.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(self.end(Ended::SessionEnded));
        }
        if let Poll::Ready(update) = self.listener.poll_update(cx) {
            return Poll::Ready(update.unwrap_or_else(|ended| self.end(ended)));
        }
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(Bytes::from_static(STILL_HERE.as_bytes()))
    }

    /// The last document says why.
    fn end(&mut self, ended: Ended) -> Bytes {
        self.stage = Stage::Over;
        let message = match ended {
            Ended::SlowReader => "the stream is not read fast enough",
            Ended::SessionEnded => "Invalid session token",
            // As an unknown token: nothing tells one from the other.
            Ended::Revoked => "thing not found",
            Ended::ServerEnded => "the server is shutting down",
        };
        let document = json!({ "status": "error", "message": message });
        document.to_string().into()
    }
}

impl hyper::body::Body for Documents {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let document = ready!(self.poll_document(cx));
        Poll::Ready(document.map(|document| Ok(Frame::data(document))))
    }
}

#[cfg(test)]
mod tests {
    use super::StreamQuery;

    // Contract 55
    #[test]
    fn silence_lasts_a_second_to_ten_minutes_and_one_unless_asked() {
        let millis = |text: Option<&str>| {
            let keep_alive = text.map(str::to_owned);
            let keep_alive = StreamQuery { keep_alive }.keep_alive();
            keep_alive.unwrap().as_millis()
        };
        assert_eq!((millis(None), millis(Some(""))), (60_000, 60_000));
        assert_eq!((millis(Some("0")), millis(Some("999"))), (1000, 1000));
        assert_eq!(
            (millis(Some("1001")), millis(Some("600000"))),
            (1001, 600_000)
        );
        assert_eq!(millis(Some("18446744073709551615")), 600_000);
    }
}
