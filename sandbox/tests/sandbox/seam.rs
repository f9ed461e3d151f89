//! The seam that every answer of the host passes.

use std::sync::{Arc, Mutex};

use sandbox::{Answer, Answered, Capability, Pending, Recorder};

use crate::harness::{execute, get, module, text};

struct Store;

impl Capability for Store {
    fn call(&self, op: &str, arg: &str, data: &[u8]) -> Option<Answer> {
        (op == "kv.size").then(|| Ok((format!("[{arg},{}]", data.len()), vec![7])))
    }

    fn start(&self, op: &str, arg: &str, _: &[u8]) -> Option<Pending> {
        let arg = arg.to_owned();
        let answer: Pending = match op {
            "kv.get" => Box::pin(async move { Ok((format!("{{\"got\":{arg}}}"), Vec::new())) }),
            "kv.fail" => Box::pin(async { Err("RangeError: no such key".to_owned()) }),
            _ => return None,
        };
        Some(answer)
    }
}

#[derive(Default)]
struct Tape(Mutex<Vec<String>>);

impl Recorder for Tape {
    fn answered(&self, answer: Answered<'_>) {
        let line = match answer {
            Answered::Call(op, arg, answer) => format!("call {op} {arg} {}", answer.is_ok()),
            Answered::Completed(id, answer) => format!("completed {id} {answer:?}"),
            Answered::Now(_) => "now".to_owned(),
            Answered::Wall(_) => "wall".to_owned(),
        };
        self.0.lock().unwrap().push(line);
    }
}

#[test]
fn a_dialect_adds_operations_and_a_recorder_hears_every_answer() {
    let code = "module.exports = async ({ res }) => {
        const S = globalThis.__strata;
        const size = S.call('kv.size', 'k', new Uint8Array(3));
        const got = await S.wait('kv.get', 'key');
        const failed = await S.wait('kv.fail').catch((error) => `${error.name} ${error.message}`);
        let unknown; try { S.call('no.such'); } catch (error) { unknown = error.message; }
        Date.now();
        performance.now();
        Math.random();
        crypto.getRandomValues(new Uint8Array(8));
        return res.json([size.value, [...size.data], got.value, failed, unknown]);
    };";
    let tape = Arc::new(Tape::default());
    let mut invocation = get("/");
    invocation.capability = Some(Arc::new(Store));
    invocation.recorder = Some(tape.clone());
    let outcome = execute(&module(code), invocation);
    assert_eq!(
        text(&outcome),
        r#"[["k",3],[7],{"got":"key"},"RangeError no such key","unknown operation no.such"]"#
    );
    let tape = tape.0.lock().unwrap();
    for expected in [
        "call kv.size \"k\" true",
        "completed 1 Ok((\"{\\\"got\\\":\\\"key\\\"}\", []))",
        "completed 2 Err(\"RangeError: no such key\")",
        "call no.such null false",
        "call seed null true",
        "call random {\"len\":8} true",
        "now",
        "wall",
    ] {
        assert!(
            tape.iter().any(|line| line == expected),
            "{expected} in {tape:?}"
        );
    }
}
