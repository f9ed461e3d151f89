//! The way to other people's HTTP APIs: by the same checks as those of functions.

use std::time::Duration;

use async_trait::async_trait;
use connectors::{Failure, Request, Response, Transport};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use sandbox::outbound::{self, Access, Redirect};

/// Sends requests of the platform.
#[derive(Clone)]
pub struct Outbound(pub Access);

#[async_trait]
impl Transport for Outbound {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| {
                let value = value.as_bytes().iter().copied().map(char::from).collect();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let asked = outbound::Request {
            url: request.url.to_string(),
            method: request.method.to_string(),
            headers,
            redirect: Redirect::Follow,
            body: request.body.is_some(),
        };
        let answer = self.0.send(asked, request.body.unwrap_or_default()).await;
        let answer = answer.map_err(|error| failure(&error))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &answer.headers {
            let bytes: Vec<u8> = value.chars().map(|c| c as u32 as u8).collect();
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_bytes(&bytes),
            ) {
                headers.append(name, value);
            }
        }
        Ok(Response {
            status: answer.status,
            headers,
            body: answer.body,
        })
    }
}

/// The failure that Node.js would report.
pub fn failure(error: &outbound::Error) -> Failure {
    match error {
        outbound::Error::Timeout(_) => Failure::TimedOut,
        outbound::Error::Name(_) => Failure::Name,
        outbound::Error::Http(cause) => {
            let cause = cause.to_ascii_lowercase();
            let holds = |text: &str| cause.contains(text);
            if holds("refused") {
                Failure::Refused
            } else if holds("reset") || holds("closed") || holds("broken pipe") || holds("eof") {
                Failure::Reset
            } else if holds("unreachable") || holds("no route") {
                Failure::Unreachable
            } else if holds("dns") || holds("resolve") || holds("lookup") {
                Failure::Name
            } else if holds("timed out") {
                Failure::TimedOut
            } else {
                Failure::Other(error.to_string())
            }
        }
        error => Failure::Other(error.to_string()),
    }
}

/// Now.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Letters and digits that were never given before.
pub fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Waits.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
