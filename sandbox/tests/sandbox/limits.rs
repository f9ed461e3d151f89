//! Every limit: the breach is told clearly, and a neighbour that runs at the
//! same moment is unharmed.

use std::time::Duration;

use sandbox::{Cancel, Failure, Invocation, Outcome};

use crate::harness::{execute, failure, get, module, run, sandbox, text};

const NEIGHBOUR: &str = "
module.exports = async ({ res }) => {
  let sum = 0;
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (let j = 0; j < 1000; j++) sum += j;
  }
  return res.text(String(sum));
};";

/// Runs `code` twice at once beside a neighbour; gives one outcome of it.
#[track_caller]
fn beside_a_neighbour(code: &str, adjust: impl Fn(&mut Invocation)) -> Outcome {
    let (bad, good) = (module(code), module(NEIGHBOUR));
    let mut invocation = get("/");
    adjust(&mut invocation);
    let sandbox = sandbox();
    let (first, second, neighbour) = run(async move {
        tokio::join!(
            sandbox.execute(&bad, invocation.clone()),
            sandbox.execute(&bad, invocation),
            sandbox.execute(&good, get("/")),
        )
    });
    assert_eq!(text(&neighbour), "9990000");
    assert_eq!(
        first.result.as_ref().err(),
        second.result.as_ref().err(),
        "both tell the same"
    );
    first
}

fn short(invocation: &mut Invocation) {
    invocation.limits.wall = Duration::from_millis(300);
}

#[test]
fn endless_loop() {
    let outcome = beside_a_neighbour("module.exports = () => { for (;;) {} };", short);
    assert_eq!(failure(&outcome), &Failure::Timeout);
    assert_eq!(failure(&outcome).to_string(), "Execution timed out.");
    assert!(outcome.duration < Duration::from_secs(5));
}

#[test]
fn endless_loop_in_a_job_after_waiting() {
    let code = "module.exports = async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        for (;;) await null;
    };";
    let outcome = beside_a_neighbour(code, short);
    assert_eq!(failure(&outcome), &Failure::Timeout);
}

#[test]
fn waiting_too_long() {
    let code = "module.exports = () => new Promise((resolve) => setTimeout(resolve, 60000));";
    let outcome = beside_a_neighbour(code, short);
    assert_eq!(failure(&outcome), &Failure::Timeout);
}

#[test]
fn memory_bomb() {
    let code = "module.exports = () => { const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1)); };";
    let outcome = beside_a_neighbour(code, |it| it.limits.memory = 32 << 20);
    assert_eq!(failure(&outcome), &Failure::Memory { limit: 32 << 20 });
    assert_eq!(
        failure(&outcome).to_string(),
        "Memory limit of 32 MiB exceeded."
    );
}

#[test]
fn memory_within_the_limit_is_given() {
    let code = "module.exports = ({ res }) => { const all = new Uint8Array(20 << 20).fill(1); return res.text(String(all.length)); };";
    let mut invocation = get("/");
    invocation.limits.memory = 48 << 20;
    let outcome = execute(&module(code), invocation);
    assert_eq!(text(&outcome), "20971520");
    assert!(outcome.memory > 20 << 20 && outcome.memory <= 48 << 20);
}

#[test]
fn log_flood() {
    let code = "module.exports = ({ log, error, res }) => {
        for (let i = 0; i < 50000; i++) { log('line', i); error('oops', i); }
        return res.text('done');
    };";
    let outcome = beside_a_neighbour(code, |it| it.limits.logs = 10_000);
    assert_eq!(text(&outcome), "done");
    let warning = "[WARNING] Logs truncated. The output exceeded 10000 characters.\n";
    assert!(outcome.logs.starts_with(warning), "{}", &outcome.logs[..80]);
    assert!(outcome.logs.ends_with("line 49999\n"));
    assert!(outcome.logs.chars().count() <= 10_000);
    let warning = "[WARNING] Errors truncated. The output exceeded 10000 characters.\n";
    assert!(outcome.errors.starts_with(warning));
    assert!(outcome.errors.ends_with("oops 49999\n"));
}

