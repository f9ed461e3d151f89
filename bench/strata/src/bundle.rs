//! The compiler on a project with an npm package, from the archive's files to
//! the bundle with its source map.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use compiler::{Compiler, Options, Request, Source};
use serde_json::{Map, Value};
use workload::{Arguments, Clock, Timings};

pub async fn run(arguments: &Arguments) -> anyhow::Result<Map<String, Value>> {
    let folder = PathBuf::from(arguments.text("source", "../../examples/orders"));
    let source = read(&folder)?;
    let cache = PathBuf::from(arguments.text("cache", "cache"));
    let builds = arguments.number("builds", 20);
    let options = |memory| Options {
        cache: Some(cache.clone()),
        memory,
        ..Options::default()
    };
    // A process that has this project's modules in memory, and one that has
    // the packages on its disk only.
    let warm = Options::build(options(Options::default().memory));
    let cold = Options::build(options(0));
    let mut values = Map::new();
    for (name, compiler) in [("warm", warm), ("files", cold)] {
        let mut timings = Timings::default();
        let mut size = 0;
        for _ in 0..3 {
            size = build(&compiler, &source).await?;
        }
        let clock = Clock::start();
        for _ in 0..builds {
            let started = Instant::now();
            build(&compiler, &source).await?;
            timings.add(started.elapsed());
        }
        let mut summary = timings.summary(&clock);
        summary.insert("bytes".to_owned(), size.into());
        values.insert(name.to_owned(), summary.into());
    }
    Ok(values)
}

async fn build(compiler: &Compiler, source: &Source) -> anyhow::Result<u64> {
    let request = Request {
        source,
        entrypoint: "src/main.ts",
        commands: "npm install",
        provided: &[],
        require_default_export: true,
    };
    let bundle = compiler.compile(request, &|_| {}).await;
    let bundle = bundle.map_err(|failure| anyhow!("the project does not build: {failure}"))?;
    Ok(bundle.code.len() as u64)
}

fn read(folder: &Path) -> anyhow::Result<Source> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = std::fs::read_dir(&next);
        for entry in entries.with_context(|| format!("cannot read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            files.push((name, std::fs::read(&path)?));
        }
    }
    Ok(Source::from_files(files))
}
