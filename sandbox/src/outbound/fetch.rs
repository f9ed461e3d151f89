//! The operation `fetch`.

use std::error::Error as _;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::network::allowed;
use super::{Clients, Error, Policy};
use crate::capability::Pending;

/// Headers that belong to the connection, not to the function.
const OWN: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
];

/// A way out: for one execution, or for the platform itself. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    clients: Arc<Clients>,
    policy: Arc<Policy>,
    connections: Arc<Semaphore>,
}

/// A request to send.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Request {
    /// Where to; `http` or `https`.
    pub url: String,
    /// The method, upper case.
    pub method: String,
    /// Names and values; those that belong to the connection are left out.
    pub headers: Vec<(String, String)>,
    /// What to do with a redirect.
    #[serde(default)]
    pub redirect: Redirect,
    /// Whether it has a body, even an empty one.
    #[serde(default)]
    pub body: bool,
}

/// What becomes of a redirect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redirect {
    /// It is followed; credentials stay behind when the origin changes.
    #[default]
    Follow,
    /// It is the response.
    Manual,
    /// It is an error.
    Error,
}

/// A response, received as a whole.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Its usual phrase.
    pub status_text: &'static str,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Where it came from.
    pub url: String,
    /// Whether a redirect was followed.
    pub redirected: bool,
    /// The body, decompressed.
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl Access {
    /// A way out by `policy`, with this many requests in flight at one moment.
    pub(crate) fn new(clients: Arc<Clients>, policy: Arc<Policy>, connections: usize) -> Self {
        Self {
            clients,
            policy,
            connections: Arc::new(Semaphore::new(connections.max(1))),
        }
    }

    /// Sends the request that `arg` describes (JSON) with `body`.
    pub(crate) fn fetch(&self, arg: &str, body: Vec<u8>) -> Pending {
        let request = serde_json::from_str::<Request>(arg);
        let access = self.clone();
        Box::pin(async move {
            let request = request.map_err(|error| format!("TypeError: {error}"))?;
            let response = access.send(request, body).await;
            let mut response = response.map_err(|error| error.to_string())?;
            let body = std::mem::take(&mut response.body);
            let head = serde_json::to_string(&response).map_err(|error| error.to_string())?;
            Ok((head, body))
        })
    }

    /// Sends a request within the time and the sizes of the policy.
    ///
    /// # Errors
    /// When it is not allowed, not answered, or larger than the policy says.
    pub async fn send(&self, request: Request, body: Vec<u8>) -> Result<Response, Error> {
        let timeout = self.policy.timeout;
        let work = self.exchange(request, body);
        let answer = tokio::time::timeout(timeout, work).await;
        answer.unwrap_or(Err(Error::Timeout(timeout)))
    }

    async fn exchange(&self, request: Request, body: Vec<u8>) -> Result<Response, Error> {
        // More requests than allowed wait for their turn.
        let _turn = self.connections.acquire().await;
        if body.len() > self.policy.request_limit {
            return Err(Error::RequestTooLarge(self.policy.request_limit));
        }
        let mut url = Url::parse(&request.url).map_err(|error| Error::Url(error.to_string()))?;
        let mut method = Method::from_bytes(request.method.as_bytes())
            .map_err(|error| Error::Http(error.to_string()))?;
        let mut headers = headers(&request.headers)?;
        let mut body = request.body.then(|| bytes::Bytes::from(body));
        let mut hops = 0;
        loop {
            let client = self.client(&url)?;
            let mut sending = client
                .request(method.clone(), url.clone())
                .headers(headers.clone());
            if let Some(body) = &body {
                sending = sending.body(body.clone());
            }
            let response = sending.send().await.map_err(|error| cause(&error))?;
            let status = response.status();
            let Some(next) = target(&response, &url) else {
                return self.receive(response, hops > 0).await;
            };
            match request.redirect {
                Redirect::Manual => return self.receive(response, hops > 0).await,
                Redirect::Error => return Err(Error::UnexpectedRedirect),
                Redirect::Follow => {}
            }
            hops += 1;
            if hops > self.policy.redirects {
                return Err(Error::Redirects(self.policy.redirects));
            }
            let next = next?;
            let becomes_get = match status {
                StatusCode::SEE_OTHER => method != Method::GET && method != Method::HEAD,
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
                _ => false,
            };
            if becomes_get {
                method = Method::GET;
                body = None;
                for name in [
                    "content-type",
                    "content-encoding",
                    "content-language",
                    "content-location",
                ] {
                    headers.remove(name);
                }
            }
            if next.origin() != url.origin() {
                for name in ["authorization", "cookie", "proxy-authorization"] {
                    headers.remove(name);
                }
            }
            url = next;
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Sends one request as it is, without following redirects; the body of
    /// the response is not bounded here.
    pub(crate) async fn forward(
        &self,
        url: &str,
        method: Method,
        mut headers: HeaderMap,
        body: bytes::Bytes,
    ) -> Result<reqwest::Response, Error> {
        let _turn = self.connections.acquire().await;
        let url = Url::parse(url).map_err(|error| Error::Url(error.to_string()))?;
        for name in OWN {
            headers.remove(name);
        }
        let client = self.client(&url)?;
        let mut sending = client.request(method, url).headers(headers);
        if !body.is_empty() {
            sending = sending.body(body);
        }
        sending.send().await.map_err(|error| cause(&error))
    }

    /// Checks where a hop goes; gives the client that may take it there.
    fn client(&self, url: &Url) -> Result<Client, Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::Url(format!(
                "the scheme {} is not supported",
                url.scheme()
            )));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(0);
        if self.policy.is_endpoint(&host, port) {
            return Ok(self.clients.unguarded());
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if !self.policy.allows_host(bare) {
            return Err(Error::Host(host));
        }
        // An address needs no resolution, so that no resolver sees it.
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        if address.is_some_and(|address| !allowed(address, &self.policy.networks)) {
            return Err(Error::Private(host));
        }
        self.clients
            .guarded(&self.policy.networks)
            .map_err(|error| Error::Http(error.to_string()))
    }

    async fn receive(
        &self,
        mut response: reqwest::Response,
        redirected: bool,
    ) -> Result<Response, Error> {
        let limit = self.policy.response_limit;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), latin1(value)))
            .collect();
        let mut received = Response {
            status: response.status().as_u16(),
            status_text: response.status().canonical_reason().unwrap_or(""),
            headers,
            url: response.url().to_string(),
            redirected,
            body: Vec::new(),
        };
        let body = &mut received.body;
        while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(Error::ResponseTooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(received)
    }
}

/// Where a redirect leads; `None` when the response is none.
fn target(response: &reqwest::Response, url: &Url) -> Option<Result<Url, Error>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get("location")?;
    let next = url
        .join(&latin1(location))
        .map_err(|error| Error::Url(error.to_string()));
    Some(next)
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::Http(format!("the header name {name} is not valid")))?;
        if OWN.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
            continue;
        }
        // The prelude has made sure that there is nothing beyond Latin-1.
        let bytes: Vec<u8> = value
            .chars()
            .map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?'))
            .collect();
        let value = HeaderValue::from_bytes(&bytes)
            .map_err(|_| Error::Http(format!("the value of the header {name} is not valid")))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

/// The innermost cause of a client's error: what the author can act on.
fn cause(error: &reqwest::Error) -> Error {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        told = inner.to_string();
        next = inner.source();
    }
    Error::Http(told)
}
