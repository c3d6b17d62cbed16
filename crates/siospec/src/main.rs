//! Conformance tests for Engine.IO and Socket.IO servers.
#![forbid(unsafe_code)]

fn main() {}
