//! The benchmark application on socketioxide.

use std::time::Duration;

use serde_json::Value;
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".into());
    let (layer, io) = SocketIo::builder().ping_interval(Duration::from_secs(300)).build_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.on("join", async |socket: SocketRef, Data(topic): Data<String>, ack: AckSender| {
            socket.join(topic);
            ack.send(&()).ok();
        });
        socket.on("echo", async |Data(payload): Data<String>, ack: AckSender| {
            ack.send(&payload).ok();
        });
        socket.on("publish", async |io: SocketIo, Data((topic, payload)): Data<(String, Value)>| {
            io.to(topic).emit("m", &payload).await.ok();
        });
    });
    let app = axum::Router::new().layer(layer);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/socket.io/", listener.local_addr()?);
    axum::serve(listener, app).await
}
