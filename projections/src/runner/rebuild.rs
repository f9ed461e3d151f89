//! Making projections again beside the ones that are read.

use tokio::sync::oneshot;

use super::apply::{self, Keep};
use super::{Feed, Live, Runner};
use crate::Error;
use crate::models::DEFINITIONS;
use crate::state::Progress;
use crate::store::{Pointer, fenced, point};

/// A rebuild, waiting or under way.
pub(super) struct Rebuild {
    slots: Vec<usize>,
    reply: oneshot::Sender<Result<(), Error>>,
    /// The new generations; none: it has not begun.
    greens: Option<Greens>,
}

struct Greens {
    lives: Vec<Live>,
    feed: Option<Feed>,
    /// Index statements that are left to run.
    indexes: Option<Vec<String>>,
}

impl Rebuild {
    pub(super) fn answer(self, answer: Result<(), Error>) {
        // Whoever asked may have gone.
        let _ = self.reply.send(answer);
    }
}

impl Runner {
    pub(super) fn queue_rebuild(
        &mut self,
        slots: Vec<usize>,
        reply: oneshot::Sender<Result<(), Error>>,
    ) {
        let mut waiting = self.rebuilds.iter().flat_map(|rebuild| &rebuild.slots);
        let rebuild = Rebuild {
            greens: None,
            reply,
            slots: slots.clone(),
        };
        if let Some(slot) = waiting.find(|slot| slots.contains(slot)) {
            let name = self.lives[*slot].name().to_owned();
            rebuild.answer(Err(Error::Rebuilding(name)));
            return;
        }
        let total = self.context.journal.head();
        self.context.shared.change(|state| {
            for slot in slots {
                state.slots[slot].rebuild = Some(Progress { done: 0, total });
            }
        });
        self.rebuilds.push_back(rebuild);
    }

    /// Does the next part of a rebuild; `false`: there is none.
    pub(super) fn rebuild(&mut self) -> Result<bool, Error> {
        let Some(mut rebuild) = self.rebuilds.pop_front() else {
            return Ok(false);
        };
        match self.part(&mut rebuild) {
            Ok(false) => self.rebuilds.push_front(rebuild),
            Ok(true) => self.end(rebuild, Ok(())),
            Err(Error::Fenced) => {
                self.end(rebuild, Err(Error::Fenced));
                return Err(Error::Fenced);
            }
            Err(error) => {
                if let Some(greens) = &mut rebuild.greens {
                    self.drop_tables(&mut greens.lives);
                }
                self.end(rebuild, Err(error));
            }
        }
        Ok(true)
    }

    /// Gives up the rebuild that is under way, if one is.
    pub(super) fn abandon_rebuild(&mut self, reason: &str) {
        if let Some(mut rebuild) = self.rebuilds.pop_front() {
            if let Some(greens) = &mut rebuild.greens {
                self.drop_tables(&mut greens.lives);
            }
            self.end(rebuild, Err(Error::Unavailable(reason.to_owned())));
        }
    }

    pub(super) fn end(&mut self, rebuild: Rebuild, answer: Result<(), Error>) {
        self.note(&rebuild.slots, None);
        self.context.shared.change(|state| {
            for slot in &rebuild.slots {
                state.slots[*slot].rebuild = None;
            }
        });
        rebuild.answer(answer);
    }

    /// Tells the other nodes how far a rebuild is; none: it has ended.
    fn note(&mut self, slots: &[usize], done: Option<u64>) {
        let Some(sql) = self.db.dialect().progress else {
            return;
        };
        let total = done.map_or(-1, |done| self.context.journal.head().max(done) as i64);
        let done = done.map_or(-1, |done| done as i64);
        let noted = fenced(&mut *self.db, self.epoch, |db| {
            for slot in slots {
                let name = DEFINITIONS[*slot].name;
                db.execute(sql, &[done.into(), total.into(), name.into()])?;
            }
            Ok(())
        });
        if let Err(error) = noted {
            tracing::debug!(%error, "the progress of a rebuild was not noted");
        }
    }

