//! What a random history would show too seldom, or not plainly.

use std::sync::Arc;
use std::time::Duration;

use aggregates::deployment::{Artefact, ArtefactKind};
use aggregates::entry::{Event as E, Kind, Value};
use aggregates::event::Event;
use aggregates::execution::{Event as X, Outcome, Request};
use aggregates::keyset::{Event as K, Settings as Behaviour};
use aggregates::package::{Event as P, Settings, TestInput};
use aggregates::pkgdeploy::{Action, ActionState, Event as D, EventState, Scheduled};
use aggregates::{Handler, HandlerCall, Sealed, Text, Trigger, TriggerKind};
use journal::Journal as _;
use projections::{ReadModels, View};

use crate::history::blob;
use crate::home::{Home, on_both};
use crate::journal::Memory;
use crate::property::runtime;
use crate::runner::everything;

on_both!(
    what_is_below_ends_with_what_is_above,
    deployments_are_counted,
    windows_outlive_their_deployment_and_not_its_revision,
    a_change_is_later_than_the_one_before,
    values_are_found_by_key_however_many_others_there_are,
    what_is_given_up_is_found_by_its_keyset,
);

const EVERY: Duration = Duration::from_secs(20);

/// A journal and what is read from it.
struct Bed {
    journal: Arc<Memory>,
    reads: ReadModels,
}

impl Bed {
    fn open(home: &Home) -> Self {
        let journal = Memory::new();
        let reads = home.options(journal.clone()).build().unwrap();
        Self { journal, reads }
    }

    /// What is there now.
    async fn now(&self) -> View {
        let head = self.journal.head();
        assert!(
            self.reads.wait_for(head, EVERY).await,
            "{:?}",
            self.reads.status()
        );
        self.reads.view(None)
    }

    fn package(&self, id: &str, event: P) -> u64 {
        let event = Event::Package(event);
        self.journal
            .push("package", &format!("alpha:{id}"), 5, &event)
    }

    fn keyset(&self, number: u64, event: K) -> u64 {
        let event = Event::Keyset(event);
        self.journal
            .push("keyset", &format!("alpha:{number}"), 5, &event)
    }

    fn deployment(&self, key: &str, event: D) -> u64 {
        let event = Event::PackageDeployment(event);
        self.journal
            .push("pkgdeploy", &format!("alpha:{key}"), 5, &event)
    }

    fn execution(&self, id: &str, event: X) -> u64 {
        let event = Event::Execution(event);
        self.journal
            .push("execution", &format!("alpha:{id}"), 5, &event)
    }

    fn set(&self, keyset: u64, key: &str, kind: Kind, expires_at: i64) -> u64 {
        let value = Value {
            kind,
            sealed: Sealed {
                data_key: "data".to_owned(),
                sealed: "AAAA".to_owned(),
            },
            expires_at,
        };
        let event = Event::Entry(E::EntrySet {
            keyset,
            key: key.to_owned(),
            value,
        });
        let stream = format!("alpha:sub-{keyset}/{key}");
        self.journal.push("entry", &stream, 5, &event)
    }

    /// Two packages of two revisions with two functions each, two keysets, and
    /// a deployment of each revision on each keyset.
    fn fill(&self) {
        for package in ["p0", "p1"] {
            self.package(package, created(package));
            for revision in ["r0", "r1"] {
                let id = format!("{package}{revision}");
                self.package(package, revised(&id));
                let added = P::TestInputAdded {
                    id: format!("{id}t0").as_str().into(),
                    handler: format!("{id}h0").as_str().into(),
                    input: TestInput {
                        payload: Text::Inline("1".to_owned()),
                        mime_type: "application/json".to_owned(),
                        description: None,
                    },
                };
                self.package(package, added);
            }
        }
        for number in [1001, 1002] {
            let event = K::KeysetCreated {
                number,
                name: format!("k{number}"),
                publish_key: format!("pub-{number}"),
                subscribe_key: format!("sub-{number}"),
                settings: Behaviour::default(),
            };
            self.keyset(number, event);
            for package in ["p0", "p1"] {
                for revision in ["r0", "r1"] {
                    self.assign(package, &format!("{package}{revision}"), number);
                }
            }
        }
    }

