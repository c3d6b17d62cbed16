//! The REST API, as requests and answers.

mod accounts;
mod linked;
mod refusals;
mod requests;
mod things;
