//! A sensor that is not there: writes a temperature and a humidity every second, over HTTP like a
//! real one.

use std::{f64::consts::TAU, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const PERIOD: Duration = Duration::from_secs(1);

/// Writes until the server is gone for good.
pub(super) async fn run(server: SocketAddr, token: &str) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut connection = None;
    for second in 0_u32.. {
        ticks.tick().await;
        if connection.is_none() {
            connection = connect(server).await;
        }
        if let Some(open) = &mut connection
            && let Err(error) = write(open, server, token, second).await
        {
            tracing::debug!(%error, "the simulated sensor connects again");
            connection = None;
        }
    }
}

async fn connect(server: SocketAddr) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(server).await.ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

async fn write(
    connection: &mut SendRequest<Full<Bytes>>,
    server: SocketAddr,
    token: &str,
    second: u32,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    connection.ready().await?;
    let request = Request::post(format!("/v2/things/{token}"))
        .header(header::HOST, server.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(reading(second)))?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    response.into_body().collect().await?;
    if !status.is_success() {
        return Err(format!("the write was answered with {status}").into());
    }
    Ok(())
}

/// A day of weather in two minutes.
fn reading(second: u32) -> String {
    let day = f64::from(second % 120) / 120.0 * TAU;
    let temperature = 21.5 + 3.0 * day.sin();
    let humidity = 45.0 - 8.0 * day.sin();
    format!(
        r#"{{"values":[{{"key":"temperature","value":{temperature:.1}}},{{"key":"humidity","value":{humidity:.0}}}]}}"#
    )
}
