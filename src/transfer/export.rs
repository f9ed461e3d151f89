//! Writing a world into a file.

use std::io::Write;

use anyhow::Context as _;
use journal::Journal;

use super::line::{DataKey, FORMAT, Line, Outcome};
use super::{PAGE, Summary};
use crate::vault::Keys;

/// Writes everything up to the head as it is now; a server may be running. The
/// chain is checked on the way.
pub async fn export(
    journal: &dyn Journal,
    keys: &Keys,
    records: records::Options,
    out: &mut impl Write,
) -> anyhow::Result<Summary> {
    let head = journal.head();
    let mut summary = Summary::default();
    write(out, &Line::Strata(FORMAT))?;
    while summary.position < head {
        let left = usize::try_from(head - summary.position).unwrap_or(PAGE);
        let events = journal
            .read_stored(summary.position, left.min(PAGE))
            .await?;
        for event in events {
            let expected = (summary.position + 1, summary.hash);
            let holds = (event.position, event.previous_hash) == expected
                && event.hash == journal::chain::hash(&event);
            anyhow::ensure!(
                holds,
                "the chain breaks at position {}: see `strata verify`",
                summary.position + 1
            );
            (summary.position, summary.hash) = (event.position, event.hash);
            write(out, &Line::Event(Box::new(event.into())))?;
        }
    }
    let mut after = String::new();
    loop {
        let commands = journal.commands(&after, PAGE).await?;
        let Some(last) = commands.last() else { break };
        after.clone_from(&last.id);
        for command in commands {
            // One of after the head came while this was running.
            if command.appended.last <= head {
                summary.commands += 1;
                write(out, &Line::Command(Outcome::from(command)))?;
            }
        }
    }
    for (id, wrapped) in keys.all().await? {
        summary.data_keys += 1;
        let wrapped = hex::encode(wrapped);
        write(out, &Line::DataKey(DataKey { id, wrapped }))?;
    }
    let mut records = records.export();
    while let Some(page) = records.next().await? {
        for row in page {
            summary.records += 1;
            write(out, &Line::Record(row))?;
        }
    }
    write(out, &Line::End(summary))?;
    out.flush().context("cannot write")?;
    Ok(summary)
}

fn write(out: &mut impl Write, line: &Line) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line).context("cannot write")?;
    out.write_all(b"\n").context("cannot write")
}
