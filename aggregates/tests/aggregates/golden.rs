//! Every event version ever written stays readable. `golden/*.json` holds, for
//! each event type and version, a payload as it was once stored; files are
//! added, never changed.

use std::collections::BTreeSet;
use std::path::Path;

use aggregates::event::{Event, decode};
use aggregates::{
    compilation, connection, counter, deployment, dryrun, entry, execution, function, integration,
    keyset, package, pkgdeploy, project, rejection, sending, sync,
};
use serde_json::Value;

#[test]
fn every_stored_payload_is_still_read() {
    let folder = Path::new("tests/aggregates/golden");
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let aggregate = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let stored: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for event in stored {
            let kind = event["type"].as_str().unwrap();
            let version = event["version"].as_str().unwrap();
            let payload = event["payload"].to_string();
            let decoded = decode(&aggregate, kind, version, &payload)
                .unwrap_or_else(|error| panic!("{error}: {:?}", error.source))
                .unwrap();
            let (now, written) = match &decoded {
                Event::Project(event) => (event.kind(), serde_json::to_value(event)),
                Event::Function(event) => (event.kind(), serde_json::to_value(event)),
                Event::Deployment(event) => (event.kind(), serde_json::to_value(event)),
                Event::Execution(event) => (event.kind(), serde_json::to_value(event)),
                Event::Integration(event) => (event.kind(), serde_json::to_value(event)),
                Event::Connection(event) => (event.kind(), serde_json::to_value(event)),
                Event::Sync(event) => (event.kind(), serde_json::to_value(event)),
                Event::DryRun(event) => (event.kind(), serde_json::to_value(event)),
                Event::Package(event) => (event.kind(), serde_json::to_value(event)),
                Event::Keyset(event) => (event.kind(), serde_json::to_value(event)),
                Event::PackageDeployment(event) => (event.kind(), serde_json::to_value(event)),
                Event::Entry(event) => (event.kind(), serde_json::to_value(event)),
                Event::Counter(event) => (event.kind(), serde_json::to_value(event)),
                Event::Compilation(event) => (event.kind(), serde_json::to_value(event)),
                Event::Sending(event) => (event.kind(), serde_json::to_value(event)),
                Event::Rejection(event) => (event.kind(), serde_json::to_value(event)),
            };
            assert_eq!(now, kind);
            assert_eq!(
                written.unwrap(),
                event["payload"],
                "{kind} reads as it was written"
            );
            seen.insert(kind.to_owned());
        }
    }
    let all = [
        project::Event::KINDS,
        function::Event::KINDS,
        deployment::Event::KINDS,
        execution::Event::KINDS,
        integration::Event::KINDS,
        connection::Event::KINDS,
        sync::Event::KINDS,
        dryrun::Event::KINDS,
        package::Event::KINDS,
        keyset::Event::KINDS,
        pkgdeploy::Event::KINDS,
        entry::Event::KINDS,
        counter::Event::KINDS,
        compilation::Event::KINDS,
        sending::Event::KINDS,
        rejection::Event::KINDS,
    ];
    for kind in all.iter().flat_map(|kinds| kinds.iter()) {
        assert!(seen.contains(*kind), "no golden payload for {kind}");
    }
}

#[test]
fn unknown_versions_are_refused_and_foreign_aggregates_passed_over() {
    let payload = r#"{"FunctionDeleted":{}}"#;
    assert!(decode("function", "FunctionDeleted", "99", payload).is_err());
    assert!(decode("function", "Nonsense", "1", r#"{"Nonsense":{}}"#).is_err());
    assert_eq!(decode("invoice", "Paid", "1", "{}").unwrap(), None);
}
