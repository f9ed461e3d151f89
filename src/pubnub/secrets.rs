//! Secrets of a keyset: sealed with the data key of its project, opened only for its functions.

use aggregates::keyset::{Command, Error as Refused, Keyset};
use aggregates::project::Project;
use aggregates::{KeysetId, ProjectId, Sealed};

use super::Shared;
use crate::bus::{self, Committed, Context};
use crate::vault;

/// Why a secret is not set, removed or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be sealed or opened.
    #[error("the secret store failed")]
    Store(#[from] vault::Error),
    /// The keyset does not take it.
    #[error(transparent)]
    Keyset(#[from] bus::Error<Refused>),
    /// The project of the keyset cannot be read.
    #[error("the project cannot be read")]
    Project(#[from] bus::Error<aggregates::project::Error>),
}

/// Sets a secret.
///
/// # Errors
/// See [`Error`].
pub async fn set(
    shared: &Shared,
    project: &ProjectId,
    keyset: u64,
    (name, value): (&str, &str),
    context: &Context,
) -> Result<Committed, Error> {
    let value = seal(shared, project, value).await?;
    put(shared, project, keyset, (name, value), context).await
}

/// Seals a value; nothing is stored.
///
/// # Errors
/// See [`Error`].
pub async fn seal(shared: &Shared, project: &ProjectId, value: &str) -> Result<Sealed, Error> {
    let owner = shared.bus.load::<Project>(project.as_str()).await?;
    Ok(shared.vault.seal(&owner.state.data_key, value).await?)
}

/// Sets a secret whose value is sealed.
///
/// # Errors
/// See [`Error`].
pub async fn put(
    shared: &Shared,
    project: &ProjectId,
    keyset: u64,
    (name, value): (&str, Sealed),
    context: &Context,
) -> Result<Committed, Error> {
    let name = name.to_owned();
    let command = Command::SetSecret { name, value };
    let key = KeysetId::from(keyset.to_string()).key(project);
    Ok(shared.bus.execute::<Keyset>(&key, command, context).await?)
}

/// Takes a secret away. Nothing happens when there is none.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    shared: &Shared,
    project: &ProjectId,
    keyset: u64,
    name: &str,
    context: &Context,
) -> Result<Committed, Error> {
    let name = name.to_owned();
    let command = Command::DeleteSecret { name };
    let key = KeysetId::from(keyset.to_string()).key(project);
    Ok(shared.bus.execute::<Keyset>(&key, command, context).await?)
}

/// Opens a secret for a function of the keyset; none: there is none of this name.
///
/// # Errors
/// See [`Error`].
pub async fn get(
    shared: &Shared,
    project: &ProjectId,
    keyset: u64,
    name: &str,
) -> Result<Option<String>, Error> {
    let key = KeysetId::from(keyset.to_string()).key(project);
    let found = shared.bus.load::<Keyset>(&key).await?;
    match found.state.secrets.get(name) {
        Some(sealed) => Ok(Some(shared.vault.open(sealed).await?)),
        None => Ok(None),
    }
}
