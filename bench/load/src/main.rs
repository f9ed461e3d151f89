//! Sends requests to a server on this machine and counts, one kind of load for
//! each subcommand. Prints one line of JSON.

mod commands;
mod connection;
mod deploys;
mod lists;
mod requests;

use workload::Arguments;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read();
    let values = match arguments.command.as_str() {
        "requests" => requests::run(&arguments).await?,
        "commands" => commands::run(&arguments).await?,
        "lists" => lists::run(&arguments).await?,
        "deploys" => deploys::run(&arguments).await?,
        other => return Err(format!("there is no load {other:?}").into()),
    };
    workload::report(values);
    Ok(())
}
