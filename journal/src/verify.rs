//! Walking the hash chain.

use crate::{Error, Event, Journal, Position, chain};

/// What a walk along the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many events hold, counted from the start of the walk.
    pub checked: u64,
    /// The last position that holds (the start of the walk when none does).
    pub position: Position,
    /// The hash at that position. Kept elsewhere and compared later, it shows
    /// that the end of the journal was not cut off and written anew.
    pub hash: [u8; 32],
    /// The first place that does not hold, where the walk ended; `None` when
    /// everything up to the head does.
    pub broken: Option<Break>,
}

/// The first place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The position that is missing or does not hold.
    pub position: Position,
    /// What does not hold.
    pub reason: String,
}

const CHUNK: usize = 512;

/// Recomputes the hash of every event after `after` up to the head and reports
/// the first that does not hold. The hash of the event at `after` is trusted;
/// 0 walks the whole journal.
///
/// Reads what is stored, not what is in memory, so it may run beside a server.
/// A missing or unreadable event is a break, not an error; errors are those of
/// reaching the journal.
pub async fn verify(journal: &dyn Journal, after: Position) -> Result<Report, Error> {
    let head = journal.head();
    let mut report = Report {
        checked: 0,
        position: after,
        hash: chain::GENESIS,
        broken: None,
    };
    let mut recorded_at = i64::MIN;
    if after > 0 {
        match next(journal, after - 1, 1).await? {
            Ok(events) => match events.first() {
                Some(start) => {
                    report.hash = start.hash;
                    recorded_at = start.recorded_at;
                }
                None => report.broken = Some(missing(after)),
            },
            Err(broken) => report.broken = Some(broken),
        }
    }
    while report.broken.is_none() && report.position < head {
        let events = match next(journal, report.position, CHUNK).await? {
            Ok(events) => events,
            // One of the chunk is unreadable: those before it may still hold.
            Err(_) => match next(journal, report.position, 1).await? {
                Ok(events) => events,
                Err(broken) => {
                    report.broken = Some(broken);
                    break;
                }
            },
        };
        if events.is_empty() {
            report.broken = Some(missing(report.position + 1));
        }
        for event in events {
            if let Some(reason) = fault(&event, &report, recorded_at) {
                report.broken = Some(Break {
                    position: report.position + 1,
                    reason,
                });
                break;
            }
            report.checked += 1;
            report.position = event.position;
            report.hash = event.hash;
            recorded_at = event.recorded_at;
        }
        tokio::task::yield_now().await;
    }
    Ok(report)
}

fn fault(event: &Event, before: &Report, recorded_at: i64) -> Option<String> {
    if event.position != before.position + 1 {
        return Some(format!("missing: the next event is at {}", event.position));
    }
    if event.previous_hash != before.hash {
        return Some("does not follow the event before it (previous hash differs)".to_owned());
    }
    if event.hash != chain::hash(event) {
        return Some(format!(
            "its content is not what was recorded (stored hash {}, content gives {})",
            hex::encode(event.hash),
            hex::encode(chain::hash(event)),
        ));
    }
    if event.recorded_at < recorded_at {
        return Some("recorded before the event before it".to_owned());
    }
    None
}

fn missing(position: Position) -> Break {
    Break {
        position,
        reason: "missing".to_owned(),
    }
}

/// Damage is a finding here, not an error.
async fn next(
    journal: &dyn Journal,
    after: Position,
    limit: usize,
) -> Result<Result<Vec<Event>, Break>, Error> {
    match journal.read_stored(after, limit).await {
        Ok(events) => Ok(Ok(events)),
        Err(Error::Corrupt { position, reason }) => Ok(Err(Break { position, reason })),
        Err(error) => Err(error),
    }
}
