//! Revisions on keysets.

use aggregates::pkgdeploy::{Command, Error as Refused, PackageDeployment, Status};
use aggregates::{PackageDeploymentId, ProjectId};
use projections::query::{Filter, List, Operator, Scalar};

use super::Shared;
use crate::bus::{self, Context};

/// Why deployments are still there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This one runs, or is being started or stopped.
    #[error("the deployment {0} is active")]
    Active(PackageDeploymentId),
    /// The read models cannot be asked.
    #[error(transparent)]
    Reads(#[from] projections::Error),
    /// A deployment cannot be removed.
    #[error(transparent)]
    Bus(bus::Error<Refused>),
}

/// Takes every deployment of a project whose column has a value off its keyset, with its scheduled
/// events; nothing is removed while any of them is active. `context` makes the context of the command
/// of a step, and repeating a step is harmless.
///
/// # Errors
/// See [`Error`].
pub async fn remove(
    shared: &Shared,
    project: &ProjectId,
    (column, value): (&'static str, Scalar),
    context: impl Fn(&str) -> Context,
) -> Result<(), Error> {
    let list = List {
        filters: vec![Filter::Compare {
            column,
            operator: Operator::Equal,
            values: vec![value],
        }],
        limit: u32::MAX,
        ..List::default()
    };
    let view = shared.reads.view(None);
    let rows = view
        .package_deployments(project.as_str(), &list)
        .await?
        .rows;
    let rests = |status| matches!(status, Status::Stopped | Status::Failed);
    if let Some(row) = rows.iter().find(|row| !rests(row.status)) {
        return Err(Error::Active(row.id.clone()));
    }
    for row in rows {
        let key = row.key.key(project);
        let context = context(&format!("unassign/{}", row.key));
        let sent = shared
            .bus
            .execute::<PackageDeployment>(&key, Command::Delete, &context);
        match sent.await {
            Ok(_) | Err(bus::Error::Refused(Refused::NotFound)) => {}
            Err(bus::Error::Refused(_)) => return Err(Error::Active(row.id)),
            Err(error) => return Err(Error::Bus(error)),
        }
    }
    Ok(())
}
