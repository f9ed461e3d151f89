//! Writing what another journal held.

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::fault::unavailable;
use super::rows::{self, signed};
use super::{Options, schema, write};
use crate::batch::{Plan, Tip};
use crate::{Command, Error, Event, Position, Restore};

struct Restoring {
    connection: PgConnection,
    tip: Tip,
}

impl Options {
    /// Connects to write into the database what another journal held. Brings
    /// its tables up to date first.
    pub async fn restore(self) -> Result<Box<dyn Restore>, Error> {
        let options = schema::options(&self.url)?;
        schema::run(&options).await.map_err(unavailable)?;
        let connect = async {
            let mut connection = PgConnection::connect_with(&options).await?;
            schema::make_durable(&mut connection).await?;
            let tip = rows::tip(&mut connection).await?;
            Ok(Restoring { connection, tip })
        };
        Ok(Box::new(connect.await.map_err(unavailable)?))
    }
}

#[async_trait::async_trait]
impl Restore for Restoring {
    fn end(&self) -> (Position, [u8; 32]) {
        (self.tip.position, self.tip.hash)
    }

    async fn events(&mut self, events: Vec<Event>) -> Result<(), Error> {
        let plan = Plan::restored(self.tip, events)?;
        if plan.is_empty() {
            return Ok(());
        }
        let written = write::append(&mut self.connection, "restore", self.tip, &plan);
        if !written.await.map_err(unavailable)? {
            let reason = "PostgreSQL: somebody else appends to this journal".to_owned();
            return Err(Error::Unavailable(reason));
        }
        self.tip = plan.tip();
        Ok(())
    }

    async fn commands(&mut self, commands: Vec<Command>) -> Result<(), Error> {
        let mut ids = Vec::with_capacity(commands.len());
        let mut fingerprints = Vec::with_capacity(commands.len());
        let mut numbers: [Vec<i64>; 4] = Default::default();
        for command in &commands {
            let appended = &command.appended;
            ids.push(command.id.as_str());
            fingerprints.push(&command.fingerprint[..]);
            numbers[0].push(signed(appended.first));
            numbers[1].push(signed(appended.last));
            numbers[2].push(signed(appended.sequence));
            numbers[3].push(appended.recorded_at);
        }
        let [first, last, sequence, recorded_at] = numbers;
        sqlx::query(
            "INSERT INTO commands (command_id, fingerprint, first, last, sequence, recorded_at)
             SELECT * FROM unnest(
                 $1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]
             ) ON CONFLICT DO NOTHING",
        )
        .bind(ids)
        .bind(fingerprints)
        .bind(first)
        .bind(last)
        .bind(sequence)
        .bind(recorded_at)
        .execute(&mut self.connection)
        .await
        .map(|_| ())
        .map_err(unavailable)
    }
}
