//! Engine.IO server for tokio: long-polling, WebSocket and upgrade over hyper and tokio-tungstenite.
#![forbid(unsafe_code)]
