//! Outbound HTTP: where functions may send requests, and sending them.
//!
//! Every request passes the same checks, and so does every hop of a redirect:
//! the scheme, the allow-list of the project, and the address. Names are
//! resolved once and the connection goes to the very address that was checked,
//! so that a name that changes its mind between check and use gains nothing.

mod client;
mod fetch;
mod network;

use std::time::Duration;

pub(crate) use client::Clients;
pub use fetch::{Access, Redirect, Request, Response};
pub use network::Network;

/// Where a project's functions may send requests, and how large and slow the
/// answers may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Hosts that may be asked: a name, or `*.` and a name for all names below
    /// it. `None` = any host.
    pub hosts: Option<Vec<String>>,
    /// Networks that are reachable although they are not public.
    pub networks: Vec<Network>,
    /// `host:port` pairs that are reachable wherever they are, for example the
    /// platform's own API.
    pub endpoints: Vec<String>,
    /// Time for one request with all its redirects.
    pub timeout: Duration,
    /// Largest body of a request, in bytes.
    pub request_limit: usize,
    /// Largest body of a response, in bytes, after decompression.
    pub response_limit: usize,
    /// Redirects followed for one request.
    pub redirects: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            hosts: None,
            networks: Vec::new(),
            endpoints: Vec::new(),
            timeout: Duration::from_secs(30),
            request_limit: 20 << 20,
            response_limit: 20 << 20,
            redirects: 20,
        }
    }
}

/// Why a request was not sent, or gave no response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be parsed or has another scheme.
    #[error("the URL cannot be used: {0}")]
    Url(String),
    /// The host is not on the allow-list.
    #[error("the host {0} is not on the allow-list")]
    Host(String),
    /// The address is not public.
    #[error("{0} is not a public address; requests to private networks are refused")]
    Private(String),
    /// The name has no address.
    #[error("the name {0} cannot be resolved")]
    Name(String),
    /// More bytes than the policy lets out.
    #[error("the request body is larger than {0} bytes")]
    RequestTooLarge(usize),
    /// More bytes than the policy lets in.
    #[error("the response body is larger than {0} bytes")]
    ResponseTooLarge(usize),
    /// Too many redirects.
    #[error("more than {0} redirects")]
    Redirects(usize),
    /// A redirect where there must be none.
    #[error("unexpected redirect")]
    UnexpectedRedirect,
    /// No answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The exchange failed; the client's own words.
    #[error("{0}")]
    Http(String),
}

impl Policy {
    /// Whether requests may go to this host (a name in lower case, or an address).
    pub(crate) fn allows_host(&self, host: &str) -> bool {
        let Some(hosts) = &self.hosts else {
            return true;
        };
        hosts.iter().any(|allowed| {
            let allowed = allowed.to_ascii_lowercase();
            match allowed.strip_prefix("*.") {
                Some(parent) => host
                    .strip_suffix(parent)
                    .is_some_and(|rest| rest.ends_with('.')),
                None => host == allowed,
            }
        })
    }

    /// Whether this is one of the platform's own endpoints.
    pub(crate) fn is_endpoint(&self, host: &str, port: u16) -> bool {
        let authority = format!("{host}:{port}");
        self.endpoints
            .iter()
            .any(|endpoint| endpoint.eq_ignore_ascii_case(&authority))
    }
}

#[cfg(test)]
mod tests {
    use super::Policy;

    #[test]
    fn allow_lists() {
        let policy = Policy {
            hosts: Some(vec!["api.example.com".into(), "*.Trusted.org".into()]),
            ..Policy::default()
        };
        for (host, allowed) in [
            ("api.example.com", true),
            ("example.com", false),
            ("x.api.example.com", false),
            ("a.trusted.org", true),
            ("a.b.trusted.org", true),
            ("trusted.org", false),
            ("nottrusted.org", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(policy.allows_host(host), allowed, "{host}");
        }
    }
}
