//! What a random history would show too seldom, or not plainly.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aggregates::connection::{Event as C, Settings};
use aggregates::event::Event;
use aggregates::integration::{Event as I, Settings as Configured};
use aggregates::sync::{Counts, Event as S, Place, RunResult, RunStatus};
use aggregates::{ScriptKind, Sealed};
use journal::Journal as _;
use projections::ReadModels;
use projections::query::List;
use serde_json::{Value, json};

use crate::home::{Home, on_both};
use crate::journal::Memory;
use crate::property::runtime;
use crate::runner::everything;

on_both!(
    what_is_below_ends_with_what_is_above,
    what_comes_late_belongs_to_nobody,
    an_end_user_of_any_size_is_found_by_its_first_words,
    a_run_from_beginning_to_end,
);

const EVERY: Duration = Duration::from_secs(20);

fn add_integration(journal: &Memory, id: &str) -> u64 {
    let settings = Configured {
        provider: "github".to_owned(),
        display_name: None,
        forward_webhooks: true,
        config: BTreeMap::new(),
        custom: BTreeMap::new(),
        credentials: None,
    };
    let event = Event::Integration(I::IntegrationCreated { settings });
    journal.push("integration", &format!("alpha:{id}"), 1, &event)
}

fn drop_integration(journal: &Memory, id: &str) -> u64 {
    let event = Event::Integration(I::IntegrationDeleted {});
    journal.push("integration", &format!("alpha:{id}"), 2, &event)
}

fn connect(journal: &Memory, integration: &str, key: &str, end_user: Option<Value>) -> u64 {
    let settings = Settings {
        kind: "NONE".to_owned(),
        credentials: Sealed {
            data_key: "data".to_owned(),
            sealed: "AAAA".to_owned(),
        },
        expires_at: None,
        config: BTreeMap::new(),
        metadata: Value::Null,
        tags: BTreeMap::new(),
        end_user,
        webhook_url_override: None,
    };
    let event = Event::Connection(C::ConnectionCreated {
        integration: integration.into(),
        connection_id: format!("conn-{key}"),
        provider: "github".to_owned(),
        settings,
    });
    journal.push("connection", &format!("alpha:{key}"), 3, &event)
}

fn add_sync(journal: &Memory, integration: &str, connection: &str, key: &str) -> u64 {
    let event = S::SyncCreated {
        place: Place {
            integration: integration.into(),
            connection_id: format!("conn-{connection}"),
            connection: connection.into(),
            kind: ScriptKind::Sync,
            name: "issues".to_owned(),
            variant: "base".to_owned(),
        },
        started: true,
        frequency: None,
    };
    happen(journal, key, 4, event)
}

fn happen(journal: &Memory, key: &str, at: i64, event: S) -> u64 {
    journal.push("sync", &format!("alpha:{key}"), at, &Event::Sync(event))
}

async fn open(home: &Home, journal: &Arc<Memory>) -> ReadModels {
    let reads = home.options(journal.clone()).build().unwrap();
    assert!(
        reads.wait_for(journal.head(), EVERY).await,
        "{:?}",
        reads.status()
    );
    reads
}

/// The ids of connections and syncs, as of a position.
async fn ids(reads: &ReadModels, at: Option<u64>) -> (Vec<String>, Vec<String>) {
    let view = reads.view(at);
    let connections = view.connections("alpha", None, &everything()).await;
    let syncs = view.syncs_of_project("alpha", &everything()).await.unwrap();
    let every = view.all_syncs().await.unwrap();
    assert_eq!(every.len(), syncs.rows.len());
    assert_eq!(syncs.total as usize, syncs.rows.len());
    let connections = connections.unwrap().rows.into_iter();
    (
        connections.map(|row| row.key.to_string()).collect(),
        syncs.rows.iter().map(|row| row.key.to_string()).collect(),
    )
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn what_is_below_ends_with_what_is_above(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        let reads = open(home, &journal).await;
        add_integration(&journal, "a");
        add_integration(&journal, "b");
        for (integration, key) in [("a", "k0"), ("b", "k1"), ("a", "k2")] {
            connect(&journal, integration, key, None);
            add_sync(&journal, integration, key, &format!("{key}-s0"));
            add_sync(&journal, integration, key, &format!("{key}-s1"));
        }
        let full = journal.head();
        let gone = drop_integration(&journal, "a");
        add_integration(&journal, "a");
        connect(&journal, "a", "k3", None);
        add_sync(&journal, "a", "k3", "k3-s0");
        let event = Event::Connection(C::ConnectionDeleted {});
        let last = journal.push("connection", "alpha:k1", 9, &event);
        assert!(reads.wait_for(last, EVERY).await);
        // As it was applied while it happened, and then once more from the start.
        for _ in 0..2 {
            let before = (
                owned(&["k0", "k1", "k2"]),
                owned(&["k0-s0", "k0-s1", "k1-s0", "k1-s1", "k2-s0", "k2-s1"]),
            );
            assert_eq!(ids(&reads, Some(full)).await, before);
            let after = (owned(&["k1"]), owned(&["k1-s0", "k1-s1"]));
            assert_eq!(ids(&reads, Some(gone)).await, after);
            let later = (owned(&["k1", "k3"]), owned(&["k1-s0", "k1-s1", "k3-s0"]));
            assert_eq!(ids(&reads, Some(last - 1)).await, later);
            assert_eq!(ids(&reads, None).await, (owned(&["k3"]), owned(&["k3-s0"])));
            reads.rebuild("integrations").await.unwrap();
        }
        reads.close().await;
    });
}

