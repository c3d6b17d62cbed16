//! Sans-IO Socket.IO protocol core: packets, acks, attachments and the connection state machine of protocols 4 and 5.
#![forbid(unsafe_code)]
