//! The handle.

use std::sync::Arc;

use crate::model::check;
use crate::ops::drops::{self, Whose};
use crate::ops::{delete, head, lists, lives, locks, prune, save};
use crate::store::Store;
use crate::{
    Counts, Cursor, Entry, Error, MOST, Merging, Mode, Model, Page, Query, Record, Scope, Unseen,
};

/// A store of records. Cheap to clone. Made by [`crate::Options::build`].
///
/// What writes is durable when it returns, and goes on when its caller goes
/// away. Every name is checked: [`Error::Name`].
#[derive(Clone, Debug)]
pub struct Records {
    pub(crate) store: Arc<Store>,
}

impl Records {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Saves a page as a whole, for the job of this id.
    ///
    /// Content with the same hash changes nothing but who saw it last. Fails
    /// with [`Error::TooMany`], and with [`Error::NotObject`] where there is
    /// nothing to merge; then nothing is saved.
    pub async fn save(
        &self,
        scope: &Scope,
        job: &str,
        records: Vec<Entry>,
        mode: Mode,
        merging: Merging,
    ) -> Result<Counts, Error> {
        scope.check()?;
        check_job(job)?;
        not_too_many(records.len())?;
        for record in &records {
            check_id(&record.id)?;
        }
        if records.is_empty() {
            return Ok(Counts::default());
        }
        let (scope, job) = (scope.clone(), job.to_owned());
        let how = (mode, merging);
        self.store
            .write(move |db, now| save::save(db, now, &scope, &job, &records, how))
            .await
    }

    /// Marks records as deleted; they keep what they hold.
    pub async fn delete(
        &self,
        scope: &Scope,
        job: &str,
        ids: Vec<String>,
    ) -> Result<Counts, Error> {
        scope.check()?;
        check_job(job)?;
        check_ids(&ids)?;
        if ids.is_empty() {
            return Ok(Counts::default());
        }
        let (counts, _) = self.delete_if(scope, job, ids, None).await?;
        Ok(counts)
    }

    /// The end of the store's order, as a plain number that may be kept
    /// anywhere: what is saved from now on is saved since this mark.
    pub async fn mark(&self) -> Result<i64, Error> {
        self.store.read(head::mark).await
    }

    /// Marks records as deleted that were not saved since a mark, or last by
    /// another job; returns their ids. What is saved meanwhile stays.
    ///
    /// It is done in portions. One that was cut off may be made again, and then
    /// returns the rest.
    pub async fn delete_unseen(
        &self,
        scope: &Scope,
        unseen: &Unseen,
        job: &str,
    ) -> Result<Vec<String>, Error> {
        const PORTION: usize = 1000;
        scope.check()?;
        check_job(job)?;
        let found = scope.clone();
        let life = self.store.read(move |db| lives::find(db, &found, None));
        let Some(life) = life.await? else {
            return Ok(Vec::new());
        };
        let (mut all, mut after) = (Vec::new(), Cursor::START);
        loop {
            let (unseen_, until) = (unseen.clone(), life.changed_at);
            let part = self
                .store
                .read(move |db| delete::find_unseen(db, life.id, &unseen_, after, until, PORTION));
            let part = part.await?;
            let is_last = part.ids.len() < PORTION;
            if !part.ids.is_empty() {
                let of = Some(unseen.clone());
                let (_, deleted) = self.delete_if(scope, job, part.ids, of).await?;
                all.extend(deleted);
            }
            if is_last {
                return Ok(all);
            }
            after = part.next;
        }
    }

    async fn delete_if(
        &self,
        scope: &Scope,
        job: &str,
        ids: Vec<String>,
        unseen: Option<Unseen>,
    ) -> Result<(Counts, Vec<String>), Error> {
        let (scope, job) = (scope.clone(), job.to_owned());
        self.store
            .write(move |db, now| delete::delete(db, now, &scope, &job, &ids, unseen.as_ref()))
            .await
    }

    /// The records with these ids, deleted ones too, in no order.
    pub async fn get(&self, scope: &Scope, ids: Vec<String>) -> Result<Vec<Record>, Error> {
        scope.check()?;
        check_ids(&ids)?;
        let scope = scope.clone();
        self.store
            .read(move |db| lists::get(db, &scope, &ids))
            .await
    }

    /// A page of records, deleted ones too.
    pub async fn list(&self, scope: &Scope, query: Query) -> Result<Page, Error> {
        scope.check()?;
        check_ids(query.ids.as_deref().unwrap_or_default())?;
        let scope = scope.clone();
        self.store
            .read(move |db| lists::list(db, &scope, &query))
            .await
    }

    /// How many records are not deleted, now or at a time.
    pub async fn count(&self, scope: &Scope, as_of: Option<i64>) -> Result<u64, Error> {
        scope.check()?;
        let scope = scope.clone();
        self.store
            .read(move |db| lists::count(db, &scope, as_of))
            .await
    }

