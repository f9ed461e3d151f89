//! `fetch` and its guards, against servers of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sandbox::outbound::Policy;
use sandbox::{Invocation, Outcome};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{execute, get, module, run, text};

/// A server on the loopback address; `answer` makes the raw response from the
/// raw request. Gives the port and a count of requests.
pub fn serve(
    answer: impl Fn(&str) -> (Duration, Vec<u8>) + Send + Sync + 'static,
) -> (u16, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = Arc::new(answer);
    let listener = run(async { TcpListener::bind("127.0.0.1:0").await.unwrap() });
    let port = listener.local_addr().unwrap().port();
    let accept = async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (answer, count) = (answer.clone(), count.clone());
            tokio::spawn(async move {
                let mut request = vec![0; 64 << 10];
                let read = stream.read(&mut request).await.unwrap_or(0);
                if read == 0 {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let (wait, response) = answer(&String::from_utf8_lossy(&request[..read]));
                tokio::time::sleep(wait).await;
                let _ = stream.write_all(&response).await;
                let _ = stream.shutdown().await;
            });
        }
    };
    run(async move {
        tokio::spawn(accept);
    });
    (port, asked)
}

fn response(status: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for header in headers {
        text += header;
        text += "\r\n";
    }
    (text + "\r\n" + body).into_bytes()
}

pub fn echo(request: &str) -> (Duration, Vec<u8>) {
    (
        Duration::ZERO,
        response("200 OK", &["x-a: 1", "x-a: 2"], request),
    )
}

/// May reach the loopback address of the test's own servers.
pub fn open() -> Policy {
    Policy {
        networks: vec!["127.0.0.1".parse().unwrap()],
        ..Policy::default()
    }
}

fn with(policy: Policy) -> Invocation {
    let mut invocation = get("/");
    invocation.outbound = Arc::new(policy);
    invocation
}

/// Fetches with the given JavaScript arguments; status and body, or the error.
fn fetch(arguments: &str, policy: Policy) -> Outcome {
    let code = format!(
        "module.exports = async ({{ res }}) => {{
            try {{
                const response = await fetch({arguments});
                return res.json({{ status: response.status, redirected: response.redirected, url: response.url,
                    headers: [...response.headers], body: await response.text() }});
            }} catch (error) {{
                return res.json({{ error: error.name, cause: String(error.cause?.message ?? error.message) }});
            }}
        }};"
    );
    execute(&module(&code), with(policy))
}

fn value(outcome: &Outcome) -> Value {
    serde_json::from_str(&text(outcome)).unwrap()
}

#[track_caller]
fn assert_refused(arguments: &str, policy: Policy, word: &str) {
    let value = value(&fetch(arguments, policy));
    assert_eq!(value["error"], "TypeError", "{arguments}: {value}");
    let cause = value["cause"].as_str().unwrap();
    assert!(cause.contains(word), "{arguments}: {cause}");
}