    fn assign(&self, package: &str, revision: &str, keyset: u64) -> u64 {
        let event = D::PackageAssigned {
            id: format!("{revision}-on-{keyset}").as_str().into(),
            package: package.into(),
            revision: revision.into(),
            keyset,
            handlers: vec![format!("{revision}h0").as_str().into()],
        };
        self.deployment(&format!("{revision}@{keyset}"), event)
    }
}

fn created(name: &str) -> P {
    P::PackageCreated {
        settings: Settings {
            name: name.to_owned(),
            ..Settings::default()
        },
        api_managed: false,
        blueprint: None,
    }
}

fn revised(id: &str) -> P {
    let handler = |n: u32| Handler {
        id: format!("f{n}").as_str().into(),
        revision: format!("{id}h{n}").as_str().into(),
        name: format!("f{n}"),
        trigger: Trigger {
            kind: TriggerKind::AfterPublish,
            input_channel: Some("chat.*".to_owned()),
            output_channel: None,
            path: None,
            interval: None,
        },
        sort_order: n,
        code: blob(1),
        artefact: Artefact {
            kind: ArtefactKind::JavaScript,
            code: blob(2),
            source_map: None,
            script: None,
        },
    };
    P::RevisionCreated {
        revision: id.into(),
        name: id.to_owned(),
        description: None,
        handlers: vec![handler(0), handler(1)],
    }
}

fn window(id: &str) -> Scheduled {
    let action = || Action {
        id: "a".to_owned(),
        state: ActionState::Pending,
    };
    Scheduled {
        id: id.into(),
        begin: 10,
        end: 20,
        description: None,
        start: action(),
        stop: action(),
    }
}

/// The ids of revisions of a package, their test inputs, and of deployments.
async fn ids(view: &View, package: &str) -> [Vec<String>; 3] {
    let list = everything();
    let revisions = view.package_revisions("alpha", package, &list).await;
    let revisions = revisions.unwrap().rows;
    let mut inputs = Vec::new();
    for revision in ["r0", "r1"] {
        let id = format!("{package}{revision}");
        let functions = view.handlers("alpha", &id, &list).await.unwrap();
        let known = revisions.iter().any(|row| row.id.as_str() == id);
        assert_eq!(functions.rows.len(), if known { 2 } else { 0 });
        let handler = format!("{id}h0");
        let found = view.handler("alpha", &handler).await.unwrap();
        assert_eq!(found.is_some(), known);
        let page = view.test_inputs("alpha", &handler, &list).await.unwrap();
        inputs.extend(page.rows.into_iter().map(|row| row.id.to_string()));
    }
    let deployments = view.package_deployments("alpha", &list).await.unwrap();
    let mut deployments = deployments.rows;
    deployments.retain(|row| row.package.as_str() == package);
    [
        revisions.iter().map(|row| row.id.to_string()).collect(),
        inputs,
        deployments.iter().map(|row| row.id.to_string()).collect(),
    ]
}

