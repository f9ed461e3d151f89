//! Stand-ins: a transport that answers from a list, a host whose time does not pass by itself.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use connectors::credentials::Credentials;
use connectors::{Failure, Host, Request, Response, Transport};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The moment at which the tests take place.
pub(crate) const NOW: &str = "2026-01-02T03:04:05Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        other => panic!("{other} is not an object"),
    }
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        map.insert(name, value.parse().unwrap());
    }
    Response {
        status,
        headers: map,
        body: body.as_bytes().to_vec(),
    }
}

/// Gives the answers in order and keeps the requests.
#[derive(Default)]
pub(crate) struct Answers {
    answers: Mutex<VecDeque<Result<Response, Failure>>>,
    requests: Mutex<Vec<Request>>,
}

impl Answers {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<Response, Failure>>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            requests: Mutex::default(),
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Answers {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        answer.expect("no more requests than answers")
    }
}

/// A host that passes time only by sleeping.
#[derive(Default)]
pub(crate) struct Place {
    pub(crate) slept: Mutex<Vec<Duration>>,
    pub(crate) reloads: Mutex<VecDeque<Option<Credentials>>>,
    nonces: Mutex<u32>,
}

#[async_trait]
impl Host for Place {
    fn now(&self) -> Timestamp {
        let slept: Duration = self.slept.lock().unwrap().iter().sum();
        now().checked_add(slept).unwrap()
    }

    fn nonce(&self) -> String {
        let mut nonces = self.nonces.lock().unwrap();
        *nonces += 1;
        format!("nonce{nonces:011}")
    }

    async fn sleep(&self, duration: Duration) {
        self.slept.lock().unwrap().push(duration);
    }

    async fn reload(&self) -> Option<Credentials> {
        let next = self.reloads.lock().unwrap().pop_front();
        next.expect("no more looks than expected")
    }
}
