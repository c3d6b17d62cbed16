//! The task that posts notices, and tries again.

use std::{io, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Notice, Receiver, host, tls};
use crate::metrics::{Metrics, Told};

/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
/// How long to wait before each further try.
const WAITS: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

/// What became of one try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Taken,
    /// The receiver will not take it later either.
    Refused,
    /// It is not the receiver: waiting does not make it so.
    Untrusted,
    TryAgain,
}

/// Posts in the order of the queue, until the server has gone.
pub(super) async fn run(receiver: Receiver, mut notices: mpsc::Receiver<Notice>, metrics: Metrics) {
    while let Some(notice) = notices.recv().await {
        metrics.told(deliver(&receiver, &notice).await);
    }
}

async fn deliver(receiver: &Receiver, notice: &Notice) -> Told {
    let mut waits = WAITS.iter();
    loop {
        match attempt(receiver, notice).await {
            Outcome::Taken => return Told::Taken,
            Outcome::TryAgain => {}
            Outcome::Untrusted => return Told::Untrusted,
            Outcome::Refused => break,
        }
        match waits.next() {
            Some(wait) => sleep(*wait).await,
            None => break,
        }
    }
    tracing::warn!(
        id = notice.id,
        "the receiver of webhooks did not take a notice"
    );
    Told::Failed
}

async fn attempt(receiver: &Receiver, notice: &Notice) -> Outcome {
    match timeout(TRY, post(receiver, notice)).await {
        Ok(Ok(status)) if status.is_success() => Outcome::Taken,
        Ok(Ok(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)) => Outcome::TryAgain,
        Ok(Ok(status)) if status.is_client_error() => Outcome::Refused,
        Ok(Err(error)) if tls::is_untrusted(&error) => {
            tracing::error!(
                id = notice.id,
                %error,
                "the certificate of the receiver of webhooks is not trusted: it was told nothing"
            );
            Outcome::Untrusted
        }
        _ => Outcome::TryAgain,
    }
}

async fn post(receiver: &Receiver, notice: &Notice) -> io::Result<StatusCode> {
    let stream = TcpStream::connect((host(&receiver.url), receiver.port())).await?;
    let request = request(receiver, notice).map_err(io::Error::other)?;
    match &receiver.tls {
        Some(tls) => send(tls.connect(stream).await?, request).await,
        None => send(stream, request).await,
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> io::Result<StatusCode> {
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    // Aborted at the end of this call: a receiver that is asked rarely holds no connection open.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let response = sender.send_request(request).await;
    response
        .map(|response| response.status())
        .map_err(io::Error::other)
}

fn request(receiver: &Receiver, notice: &Notice) -> http::Result<Request<Full<Bytes>>> {
    let url = &receiver.url;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let host = url.authority().map_or("", |authority| authority.as_str());
    Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "topicd")
        .header("topicd-delivery", &notice.id)
        .header("topicd-signature", receiver.signature(&notice.body))
        .body(Full::new(notice.body.clone()))
}