fn what_is_below_ends_with_what_is_above(home: &Home) {
    runtime().block_on(async {
        let bed = Bed::open(home);
        bed.fill();
        bed.set(1001, "a", Kind::String, i64::MAX);
        bed.set(1002, "a", Kind::String, i64::MAX);
        let full = bed.journal.head();
        bed.package(
            "p0",
            P::RevisionDeleted {
                revision: "p0r0".into(),
            },
        );
        let less = bed.journal.head();
        bed.keyset(1002, K::KeysetDeleted {});
        bed.package("p1", P::PackageDeleted {});
        // What comes when its owner is gone belongs to nobody.
        bed.assign("p1", "p1r0", 1001);
        bed.assign("p0", "p0r1", 1002);
        bed.package("p1", revised("p1r2"));
        bed.set(1002, "b", Kind::String, i64::MAX);
        bed.now().await;
        // As it was applied while it happened, and then once more from the start.
        for _ in 0..2 {
            let before = bed.reads.view(Some(full));
            let [revisions, inputs, deployments] = ids(&before, "p0").await;
            assert_eq!(revisions, ["p0r0", "p0r1"]);
            assert_eq!(inputs, ["p0r0t0", "p0r1t0"]);
            assert_eq!(deployments.len(), 4);
            let [revisions, inputs, deployments] = ids(&bed.reads.view(Some(less)), "p0").await;
            assert_eq!(revisions, ["p0r1"]);
            assert_eq!(inputs, ["p0r1t0"]);
            assert_eq!(deployments, ["p0r1-on-1001", "p0r1-on-1002"]);
            let now = bed.reads.view(None);
            assert_eq!(ids(&now, "p0").await[2], ["p0r1-on-1001"]);
            assert_eq!(ids(&now, "p1").await.concat(), Vec::<String>::new());
            let every = now.every_keyset().await.unwrap();
            assert_eq!(every.len(), 1);
            assert_eq!(every[0].row.number, 1001);
            assert_eq!(
                now.highest_keyset().await.unwrap(),
                1002,
                "never given again"
            );
            for (number, left) in [(1001, 1), (1002, 0)] {
                let page = now.entries("alpha", number, &everything()).await.unwrap();
                assert_eq!(page.rows.len(), left, "of {number}");
            }
            bed.reads.rebuild("packages").await.unwrap();
            bed.reads.rebuild("entries").await.unwrap();
        }
        bed.reads.close().await;
    });
}

fn deployments_are_counted(home: &Home) {
    runtime().block_on(async {
        let bed = Bed::open(home);
        bed.fill();
        let counts = async |package: &str| {
            let view = bed.now().await;
            let row = view.package("alpha", package).await.unwrap().unwrap();
            let revision = format!("{package}r0");
            let first = view.package_revision("alpha", &revision).await.unwrap();
            let first = first.map(|row| (row.deployments_total, row.deployments_running));
            let all = [
                row.revisions_total,
                row.revisions_running,
                row.deployments_total,
                row.deployments_running,
            ];
            (all, first)
        };
        assert_eq!(counts("p0").await, ([2, 0, 4, 0], Some((2, 0))));
        let requested = |operation| D::StartRequested {
            operation,
            replacing: None,
        };
        let start = |key: &str| {
            bed.deployment(key, requested(1));
            bed.deployment(key, D::PackageStarted { operation: 1 });
        };
        bed.deployment("p0r0@1001", requested(1));
        assert_eq!(counts("p0").await, ([2, 0, 4, 0], Some((2, 0))), "not yet");
        bed.deployment("p0r0@1001", D::PackageStarted { operation: 1 });
        assert_eq!(counts("p0").await, ([2, 1, 4, 1], Some((2, 1))));
        start("p0r0@1002");
        start("p0r1@1001");
        assert_eq!(counts("p0").await, ([2, 2, 4, 3], Some((2, 2))));
        assert_eq!(counts("p1").await, ([2, 0, 4, 0], Some((2, 0))));
        let running = bed.now().await.running_package_deployments().await.unwrap();
        let running: Vec<_> = running.iter().map(|one| one.row.id.as_str()).collect();
        assert_eq!(running, ["p0r0-on-1001", "p0r1-on-1001", "p0r0-on-1002"]);
        let stop = D::StopRequested {
            operation: 2,
            restart: false,
        };
        bed.deployment("p0r0@1001", stop);
        assert_eq!(counts("p0").await, ([2, 2, 4, 2], Some((2, 1))));
        // A keyset, and a revision, take theirs along.
        bed.keyset(1002, K::KeysetDeleted {});
        assert_eq!(counts("p0").await, ([2, 1, 2, 1], Some((1, 0))));
        bed.package(
            "p0",
            P::RevisionDeleted {
                revision: "p0r0".into(),
            },
        );
        assert_eq!(counts("p0").await, ([1, 1, 1, 1], None));
        bed.reads.close().await;
    });
}

