//! A program that knows `postgres-es` and nothing of Strata.
//!
//! `foreign append URL STREAMS COMMANDS` appends to streams of its own through
//! `CqrsFramework` and prints how many events it appended; `foreign read URL
//! FUNCTION` prints the events of a function of Strata, one line of JSON each, and
//! then what they fold to.

mod account;
mod read;

use std::error::Error;

use postgres_es::default_postgress_pool;

const USAGE: &str = "foreign append URL STREAMS COMMANDS | foreign read URL FUNCTION";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["append", url, streams, commands] => {
            let pool = default_postgress_pool(url).await;
            let appended = account::append(pool, streams.parse()?, commands.parse()?).await?;
            println!("{appended}");
        }
        ["read", url, id] => {
            let pool = default_postgress_pool(url).await;
            for line in read::function(pool, id).await? {
                println!("{line}");
            }
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}
