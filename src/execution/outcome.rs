//! From the sandbox's outcome to what is recorded and answered.

use bytes::Bytes;
use sandbox::Failure;

/// An outcome taken apart.
pub(super) struct Parts {
    pub(super) status_code: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// Why it failed, raw: stacks are not mapped yet.
    pub(super) failure: Option<String>,
    pub(super) reason: &'static str,
}

impl Parts {
    pub(super) fn of(result: Result<sandbox::Response, Failure>) -> Self {
        match result {
            Ok(response) => {
                let status_code = response.value["statusCode"]
                    .as_u64()
                    .and_then(|code| u16::try_from(code).ok())
                    .unwrap_or(500);
                Self {
                    status_code,
                    headers: headers(&response.value["headers"]),
                    body: response.body,
                    failure: None,
                    reason: "ok",
                }
            }
            Err(failure) => Self {
                status_code: match failure {
                    Failure::Load { .. } => 503,
                    _ => 500,
                },
                headers: Vec::new(),
                body: Bytes::new(),
                reason: reason(&failure),
                failure: Some(failure.to_string()),
            },
        }
    }
}

fn headers(value: &serde_json::Value) -> Vec<(String, String)> {
    let pairs = value.as_array().map_or(&[][..], Vec::as_slice);
    pairs
        .iter()
        .filter_map(|pair| {
            let name = pair.get(0)?.as_str()?;
            let value = pair.get(1)?.as_str()?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn reason(failure: &Failure) -> &'static str {
    match failure {
        Failure::Timeout => "timeout",
        Failure::Memory { .. } => "memory",
        Failure::OutputTooLarge { .. } => "output",
        Failure::StackOverflow => "stack",
        Failure::Load { .. } => "load",
        Failure::Threw(_) => "threw",
        Failure::NoResponse(_) => "no_response",
        Failure::NeverSettled => "never_settled",
        Failure::Concurrency { .. } => "concurrency",
        Failure::Canceled => "canceled",
        Failure::Internal(_) => "internal",
    }
}
