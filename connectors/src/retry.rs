//! When a call is tried again, and after how long.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::call::CallConfig;
use crate::provider::{Provider, RetrySettings};
use crate::transport::Failure;

/// The first wait; it doubles.
const FIRST: Duration = Duration::from_secs(3);
/// The longest wait of our own.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// The longest wait that a provider may ask for. One that wants more is not tried again: whoever
/// calls is gone by then.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// What a call and its provider say about trying again.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    config: &'a CallConfig,
    provider: Option<&'a RetrySettings>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// With an answer.
    Response {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: &'a HeaderMap,
        /// For a 401: whether a fresh look at the connection brought other credentials.
        renewed: bool,
    },
    /// Without.
    Failure(&'a Failure),
}

impl<'a> Policy<'a> {
    /// The policy of `config` with `provider`.
    #[must_use]
    pub fn new(config: &'a CallConfig, provider: &'a Provider) -> Self {
        Self {
            config,
            provider: provider
                .proxy
                .as_ref()
                .and_then(|proxy| proxy.retry.as_ref()),
        }
    }

    /// How long to wait before the next attempt; nothing when there is to be none. `attempt` is
    /// the number of attempts so far, 1 after the first.
    #[must_use]
    pub fn next(&self, attempt: u32, outcome: Outcome<'_>, now: Timestamp) -> Option<Duration> {
        if attempt == 0 || attempt > self.config.retries {
            return None;
        }
        match outcome {
            Outcome::Failure(failure) => failure.is_passing().then(|| doubled(attempt)),
            Outcome::Response {
                status,
                headers,
                renewed,
            } => {
                if !self.is_retryable(status, headers) || (status == 401 && !renewed) {
                    return None;
                }
                let wait = self.asked(headers, now).unwrap_or_else(|| doubled(attempt));
                (wait <= LONGEST_ASKED).then_some(wait)
            }
        }
    }

    /// Whether a status is worth another attempt at all.
    #[must_use]
    pub fn is_retryable(&self, status: u16, headers: &HeaderMap) -> bool {
        if (200..300).contains(&status) {
            return false;
        }
        if self
            .config
            .retry_on
            .as_ref()
            .is_some_and(|list| list.contains(&status))
        {
            return true;
        }
        let Some(codes) = self.provider.and_then(|retry| retry.error_code.as_ref()) else {
            return status >= 500 || status == 429 || status == 401;
        };
        if !codes.0.contains(&status) {
            return false;
        }
        // Such as a 403, which means two things to some.
        let left = self
            .provider
            .and_then(|retry| retry.remaining.as_deref())
            .and_then(|name| number(headers, name));
        status >= 429 || left.is_none_or(|left| left == 0)
    }

    /// The wait that the answer asks for: by the call's headers, the provider's, `retry-after`.
    fn asked(&self, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
        let call = self.config.retry_header.as_ref();
        let call = call.map(|own| (own.at.as_deref(), own.after.as_deref()));
        let provider = self
            .provider
            .map(|own| (own.at.as_deref(), own.after.as_deref()));
        [call, provider, Some((None, Some("retry-after")))]
            .into_iter()
            .flatten()
            .find_map(|(at, after)| {
                at.and_then(|name| until(headers, name, now))
                    .or_else(|| after.and_then(|name| wait(headers, name, now)))
            })
    }
}

/// 3, 6, 12 … seconds, at most ten minutes.
fn doubled(attempt: u32) -> Duration {
    FIRST
        .saturating_mul(2_u32.saturating_pow(attempt - 1))
        .min(LONGEST)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// The time until the moment in a header: seconds since 1970, or milliseconds if that would lie
/// thousands of years ahead, or a date.
fn until(headers: &HeaderMap, name: &str, now: Timestamp) -> Option<Duration> {
    let text = text(headers, name)?;
    let moment = match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => {
            let seconds = if number > 1e11 {
                number / 1000.0
            } else {
                number
            };
            let since = Duration::try_from_secs_f64(seconds).ok()?;
            Timestamp::UNIX_EPOCH.checked_add(since).ok()?
        }
        Ok(_) => return None,
        Err(_) => date(text)?,
    };
    // A moment that has passed asks for no wait.
    Some(Duration::try_from(moment.duration_since(now)).unwrap_or_default())
}

/// The time in a header: seconds, with or without a fraction, or an HTTP date.
fn wait(headers: &HeaderMap, name: &str, now: Timestamp) -> Option<Duration> {
    let text = text(headers, name)?;
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => {
            let left = date(text)?.duration_since(now);
            Some(Duration::try_from(left).unwrap_or_default())
        }
    }
}

/// An HTTP date (RFC 9110, 5.6.7, the preferred form), or RFC 3339.
fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .map(|date| date.timestamp())
        .ok()
        .or_else(|| text.parse().ok())
}
