//! `xhr` and `vault`: what functions read from outside of the installation, and the secrets that
//! they do it with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sandbox::outbound::{self, Policy, Redirect};
use serde::Deserialize;
use serde_json::json;

use super::{Answered, Failed, Host, just, no, parse};
use crate::pubnub::secrets;

/// `xhr` calls in one execution.
const REQUESTS: u32 = 5;
/// `vault` calls in one execution.
const SECRETS: u32 = 10;
/// Calls of both for one keyset in a second.
const PER_SECOND: u32 = 100;
const LONGEST: Duration = Duration::from_secs(9);
const REDIRECTS: usize = 5;
const ANSWER: usize = 1 << 20;
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "OPTIONS", "DELETE", "PATCH"];

/// Calls of keysets in the second that runs. Cheap to clone.
#[derive(Clone, Default)]
pub struct Rate(Arc<Mutex<HashMap<u64, Counted>>>);

/// When a second began, and how many calls there were in it.
type Counted = (Option<Instant>, u32);

impl Rate {
    fn spend(&self, keyset: u64) -> Result<(), Failed> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, count) = known.entry(keyset).or_default();
        if begun.is_none_or(|begun| begun.elapsed() >= Duration::from_secs(1)) {
            (*begun, *count) = (Some(Instant::now()), 0);
        }
        if *count >= PER_SECOND {
            return Err(no(format!(
                "outbound calls exceeds: {PER_SECOND} per second"
            )));
        }
        *count += 1;
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Xhr {
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    timeout_ms: u64,
}

#[derive(Deserialize)]
struct Secret {
    name: String,
}

impl Host {
    pub(super) async fn vault_get(&self, arg: &str) -> Answered {
        let Secret { name } = parse(arg)?;
        self.spend("vault", SECRETS, |spent| &mut spent.vault)?;
        self.0.shared.rate.spend(self.0.call.keyset)?;
        self.note("vault.get", json!({ "name": name }), true);
        let (shared, project) = (&self.0.shared, &self.0.project);
        let value = secrets::get(shared, project, self.0.call.keyset, &name).await?;
        just(json!({ "value": value }))
    }

    pub(super) async fn xhr(&self, arg: &str, data: Vec<u8>) -> Answered {
        let xhr: Xhr = parse(arg)?;
        if !METHODS.contains(&xhr.method.as_str()) {
            return Err(no(format!("xhr: the method {} is not allowed", xhr.method)));
        }
        self.spend("xhr", REQUESTS, |spent| &mut spent.xhr)?;
        self.0.shared.rate.spend(self.0.call.keyset)?;
        let about = json!({ "method": xhr.method, "url": shown(&xhr.url) });
        self.note("xhr.fetch", about, true);
        let shared = &self.0.shared;
        let policy = Policy {
            timeout: Duration::from_millis(xhr.timeout_ms).min(LONGEST),
            response_limit: ANSWER,
            redirects: REDIRECTS,
            ..Policy::clone(&shared.outbound)
        };
        let access = shared.sandbox.outbound(Arc::new(policy), 1);
        let request = outbound::Request {
            url: xhr.url,
            body: !data.is_empty() || matches!(xhr.method.as_str(), "POST" | "PUT"),
            method: xhr.method,
            headers: xhr.headers,
            redirect: Redirect::Follow,
        };
        let answer = access.send(request, data).await?;
        let value = json!({ "status": answer.status, "headers": answer.headers });
        Ok((value, answer.body))
    }
}

/// An address without what could be a credential.
fn shown(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut url) => {
            // Both fail only for addresses that have no host.
            let _ = url.set_password(None);
            let _ = url.set_username("");
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => String::new(),
    }
}
