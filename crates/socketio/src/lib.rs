//! Socket.IO server for tokio: namespaces, rooms, acks and adapters for clients of socket.io 1.x to 4.x.
#![forbid(unsafe_code)]
