//! Reading packages, keysets, and deployments of the ones on the others.

use crate::few;
use crate::list;
use crate::model::{
    Execution, HandlerRow, Keyset, Package, PackageDeployment, PackageRevision, ScheduledEvent,
    TestInput,
};
use crate::models::{
    DeadLetter, EVERY_KEYSET, EXECUTIONS, FUNCTIONS_OF_REVISION, NamedPackage, NumberedKeyset,
    OPEN_EVENT, PACKAGES, RUNNING, TRANSITIONAL, folded,
};
use crate::query::{Filter, List, Operator, Order, OrderBy, Page, Scalar};
use crate::table::Names;
use crate::versions::Row;
use crate::view::View;
use crate::{Error, InProject};

impl View {
    /// A package.
    pub async fn package(&self, project: &str, id: &str) -> Result<Option<Package>, Error> {
        let found = self.get::<NamedPackage>(PACKAGES, project, "", id).await?;
        Ok(found.map(|found| found.row))
    }

    /// The package of this name, whatever the case of its letters.
    pub async fn package_by_name(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<Package>, Error> {
        let list = one(equal("folded", Scalar::Text(folded(name))));
        let page = self.packages(project, &list).await?;
        Ok(page.rows.into_iter().next())
    }

    /// The packages of a project. Filters and sort keys: `id`, `created_at`,
    /// `updated_at`, `sequence`, `name`.
    pub async fn packages(&self, project: &str, list: &List) -> Result<Page<Package>, Error> {
        let page = self
            .list::<NamedPackage>(PACKAGES, project, "", list)
            .await?;
        Ok(Page {
            rows: page.rows.into_iter().map(|found| found.row).collect(),
            total: page.total,
        })
    }

    /// A revision of a package.
    pub async fn package_revision(
        &self,
        project: &str,
        id: &str,
    ) -> Result<Option<PackageRevision>, Error> {
        self.get(PACKAGES, project, "", id).await
    }

    /// The revisions of a package. Filters and sort keys: `id`, `created_at`,
    /// `updated_at`, `sequence`, `name`.
    pub async fn package_revisions(
        &self,
        project: &str,
        package: &str,
        list: &List,
    ) -> Result<Page<PackageRevision>, Error> {
        let mut list = list.clone();
        let package = equal("package", Scalar::Text(package.to_owned()));
        list.filters.insert(0, package);
        self.list(PACKAGES, project, "", &list).await
    }

    /// A function at one revision of its package, by its id at this revision.
    pub async fn handler(&self, project: &str, id: &str) -> Result<Option<HandlerRow>, Error> {
        let (project, id, at) = (project.to_owned(), id.to_owned(), self.at);
        let found = self
            .short(PACKAGES, move |db, generation| {
                let names = Names::new(PackageRevision::TABLE, generation);
                let facet = names.table.facet(FUNCTIONS_OF_REVISION)?;
                let found =
                    list::having::<PackageRevision>(db, &names, at, (facet, &project), &id)?;
                let mut rows = found.into_iter().flat_map(|(_, row)| functions(row));
                Ok(rows.find(|row| row.id.as_str() == id))
            })
            .await?;
        Ok(found)
    }

    /// The functions of a revision. Filters and sort keys: `id` (of the
    /// function, the same in all revisions), `created_at`, `updated_at`,
    /// `sequence`, `name`, `kind`, `sort_order`. Nothing can be searched, and
    /// there are no cursors.
    pub async fn handlers(
        &self,
        project: &str,
        revision: &str,
        list: &List,
    ) -> Result<Page<HandlerRow>, Error> {
        let found = self.package_revision(project, revision).await?;
        few::list(found.into_iter().flat_map(functions).collect(), list)
    }

    /// A test input.
    pub async fn test_input(&self, project: &str, id: &str) -> Result<Option<TestInput>, Error> {
        self.get(PACKAGES, project, "", id).await
    }

    /// The test inputs of a function at one revision. Filters and sort keys:
    /// `id`, `created_at`, `updated_at`, `sequence`, `description` (empty where
    /// there is none).
    pub async fn test_inputs(
        &self,
        project: &str,
        handler: &str,
        list: &List,
    ) -> Result<Page<TestInput>, Error> {
        self.list(PACKAGES, project, handler, list).await
    }

    /// A keyset.
    pub async fn keyset(&self, project: &str, number: u64) -> Result<Option<Keyset>, Error> {
        self.get(PACKAGES, project, "", &number.to_string()).await
    }

    /// The keysets of a project. Filters and sort keys: `id`, `created_at`,
    /// `updated_at`, `sequence`, `name`, `number`.
    pub async fn keysets(&self, project: &str, list: &List) -> Result<Page<Keyset>, Error> {
        self.list(PACKAGES, project, "", list).await
    }

    /// The keyset of any project that is subscribed to with this key.
    pub async fn keyset_by_subscribe_key(
        &self,
        key: &str,
    ) -> Result<Option<InProject<Keyset>>, Error> {
        let (key, at) = (key.to_owned(), self.at);
        let found = self
            .short(PACKAGES, move |db, generation| {
                let names = Names::new(Keyset::TABLE, generation);
                list::global::<Keyset>(db, &names, at, &key)
            })
            .await?;
        let mut found = found.into_iter();
        Ok(found
            .next()
            .map(|(project, row)| InProject { project, row }))
    }

    /// The keyset of any project that has this number; the oldest, should two
    /// projects have taken it at the same time.
    pub async fn keyset_by_number(&self, number: u64) -> Result<Option<InProject<Keyset>>, Error> {
        let number = Scalar::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let list = List {
            filters: vec![equal("number", number)],
            limit: u32::MAX,
            ..List::default()
        };
        let page = self.list::<NumberedKeyset>(PACKAGES, "", "", &list).await?;
        Ok(page.rows.into_iter().find_map(of_project))
    }

    /// The highest number that a keyset of any project has or had; 0 when
    /// there never was one.
    pub async fn highest_keyset(&self) -> Result<u64, Error> {
        let list = List {
            order: vec![Order {
                by: OrderBy::Column("number"),
                descending: true,
            }],
            limit: 1,
            ..List::default()
        };
        let page = self.list::<NumberedKeyset>(PACKAGES, "", "", &list).await?;
        Ok(page.rows.first().map_or(0, |row| row.number))
    }

    /// The keysets of all projects, oldest first.
    pub async fn every_keyset(&self) -> Result<Vec<InProject<Keyset>>, Error> {
        let found = self
            .global::<NumberedKeyset>(PACKAGES, EVERY_KEYSET)
            .await?;
        let rows = found.into_iter();
        Ok(rows.filter_map(|found| of_project(found.row)).collect())
    }

    /// A package deployment, by its id (not that of its stream).
    pub async fn package_deployment(
        &self,
        project: &str,
        id: &str,
    ) -> Result<Option<PackageDeployment>, Error> {
        let list = one(equal("id", Scalar::Text(id.to_owned())));
        let page = self.package_deployments(project, &list).await?;
        Ok(page.rows.into_iter().next())
    }

    /// The package deployments of a project. Filters and sort keys: `id`,
    /// `created_at`, `updated_at`, `sequence`, `package`, `revision`, `keyset`,
    /// `status` (as on the wire). A page costs a look at every one, unless
    /// package, revision, keyset or status is asked to be one value, in the
    /// first such filter. There are no cursors.
    pub async fn package_deployments(
        &self,
        project: &str,
        list: &List,
    ) -> Result<Page<PackageDeployment>, Error> {
        self.list(PACKAGES, project, "", list).await
    }

    /// Package deployments of all projects that are being started or stopped.
    pub async fn transitional_package_deployments(
        &self,
    ) -> Result<Vec<InProject<PackageDeployment>>, Error> {
        self.global(PACKAGES, TRANSITIONAL).await
    }

    /// Package deployments of all projects that run.
    pub async fn running_package_deployments(
        &self,
    ) -> Result<Vec<InProject<PackageDeployment>>, Error> {
        self.global(PACKAGES, RUNNING).await
    }

    /// A window of time.
    pub async fn scheduled_event(
        &self,
        project: &str,
        id: &str,
    ) -> Result<Option<ScheduledEvent>, Error> {
        self.get(PACKAGES, project, "", id).await
    }

    /// The windows of time of a project. Filters and sort keys: `id`,
    /// `created_at`, `updated_at`, `sequence`, `begin`, `end`, `description`
    /// (empty where there is none), `state` (as on the wire), `deployment`,
    /// `revision`, `keyset`.
    pub async fn scheduled_events(
        &self,
        project: &str,
        list: &List,
    ) -> Result<Page<ScheduledEvent>, Error> {
        self.list(PACKAGES, project, "", list).await
    }

    /// The windows of time of all projects that are not over.
    pub async fn open_scheduled_events(&self) -> Result<Vec<InProject<ScheduledEvent>>, Error> {
        self.global(PACKAGES, OPEN_EVENT).await
    }

    /// The executions of all functions of a keyset. Filters and sort keys are
    /// those of [`View::executions`]. A page costs a look at every execution of
    /// the project.
    pub async fn executions_of_keyset(
        &self,
        project: &str,
        keyset: u64,
        list: &List,
    ) -> Result<Page<Execution>, Error> {
        let mut list = list.clone();
        list.filters.push(keyset_is(keyset));
        self.list(EXECUTIONS, project, None, &list).await
    }

    /// The executions of functions of a keyset after messages that failed and
    /// are not tried again, in the order in which they were given up. Filters and
    /// sort keys: `id`, `created_at` and `updated_at` (both: when it was given
    /// up), `sequence`, `handler` (its id at its revision), `handler_kind`,
    /// `channel`, `deployment_id`.
    pub async fn dead_letters(
        &self,
        project: &str,
        keyset: u64,
        list: &List,
    ) -> Result<Page<Execution>, Error> {
        let mut list = list.clone();
        list.filters.insert(0, keyset_is(keyset));
        let page = self
            .list::<DeadLetter>(EXECUTIONS, project, "", &list)
            .await?;
        Ok(Page {
            rows: page.rows.into_iter().map(|found| found.row).collect(),
            total: page.total,
        })
    }
}

fn equal(column: &'static str, value: Scalar) -> Filter {
    Filter::Compare {
        column,
        operator: Operator::Equal,
        values: vec![value],
    }
}

fn keyset_is(number: u64) -> Filter {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    equal("keyset", Scalar::Integer(number))
}

/// A list of the one row that a filter lets through.
fn one(filter: Filter) -> List {
    List {
        filters: vec![filter],
        limit: 1,
        ..List::default()
    }
}

fn of_project(found: NumberedKeyset) -> Option<InProject<Keyset>> {
    let NumberedKeyset {
        project, keyset, ..
    } = found;
    keyset.map(|row| InProject { project, row })
}

/// The functions of a revision as rows.
fn functions(revision: PackageRevision) -> impl Iterator<Item = HandlerRow> {
    let PackageRevision {
        id,
        sequence,
        package,
        created_at,
        handlers,
        ..
    } = revision;
    handlers.into_iter().map(move |handler| HandlerRow {
        id: handler.revision.clone(),
        sequence,
        handler,
        package: package.clone(),
        revision: id.clone(),
        created_at,
        updated_at: created_at,
    })
}
