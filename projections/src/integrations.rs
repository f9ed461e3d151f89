//! Reading integrations, connections, syncs and dry runs.

use crate::model::{Connection, DryRun, Integration, Sync};
use crate::models::{EVERY, INTEGRATIONS, UNFINISHED};
use crate::query::{List, Page};
use crate::view::View;
use crate::{Error, InProject};

impl View {
    /// An integration, by its unique key.
    pub async fn integration(&self, project: &str, id: &str) -> Result<Option<Integration>, Error> {
        self.get(INTEGRATIONS, project, "", id).await
    }

    /// The integrations of a project. Filters and sort keys: `id`,
    /// `created_at`, `updated_at`, `sequence`, `provider`.
    pub async fn integrations(
        &self,
        project: &str,
        list: &List,
    ) -> Result<Page<Integration>, Error> {
        self.list(INTEGRATIONS, project, "", list).await
    }

    /// A connection, by the id of its stream.
    pub async fn connection(&self, project: &str, key: &str) -> Result<Option<Connection>, Error> {
        self.get(INTEGRATIONS, project, "", key).await
    }

    /// The connections for an integration, or for all of a project. Filters and
    /// sort keys: `id` (that of the stream), `created_at`, `updated_at`,
    /// `sequence`, `connection_id`, `integration`, `provider`. Can be searched,
    /// by connection id and by what is said of the end user.
    ///
    /// Of all integrations, a page costs a look at every connection.
    pub async fn connections(
        &self,
        project: &str,
        integration: Option<&str>,
        list: &List,
    ) -> Result<Page<Connection>, Error> {
        self.list(INTEGRATIONS, project, integration, list).await
    }

    /// A sync, by the id of its stream.
    pub async fn sync(&self, project: &str, key: &str) -> Result<Option<Sync>, Error> {
        self.get(INTEGRATIONS, project, "", key).await
    }

    /// The syncs on a connection, given by the id of its stream. Filters and
    /// sort keys: `id` (that of the stream), `created_at`, `updated_at`,
    /// `sequence`, `name`, `variant`, `kind`, `integration`, `connection_id`,
    /// `started`.
    pub async fn syncs(
        &self,
        project: &str,
        connection: &str,
        list: &List,
    ) -> Result<Page<Sync>, Error> {
        self.list(INTEGRATIONS, project, connection, list).await
    }

    /// The syncs of a project, with the filters and sort keys of
    /// [`View::syncs`]. A page costs a look at every sync, unless `name` or
    /// `integration` is given.
    pub async fn syncs_of_project(&self, project: &str, list: &List) -> Result<Page<Sync>, Error> {
        self.list(INTEGRATIONS, project, None, list).await
    }

    /// The syncs of all projects.
    pub async fn all_syncs(&self) -> Result<Vec<InProject<Sync>>, Error> {
        self.global(INTEGRATIONS, EVERY).await
    }

    /// A dry run.
    pub async fn dryrun(&self, project: &str, id: &str) -> Result<Option<DryRun>, Error> {
        self.get(INTEGRATIONS, project, "", id).await
    }

    /// Dry runs of all projects that have not ended.
    pub async fn unfinished_dryruns(&self) -> Result<Vec<InProject<DryRun>>, Error> {
        self.global(INTEGRATIONS, UNFINISHED).await
    }
}