    /// `true`: it is done.
    fn part(&mut self, rebuild: &mut Rebuild) -> Result<bool, Error> {
        let Some(greens) = &mut rebuild.greens else {
            rebuild.greens = Some(self.begin(&rebuild.slots)?);
            return Ok(false);
        };
        let done = greens.lives.iter().map(|live| live.checkpoint).min();
        let done = done.unwrap_or_default();
        let events = match &mut greens.feed {
            Some(feed) => feed.next()?,
            None => {
                // Not beyond what is read: then both are at the same event.
                let left = self.reached(&rebuild.slots).saturating_sub(done);
                self.read(done, super::BATCH.min(left as usize))?
            }
        };
        if !events.is_empty() {
            apply::batch(
                &mut *self.db,
                self.epoch,
                &mut greens.lives,
                &events,
                Keep::Nothing,
            )?;
            if let Some(reason) = greens.lives.iter().find_map(|live| live.parked.clone()) {
                return Err(Error::Damaged(reason));
            }
            let last = events.last().map_or(done, |last| last.stored.position);
            if greens.feed.is_some() {
                self.note(&rebuild.slots, Some(last));
            }
            self.context.shared.change(|state| {
                for slot in &rebuild.slots {
                    if let Some(progress) = &mut state.slots[*slot].rebuild {
                        progress.done = last;
                        progress.total = progress.total.max(last);
                    }
                }
            });
            // When it has caught up it goes on at once: if there were new
            // events first, it would have to catch up again.
            if greens.feed.is_some() || last < self.reached(&rebuild.slots) {
                return Ok(false);
            }
        } else if greens.feed.take().is_some() {
            return Ok(false);
        }
        let indexes = greens.indexes.get_or_insert_with(|| {
            let each = greens.lives.iter_mut();
            each.flat_map(|live| live.projection.create_indexes())
                .collect()
        });
        if let Some(sql) = indexes.pop() {
            // One at a time: what is read is brought forward in between.
            fenced(&mut *self.db, self.epoch, |db| db.run(&sql))?;
            return Ok(false);
        }
        let done = greens.lives.iter().map(|live| live.checkpoint).min();
        if done < Some(self.reached(&rebuild.slots)) {
            return Ok(false);
        }
        self.switch(
            rebuild
                .greens
                .take()
                .map_or_else(Vec::new, |greens| greens.lives),
        )?;
        Ok(true)
    }

    /// How far what is read has come.
    fn reached(&self, slots: &[usize]) -> u64 {
        let running = slots
            .iter()
            .map(|slot| &self.lives[*slot])
            .filter(|live| live.parked.is_none());
        let reached = running.map(|live| live.checkpoint).max();
        reached.unwrap_or_else(|| self.context.journal.head())
    }

    fn begin(&mut self, slots: &[usize]) -> Result<Greens, Error> {
        let mut lives: Vec<Live> = slots
            .iter()
            .map(|slot| Live::new(*slot, self.lives[*slot].generation + 1, 0, false))
            .collect();
        fenced(&mut *self.db, self.epoch, |db| {
            for live in &mut lives {
                let sql = live.projection.create_tables(db.dialect());
                db.run(&sql)?;
            }
            Ok(())
        })?;
        Ok(Greens {
            lives,
            feed: Some(Feed::start(&self.context.journal, &self.context.handle, 0)?),
            indexes: None,
        })
    }

    /// Puts new generations in the place of those that are read.
    fn switch(&mut self, mut greens: Vec<Live>) -> Result<(), Error> {
        let switched = fenced(&mut *self.db, self.epoch, |db| {
            for green in &greens {
                let pointer = Pointer {
                    generation: green.generation,
                    checkpoint: green.checkpoint,
                    fresh: false,
                };
                point(db, green.name(), &pointer, &green.hash)?;
            }
            Ok(())
        });
        if let Err(error) = switched {
            self.drop_tables(&mut greens);
            return Err(error);
        }
        let mut old = Vec::new();
        for mut green in greens {
            green.ready = true;
            green.projection.be_ready();
            let slot = green.slot;
            old.push(std::mem::replace(&mut self.lives[slot], green));
        }
        self.publish();
        self.drop_tables(&mut old);
        Ok(())
    }

    fn drop_tables(&mut self, lives: &mut [Live]) {
        for table in lives.iter_mut().flat_map(|live| live.projection.tables()) {
            let sql = format!("DROP TABLE IF EXISTS {table}");
            if let Err(error) = fenced(&mut *self.db, self.epoch, |db| db.run(&sql)) {
                tracing::warn!(table, %error, "a table that nobody reads was left behind");
            }
        }
    }
}
