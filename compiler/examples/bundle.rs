//! Bundles a folder, several times, and says how long each time took:
//! `cargo run --release -p compiler --example bundle -- <folder> <entrypoint> [times] [output]`.

use std::{path::Path, time::Instant};

use compiler::{Options, Request, Source};

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            files.push((name.to_owned(), std::fs::read(&path)?));
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, entrypoint, rest @ ..] = arguments.as_slice() else {
        return Err("usage: bundle <folder> <entrypoint> [times] [output]".into());
    };
    let mut files = Vec::new();
    collect(Path::new(folder), Path::new(folder), &mut files)?;
    let source = Source::from_files(files);
    let compiler = Options {
        cache: std::env::var_os("STRATA_COMPILER_CACHE").map(Into::into),
        ..Options::default()
    }
    .build();
    let times: u32 = rest.first().map_or(Ok(1), |times| times.parse())?;
    for _ in 0..times {
        let started = Instant::now();
        let request = Request {
            source: &source,
            entrypoint,
            commands: "",
            provided: &[],
            require_default_export: true,
        };
        let bundle = match compiler.compile(request, &|line| println!("{line}")).await {
            Ok(bundle) => bundle,
            Err(failure) => {
                println!("{failure}");
                std::process::exit(1);
            }
        };
        println!(
            "{:.2} ms, {} modules, {} bytes, map {} bytes",
            started.elapsed().as_secs_f64() * 1000.0,
            bundle.modules,
            bundle.code.len(),
            bundle.source_map.len()
        );
        if let Some(output) = rest.get(1) {
            std::fs::write(output, &bundle.code)?;
            std::fs::write(format!("{output}.map"), &bundle.source_map)?;
        }
    }
    Ok(())
}
