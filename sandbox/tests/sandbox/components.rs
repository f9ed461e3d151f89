//! WebAssembly components that export `wasi:http/incoming-handler`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sandbox::outbound::Policy;
use sandbox::{Failure, Invocation, LoadError, Program, Specialised};
use serde_json::{Value, json};

use crate::harness::{env, execute, failure, request, run, sandbox, text};

static GUEST: LazyLock<Program> = LazyLock::new(|| Program::component(run(crate::guest::build())));

fn at(path: &str) -> Invocation {
    let mut invocation = request(json!({
        "method": "POST", "host": "fn.example.com", "port": 8080, "path": path,
        "headers": { "x-custom": "yes", "content-type": "text/plain" },
    }));
    invocation.body = "ünï".into();
    invocation
}

fn value(invocation: Invocation) -> Value {
    serde_json::from_str(&text(&execute(&GUEST, invocation))).unwrap()
}

#[test]
fn a_component_runs_like_any_function() {
    let program = GUEST.clone();
    let made = run(async move { sandbox().specialise(&program, &Arc::default()).await });
    assert_eq!(made.unwrap(), Specialised::Done);
    for _ in 0..2 {
        let mut invocation = at("/hello?x=1");
        invocation.env = env(&[("MODE", "a")], &[("TOKEN", "s3cret")]);
        let outcome = execute(&GUEST, invocation);
        let value: Value = serde_json::from_str(&text(&outcome)).unwrap();
        assert_eq!(
            value,
            json!({
                "method": "post", "path": "/hello?x=1", "authority": "fn.example.com:8080", "custom": "yes",
                "body": "ünï", "env": { "MODE": "a", "TOKEN": "s3cret" }, "count": 1,
            })
        );
        assert_eq!(outcome.logs, "path /hello?x=1\n");
        assert_eq!(outcome.errors, "an error line\n");
        let response = outcome.result.unwrap();
        assert_eq!(response.value["statusCode"], 201);
        assert_eq!(
            response.value["headers"],
            json!([["content-type", "application/json"]])
        );
    }
}

#[test]
fn limits_hold_for_components() {
    let limited = |path: &str| {
        let mut invocation = at(path);
        invocation.limits.wall = Duration::from_millis(500);
        invocation.limits.memory = 32 << 20;
        invocation.limits.output = 50_000;
        execute(&GUEST, invocation)
    };
    // The first one compiles, which takes longer than the limit on its own.
    text(&execute(&GUEST, at("/warm")));
    assert_eq!(failure(&limited("/loop")), &Failure::Timeout);
    let mut bomb = at("/bomb");
    bomb.limits.memory = 32 << 20;
    bomb.limits.wall = Duration::from_secs(60);
    assert_eq!(
        failure(&execute(&GUEST, bomb)),
        &Failure::Memory { limit: 32 << 20 }
    );
    assert!(matches!(
        failure(&limited("/big")),
        Failure::OutputTooLarge { limit: 50_000, .. }
    ));
    assert!(matches!(
        failure(&limited("/nothing")),
        Failure::NoResponse(_)
    ));
    let threw = limited("/throw");
    assert!(matches!(failure(&threw), Failure::Threw(_)), "{threw:?}");
    assert!(threw.errors.contains("on purpose"), "{}", threw.errors);
}

#[test]
fn outbound_requests_pass_the_same_guards() {
    let refused = value(at("/ask/127.0.0.1:9"));
    assert_eq!(refused["asked"], "destination-IP-prohibited");
    let mut invocation = at("/ask/api.example.com");
    invocation.outbound = Arc::new(Policy {
        hosts: Some(vec!["other.example.com".into()]),
        ..Policy::default()
    });
    assert_eq!(value(invocation)["asked"], "HTTP-request-denied");

    let (port, asked) = crate::outbound::serve(crate::outbound::echo);
    let mut invocation = at(&format!("/ask/127.0.0.1:{port}"));
    invocation.outbound = Arc::new(crate::outbound::open());
    assert_eq!(value(invocation)["asked"], "200");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn what_is_no_handler_is_told_at_load() {
    for wasm in [&b"not wasm at all"[..], &b"\0asm\x0d\0\x01\0"[..]] {
        let program = Program::component(wasm.to_vec());
        let outcome = execute(&program, at("/"));
        assert!(
            matches!(
                failure(&outcome),
                Failure::Load {
                    kind: LoadError::Signature,
                    ..
                }
            ),
            "{:?}",
            outcome.result
        );
        let smoke = run(async move { sandbox().smoke_test(&program, at("/")).await });
        assert!(smoke.is_err());
    }
}
