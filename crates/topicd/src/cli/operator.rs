//! The admin API for the commands: over HTTP while a server uses the data folder, on the folder
//! itself while none does.

use std::fmt;

use axum::{Router, body::Body};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, runtime::Runtime};
use topicd::{Config, Server, StartError, admin::Access, store::sqlite::OpenError};
use tower_service::Service as _;

use super::{Failure, Settings};

/// One call, and what it answered.
///
/// # Errors
///
/// The server cannot be reached, or refuses: its message says why.
pub(super) fn call(
    settings: &Settings,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Value, Failure> {
    let config = settings.load()?;
    Runtime::new()?.block_on(async {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(Failure::runtime)?;
        match Server::open(&config) {
            Ok(server) => read(on_routes(server.admin_routes(), request).await).await,
            Err(StartError::Store(OpenError::InUse(_))) => {
                read(over_http(&config, request).await?).await
            }
            Err(error) => Err(error.into()),
        }
    })
}

async fn on_routes(mut routes: Router, request: Request<Body>) -> Response<Body> {
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Asks the server that uses the data folder.
///
/// # Errors
///
/// It has no listener for its operator, or nobody answers there.
pub(super) async fn over_http(
    config: &Config,
    mut request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    let access = Access::find(config)?.ok_or_else(|| no_listener(config))?;
    let address = access.address;
    let unreachable = |error: &dyn fmt::Display| {
        Failure::unavailable(format!(
            "the running server's admin listener {address}: {error}"
        ))
    };
    let headers = request.headers_mut();
    let credentials = format!("Bearer {}", access.token.reveal());
    headers.insert(
        header::AUTHORIZATION,
        credentials.parse().map_err(Failure::runtime)?,
    );
    let host = address.to_string();
    headers.insert(header::HOST, host.parse().map_err(Failure::runtime)?);
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| unreachable(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(&error))?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| unreachable(&error))?;
    Ok(response.map(Body::new))
}

fn no_listener(config: &Config) -> Failure {
    Failure::unavailable(format!(
        "a server uses {} and has no admin listener; start it with admin.listen, or stop it",
        config.data_dir.display()
    ))
}

/// The answer's document.
///
/// # Errors
///
/// It is a refusal.
pub(super) async fn read(response: Response<Body>) -> Result<Value, Failure> {
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map_err(Failure::runtime)?.to_bytes();
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(document);
    }
    let message = document["message"].as_str().unwrap_or("no reason given");
    Err(match status {
        StatusCode::SERVICE_UNAVAILABLE => Failure::unavailable(message),
        _ => Failure::runtime(message),
    })
}

/// One line for each entry of a list, its fields apart by tabs, and one with their names.
pub(super) fn print_list(entries: &Value, fields: &[&str]) {
    println!("{}", fields.join("\t"));
    for entry in entries.as_array().into_iter().flatten() {
        let text = |field: &&str| match &entry[*field] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let line: Vec<_> = fields.iter().map(text).collect();
        println!("{}", line.join("\t"));
    }
}

/// A secret that comes on the standard input, where no list of processes shows it.
///
/// # Errors
///
/// There is none.
pub(super) fn secret_from_stdin(what: &str) -> Result<String, Failure> {
    use std::io::Read as _;
    let mut text = String::new();
    std::io::stdin().take(1024).read_to_string(&mut text)?;
    let text = text.trim_end_matches(['\r', '\n']);
    match text.is_empty() {
        true => Err(Failure::runtime(format!(
            "the {what} on the standard input is empty"
        ))),
        false => Ok(text.to_owned()),
    }
}
