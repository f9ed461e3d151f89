//! Builds trees and runs the bundles in Node.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::OnceLock,
};

use compiler::{Bundle, Compiler, Failure, Options, Request, Source};

/// Paths and contents.
pub type Files<'a> = &'a [(&'a str, &'a str)];

pub fn compiler() -> &'static Compiler {
    static COMPILER: OnceLock<Compiler> = OnceLock::new();
    COMPILER.get_or_init(|| Options::default().build())
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .unwrap()
        })
        .block_on(future)
}

pub fn compile(
    compiler: &Compiler,
    source: &Source,
    entrypoint: &str,
    commands: &str,
) -> (Result<Bundle, Failure>, String) {
    let log = std::sync::Mutex::new(String::new());
    let result = block_on(compiler.compile(
        Request {
            source,
            entrypoint,
            commands,
            provided: &["provided"],
            require_default_export: true,
        },
        &|line| {
            let mut log = log.lock().unwrap();
            log.push_str(line);
            log.push('\n');
        },
    ));
    (result, log.into_inner().unwrap())
}

pub fn bundle(files: Files<'_>, entrypoint: &str) -> Bundle {
    let source = Source::from_files(files.iter().map(|(path, text)| (*path, (*text).to_owned())));
    compile(compiler(), &source, entrypoint, "")
        .0
        .unwrap_or_else(|failure| panic!("{failure}"))
}

pub fn failure(files: Files<'_>, entrypoint: &str) -> String {
    let source = Source::from_files(files.iter().map(|(path, text)| (*path, (*text).to_owned())));
    match compile(compiler(), &source, entrypoint, "").0 {
        Ok(_) => panic!("the build did not fail: {files:?}"),
        Err(failure) => failure.to_string(),
    }
}

/// Calls the default export, or `module.exports` itself, and gives its result as JSON; a thrown
/// error gives its stack.
pub fn run(bundle: &Bundle) -> String {
    const MAIN: &str = r#"
        const node = require, vm = require("node:vm"), fs = require("node:fs");
        const platform = {
            require: (name) => {
                if (name === "provided") return { __esModule: true, default: "provided default", named: "provided name" };
                return node(name);
            },
        };
        (async () => {
            try {
                globalThis.require = undefined;
                const start = vm.runInThisContext(fs.readFileSync(0, "utf8"), { filename: "bundle.js" });
                const exports = await start(platform);
                const main = typeof exports === "function" ? exports : exports.default;
                const result = typeof main === "function" ? await main({}) : main;
                process.stdout.write(String(JSON.stringify(result)));
            } catch (error) {
                process.stdout.write("threw " + (error && error.stack || error));
            }
        })();
    "#;
    let mut child = Command::new("node")
        .args(["-e", MAIN])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(bundle.code.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
