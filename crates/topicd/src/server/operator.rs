//! The operator's listener: a few connections, apart from those of clients, so that health and
//! metrics answer however full the server is.

use std::{future::Future, pin::pin};

use axum::{Router, body::Body};
use engineio::{Http1, Limits, RequestBody};
use http::{Request, Response};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::Operator;

/// Connections at once; the next one waits.
const MAX_CONNECTIONS: usize = 64;

/// Serves the operator until `end` resolves.
pub(super) async fn serve(operator: Operator, routes: Router, end: impl Future<Output = ()>) {
    let http = Http1::new(&Limits::default());
    let ending = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut end = pin!(end);
    loop {
        let has_room = connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            () = &mut end => break,
            accepted = operator.listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => {
                    let (http, routes) = (http.clone(), routes.clone());
                    let ending = ending.clone().cancelled_owned();
                    connections.spawn(async move {
                        let answer = |request| answer(routes.clone(), request);
                        let _ = http.serve_connection(stream, answer, ending).await;
                    });
                }
                Err(error) => super::doors::after_failure(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    ending.cancel();
    while connections.join_next().await.is_some() {}
}

async fn answer(mut routes: Router, request: Request<RequestBody>) -> Response<Body> {
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