fn windows_outlive_their_deployment_and_not_its_revision(home: &Home) {
    runtime().block_on(async {
        let bed = Bed::open(home);
        bed.fill();
        let key = "p0r0@1001";
        bed.deployment(
            key,
            D::EventScheduled {
                event: window("w0"),
            },
        );
        let open = bed.now().await.open_scheduled_events().await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].row.deployment.as_str(), "p0r0-on-1001");
        bed.deployment(key, D::PackageUnassigned {});
        let again = D::PackageAssigned {
            id: "second".into(),
            package: "p0".into(),
            revision: "p0r0".into(),
            keyset: 1001,
            handlers: Vec::new(),
        };
        bed.deployment(key, again);
        let view = bed.now().await;
        let gone = view.package_deployment("alpha", "p0r0-on-1001").await;
        assert_eq!(gone.unwrap(), None);
        let second = view.package_deployment("alpha", "second").await.unwrap();
        assert_eq!(second.unwrap().key.as_str(), key);
        let row = view.scheduled_event("alpha", "w0").await.unwrap().unwrap();
        assert_eq!(row.event.state(), EventState::Canceled);
        assert_eq!(row.deployment.as_str(), "p0r0-on-1001", "whose it was");
        assert!(view.open_scheduled_events().await.unwrap().is_empty());
        bed.package(
            "p0",
            P::RevisionDeleted {
                revision: "p0r0".into(),
            },
        );
        let view = bed.now().await;
        assert_eq!(view.scheduled_event("alpha", "w0").await.unwrap(), None);
        bed.reads.close().await;
    });
}

fn a_change_is_later_than_the_one_before(home: &Home) {
    runtime().block_on(async {
        let bed = Bed::open(home);
        bed.fill();
        // All of it happens in one millisecond.
        let update = |name: &str| P::PackageUpdated {
            settings: Settings {
                name: name.to_owned(),
                ..Settings::default()
            },
        };
        bed.package("p0", update("a"));
        bed.package("p0", update("b"));
        bed.deployment(
            "p0r0@1001",
            D::StartRequested {
                operation: 1,
                replacing: None,
            },
        );
        bed.deployment("p0r0@1001", D::PackageStarted { operation: 1 });
        let view = bed.now().await;
        let package = view.package("alpha", "p0").await.unwrap().unwrap();
        assert_eq!(package.updated_at, package.created_at + 2);
        let row = view.package_deployment("alpha", "p0r0-on-1001").await;
        let row = row.unwrap().unwrap();
        assert_eq!(row.updated_at, row.created_at + 2);
        assert_eq!(row.running_since, Some(row.created_at), "by the clock");
        let by_name = async |name: &str| {
            let found = view.package_by_name("alpha", name).await.unwrap();
            found.map(|row| row.id.to_string())
        };
        assert_eq!(by_name("B").await.as_deref(), Some("p0"));
        assert_eq!(by_name("a").await, None);
        bed.reads.close().await;
    });
}