#[test]
fn huge_response() {
    let code = "module.exports = ({ res }) => res.text('x'.repeat(3000000));";
    let outcome = beside_a_neighbour(code, |it| it.limits.output = 1 << 20);
    let Failure::OutputTooLarge { size, limit } = failure(&outcome) else {
        panic!("{:?}", outcome.result);
    };
    assert!(*size >= 3_000_000 && *limit == 1 << 20);
}

#[test]
fn deep_recursion() {
    let code = "module.exports = () => { const f = (n) => f(n + 1) + 1; return f(0); };";
    let outcome = beside_a_neighbour(code, |_| {});
    assert_eq!(failure(&outcome), &Failure::StackOverflow);
    assert_eq!(
        failure(&outcome).to_string(),
        "RangeError: Maximum call stack size exceeded"
    );
}

#[test]
fn recursion_of_a_sane_depth_is_fine() {
    let code = "module.exports = ({ res }) => { const f = (n) => n === 0 ? 0 : f(n - 1) + 1; return res.text(String(f(1500))); };";
    assert_eq!(text(&execute(&module(code), get("/"))), "1500");
}

#[test]
fn promise_that_never_settles() {
    let code = "module.exports = () => new Promise(() => {});";
    let outcome = beside_a_neighbour(code, |_| {});
    assert_eq!(failure(&outcome), &Failure::NeverSettled);
    assert!(
        outcome.duration < Duration::from_secs(10),
        "told at once, not at the wall-clock limit"
    );
}

#[test]
fn concurrency_of_an_owner() {
    let code = "module.exports = async ({ res }) => { await new Promise((r) => setTimeout(r, 200)); return res.text('ok'); };";
    let program = module(code);
    let mut invocation = get("/");
    invocation.owner = "function-1".into();
    invocation.limits.concurrency = 1;
    let mut other = invocation.clone();
    other.owner = "function-2".into();
    let sandbox = sandbox();
    let (first, second, other) = run(async move {
        tokio::join!(
            biased;
            sandbox.execute(&program, invocation.clone()),
            sandbox.execute(&program, invocation),
            sandbox.execute(&program, other),
        )
    });
    assert_eq!(text(&first), "ok");
    assert_eq!(failure(&second), &Failure::Concurrency { limit: 1 });
    assert_eq!(text(&other), "ok");
}

#[test]
fn cancel_ends_running_and_waiting_code() {
    for code in [
        "module.exports = () => { for (;;) {} };",
        "module.exports = () => new Promise((resolve) => setTimeout(resolve, 60000));",
    ] {
        let program = module(code);
        let cancel = Cancel::default();
        let mut invocation = get("/");
        invocation.cancel = cancel.clone();
        let sandbox = sandbox();
        let outcome = run(async move {
            let stop = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                cancel.cancel();
            };
            tokio::join!(sandbox.execute(&program, invocation), stop).0
        });
        assert_eq!(failure(&outcome), &Failure::Canceled);
    }
}

#[test]
fn nothing_of_one_execution_reaches_the_next() {
    let code = "
let count = 0;
module.exports = ({ req, res }) => {
  count += 1;
  const seen = [count, globalThis.left, [].left, typeof Array.prototype.map, JSON.stringify({ a: 1 }), process.env.LEFT];
  globalThis.left = 'global';
  Array.prototype.left = 'prototype';
  process.env.LEFT = 'env';
  delete Array.prototype.map;
  Object.prototype.toString = () => 'tampered';
  JSON.stringify = () => 'tampered';
  Promise.prototype.then = function () { return this; };
  return { body: seen.join(), statusCode: 200 };
};";
    let program = module(code);
    let calm = module(
        "module.exports = async ({ res }) => { await null; return res.json([1].map(String)); };",
    );
    for _ in 0..3 {
        // The tampered promises may keep the function itself from answering.
        let outcome = execute(&program, get("/"));
        if let Ok(response) = &outcome.result {
            assert_eq!(&response.body[..], b"1,,,function,{\"a\":1},");
        }
        assert_eq!(text(&execute(&calm, get("/"))), "[\"1\"]");
    }
}
