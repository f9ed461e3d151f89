//! The loop that sends a call until there is an answer to keep.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::call::CallConfig;
use crate::credentials::Credentials;
use crate::request::{self, Stamp, Target, build};
use crate::retry::{Outcome, Policy};
use crate::transport::{Failure, Request, Response, Transport};

/// What the loop needs of the place where it runs.
#[async_trait]
pub trait Host: Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// Letters and digits that were never given before, at least 16.
    fn nonce(&self) -> String;

    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// A fresh look at the connection after a 401: its credentials as they are now. Nothing if
    /// the look failed.
    async fn reload(&self) -> Option<Credentials>;
}

/// A call that was answered, whatever the status.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The last request, with credentials.
    pub request: Request,
    /// The answer to it.
    pub response: Response,
    /// The number of requests, 1 or more.
    pub attempts: u32,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no request to send.
    #[error(transparent)]
    Request(#[from] request::Error),
    /// The last attempt got no answer.
    #[error("no answer from {}", request.url.host_str().unwrap_or_default())]
    Failure {
        /// The request.
        request: Box<Request>,
        /// What happened.
        #[source]
        failure: Failure,
        /// The number of requests.
        attempts: u32,
    },
}

/// Sends `config` to `target`, and again as [`Policy`] says. Every attempt is built anew, with a
/// time and a nonce of its own, and after a 401 with the credentials that `host` has then.
///
/// # Errors
///
/// An [`Error`] when there is no answer. A status that is not tried again is an answer.
pub async fn send(
    transport: &dyn Transport,
    host: &dyn Host,
    target: Target<'_>,
    config: &CallConfig,
) -> Result<Exchange, Error> {
    let policy = Policy::new(config, target.provider);
    let mut renewed: Option<Credentials> = None;
    let mut attempts = 0;
    loop {
        let current = renewed.as_ref().unwrap_or(target.credentials);
        let target = Target {
            credentials: current,
            ..target
        };
        let stamp = Stamp {
            now: host.now(),
            nonce: host.nonce(),
        };
        let request = build(config, &target, &stamp)?;
        let result = transport.send(request.clone()).await;
        attempts += 1;

        let wait = match &result {
            Err(failure) => policy.next(attempts, Outcome::Failure(failure), host.now()),
            Ok(response) => {
                let looks = response.status == 401
                    && attempts <= config.retries
                    && policy.is_retryable(response.status, &response.headers);
                let fresh = if looks { host.reload().await } else { None };
                let fresh = fresh.filter(|fresh| fresh != current);
                let outcome = Outcome::Response {
                    status: response.status,
                    headers: &response.headers,
                    renewed: fresh.is_some(),
                };
                let wait = policy.next(attempts, outcome, host.now());
                renewed = fresh.or(renewed);
                wait
            }
        };
        match (wait, result) {
            (Some(wait), _) => host.sleep(wait).await,
            (None, Ok(response)) => {
                return Ok(Exchange {
                    request,
                    response,
                    attempts,
                });
            }
            (None, Err(failure)) => {
                return Err(Error::Failure {
                    request: Box::new(request),
                    failure,
                    attempts,
                });
            }
        }
    }
}
