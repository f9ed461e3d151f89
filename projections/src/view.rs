//! Reading the read models, as they are now or as they were at a position.

use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::db::{Database, Value};
use crate::list::{self, Source};
use crate::model::{Deployment, Execution, Function, Key, Project, Variable};
use crate::models::{
    BUILD_LOGS, DeploymentRow, EXECUTIONS, FUNCTIONS, FunctionRow, PROJECTS, UNACTIVATED,
    UNFINISHED,
};
use crate::query::{List, Page};
use crate::read_models::Inner;
use crate::table::Names;
use crate::versions::Row;

/// How long a read waits for the read models to reach the asked position.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest build log that is returned, in characters: the end of it.
pub(crate) const LONGEST_LOG: usize = 1_000_000;

/// The read models at one moment. Cheap to make and to throw away.
#[derive(Clone)]
pub struct View {
    pub(crate) inner: Arc<Inner>,
    pub(crate) at: Option<u64>,
}

/// A row, and the project it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct InProject<T> {
    /// Id of the project.
    pub project: String,
    /// The row.
    pub row: T,
}

impl InProject<DeploymentRow> {
    fn deployment(self) -> InProject<Deployment> {
        InProject {
            project: self.project,
            row: self.row.row,
        }
    }
}

impl View {
    /// A project.
    pub async fn project(&self, id: &str) -> Result<Option<Project>, Error> {
        self.get(PROJECTS, "", "", id).await
    }

    /// All projects.
    pub async fn projects(&self, list: &List) -> Result<Page<Project>, Error> {
        self.list(PROJECTS, "", "", list).await
    }

    /// The API keys of a project.
    pub async fn keys(&self, project: &str, list: &List) -> Result<Page<Key>, Error> {
        self.list(PROJECTS, project, "", list).await
    }

    /// The key whose secret has this lower-case hexadecimal SHA-256.
    pub async fn key_by_hash(&self, hash: &str) -> Result<Option<Key>, Error> {
        let (hash, at) = (hash.to_owned(), self.at);
        let found = self
            .short(PROJECTS, move |db, generation| {
                let names = Names::new(Key::TABLE, generation);
                list::global::<Key>(db, &names, at, &hash)
            })
            .await?;
        Ok(found.into_iter().next().map(|(_, key)| key))
    }

    /// A function.
    pub async fn function(&self, project: &str, id: &str) -> Result<Option<Function>, Error> {
        let found = self.get::<FunctionRow>(FUNCTIONS, project, "", id).await?;
        Ok(found.map(|found| found.row))
    }

    /// The functions of a project. Filters and sort keys: `id`, `created_at`,
    /// `updated_at`, `sequence`, `name`, `enabled`, `runtime`,
    /// `deployment_id`, `schedule`, `timeout`, `entrypoint`, `commands`,
    /// `installation_id`, `origin`, and `integration` and `kind` of a script
    /// (empty for others). Can be searched.
    pub async fn functions(&self, project: &str, list: &List) -> Result<Page<Function>, Error> {
        let page = self
            .list::<FunctionRow>(FUNCTIONS, project, "", list)
            .await?;
        Ok(Page {
            rows: page.rows.into_iter().map(|found| found.row).collect(),
            total: page.total,
        })
    }

    /// A variable of a function.
    pub async fn variable(
        &self,
        project: &str,
        function: &str,
        id: &str,
    ) -> Result<Option<Variable>, Error> {
        self.get(FUNCTIONS, project, function, id).await
    }

    /// The variables of a function. Filters and sort keys: `id`, `created_at`,
    /// `updated_at`, `sequence`, `key`, `secret`, `function_id`,
    /// `resource_type`.
    pub async fn variables(
        &self,
        project: &str,
        function: &str,
        list: &List,
    ) -> Result<Page<Variable>, Error> {
        self.list(FUNCTIONS, project, function, list).await
    }