#[test]
fn method_headers_and_body_arrive_and_the_response_comes_back() {
    let (port, _) = serve(echo);
    let arguments = format!(
        "'http://127.0.0.1:{port}/p?q=1', {{ method: 'PUT', headers: {{ 'X-Mine': 'yes', Host: 'elsewhere' }}, body: 'payload' }}"
    );
    let value = value(&fetch(&arguments, open()));
    assert_eq!(value["status"], 200);
    let seen = value["body"].as_str().unwrap().to_lowercase();
    assert!(seen.starts_with("put /p?q=1 http/1.1\r\n"), "{seen}");
    assert!(
        seen.contains("x-mine: yes") && seen.ends_with("payload"),
        "{seen}"
    );
    assert!(seen.contains(&format!("host: 127.0.0.1:{port}")), "{seen}");
    assert!(!seen.contains("elsewhere"));
    let headers = value["headers"].to_string();
    assert!(headers.contains(r#"["x-a","1, 2"]"#), "{headers}");
}

#[test]
fn requests_run_at_the_same_time() {
    let (port, asked) = serve(|_| (Duration::from_millis(400), response("200 OK", &[], "slow")));
    let code = format!(
        "module.exports = async ({{ res }}) => {{
            const all = await Promise.all([1, 2, 3, 4].map(() => fetch('http://127.0.0.1:{port}/').then((r) => r.text())));
            return res.text(all.join());
        }};"
    );
    let started = Instant::now();
    let outcome = execute(&module(&code), with(open()));
    assert_eq!(text(&outcome), "slow,slow,slow,slow");
    assert!(
        started.elapsed() < Duration::from_millis(1200),
        "one after the other takes 1600 ms"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[test]
fn private_addresses_are_refused_however_they_are_written() {
    let (port, asked) = serve(echo);
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
    ] {
        assert_refused(
            &format!("'http://{host}:{port}/'"),
            Policy::default(),
            "not a public address",
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn redirects_are_checked_on_every_hop() {
    let (inner, inner_asked) = serve(echo);
    let (port, _) = serve(move |request| {
        let to = request.split_whitespace().nth(1).unwrap();
        let location = match to {
            "/private" => "location: http://169.254.169.254/latest".to_owned(),
            "/name" => format!("location: http://localhost:{inner}/"),
            "/scheme" => "location: file:///etc/passwd".to_owned(),
            "/loop" => "location: /loop".to_owned(),
            _ => format!("location: http://127.0.0.1:{inner}/landed"),
        };
        (Duration::ZERO, response("302 Found", &[&location], ""))
    });
    let to = |path: &str, init: &str| format!("'http://127.0.0.1:{port}{path}', {init}");
    assert_refused(&to("/private", "{}"), open(), "not a public address");
    assert_refused(&to("/scheme", "{}"), open(), "scheme");
    assert_refused(&to("/loop", "{}"), open(), "more than 20 redirects");
    assert_refused(&to("/x", "{ redirect: 'error' }"), open(), "redirect");

    let init = "{ method: 'POST', body: 'b', headers: { authorization: 'secret', 'x-kept': '1' } }";
    let landed = value(&fetch(&to("/x", init), open()));
    assert_eq!(landed["redirected"], true);
    let seen = landed["body"].as_str().unwrap();
    assert!(
        seen.starts_with("GET /landed"),
        "a POST becomes a GET: {seen}"
    );
    assert!(
        !seen.contains("secret"),
        "another origin gets no credentials: {seen}"
    );
    assert!(seen.contains("x-kept"));

    let manual = value(&fetch(&to("/x", "{ redirect: 'manual' }"), open()));
    assert_eq!(manual["status"], 302);

    let before = inner_asked.load(Ordering::SeqCst);
    let only = Policy {
        hosts: Some(vec!["127.0.0.1".into()]),
        ..open()
    };
    assert_refused(&to("/name", "{}"), only, "allow-list");
    assert_eq!(inner_asked.load(Ordering::SeqCst), before);
}

#[test]
fn allow_list_and_endpoints() {
    let (port, _) = serve(echo);
    let url = format!("'http://127.0.0.1:{port}/'");
    let other = Policy {
        hosts: Some(vec!["api.example.com".into()]),
        ..open()
    };
    assert_refused(&url, other.clone(), "allow-list");
    // The platform's own endpoint is reachable by host and port, nothing else there is.
    let endpoint = Policy {
        endpoints: vec![format!("127.0.0.1:{port}")],
        networks: Vec::new(),
        ..other
    };
    assert_eq!(value(&fetch(&url, endpoint.clone()))["status"], 200);
    assert_refused("'http://127.0.0.1:1/'", endpoint, "allow-list");
    assert_refused("'ftp://example.com/'", open(), "scheme");
}

#[test]
fn size_and_time_are_limited() {
    let (port, _) = serve(|request| {
        let wait = if request.starts_with("GET /slow") {
            5000
        } else {
            0
        };
        (
            Duration::from_millis(wait),
            response("200 OK", &[], &"x".repeat(200_000)),
        )
    });
    let small = Policy {
        response_limit: 100_000,
        request_limit: 1000,
        timeout: Duration::from_millis(300),
        ..open()
    };
    assert_refused(
        &format!("'http://127.0.0.1:{port}/'"),
        small.clone(),
        "larger than 100000 bytes",
    );
    assert_refused(
        &format!("'http://127.0.0.1:{port}/slow'"),
        small.clone(),
        "no answer within 300 ms",
    );
    let big = format!("'http://127.0.0.1:{port}/', {{ method: 'POST', body: 'x'.repeat(2000) }}");
    assert_refused(&big, small, "larger than 1000 bytes");
}

#[test]
fn connections_of_one_execution_are_limited() {
    let (port, _) = serve(|_| (Duration::from_millis(150), response("200 OK", &[], "ok")));
    let code = format!(
        "module.exports = async ({{ res }}) => {{
            const all = await Promise.all([1, 2, 3, 4].map(() => fetch('http://127.0.0.1:{port}/').then((r) => r.text())));
            return res.text(all.join());
        }};"
    );
    let mut invocation = with(open());
    invocation.limits.connections = 1;
    let outcome = execute(&module(&code), invocation);
    assert_eq!(text(&outcome), "ok,ok,ok,ok", "they wait for their turn");
    assert!(outcome.duration >= Duration::from_millis(600));
}

#[test]
fn an_aborted_request_does_not_hold_the_function() {
    let (port, _) = serve(|_| (Duration::from_secs(20), response("200 OK", &[], "late")));
    let arguments = format!("'http://127.0.0.1:{port}/', {{ signal: AbortSignal.timeout(50) }}");
    let outcome = fetch(&arguments, open());
    assert_eq!(value(&outcome)["error"], json!("TimeoutError"));
    assert!(outcome.duration < Duration::from_secs(10));
}
