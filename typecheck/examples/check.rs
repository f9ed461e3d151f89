//! Checks files in turn, as often as asked, and prints their errors and how long each check took:
//! `check EXECUTABLE WORKSPACE TIMES FILE…`.

use std::{collections::BTreeSet, env, fs, time::Instant};

use typecheck::Options;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [executable, workspace, times, files @ ..] = arguments.as_slice() else {
        return Err("check EXECUTABLE WORKSPACE TIMES FILE…".into());
    };
    let times: u32 = times.parse()?;
    let checker = Options::new(executable, workspace).build();
    let mut found = BTreeSet::new();
    for (time, file) in (0..times).flat_map(|time| files.iter().map(move |file| (time, file))) {
        // A comment makes each text a new one.
        let text = format!("{}\n// {time}\n", fs::read_to_string(file)?);
        let start = Instant::now();
        let errors = checker.check(&[("function.ts".to_owned(), text)]).await?;
        eprintln!("{:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
        for one in errors {
            found.insert(format!(
                "{file}({},{}): error TS{}: {}",
                one.line, one.column, one.code, one.message
            ));
        }
    }
    for one in found {
        println!("{one}");
    }
    Ok(())
}
