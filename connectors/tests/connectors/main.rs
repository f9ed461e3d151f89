//! What the crate promises, from the outside.

mod catalogue;
mod credentials;
mod fake;
mod requests;
mod retry;
mod send;
mod signed;
mod tokens;
