//! Which keyset a subscribe key belongs to.

use std::sync::Arc;

use aggregates::keyset::Keyset;
use aggregates::{KeysetId, ProjectId};

use super::Shared;

/// A keyset that exists.
#[derive(Clone)]
pub struct Found {
    /// Its project.
    pub project: ProjectId,
    /// Its number.
    pub number: u64,
    /// As it is now.
    pub keyset: Arc<Keyset>,
}

/// Keysets by subscribe key, as far as they were asked for. A key never moves to another keyset;
/// that the keyset is still there is asked of its state. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<quick_cache::sync::Cache<String, (ProjectId, u64)>>);

impl Default for Directory {
    fn default() -> Self {
        Self(Arc::new(quick_cache::sync::Cache::new(10_000)))
    }
}

/// Why nobody can say.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The read models.
    #[error(transparent)]
    Reads(#[from] projections::Error),
    /// The keyset's events.
    #[error(transparent)]
    Bus(#[from] crate::bus::Error<aggregates::keyset::Error>),
}

impl Directory {
    /// The keyset of a subscribe key.
    ///
    /// # Errors
    /// When it cannot be looked up right now.
    pub async fn find(&self, shared: &Shared, subscribe_key: &str) -> Result<Option<Found>, Error> {
        let (project, number) = match self.0.get(subscribe_key) {
            Some(known) => known,
            None => {
                let view = shared.reads.view(None);
                let Some(found) = view.keyset_by_subscribe_key(subscribe_key).await? else {
                    return Ok(None);
                };
                let known = (ProjectId::from(found.project), found.row.number);
                self.0.insert(subscribe_key.to_owned(), known.clone());
                known
            }
        };
        let key = KeysetId::from(number.to_string()).key(&project);
        let keyset = shared.bus.load::<Keyset>(&key).await?.state;
        if keyset.subscribe_key != subscribe_key {
            self.0.remove(subscribe_key);
            return Ok(None);
        }
        Ok(Some(Found {
            project,
            number,
            keyset,
        }))
    }
}
