//! Functions of the PubNub dialect: compiled as they are deployed, run by their driver against a
//! scripted host.

mod limits;
mod modules;
mod results;
mod snapshots;
mod tampering;
mod triggers;

use std::sync::{Arc, LazyLock, Mutex};

use compiler::{Compiler, Failure as Refusal, StackMapper};
use sandbox::{Answer, Capability, Failure, Invocation, Outcome, Pending, Program};
use serde_json::{Value, json};

use crate::harness;

static COMPILER: LazyLock<Compiler> = LazyLock::new(|| compiler::Options::default().build());

/// What a script answers to an operation: the value and bytes.
type Script = dyn Fn(&str, &Value) -> (Value, Vec<u8>) + Send + Sync;

/// A host that answers by a script and notes what it is asked.
struct Host {
    script: Box<Script>,
    asked: Mutex<Vec<(String, Value, String)>>,
}

impl Host {
    fn answer(&self, op: &str, arg: &str, data: &[u8]) -> Option<Answer> {
        if !op.starts_with("pubnub.") {
            return None;
        }
        let arg: Value = serde_json::from_str(arg).unwrap();
        let (value, bytes) = (self.script)(op, &arg);
        let body = String::from_utf8_lossy(data).into_owned();
        self.asked.lock().unwrap().push((op.to_owned(), arg, body));
        Some(Ok((value.to_string(), bytes)))
    }
}

impl Capability for Host {
    fn call(&self, op: &str, arg: &str, data: &[u8]) -> Option<Answer> {
        self.answer(op, arg, data)
    }

    fn start(&self, op: &str, arg: &str, data: &[u8]) -> Option<Pending> {
        let answer = self.answer(op, arg, data)?;
        Some(Box::pin(async move { answer }))
    }
}

/// An execution that is over.
struct Run {
    outcome: Outcome,
    /// Operation, argument, body, in their order, without those of the console.
    asked: Vec<(String, Value, String)>,
    /// Arguments of `pubnub.console`.
    printed: Vec<Value>,
    map: StackMapper,
}

impl Run {
    #[track_caller]
    fn text(&self) -> String {
        harness::text(&self.outcome)
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    fn value(&self) -> &Value {
        &self.outcome.result.as_ref().unwrap().value
    }

    /// The text of the failure, with places in the source.
    #[track_caller]
    fn failure(&self) -> String {
        match harness::failure(&self.outcome) {
            failure @ Failure::Threw(_) => self.map.map(&failure.to_string()),
            failure => panic!("{failure:?}"),
        }
    }

    #[track_caller]
    fn first_line(&self) -> String {
        self.failure().lines().next().unwrap_or_default().to_owned()
    }

    /// What was printed, as `level text`.
    fn lines(&self) -> Vec<String> {
        let line = |line: &Value| {
            format!(
                "{} {}",
                line["level"].as_str().unwrap(),
                line["text"].as_str().unwrap()
            )
        };
        self.printed.iter().map(line).collect()
    }
}

fn compile(code: &str) -> (Program, StackMapper) {
    match harness::run(COMPILER.compile_handler("handler.js", code)) {
        Ok(compiled) => (
            Program::javascript(compiled.code),
            StackMapper::parse(&compiled.source_map),
        ),
        Err(Refusal::Diagnostics(found)) => panic!("{}", found[0]),
        Err(refusal) => panic!("{refusal}"),
    }
}

fn run_with(
    code: &str,
    invocation: Invocation,
    script: impl Fn(&str, &Value) -> (Value, Vec<u8>) + Send + Sync + 'static,
) -> Run {
    let (program, map) = compile(code);
    let host = Arc::new(Host {
        script: Box::new(script),
        asked: Mutex::default(),
    });
    let mut invocation = invocation;
    invocation.capability = Some(host.clone());
    let outcome = harness::execute(&program, invocation);
    let all = std::mem::take(&mut *host.asked.lock().unwrap());
    let (printed, asked) = all
        .into_iter()
        .partition::<Vec<_>, _>(|(op, ..)| op == "pubnub.console");
    Run {
        outcome,
        asked,
        printed: printed.into_iter().map(|(_, arg, _)| arg).collect(),
        map,
    }
}

/// Runs a function against a host that answers nothing of use.
fn run(code: &str, invocation: Invocation) -> Run {
    run_with(code, invocation, |_, _| (json!({}), Vec::new()))
}

fn message(kind: &str, message: Value) -> Invocation {
    let event = json!({
        "message": message, "channels": ["chat.room"], "verb": "publish", "pubkey": "pub-c-1",
        "subkey": "sub-c-1", "version": "v1",
        "meta": { "clientip": "10.0.0.9", "origin": "ps.example.com", "useragent": "test", "custom": { "a": 1 } },
        "params": { "uuid": "ann", "auth": "secret", "pnsdk": "x" }, "uri": "/publish/pub-c-1/sub-c-1/0/chat.room/0",
    });
    Invocation::new(
        "pubnub",
        json!({ "type": kind, "event": event, "depth": 1 }),
        "",
    )
}

fn before(given: Value) -> Invocation {
    message("BEFORE_PUBLISH", given)
}

fn timer(kind: &str) -> Invocation {
    let event = json!({
        "timestamp": 1_700_000_000_000_u64, "interval": 5000, "pubkey": "pub-c-1",
        "subkey": "sub-c-1", "version": "v1",
    });
    Invocation::new(
        "pubnub",
        json!({ "type": kind, "event": event, "depth": 0 }),
        "",
    )
}

fn http(method: &str, query: &str, headers: Value, body: &str) -> Invocation {
    let event = json!({
        "method": method, "path": "/users/1", "query": query, "headers": headers,
        "pubkey": "pub-c-1", "subkey": "sub-c-1", "version": "v1",
        "meta": { "clientip": "10.0.0.9" }, "uri": format!("/users/1?{query}"),
    });
    let request = json!({ "type": "ON_REQUEST", "event": event, "depth": 0 });
    Invocation::new("pubnub", request, body.to_owned())
}

/// A function that answers HTTP with the value of an expression, or with the text of what it throws.
fn expression(code: &str) -> String {
    format!(
        "const text = (error) => `threw ${{error}}`;
export default async (request, response) => {{
  let value;
  try {{ value = await ({code}); }} catch (error) {{ value = text(error); }}
  return response.send(value === undefined ? 'undefined' : JSON.stringify(value));
}};"
    )
}

/// The value of an expression, with the host's script.
fn evaluate(
    code: &str,
    script: impl Fn(&str, &Value) -> (Value, Vec<u8>) + Send + Sync + 'static,
) -> Run {
    run_with(&expression(code), http("GET", "", json!([]), ""), script)
}
