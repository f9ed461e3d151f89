//! A table of outcomes and waits.

use std::time::Duration;

use connectors::retry::{Outcome, Policy};
use connectors::{CallConfig, Catalogue, Failure};
use serde_json::{Value, json};

use crate::fake::{answer, now};

/// Provider, call, attempts so far, status, headers, seconds to wait.
type Case = (
    &'static str,
    Value,
    u32,
    u16,
    &'static [(&'static str, &'static str)],
    Option<f64>,
);

#[test]
fn answers_are_tried_again_after_a_wait() {
    let three = || json!({"endpoint": "x", "retries": 3});
    // 2026-01-02T03:04:05Z is 1767323045.
    let cases: Vec<Case> = vec![
        ("linear", json!({"endpoint": "x"}), 1, 500, &[], None),
        ("linear", three(), 1, 500, &[], Some(3.0)),
        ("linear", three(), 2, 503, &[], Some(6.0)),
        ("linear", three(), 3, 429, &[], Some(12.0)),
        ("linear", three(), 4, 500, &[], None),
        (
            "linear",
            json!({"endpoint": "x", "retries": 20}),
            15,
            500,
            &[],
            Some(600.0),
        ),
        ("linear", three(), 1, 404, &[], None),
        ("linear", three(), 1, 200, &[], None),
        (
            "linear",
            json!({"endpoint": "x", "retries": 3, "retryOn": [404]}),
            1,
            404,
            &[],
            Some(3.0),
        ),
        (
            "linear",
            json!({"endpoint": "x", "retries": 3, "retryOn": [200]}),
            1,
            200,
            &[],
            None,
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("retry-after", "7")],
            Some(7.0),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("retry-after", "0.5")],
            Some(0.5),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("retry-after", "Fri, 02 Jan 2026 03:05:05 GMT")],
            Some(60.0),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("retry-after", "Fri, 02 Jan 2026 03:00:00 GMT")],
            Some(0.0),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("retry-after", "soon")],
            Some(3.0),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("retry-after", "-5")],
            Some(3.0),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("retry-after", "3600")],
            Some(3600.0),
        ),
        ("linear", three(), 1, 429, &[("retry-after", "3601")], None),
        // The provider's headers: `at` of linear in seconds or milliseconds, `after` of datadog.
        (
            "linear",
            three(),
            1,
            429,
            &[("x-ratelimit-requests-reset", "1767323075")],
            Some(30.0),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("x-ratelimit-requests-reset", "1767323075000")],
            Some(30.0),
        ),
        (
            "linear",
            three(),
            1,
            429,
            &[("x-ratelimit-requests-reset", "1767323000")],
            Some(0.0),
        ),
        (
            "datadog",
            three(),
            1,
            429,
            &[("x-ratelimit-reset", "9")],
            Some(9.0),
        ),
        // The call's own come first.
        (
            "datadog",
            json!({"endpoint": "x", "retries": 1, "retryHeader": {"after": "X-Wait"}}),
            1,
            429,
            &[
                ("x-ratelimit-reset", "9"),
                ("x-wait", "4"),
                ("retry-after", "5"),
            ],
            Some(4.0),
        ),
        (
            "datadog",
            json!({"endpoint": "x", "retries": 1, "retryHeader": {"at": "x-at"}}),
            1,
            429,
            &[("x-at", "1767323055")],
            Some(10.0),
        ),
        // A list of the provider's own takes the place of the usual one.
        ("stripe", three(), 1, 409, &[], Some(3.0)),
        ("stripe", three(), 1, 501, &[], None),
        (
            "stripe",
            json!({"endpoint": "x", "retries": 1, "retryOn": [501]}),
            1,
            501,
            &[],
            Some(3.0),
        ),
        // A 403 of GitHub is one thing with calls left, and another without.
        (
            "github",
            three(),
            1,
            403,
            &[("x-ratelimit-remaining", "12")],
            None,
        ),
        (
            "github",
            three(),
            1,
            403,
            &[
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "1767323050"),
            ],
            Some(5.0),
        ),
        (
            "github",
            three(),
            1,
            403,
            &[("retry-after", "60")],
            Some(60.0),
        ),
    ];
    let catalogue = Catalogue::built_in();
    for (provider, call, attempt, status, headers, expected) in cases {
        let call: CallConfig = serde_json::from_value(call).unwrap();
        let response = answer(status, headers, "");
        let policy = Policy::new(&call, catalogue.get(provider).unwrap());
        let outcome = Outcome::Response {
            status,
            headers: &response.headers,
            renewed: false,
        };
        let wait = policy.next(attempt, outcome, now());
        let expected = expected.map(Duration::from_secs_f64);
        assert_eq!(
            wait, expected,
            "{provider} {call:?} {attempt} {status} {headers:?}"
        );
    }
}

#[test]
fn a_401_is_tried_again_with_other_credentials_only() {
    let catalogue = Catalogue::built_in();
    let call = serde_json::from_value(json!({"endpoint": "x", "retries": 3})).unwrap();
    let policy = Policy::new(&call, catalogue.get("linear").unwrap());
    let headers = http::HeaderMap::new();
    for (renewed, expected) in [(false, None), (true, Some(Duration::from_secs(3)))] {
        let outcome = Outcome::Response {
            status: 401,
            headers: &headers,
            renewed,
        };
        assert_eq!(policy.next(1, outcome, now()), expected);
    }
}

#[test]
fn failures_of_the_network_are_tried_again() {
    let catalogue = Catalogue::built_in();
    let call = serde_json::from_value(json!({"endpoint": "x", "retries": 2})).unwrap();
    let policy = Policy::new(&call, catalogue.get("linear").unwrap());
    let passing = [
        (Failure::Reset, "ECONNRESET"),
        (Failure::TimedOut, "ETIMEDOUT"),
        (Failure::Aborted, "ECONNABORTED"),
        (Failure::Refused, "ECONNREFUSED"),
        (Failure::Unreachable, "EHOSTUNREACH"),
        (Failure::Name, "EAI_AGAIN"),
    ];
    for (failure, code) in passing {
        assert_eq!(failure.code(), code);
        let wait = policy.next(2, Outcome::Failure(&failure), now());
        assert_eq!(wait, Some(Duration::from_secs(6)), "{code}");
        assert_eq!(policy.next(3, Outcome::Failure(&failure), now()), None);
    }
    let other = Failure::Other("blocked".to_owned());
    assert_eq!(policy.next(1, Outcome::Failure(&other), now()), None);
}