fn values_are_found_by_key_however_many_others_there_are(home: &Home) {
    runtime().block_on(async {
        let bed = Bed::open(home);
        bed.fill();
        for number in 0..300 {
            bed.set(1001, &format!("j{number:03}"), Kind::Json, 100);
        }
        for key in ["b", "a/b", "Z", "ä", "a"] {
            bed.set(1001, key, Kind::String, 100);
        }
        bed.set(1001, "late", Kind::String, 50);
        bed.set(1001, "j007", Kind::String, 100);
        let view = bed.now().await;
        let keys = async |kind, after: Option<&str>, now, limit| {
            let place = (after, now);
            let found = view.entries_by_key("alpha", 1001, kind, place, limit).await;
            found
                .unwrap()
                .into_iter()
                .map(|row| row.key)
                .collect::<Vec<_>>()
        };
        let all = keys(Kind::String, None, 0, 100).await;
        assert_eq!(
            all,
            ["Z", "a", "a/b", "b", "j007", "late", "ä"],
            "byte by byte"
        );
        assert_eq!(keys(Kind::String, None, 50, 3).await, ["Z", "a", "a/b"]);
        assert_eq!(
            keys(Kind::String, Some("a/b"), 50, 3).await,
            ["b", "j007", "ä"]
        );
        assert_eq!(keys(Kind::String, Some("gone"), 50, 1).await, ["j007"]);
        assert_eq!(keys(Kind::String, None, 100, 3).await, Vec::<String>::new());
        let json = keys(Kind::Json, Some("j005"), 0, 2).await;
        assert_eq!(json, ["j006", "j008"], "one that became a text is none");
        assert_eq!(keys(Kind::Json, None, 0, 1000).await.len(), 299);
        bed.reads.close().await;
    });
}

fn what_is_given_up_is_found_by_its_keyset(home: &Home) {
    runtime().block_on(async {
        let bed = Bed::open(home);
        bed.fill();
        let call = |keyset, is_last| HandlerCall {
            keyset,
            deployment: Some("u".into()),
            package: "p0".into(),
            revision: "p0r0".into(),
            handler: "p0r0h0".into(),
            name: "f0".to_owned(),
            kind: TriggerKind::AfterPublish,
            channel: "chat.a".to_owned(),
            hop: 1,
            attempt: 1,
            retry_of: None,
            is_last,
        };
        let run = |id: &str, call: HandlerCall, completed| {
            let request = Request {
                function: call.handler.as_str().into(),
                handler: Some(call),
                ..Request::default()
            };
            let requested = X::ExecutionRequested {
                request,
                scheduled_at: None,
                input: blob(1),
                deployment: "u".into(),
            };
            bed.execution(id, requested);
            let result = Outcome {
                completed,
                ..Outcome::default()
            };
            bed.execution(id, X::ExecutionFinished { result })
        };
        run("first", call(1001, false), false);
        run("second", call(1001, true), false);
        run("well", call(1001, true), true);
        run("elsewhere", call(1002, true), false);
        let last = run("third", call(1001, true), false);
        let letters = async |view: View, keyset| {
            let page = view.dead_letters("alpha", keyset, &everything()).await;
            let rows = page.unwrap().rows.into_iter();
            rows.map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(letters(bed.now().await, 1001).await, ["second", "third"]);
        assert_eq!(letters(bed.now().await, 1002).await, ["elsewhere"]);
        let all = bed
            .now()
            .await
            .executions("alpha", "p0r0h0", &everything())
            .await;
        assert_eq!(all.unwrap().total, 5);
        bed.execution("second", X::ExecutionDeleted {});
        assert_eq!(letters(bed.now().await, 1001).await, ["third"]);
        bed.keyset(1002, K::KeysetDeleted {});
        assert_eq!(letters(bed.now().await, 1002).await, Vec::<String>::new());
        bed.package(
            "p0",
            P::RevisionDeleted {
                revision: "p0r0".into(),
            },
        );
        assert_eq!(letters(bed.now().await, 1001).await, Vec::<String>::new());
        let gone = bed.now().await.execution("alpha", "third").await.unwrap();
        assert_eq!(gone, None, "it ends with the revision of its function");
        let then = bed.reads.view(Some(last));
        assert_eq!(letters(then, 1001).await, ["second", "third"]);
        bed.reads.close().await;
    });
}
