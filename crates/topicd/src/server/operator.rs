//! The operator's listener: a few connections, apart from those of clients, so that health and
//! metrics answer however full the server is.

use std::{future::Future, pin::pin, time::Duration};

use axum::{Router, body::Body};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::{
    Operator,
    connection::{self, HEADER_TIMEOUT},
};

/// Connections at once; the next one waits.
const MAX_CONNECTIONS: usize = 64;
/// How long an answer that is on its way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Serves the operator until `end` resolves.
pub(super) async fn serve(operator: Operator, routes: Router, end: impl Future<Output = ()>) {
    let ending = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut end = pin!(end);
    loop {
        let has_room = connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            () = &mut end => break,
            accepted = operator.listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => {
                    let routes = routes.clone();
                    let answer = move |request| answer(routes.clone(), request);
                    let ending = ending.clone();
                    connections.spawn(connection::serve(stream, HEADER_TIMEOUT, answer, ending));
                }
                Err(error) => super::doors::after_failure(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    ending.cancel();
    let answered = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(LAST_ANSWERS, answered).await;
    connections.shutdown().await;
}

async fn answer(mut routes: Router, request: Request<Incoming>) -> Response<Body> {
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
