//! The only way out: a trait that somebody else implements.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, Method};
use url::Url;

/// One HTTP request, complete with credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute URL, `http` or `https`.
    pub url: Url,
    /// Headers, names in lower case.
    pub headers: HeaderMap,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
}

/// Shows neither the query nor header values nor the body: each may hold a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body", &self.body.as_ref().map(Vec::len))
            .finish()
    }
}

/// The answer to a request, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is in 200–299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no answer. [`Failure::code`] is the name that Node.js gives to it, which is what
/// callers of the dialect look for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The peer closed the connection in the middle.
    #[error("the connection was reset")]
    Reset,
    /// No answer in time.
    #[error("the request timed out")]
    TimedOut,
    /// The connection was given up while the request was under way.
    #[error("the request was aborted")]
    Aborted,
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// No route to the host.
    #[error("the host is unreachable")]
    Unreachable,
    /// The name could not be resolved at this time.
    #[error("the name could not be resolved")]
    Name,
    /// Anything else; trying again does not help.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The error code by which Node.js knows this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reset => "ECONNRESET",
            Self::TimedOut => "ETIMEDOUT",
            Self::Aborted => "ECONNABORTED",
            Self::Refused => "ECONNREFUSED",
            Self::Unreachable => "EHOSTUNREACH",
            Self::Name => "EAI_AGAIN",
            Self::Other(_) => "ERR_NETWORK",
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

/// Sends requests. An implementation decides which addresses may be reached, how long to wait,
/// and whether redirects are followed.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when there is no complete answer. A status of any kind is an answer.
    async fn send(&self, request: Request) -> Result<Response, Failure>;
}