    /// A deployment.
    pub async fn deployment(&self, project: &str, id: &str) -> Result<Option<Deployment>, Error> {
        let found = self
            .get::<DeploymentRow>(FUNCTIONS, project, "", id)
            .await?;
        Ok(found.map(|found| found.row))
    }

    /// The deployments of a function. Filters and sort keys: `id`,
    /// `created_at`, `updated_at`, `sequence`, `build_size`, `source_size`,
    /// `total_size`, `build_duration` (whole seconds, rounded up),
    /// `build_duration_ms`, `status`, `activate`, `type`.
    pub async fn deployments(
        &self,
        project: &str,
        function: &str,
        list: &List,
    ) -> Result<Page<Deployment>, Error> {
        let page = self
            .list::<DeploymentRow>(FUNCTIONS, project, function, list)
            .await?;
        Ok(Page {
            rows: page.rows.into_iter().map(|found| found.row).collect(),
            total: page.total,
        })
    }

    /// The last million characters of a deployment's build log; empty when
    /// there is none.
    pub async fn build_log(&self, project: &str, deployment: &str) -> Result<String, Error> {
        let Some(found) = self.deployment(project, deployment).await? else {
            return Ok(String::new());
        };
        let values: [Value; 4] = [
            project.into(),
            deployment.into(),
            found.sequence.into(),
            self.at.map_or(i64::MAX, |at| at as i64).into(),
        ];
        self.long(FUNCTIONS, move |db, generation| {
            let sql = format!(
                "SELECT text FROM {} WHERE project = ?1 \
                 AND deployment = ?2 AND position >= ?3 AND position <= ?4 \
                 ORDER BY position DESC",
                BUILD_LOGS.table(generation)
            );
            let mut chunks: Vec<String> = Vec::new();
            let mut room = LONGEST_LOG;
            db.query(&sql, &values, &mut |record| {
                let text = record.text(0)?;
                let length = text.chars().count();
                let cut = length.saturating_sub(room);
                let begin = text
                    .char_indices()
                    .nth(cut)
                    .map_or(text.len(), |(at, _)| at);
                chunks.push(text[begin..].to_owned());
                room -= length - cut;
                Ok(room > 0)
            })?;
            chunks.reverse();
            Ok(chunks.concat())
        })
        .await
    }

    /// An execution.
    pub async fn execution(&self, project: &str, id: &str) -> Result<Option<Execution>, Error> {
        self.get(EXECUTIONS, project, "", id).await
    }

    /// The executions of a function. Filters and sort keys: `id`,
    /// `created_at`, `updated_at`, `sequence`, `trigger`, `status`,
    /// `response_status_code`, `duration` (seconds), `duration_us`,
    /// `request_method` or `method`, `request_path` or `path`,
    /// `deployment_id`.
    pub async fn executions(
        &self,
        project: &str,
        function: &str,
        list: &List,
    ) -> Result<Page<Execution>, Error> {
        self.list(EXECUTIONS, project, function, list).await
    }

    /// Deployments of all projects whose build has not ended.
    pub async fn unfinished_deployments(&self) -> Result<Vec<InProject<Deployment>>, Error> {
        let found = self.global::<DeploymentRow>(FUNCTIONS, UNFINISHED).await?;
        Ok(found.into_iter().map(InProject::deployment).collect())
    }

    /// Deployments of all projects that are ready and ask to become active, and
    /// never were. (One that was and is not any more was replaced on purpose.)
    pub async fn ready_but_unactivated(&self) -> Result<Vec<InProject<Deployment>>, Error> {
        let found = self.global::<DeploymentRow>(FUNCTIONS, UNACTIVATED).await?;
        Ok(found.into_iter().map(InProject::deployment).collect())
    }

    /// Executions of all projects that have not ended.
    pub async fn unfinished_executions(&self) -> Result<Vec<InProject<Execution>>, Error> {
        self.global(EXECUTIONS, UNFINISHED).await
    }

