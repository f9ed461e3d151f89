//! All events of all aggregates under one roof, as read models and sagas see them.

use cqrs_es::Aggregate;

use crate::{
    compilation, connection, counter, deployment, dryrun, entry, execution, function, integration,
    keyset, package, pkgdeploy, project, rejection, sending, sync,
};

/// An event of any aggregate.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Of a project.
    Project(project::Event),
    /// Of a function.
    Function(function::Event),
    /// Of a deployment.
    Deployment(deployment::Event),
    /// Of an execution.
    Execution(execution::Event),
    /// Of an integration.
    Integration(integration::Event),
    /// Of a connection.
    Connection(connection::Event),
    /// Of the state of a script on a connection.
    Sync(sync::Event),
    /// Of a dry run.
    DryRun(dryrun::Event),
    /// Of a package.
    Package(package::Event),
    /// Of a keyset.
    Keyset(keyset::Event),
    /// Of a revision of a package on a keyset.
    PackageDeployment(pkgdeploy::Event),
    /// Of a value that functions share.
    Entry(entry::Event),
    /// Of a counter that functions share.
    Counter(counter::Event),
    /// Of a source that was compiled.
    Compilation(compilation::Event),
    /// Of something that was sent on a keyset.
    Sending(sending::Event),
    /// Of a command that was turned away.
    Rejection(rejection::Event),
}

/// A stored event that this program cannot read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {kind} version {version} of a {aggregate}")]
pub struct Unreadable {
    /// The aggregate type.
    pub aggregate: String,
    /// The event type.
    pub kind: String,
    /// The version of its payload.
    pub version: String,
    /// Why.
    #[source]
    pub source: Option<serde_json::Error>,
}

/// Reads the stored payload of any event version ever written. `None`: the
/// aggregate type is not one of ours, and the event is somebody else's.
pub fn decode(
    aggregate: &str,
    kind: &str,
    version: &str,
    payload: &str,
) -> Result<Option<Event>, Unreadable> {
    fn read<E: serde::de::DeserializeOwned>(payload: &str) -> Result<E, serde_json::Error> {
        serde_json::from_str(payload)
    }
    let unreadable = |source| Unreadable {
        aggregate: aggregate.to_owned(),
        kind: kind.to_owned(),
        version: version.to_owned(),
        source,
    };
    let read: fn(&str) -> Result<Event, serde_json::Error> = match aggregate {
        project::Project::TYPE => |payload| read(payload).map(Event::Project),
        function::Function::TYPE => |payload| read(payload).map(Event::Function),
        deployment::Deployment::TYPE => |payload| read(payload).map(Event::Deployment),
        execution::Execution::TYPE => |payload| read(payload).map(Event::Execution),
        integration::Integration::TYPE => |payload| read(payload).map(Event::Integration),
        connection::Connection::TYPE => |payload| read(payload).map(Event::Connection),
        sync::Sync::TYPE => |payload| read(payload).map(Event::Sync),
        dryrun::DryRun::TYPE => |payload| read(payload).map(Event::DryRun),
        package::Package::TYPE => |payload| read(payload).map(Event::Package),
        keyset::Keyset::TYPE => |payload| read(payload).map(Event::Keyset),
        pkgdeploy::PackageDeployment::TYPE => |payload| read(payload).map(Event::PackageDeployment),
        entry::Entry::TYPE => |payload| read(payload).map(Event::Entry),
        counter::Counter::TYPE => |payload| read(payload).map(Event::Counter),
        compilation::Compilation::TYPE => |payload| read(payload).map(Event::Compilation),
        sending::Sending::TYPE => |payload| read(payload).map(Event::Sending),
        rejection::Rejection::TYPE => |payload| read(payload).map(Event::Rejection),
        _ => return Ok(None),
    };
    if version != "1" {
        return Err(unreadable(None));
    }
    let event = read(payload);
    event.map(Some).map_err(|error| unreadable(Some(error)))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn what_is_somebody_elses_is_no_error() {
        assert!(decode("account", "Opened", "1.0", "{}").unwrap().is_none());
        let of_ours = decode("function", "FunctionCreated", "9", "{}");
        assert!(of_ours.is_err(), "a version that is not known yet");
    }
}
