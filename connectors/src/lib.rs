//! Other people's HTTP APIs: who they are, how to log in, how to call them.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`catalogue`], [`provider`] | the providers: base URLs, auth modes, header templates, retry and pagination defaults |
//! | [`credentials`], [`client`] | what a connection and an integration hold; reading, checking, showing |
//! | [`template`] | `${apiKey}`, `${connectionConfig.x}`, `a || b` |
//! | [`call`], [`request`] | from the configuration of a call to an authenticated request |
//! | [`retry`], [`send`] | when to try again, and the loop that does |
//! | [`token`] | getting and renewing access tokens |
//! | [`transport`] | the only way out: a trait that somebody else implements |
//!
//! Nothing here reads a clock, draws a random number, opens a socket or stores anything: time and
//! nonces come with a [`Stamp`], HTTP goes through a [`Transport`].

mod auth;
pub mod call;
pub mod catalogue;
pub mod client;
pub mod credentials;
mod encoding;
pub mod issue;
pub mod provider;
pub mod request;
pub mod retry;
pub mod send;
pub mod template;
pub mod token;
pub mod transport;

pub use call::CallConfig;
pub use catalogue::Catalogue;
pub use client::Client;
pub use credentials::Credentials;
pub use issue::Issue;
pub use provider::{AuthMode, Provider};
pub use request::{Stamp, Target, build};
pub use send::{Exchange, Host, send};
pub use token::Fresh;
pub use transport::{Failure, Request, Response, Transport};