    pub(crate) async fn global<R: Row>(
        &self,
        slot: usize,
        value: &'static str,
    ) -> Result<Vec<InProject<R>>, Error> {
        let at = self.at;
        let found = self
            .long(slot, move |db, generation| {
                let names = Names::new(R::TABLE, generation);
                list::global::<R>(db, &names, at, value)
            })
            .await?;
        let rows = found.into_iter();
        Ok(rows
            .map(|(project, row)| InProject { project, row })
            .collect())
    }

    pub(crate) async fn get<R: Row>(
        &self,
        slot: usize,
        project: &str,
        parent: &str,
        id: &str,
    ) -> Result<Option<R>, Error> {
        let (project, parent) = (project.to_owned(), parent.to_owned());
        let (id, at) = (id.to_owned(), self.at);
        self.short(slot, move |db, generation| {
            let names = Names::new(R::TABLE, generation);
            let source = Source {
                names: &names,
                project: &project,
                parent: Some(&parent),
                at,
            };
            list::get(db, &source, &id)
        })
        .await
    }

    /// `parent`: none, whatever it is.
    pub(crate) async fn list<R: Row>(
        &self,
        slot: usize,
        project: &str,
        parent: impl Into<Option<&str>>,
        list: &List,
    ) -> Result<Page<R>, Error> {
        let parent = parent.into().map(str::to_owned);
        let (project, list) = (project.to_owned(), list.clone());
        let at = self.at;
        self.long(slot, move |db, generation| {
            let names = Names::new(R::TABLE, generation);
            let source = Source {
                names: &names,
                project: &project,
                parent: parent.as_deref(),
                at,
            };
            // The page and the count are of one moment.
            db.run(db.dialect().snapshot)?;
            let page = list::list(db, &source, &list);
            db.run("COMMIT")?;
            page
        })
        .await
    }

    /// The generation to read, as soon as it is far enough.
    async fn generation(&self, slot: usize) -> Result<u32, Error> {
        let position = self.at.unwrap_or(0);
        let shared = &self.inner.shared;
        shared.wait_for_one(slot, position, PATIENCE).await;
        shared.read(|state| {
            let slot = &state.slots[slot];
            if slot.ready && slot.checkpoint >= position {
                return Ok(slot.generation);
            }
            let reason = match (&slot.parked, &state.stopped) {
                (Some(reason), _) | (None, Some(reason)) => reason.clone(),
                (None, None) if !slot.ready => "they are being built".to_owned(),
                (None, None) => "they are catching up".to_owned(),
            };
            Err(Error::Behind {
                position,
                checkpoint: slot.checkpoint,
                reason,
            })
        })
    }

    pub(crate) async fn short<T: Send + 'static>(
        &self,
        slot: usize,
        read: impl Fn(&mut dyn Database, u32) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        loop {
            let generation = self.generation(slot).await?;
            let once = read.clone();
            let readers = &self.inner.readers;
            let found = readers.short(move |db| once(db, generation)).await;
            if found.is_ok() || self.is_still(slot, generation).await? {
                return found;
            }
        }
    }

    pub(crate) async fn long<T: Send + 'static>(
        &self,
        slot: usize,
        read: impl Fn(&mut dyn Database, u32) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        loop {
            let generation = self.generation(slot).await?;
            let once = read.clone();
            let readers = &self.inner.readers;
            let found = readers.long(move |db| once(db, generation)).await;
            if found.is_ok() || self.is_still(slot, generation).await? {
                return found;
            }
        }
    }

    /// The generation is the one to read, so that it was not dropped under a
    /// read that failed.
    async fn is_still(&self, slot: usize, generation: u32) -> Result<bool, Error> {
        // The read has failed already, and says more about why.
        let _ = self.inner.readers.refresh().await;
        Ok(self.generation(slot).await? == generation)
    }
}
