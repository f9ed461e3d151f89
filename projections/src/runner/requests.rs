//! What followers ask of the leader, through rows of `requests`.

use tokio::sync::oneshot;

use super::Runner;
use crate::Error;
use crate::db::{Database, Value};
use crate::models::DEFINITIONS;
use crate::store::fenced;

type Answer = Result<(), Error>;

/// Requests of other nodes that are being carried out.
#[derive(Default)]
pub(super) struct Requests(Vec<(i64, oneshot::Receiver<Answer>)>);

impl Runner {
    /// Begins with what has been asked since the last look.
    pub(super) fn take_requests(&mut self) -> Result<(), Error> {
        if self.lease.is_none() {
            return Ok(());
        }
        let mut asked: Vec<(i64, String)> = Vec::new();
        let sql = "SELECT id, names FROM requests WHERE answer IS NULL ORDER BY id";
        self.db.query(sql, &[], &mut |record| {
            asked.push((record.integer(0)?, record.text(1)?.to_owned()));
            Ok(true)
        })?;
        for (id, names) in asked {
            if self.requests.0.iter().any(|(known, _)| *known == id) {
                continue;
            }
            let wanted: Vec<&str> = names.split(',').collect();
            let slots = (0..DEFINITIONS.len())
                .filter(|slot| wanted.contains(&DEFINITIONS[*slot].name))
                .collect();
            let (reply, answer) = oneshot::channel();
            self.requests.0.push((id, answer));
            self.queue_rebuild(slots, reply);
        }
        Ok(())
    }

    /// Writes down what has come of requests.
    pub(super) fn answer_requests(&mut self) -> Result<(), Error> {
        let mut open = Vec::new();
        for (id, mut answer) in std::mem::take(&mut self.requests.0) {
            match answer.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => open.push((id, answer)),
                // Whoever leads next does it.
                Err(oneshot::error::TryRecvError::Closed) | Ok(Err(Error::Fenced)) => {}
                Ok(answer) => {
                    let values: [Value; 2] = [written(&answer).into(), id.into()];
                    fenced(&mut *self.db, self.epoch, |db| {
                        db.execute("UPDATE requests SET answer = ?1 WHERE id = ?2", &values)
                    })?;
                }
            }
        }
        self.requests.0 = open;
        Ok(())
    }
}

/// Asks the leader for a rebuild; returns the number of the request.
pub(super) fn ask(db: &mut dyn Database, slots: &[usize]) -> Result<i64, Error> {
    let names: Vec<&str> = slots.iter().map(|slot| DEFINITIONS[*slot].name).collect();
    let mut id = 0;
    db.query(
        "INSERT INTO requests (names) VALUES (?1) RETURNING id",
        &[names.join(",").into()],
        &mut |record| {
            id = record.integer(0)?;
            Ok(true)
        },
    )?;
    Ok(id)
}

/// What has come of a request; none: nothing yet.
pub(super) fn answer(db: &mut dyn Database, id: i64) -> Result<Option<Answer>, Error> {
    let mut found = None;
    let sql = "SELECT answer FROM requests WHERE id = ?1 AND answer IS NOT NULL";
    db.query(sql, &[id.into()], &mut |record| {
        found = Some(read(record.text(0)?));
        Ok(true)
    })?;
    Ok(found)
}

const DONE: &str = "done";
const REBUILDING: &str = "rebuilding ";

fn written(answer: &Answer) -> String {
    match answer {
        Ok(()) => DONE.to_owned(),
        Err(Error::Rebuilding(name)) => format!("{REBUILDING}{name}"),
        Err(error) => error.to_string(),
    }
}

fn read(text: &str) -> Answer {
    match (text, text.strip_prefix(REBUILDING)) {
        (DONE, _) => Ok(()),
        (_, Some(name)) => Err(Error::Rebuilding(name.to_owned())),
        (reason, None) => Err(Error::Refused(reason.to_owned())),
    }
}
