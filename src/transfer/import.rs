//! Reading a world from a file.

use std::io::BufRead;

use anyhow::{Context as _, bail, ensure};
use journal::{Command, Event, Restore};

use super::line::{FORMAT, Line};
use super::{PAGE, Summary};
use crate::vault::Keys;

/// Writes what a file holds into a journal that is empty, or that an import of
/// the same file was broken off in. Every hash is checked.
pub async fn import(
    from: impl BufRead,
    into: &mut dyn Restore,
    keys: &Keys,
    records: &records::Options,
) -> anyhow::Result<Summary> {
    let mut rows = Rows {
        store: None,
        page: Vec::new(),
    };
    let mut reading = Reading {
        skip: into.end(),
        events: Vec::new(),
        commands: Vec::new(),
        summary: Summary::default(),
    };
    let mut lines = from.lines().enumerate();
    match lines.next() {
        Some((_, Ok(first))) => match serde_json::from_str(&first) {
            Ok(Line::Strata(FORMAT)) => {}
            Ok(Line::Strata(other)) => {
                bail!("the file has format {other}, and this release reads format {FORMAT}")
            }
            _ => bail!("this is no export: its first line does not name the format"),
        },
        Some((_, Err(error))) => return Err(error).context("cannot read"),
        None => bail!("the file is empty"),
    }
    for (number, line) in lines {
        let line = line.context("cannot read")?;
        let at = || format!("line {}", number + 1);
        match serde_json::from_str(&line).with_context(at)? {
            Line::Strata(_) => bail!("{}: the file begins again", at()),
            Line::Event(stored) => {
                let event = Event::try_from(*stored).with_context(at)?;
                reading.event(event, into).await.with_context(at)?;
            }
            Line::Command(outcome) => {
                reading.summary.commands += 1;
                reading.commands.push(outcome.into());
                if reading.commands.len() == PAGE {
                    reading.flush(into).await?;
                }
            }
            Line::DataKey(key) => {
                reading.summary.data_keys += 1;
                let wrapped = hex::decode(&key.wrapped).with_context(at)?;
                keys.put(&key.id, wrapped).await?;
            }
            Line::Record(row) => {
                reading.summary.records += 1;
                // What is refused for its events is refused before.
                reading.flush(into).await?;
                rows.add(row, records).await.with_context(at)?;
            }
            Line::End(summary) => {
                reading.flush(into).await?;
                rows.flush().await?;
                ensure!(
                    summary == reading.summary,
                    "the file does not hold what its last line says"
                );
                if let Some(store) = rows.store {
                    store.finish().await?;
                }
                return Ok(summary);
            }
        }
    }
    reading.flush(into).await?;
    bail!("the file was cut short: its last line is missing")
}

/// Rows of the store of records, which is opened when there are any.
struct Rows {
    store: Option<records::Restore>,
    page: Vec<records::Row>,
}

impl Rows {
    async fn add(&mut self, row: records::Row, into: &records::Options) -> anyhow::Result<()> {
        if self.store.is_none() {
            self.store = Some(into.clone().restore().await?);
        }
        self.page.push(row);
        match self.page.len() >= PAGE {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if let Some(store) = &mut self.store {
            store.rows(std::mem::take(&mut self.page)).await?;
        }
        Ok(())
    }
}

struct Reading {
    /// Position and hash of what is there already.
    skip: (u64, [u8; 32]),
    events: Vec<Event>,
    commands: Vec<Command>,
    summary: Summary,
}

impl Reading {
    async fn event(&mut self, event: Event, into: &mut dyn Restore) -> anyhow::Result<()> {
        let before = (self.summary.position, self.summary.hash);
        (self.summary.position, self.summary.hash) = (event.position, event.hash);
        let (position, hash) = self.skip;
        if event.position <= position {
            journal::check(before, std::slice::from_ref(&event))?;
            ensure!(
                event.position < position || event.hash == hash,
                "the journal is not empty, and holds something else than the file"
            );
            return Ok(());
        }
        self.events.push(event);
        if self.events.len() == PAGE {
            self.flush(into).await?;
        }
        Ok(())
    }

    async fn flush(&mut self, into: &mut dyn Restore) -> anyhow::Result<()> {
        if self.summary.position < self.skip.0 {
            bail!("the journal is not empty, and holds more than the file");
        }
        if !self.events.is_empty() {
            into.events(std::mem::take(&mut self.events)).await?;
        }
        if !self.commands.is_empty() {
            into.commands(std::mem::take(&mut self.commands)).await?;
        }
        Ok(())
    }
}
