//! Runs a bundle file once and prints how it ended.
//!
//! With `OWN=1` in the environment the last two runs are on tier 1.
//!
//! `cargo run -p sandbox --example run -- bundle.js [path] [body]`; `-` reads the
//! bundle from the standard input. A file that is no expression of the form
//! `(function (__platform) {…})` is taken as a CommonJS module.

use std::io::Read as _;
use std::time::Instant;

use sandbox::{Invocation, Options, Program};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let file = args.next().ok_or("usage: run <bundle.js> [path] [body]")?;
    let mut code = String::new();
    if file == "-" {
        std::io::stdin().read_to_string(&mut code)?;
    } else {
        code = std::fs::read_to_string(&file)?;
    }
    if !code.starts_with("(function") {
        code = format!(
            "(function (__platform) {{ const module = {{ exports: {{}} }}; (function (require, module, exports) {{ {code}\n}})(__platform.require, module, module.exports); return module.exports; }})"
        );
    }
    let cache = std::env::temp_dir().join("strata-sandbox-run");
    let started = Instant::now();
    let sandbox = Options::new(cache, [7; 32]).build().await?;
    eprintln!("sandbox: {:?}", started.elapsed());

    let request = serde_json::json!({
        "method": "GET",
        "scheme": "http",
        "host": "localhost",
        "port": 80,
        "path": args.next().unwrap_or_else(|| "/".into()),
        "queryString": "",
        "headers": {},
    });
    let body = args.next().unwrap_or_default();
    let program = Program::javascript(code);
    for round in 0..4 {
        if round == 2 && std::env::var_os("OWN").is_some() {
            let started = Instant::now();
            let made = sandbox
                .specialise(&program, &std::sync::Arc::default())
                .await?;
            eprintln!("specialise: {made:?} in {:?}", started.elapsed());
        }
        let invocation = Invocation::new("appwrite", request.clone(), body.clone());
        let outcome = sandbox.execute(&program, invocation).await;
        eprintln!(
            "{:?} on tier {:?}, {} KiB",
            outcome.duration,
            outcome.tier,
            outcome.memory >> 10
        );
        print!("{}", outcome.logs);
        eprint!("{}", outcome.errors);
        match outcome.result {
            Ok(response) => {
                println!("{}", response.value);
                println!("{}", String::from_utf8_lossy(&response.body));
            }
            Err(failure) => println!("FAILED: {failure}"),
        }
    }
    Ok(())
}
