//! The topicd binary: command line in, exit code out.
#![forbid(unsafe_code)]

fn main() {}
