//! Who a socket is: `authenticate`, and the end of a login.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Deserialize;
use socketio::{Event, Socket, engineio::proto::Version};

use super::{
    Realtime,
    answer::{done, invalid_token, logged_in, unavailable},
    asked::Asked,
    client::Client,
    subscription::leave,
};
use crate::{
    hub::Hub,
    object::Object,
    store::{Admission, Holder, OnAdmitted, Session, Ticket},
    token::Token,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    session_token: String,
}

impl Realtime {
    /// Clients of protocol 5 may bring the token with their CONNECT. Those of protocol 4 could do so
    /// in the query only, where a secret does not belong.
    pub(super) async fn connected(&self, socket: Socket<Client>) {
        if socket.handshake().version() == Version::V3 {
            return;
        }
        if let Ok(credentials) = socket.handshake().auth::<Object<Credentials>>() {
            let asked = Asked {
                event: "authenticate",
                socket,
                ack: None,
            };
            self.log_in(asked, Some(credentials.0.session_token)).await;
        }
    }

    pub(super) async fn authenticate(self: Arc<Self>, asked: Asked, event: Event) {
        let credentials = event.arg::<Object<Credentials>>(0).ok();
        self.log_in(asked, credentials.map(|given| given.0.session_token))
            .await;
    }

    /// Missing, malformed, unknown, expired and revoked tokens are answered alike.
    async fn log_in(&self, asked: Asked, token: Option<String>) {
        let Some(token) = token else {
            return self.refuse_token(&asked);
        };
        let ticket = Ticket::Session(Token::presented(&token).digest());
        let hub = Arc::clone(&self.hub);
        let asked = Arc::new(asked);
        let entering = Arc::clone(&asked);
        let enter: OnAdmitted = Box::new(move |admitted| {
            if let Holder::Session(session) = admitted.holder {
                enter(&hub, &entering, session);
            }
        });
        match self.store.admit(ticket, None, enter).await {
            Ok(Admission::Admitted) => {
                if let Some(session) = asked.socket.state().session() {
                    self.auth.used(&session).await;
                }
            }
            Ok(_) => self.refuse_token(&asked),
            Err(error) => asked.answer(&unavailable(&error)),
        }
    }

    fn refuse_token(&self, asked: &Asked) {
        asked.answer(&invalid_token());
        self.count_failure(&asked.socket);
    }

    /// Tokens cannot be guessed, so a right one is taken whatever its address has done before: one
    /// broken client must not lock out those beside it. But who has failed too often gets no
    /// further tries on this socket.
    pub(super) fn count_failure(&self, socket: &Socket<Client>) {
        let from = peer(socket);
        let suspected = self.auth.may_try(from).is_err();
        self.auth.failed(from);
        if socket.state().count_wrong_token() || suspected {
            socket.close();
        }
    }
}

/// A login that was admitted. What the new user may not hold ends before the answer.
fn enter(hub: &Hub, asked: &Asked, session: Session) {
    let socket = &asked.socket;
    socket.state().log_in(session, |rooms| {
        for room in &rooms {
            leave(hub, socket, room);
            let _ = socket.emit("unsubscribe", (done("unsubscribed", &room.spelling),));
        }
        asked.answer(&logged_in());
    });
}

/// Ends all subscriptions and says so, if the login is one that `ends`. The client has the time of a
/// new one to log in again. What is said is said under the client's lock: nobody logs in between.
pub(super) fn log_out(
    hub: &Hub,
    socket: &Socket<Client>,
    ends: impl FnOnce(&Session) -> bool,
    auth_timeout: Option<Duration>,
) {
    let deadline = auth_timeout.map(|timeout| Instant::now() + timeout);
    socket.state().log_out(ends, deadline, |rooms| {
        rooms.iter().for_each(|room| leave(hub, socket, room));
        let _ = socket.emit("authenticate", (invalid_token(),));
    });
}

fn peer(socket: &Socket<Client>) -> IpAddr {
    let peer = socket.handshake().peer().map(|peer| peer.ip());
    peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}