fn what_comes_late_belongs_to_nobody(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        connect(&journal, "a", "k0", None);
        add_sync(&journal, "a", "k0", "s0");
        happen(&journal, "s0", 5, S::SyncPaused {});
        add_integration(&journal, "a");
        let event = Event::Connection(C::MetadataSet {
            metadata: json!({}),
        });
        journal.push("connection", "alpha:k0", 6, &event);
        let reads = open(home, &journal).await;
        assert_eq!(ids(&reads, None).await, (vec![], vec![]));
        let view = reads.view(None);
        assert_eq!(view.connection("alpha", "k0").await.unwrap(), None);
        assert_eq!(view.sync("alpha", "s0").await.unwrap(), None);
        reads.close().await;
    });
}

fn an_end_user_of_any_size_is_found_by_its_first_words(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        add_integration(&journal, "a");
        let many: Vec<String> = (0..70_000).map(|number| format!("w{number}")).collect();
        let end_user = json!({ "a": "x".repeat(20_000), "b": "Ada", "c": many.join(" ") });
        connect(&journal, "a", "k0", Some(end_user));
        let other = json!({ "name": "Adam" });
        connect(&journal, "a", "k1", Some(other));
        let reads = open(home, &journal).await;
        let found = async |search: &str| {
            let list = List {
                search: search.to_owned(),
                ..everything()
            };
            let page = reads.view(None).connections("alpha", None, &list).await;
            let rows = page.unwrap().rows.into_iter();
            rows.map(|row| row.key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found("ada").await, ["k0", "k1"]);
        assert_eq!(found("\"ada w0\"").await, ["k0"]);
        assert_eq!(found("xxx").await, ["k0"]);
        assert_eq!(found("conn k1").await, ["k0", "k1"]);
        assert_eq!(found("\"conn k1\"").await, ["k1"]);
        assert_eq!(found("w69999").await, Vec::<String>::new());
        reads.close().await;
    });
}

fn a_run_from_beginning_to_end(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        add_integration(&journal, "a");
        connect(&journal, "a", "k0", None);
        add_sync(&journal, "a", "k0", "s0");
        let start = |run: &str, attempt, empty_cache| S::RunStarted {
            run: run.to_owned(),
            worker: format!("w{attempt}"),
            attempt,
            due: Some(99),
            trigger: "schedule".to_owned(),
            reset: empty_cache,
            empty_cache,
        };
        let page = |run: &str, attempt, added| S::PageSaved {
            run: run.to_owned(),
            attempt,
            model: "Issue".to_owned(),
            counts: Counts {
                added,
                ..Counts::default()
            },
        };
        let finish = |run: &str, attempt, status| S::RunFinished {
            run: run.to_owned(),
            attempt,
            result: RunResult {
                status,
                error: None,
                counts: BTreeMap::new(),
                execution: Some("e1".into()),
                duration_ms: 7,
            },
        };
        let steps = [
            (100, start("r1", 1, false)),
            (110, page("r1", 1, 2)),
            (120, start("r1", 2, false)),
            (130, page("r1", 2, 3)),
            (140, finish("r1", 2, RunStatus::Succeeded)),
            (200, start("r2", 1, false)),
            (210, finish("r2", 1, RunStatus::Failed)),
            (300, start("r3", 1, true)),
            (310, page("r3", 1, 4)),
            (320, start("r3", 2, true)),
        ];
        let before = journal.head();
        for (at, event) in steps {
            happen(&journal, "s0", at, event);
        }
        let reads = open(home, &journal).await;
        let after = async |steps: u64| {
            let view = reads.view(Some(before + steps));
            view.sync("alpha", "s0").await.unwrap().unwrap()
        };
        let taken = after(3).await.running.unwrap();
        assert_eq!((taken.attempt, &*taken.worker), (2, "w2"));
        assert_eq!((taken.started_at, taken.taken_at), (100, 120));
        let one = after(5).await;
        assert_eq!(one.running, None);
        assert_eq!(one.last_success_started_at, Some(100));
        assert_eq!(one.totals["Issue"].added, 5);
        let last = one.last.unwrap();
        assert_eq!((last.started_at, last.finished_at), (100, 140));
        assert_eq!(last.status, RunStatus::Succeeded);
        let two = after(7).await;
        assert_eq!(two.last.unwrap().status, RunStatus::Failed);
        assert_eq!(two.last_success_started_at, Some(100), "of the one before");
        let three = after(8).await;
        assert!(three.totals.is_empty(), "it begins without records");
        assert_eq!(three.last_success_started_at, None, "and anew");
        assert_eq!(after(10).await.totals["Issue"].added, 4, "once");
        reads.close().await;
    });
}
