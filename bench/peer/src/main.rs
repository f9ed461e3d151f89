//! The benchmarks of plain cqrs-es, on sqlite-es and on postgres-es, one subcommand
//! each. Prints one line of JSON.

mod commands;
mod database;
mod postgres;
mod rebuild;
mod view;

use workload::Arguments;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read();
    let values = match arguments.command.as_str() {
        "commands" => commands::run(&arguments).await?,
        "rebuild" => rebuild::run(&arguments).await?,
        other => return Err(format!("there is no benchmark {other:?}").into()),
    };
    workload::report(values);
    Ok(())
}
