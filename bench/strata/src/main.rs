//! The benchmarks of Strata's own crates, one subcommand each. Prints one line
//! of JSON.

mod bundle;
mod commands;
mod fill;
mod lists;
mod rebuild;

use workload::Arguments;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read();
    let values = match arguments.command.as_str() {
        "commands" => commands::run(&arguments).await?,
        "rebuild" => rebuild::run(&arguments).await?,
        "fill" => fill::run(&arguments).await?,
        "lists" => lists::run(&arguments).await?,
        "bundle" => bundle::run(&arguments).await?,
        other => anyhow::bail!("there is no benchmark {other:?}"),
    };
    workload::report(values);
    Ok(())
}
