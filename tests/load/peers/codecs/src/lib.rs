//! What is measured of the codecs: the same inputs through our parsers and through others'.
//!
//! Each function does one operation and returns something that depends on all of it.
#![forbid(unsafe_code)]

pub mod input;
pub mod ours;
pub mod paths;
pub mod socketioxide;
