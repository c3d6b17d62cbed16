//! Topic server with a REST API and live values over Socket.IO, compatible with the thethings.iO v2 realtime service.
#![forbid(unsafe_code)]
