//! Decisions of a sync, and what its events make of it.

use std::collections::BTreeMap;

use super::{Checkpoint, Command, Error, Event, Last, Requested, Run, Sync};

impl Sync {
    pub(super) fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        if self.place.is_none() {
            return match command {
                Command::Create {
                    place,
                    started,
                    frequency,
                } => Ok(vec![Event::SyncCreated {
                    place,
                    started,
                    frequency,
                }]),
                _ => Err(Error::NotFound),
            };
        }
        let event = match command {
            Command::Create { .. } => return Err(Error::AlreadyExists),
            Command::Start if self.started => return Ok(vec![]),
            Command::Start => Event::SyncStarted {},
            Command::Pause => return Ok(self.pause()),
            Command::SetFrequency { frequency } if frequency == self.frequency => {
                return Ok(vec![]);
            }
            Command::SetFrequency { frequency } => Event::FrequencySet { frequency },
            Command::Request {
                run,
                reset,
                empty_cache,
            } => {
                return Ok(self.request(Requested {
                    run,
                    reset,
                    empty_cache,
                }));
            }
            Command::StartRun {
                run,
                worker,
                attempt,
                due,
                trigger,
            } => return self.start_run(run, worker, attempt, due, trigger),
            Command::SavePage {
                run,
                attempt,
                model,
                counts,
            } => {
                self.held_by(&run, attempt)?;
                Event::PageSaved {
                    run,
                    attempt,
                    model,
                    counts,
                }
            }
            Command::FinishRun {
                run,
                attempt,
                mut result,
            } => {
                let held = self.held_by(&run, attempt)?;
                result.counts.clone_from(&held.counts);
                Event::RunFinished {
                    run,
                    attempt,
                    result,
                }
            }
            Command::SaveCheckpoint {
                value,
                expected_version,
            } => {
                let version = self.checkpoint.as_ref().map_or(0, |one| one.version);
                if expected_version.is_some_and(|expected| expected != version) {
                    return Err(Error::Conflict { version });
                }
                Event::CheckpointSaved {
                    value,
                    version: self.checkpoint_version + 1,
                }
            }
            Command::ClearCheckpoint if self.checkpoint.is_none() => return Ok(vec![]),
            Command::ClearCheckpoint => Event::CheckpointCleared {},
            Command::MarkTrackDeletes { model, .. } if self.marks.contains_key(&model) => {
                return Ok(vec![]);
            }
            Command::MarkTrackDeletes { model, mark } => Event::TrackDeletesMarked { model, mark },
            Command::EndTrackDeletes { model } if self.marks.contains_key(&model) => {
                Event::TrackDeletesEnded { model }
            }
            Command::EndTrackDeletes { model } => return Err(Error::NotTracked { model }),
            Command::Delete => Event::SyncDeleted {},
        };
        Ok(vec![event])
    }

    fn pause(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.started {
            events.push(Event::SyncPaused {});
        }
        if let Some(running) = self.running.as_ref().filter(|run| !run.interrupted) {
            let run = running.run.clone();
            events.push(Event::RunInterrupted { run });
        }
        events
    }

    fn request(&self, asked: Requested) -> Vec<Event> {
        let now = match &self.requested {
            None => asked,
            Some(waiting) => Requested {
                run: waiting.run.clone(),
                reset: waiting.reset || asked.reset,
                empty_cache: waiting.empty_cache || asked.empty_cache,
            },
        };
        if self.requested.as_ref() == Some(&now) {
            return vec![];
        }
        vec![Event::RunRequested {
            run: now.run,
            reset: now.reset,
            empty_cache: now.empty_cache,
        }]
    }

    fn start_run(
        &self,
        run: String,
        worker: String,
        attempt: u32,
        due: Option<i64>,
        trigger: String,
    ) -> Result<Vec<Event>, Error> {
        if let Some(running) = &self.running {
            if running.run != run {
                return Err(Error::AlreadyRunning {
                    run: running.run.clone(),
                });
            }
            if attempt != running.attempt + 1 {
                return Err(Error::NotHolder { run, attempt });
            }
            // The same run: what it resets was reset, and it is due to what it was.
            return Ok(vec![Event::RunStarted {
                run,
                worker,
                attempt,
                due: running.due,
                trigger: running.trigger.clone(),
                reset: running.reset,
                empty_cache: running.empty_cache,
            }]);
        }
        let ended = self.last.as_ref().is_some_and(|last| last.run == run);
        if ended || due.is_some_and(|due| self.last_due.is_some_and(|last| due <= last)) {
            return Err(Error::AlreadyRun { run });
        }
        if attempt != 1 {
            return Err(Error::NotHolder { run, attempt });
        }
        let request = self.requested.as_ref().filter(|asked| asked.run == run);
        match &*trigger {
            "schedule" | "creation" if !self.started => return Err(Error::Paused),
            "manual" if request.is_none() => return Err(Error::NotRequested { run }),
            _ => {}
        }
        let reset = request.is_some_and(|asked| asked.reset);
        let mut events = vec![Event::RunStarted {
            run,
            worker,
            attempt,
            due,
            trigger,
            reset,
            empty_cache: request.is_some_and(|asked| asked.empty_cache),
        }];
        if reset {
            if self.checkpoint.is_some() {
                events.push(Event::CheckpointCleared {});
            }
            let marked = self.marks.keys().cloned();
            events.extend(marked.map(|model| Event::TrackDeletesEnded { model }));
        }
        Ok(events)
    }

    fn held_by(&self, run: &str, attempt: u32) -> Result<&Run, Error> {
        match &self.running {
            Some(running) if running.run == run && running.attempt == attempt => Ok(running),
            _ => Err(Error::NotHolder {
                run: run.to_owned(),
                attempt,
            }),
        }
    }

    pub(super) fn fold(&mut self, event: Event) {
        match event {
            Event::SyncCreated {
                place,
                started,
                frequency,
            } => {
                *self = Self {
                    place: Some(place),
                    started,
                    frequency,
                    ..Self::default()
                };
            }
            Event::SyncStarted {} => self.started = true,
            Event::SyncPaused {} => self.started = false,
            Event::RunInterrupted { run } => {
                if let Some(running) = self.running.as_mut().filter(|held| held.run == run) {
                    running.interrupted = true;
                }
            }
            Event::FrequencySet { frequency } => self.frequency = frequency,
            Event::RunRequested {
                run,
                reset,
                empty_cache,
            } => {
                self.requested = Some(Requested {
                    run,
                    reset,
                    empty_cache,
                });
            }
            Event::RunStarted {
                run,
                worker,
                attempt,
                due,
                trigger,
                reset,
                empty_cache,
            } => {
                if self
                    .requested
                    .as_ref()
                    .is_some_and(|asked| asked.run == run)
                {
                    self.requested = None;
                }
                self.last_due = self.last_due.max(due);
                let before = self.running.as_ref().filter(|before| before.run == run);
                self.running = Some(Run {
                    interrupted: before.is_some_and(|before| before.interrupted),
                    counts: before.map_or_else(BTreeMap::new, |before| before.counts.clone()),
                    run,
                    worker,
                    attempt,
                    due,
                    trigger,
                    reset,
                    empty_cache,
                });
            }
            Event::PageSaved {
                run, model, counts, ..
            } => {
                if let Some(running) = self.running.as_mut().filter(|held| held.run == run) {
                    running.counts.entry(model).or_default().add(counts);
                }
            }
            Event::RunFinished { run, result, .. } => {
                self.running = None;
                self.last = Some(Last {
                    run,
                    status: result.status,
                });
            }
            Event::CheckpointSaved { value, version } => {
                self.checkpoint_version = version;
                self.checkpoint = Some(Checkpoint { value, version });
            }
            Event::CheckpointCleared {} => self.checkpoint = None,
            Event::TrackDeletesMarked { model, mark } => {
                self.marks.insert(model, mark);
            }
            Event::TrackDeletesEnded { model } => {
                self.marks.remove(&model);
            }
            Event::SyncDeleted {} => *self = Self::default(),
        }
    }
}
