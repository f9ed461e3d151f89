//! One sandbox and one runtime for all tests of this process.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use sandbox::{Env, Failure, Invocation, Options, Outcome, Program, Sandbox};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(4)
        .build()
        .unwrap()
});

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    // Kept between runs, so that the engine is built once per version.
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox-cache");
    for entry in std::fs::read_dir(&cache).into_iter().flatten().flatten() {
        // Snapshots of an earlier run would be taken instead of made.
        let name = entry.file_name();
        if ["own-", "refused-"]
            .iter()
            .any(|kind| name.to_string_lossy().starts_with(kind))
        {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    // On a thread of its own: the first to ask may be within the runtime.
    let build = move || run(Options::new(cache, [7; 32]).build()).unwrap();
    std::thread::spawn(build).join().unwrap()
});

pub fn run<T: Send + 'static>(work: impl Future<Output = T> + Send) -> T {
    RUNTIME.block_on(work)
}

pub fn sandbox() -> Sandbox {
    SANDBOX.clone()
}

/// A program from the text of a CommonJS module; its first line is the
/// bundle's first line.
pub fn module(code: &str) -> Program {
    Program::javascript(format!(
        "(function (__platform) {{ const module = {{ exports: {{}} }}; (function (require, module, exports) {{ {code}\n}})(__platform.require, module, module.exports); return module.exports; }})"
    ))
}

pub fn get(path: &str) -> Invocation {
    request(json!({ "method": "GET", "path": path }))
}

pub fn request(parts: Value) -> Invocation {
    let mut request = json!({
        "method": "GET", "scheme": "http", "host": "localhost", "port": 80,
        "path": "/", "queryString": "", "headers": {},
    });
    for (name, value) in parts.as_object().unwrap() {
        request[name] = value.clone();
    }
    Invocation::new("appwrite", request, "")
}

pub fn env(vars: &[(&str, &str)], secrets: &[(&str, &str)]) -> Arc<Env> {
    let map = |list: &[(&str, &str)]| {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    Arc::new(Env::new(map(vars), map(secrets)))
}

pub fn execute(program: &Program, invocation: Invocation) -> Outcome {
    let (sandbox, program) = (sandbox(), program.clone());
    run(async move { sandbox.execute(&program, invocation).await })
}

/// The text of a response's body.
#[track_caller]
pub fn text(outcome: &Outcome) -> String {
    match &outcome.result {
        Ok(response) => String::from_utf8(response.body.to_vec()).unwrap(),
        Err(failure) => panic!(
            "{failure}\nlogs: {}\nerrors: {}",
            outcome.logs, outcome.errors
        ),
    }
}

#[track_caller]
pub fn failure(outcome: &Outcome) -> &Failure {
    outcome.result.as_ref().expect_err("a failure")
}
