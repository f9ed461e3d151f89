//! An aggregate of this program's own, as the guide of cqrs-es has it.

use std::collections::HashMap;
use std::sync::Arc;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::{Pool, Postgres};

use crate::Result;

/// What was paid in, in cents.
#[derive(Default, Serialize, Deserialize)]
struct Account {
    balance: u64,
    payments: u64,
}

/// What may be asked of an account.
enum Command {
    /// Pays in several amounts at once: they are one transaction.
    Deposit(Vec<u64>),
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Event {
    Deposited { amount: u64, balance: u64 },
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        "Deposited".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

/// Why a command was refused.
#[derive(Debug, thiserror::Error)]
#[error("an amount is zero")]
struct NothingPaid;

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = Command;
    type Event = Event;
    type Error = NothingPaid;
    type Services = ();

    async fn handle(
        &mut self,
        Command::Deposit(amounts): Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> std::result::Result<(), NothingPaid> {
        for amount in amounts {
            if amount == 0 {
                return Err(NothingPaid);
            }
            let balance = self.balance + amount;
            sink.write(Event::Deposited { amount, balance }, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, Event::Deposited { balance, .. }: Event) {
        self.balance = balance;
        self.payments += 1;
    }
}

/// Appends to `streams` accounts at the same time, each with `commands`
/// commands of one, two or three events in turn. Returns how many events.
pub async fn append(pool: Pool<Postgres>, streams: u64, commands: u64) -> Result<u64> {
    let framework = Arc::new(postgres_cqrs::<Account>(pool, Vec::new(), ()));
    let mut tasks = Vec::new();
    for stream in 0..streams {
        let framework = Arc::clone(&framework);
        tasks.push(tokio::spawn(async move {
            fill(&framework, &format!("account-{stream}"), commands).await
        }));
    }
    let mut appended = 0;
    for task in tasks {
        appended += task.await??;
    }
    Ok(appended)
}

async fn fill(framework: &PostgresCqrs<Account>, id: &str, commands: u64) -> Result<u64> {
    let mut appended = 0;
    for number in 0..commands {
        let amounts: Vec<u64> = (0..=number % 3).map(|cents| 100 + cents).collect();
        appended += amounts.len() as u64;
        let metadata = HashMap::from([("teller".to_owned(), format!("teller-{}", number % 7))]);
        framework
            .execute_with_metadata(id, Command::Deposit(amounts), metadata)
            .await?;
    }
    Ok(appended)
}