    /// Takes the content of up to `limit` records away that are listed up to and
    /// with `until`. They keep their place, and the hash of what they held, so
    /// that the same content is no change. Returns how many there were, and
    /// whether there are more. Reads as of before still show the content.
    pub async fn prune(
        &self,
        scope: &Scope,
        until: Cursor,
        limit: usize,
    ) -> Result<(u64, bool), Error> {
        scope.check()?;
        let scope = scope.clone();
        let limit = limit.clamp(1, MOST);
        self.store
            .write(move |db, now| prune::prune(db, now, &scope, until, limit))
            .await
    }

    /// Ends the life of everything in a scope, without a trace in lists of now:
    /// what is saved later is new, with new uuids. Reads as of before still show
    /// all. Returns how many records there were that were not deleted.
    pub async fn empty(&self, scope: &Scope) -> Result<u64, Error> {
        scope.check()?;
        let scope = scope.clone();
        let closed = self
            .store
            .write(move |db, now| lives::close(db, &scope, now))
            .await?;
        self.sweep().await?;
        Ok(closed)
    }

    /// What a connection holds, by model and variant.
    pub async fn models(
        &self,
        project: &str,
        integration: &str,
        connection: &str,
    ) -> Result<Vec<Model>, Error> {
        check_connection(project, integration, connection)?;
        let of = [project, integration, connection].map(str::to_owned);
        self.store
            .read(move |db| lives::models(db, &of[0], &of[1], &of[2]))
            .await
    }

    /// Removes all records of a connection, and how they were. They are out of
    /// reach at once; the rows go in portions, and what is left after a crash
    /// goes when the store is opened. Returns how many records there were that
    /// were not deleted.
    pub async fn drop_connection(
        &self,
        project: &str,
        integration: &str,
        connection: &str,
    ) -> Result<u64, Error> {
        check_connection(project, integration, connection)?;
        let [project, integration, connection] =
            [project, integration, connection].map(str::to_owned);
        self.drop_all(Whose::Connection(project, integration, connection))
            .await
    }

    /// The same for a project, with its locks.
    pub async fn drop_project(&self, project: &str) -> Result<u64, Error> {
        check("project", project, 512)?;
        self.drop_all(Whose::Project(project.to_owned())).await
    }

    async fn drop_all(&self, whose: Whose) -> Result<u64, Error> {
        let live = self
            .store
            .write(move |db, _| drops::detach(db, &whose))
            .await?;
        self.sweep().await?;
        Ok(live)
    }

    /// Removes the rows of what was dropped.
    pub(crate) async fn sweep(&self) -> Result<(), Error> {
        if self.store.read(drops::is_unclean).await? {
            while self.store.write(|db, _| drops::sweep(db)).await? {}
        }
        Ok(())
    }

    /// Takes a lock of a project, if it is free, has run out at `now`, or is
    /// held by the same owner, for whom it is prolonged. Times are milliseconds,
    /// `now` since the Unix epoch.
    pub async fn acquire(
        &self,
        project: &str,
        key: &str,
        owner: &str,
        ttl_ms: i64,
        now: i64,
    ) -> Result<bool, Error> {
        check("project", project, 512)?;
        check("lock key", key, 1024)?;
        check("lock owner", owner, 512)?;
        let [project, key, owner] = [project, key, owner].map(str::to_owned);
        let until = now.saturating_add(ttl_ms);
        self.store
            .write(move |db, _| locks::acquire(db, &project, &key, &owner, until, now))
            .await
    }

    /// Gives a lock back; false: the owner does not hold it.
    pub async fn release(&self, project: &str, key: &str, owner: &str) -> Result<bool, Error> {
        check("project", project, 512)?;
        check("lock key", key, 1024)?;
        check("lock owner", owner, 512)?;
        let [project, key, owner] = [project, key, owner].map(str::to_owned);
        self.store
            .write(move |db, _| locks::release(db, &project, &key, &owner))
            .await
    }

    /// Gives all locks of an owner back, in every project; returns how many.
    pub async fn release_all(&self, owner: &str) -> Result<u64, Error> {
        check("lock owner", owner, 512)?;
        let owner = owner.to_owned();
        self.store
            .write(move |db, _| locks::release_all(db, &owner))
            .await
    }

    /// Ends what is queued, then refuses everything with [`Error::Closed`].
    pub async fn close(&self) {
        self.store.close().await;
    }
}

fn check_id(id: &str) -> Result<(), Error> {
    check("record id", id, 1024)
}

fn check_job(job: &str) -> Result<(), Error> {
    check("job id", job, 512)
}

fn check_connection(project: &str, integration: &str, connection: &str) -> Result<(), Error> {
    check("project", project, 512)?;
    check("integration", integration, 512)?;
    check("connection", connection, 512)
}

fn check_ids(ids: &[String]) -> Result<(), Error> {
    not_too_many(ids.len())?;
    ids.iter().try_for_each(|id| check_id(id))
}

fn not_too_many(given: usize) -> Result<(), Error> {
    match given > MOST {
        true => Err(Error::TooMany { given, most: MOST }),
        false => Ok(()),
    }
}
