//! Times whole executions on both tiers, one after the other.
//!
//! `cargo run -p sandbox --example bench -- [rounds] [bundle.js]`

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::{Invocation, Options, Program};

const HELLO: &str = "(function () { return async ({ req, res, log }) => { log('hello', req.path); return res.json({ path: req.path, ok: true }); }; })";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let rounds: usize = args.next().map_or(Ok(2000), |text| text.parse())?;
    let code = match args.next() {
        Some(file) => std::fs::read_to_string(file)?,
        None => HELLO.to_owned(),
    };
    let cache = std::env::temp_dir().join("strata-sandbox-run");
    let started = Instant::now();
    let sandbox = Options::new(cache, [7; 32]).build().await?;
    println!("start {:?}, resident {}", started.elapsed(), resident());
    let program = Program::javascript(code);
    for own in [false, true] {
        if own {
            let started = Instant::now();
            let made = sandbox.specialise(&program, &Arc::default()).await?;
            println!("specialise {made:?} {:?}", started.elapsed());
        }
        let mut times = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let request = serde_json::json!({
                "method": "GET", "scheme": "http", "host": "localhost", "port": 80, "path": "/x",
                "queryString": "", "headers": { "user-agent": "bench", "accept": "*/*", "x-appwrite-trigger": "http" },
            });
            let invocation = Invocation::new("appwrite", request, "");
            let started = Instant::now();
            let outcome = sandbox.execute(&program, invocation).await;
            times.push(started.elapsed());
            outcome.result?;
        }
        times.sort();
        let at = |part: f64| times[((rounds - 1) as f64 * part) as usize];
        let sum: Duration = times.iter().sum();
        println!(
            "tier {}: min {:?} median {:?} mean {:?} p99 {:?}, resident {}",
            u8::from(own),
            times[0],
            at(0.5),
            sum / u32::try_from(rounds)?,
            at(0.99),
            resident()
        );
    }
    Ok(())
}

/// Resident memory of this process.
fn resident() -> String {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .map_or_else(|| "unknown".to_owned(), |rest| rest.trim().to_owned())
}
