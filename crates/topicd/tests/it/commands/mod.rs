//! The commands, with a server that runs on their data folder and without, and what signals do.

mod log;
mod operator;
mod settings;
mod signals;
