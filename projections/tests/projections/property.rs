//! Every view of every position equals a fold in memory.

use std::sync::Arc;
use std::time::Duration;

use projections::query::{Cursor, List, Page};
use projections::{AuditFilter, Error, ReadModels, View};
use proptest::prelude::*;

use crate::history::{History, PROJECTS, Step};
use crate::home::Home;
use crate::journal::Memory;
use crate::lists::{Dice, Listed, page};
use crate::naive::World;

const EVERY: Duration = Duration::from_secs(20);

pub fn equal<T: Listed>(
    what: &str,
    list: &List,
    expected: Option<Page<T>>,
    found: Result<Page<T>, Error>,
) {
    match (expected, found) {
        (Some(expected), Ok(found)) => {
            assert_eq!(expected.rows, found.rows, "{what} {list:#?}");
            assert_eq!(expected.total, found.total, "{what}: total of {list:#?}");
        }
        (None, Err(Error::CursorNotFound(id))) => {
            let Some(Cursor::After(asked) | Cursor::Before(asked)) = &list.cursor else {
                panic!("{what}: there was no cursor");
            };
            assert_eq!(id, *asked);
        }
        (expected, found) => panic!("{what}: {expected:?} and {found:?} of {list:#?}"),
    }
}

/// Holds a view to a world.
pub async fn check(view: &View, world: &World, dice: &mut Dice) {
    let rows: Vec<_> = world.projects.values().cloned().collect();
    for _ in 0..2 {
        let list = dice.list(&rows, false);
        equal(
            "projects",
            &list,
            page(&rows, &list),
            view.projects(&list).await,
        );
    }
    for project in PROJECTS {
        let found = view.project(project).await.unwrap();
        assert_eq!(found.as_ref(), world.projects.get(project));
        let rows: Vec<_> = of(&world.keys, project);
        let list = dice.list(&rows, false);
        equal(
            "keys",
            &list,
            page(&rows, &list),
            view.keys(project, &list).await,
        );
        for key in &rows {
            let found = view.key_by_hash(&key.hash).await.unwrap();
            assert_eq!(found.as_ref(), Some(key));
        }
        let rows: Vec<_> = of(&world.functions, project);
        for _ in 0..4 {
            let list = dice.list(&rows, true);
            let found = view.functions(project, &list).await;
            equal("functions", &list, page(&rows, &list), found);
        }
        for function in ["f-0", "f-1", "f-2"] {
            below(view, world, project, function, dice).await;
        }
        for deployment in ["d0", "d1", "d2", "d3", "d4"] {
            let at = (project.to_owned(), deployment.to_owned());
            let found = view.deployment(project, deployment).await.unwrap();
            assert_eq!(found.as_ref(), world.deployments.get(&at));
            let log = view.build_log(project, deployment).await.unwrap();
            assert_eq!(&log, world.logs.get(&at).map_or("", |log| log));
        }
        for execution in ["e0", "e1", "e2", "e3", "e4", "e5"] {
            let at = (project.to_owned(), execution.to_owned());
            let found = view.execution(project, execution).await.unwrap();
            assert_eq!(found.as_ref(), world.executions.get(&at));
        }
        crate::nango::check::of_project(view, &world.nango, project, dice).await;
        crate::pubnub::check::of_project(view, world, project, dice).await;
    }
    assert_eq!(
        view.key_by_hash("alphak0").await.unwrap().is_some(),
        world
            .keys
            .contains_key(&("alpha".to_owned(), "k0".to_owned()))
    );
    overall(view, world).await;
    crate::nango::check::overall(view, &world.nango).await;
    crate::pubnub::check::overall(view, &world.pubnub).await;
}

pub fn of<T: Clone>(
    all: &std::collections::BTreeMap<(String, String), T>,
    project: &str,
) -> Vec<T> {
    let own = all.iter().filter(|((own, _), _)| own == project);
    own.map(|(_, row)| row.clone()).collect()
}

async fn below(view: &View, world: &World, project: &str, function: &str, dice: &mut Dice) {
    let at = (project.to_owned(), function.to_owned());
    let found = view.function(project, function).await.unwrap();
    assert_eq!(found.as_ref(), world.functions.get(&at));
    let rows: Vec<_> = world
        .variables
        .iter()
        .filter(|((p, f, _), _)| p == project && f == function)
        .map(|(_, row)| row.clone())
        .collect();
    let list = dice.list(&rows, false);
    let found = view.variables(project, function, &list).await;
    equal("variables", &list, page(&rows, &list), found);
    for id in ["v0", "v1", "v2"] {
        let found = view.variable(project, function, id).await.unwrap();
        assert_eq!(found.as_ref(), rows.iter().find(|row| row.id == id));
    }
    let mut rows: Vec<_> = of(&world.deployments, project);
    rows.retain(|row| row.function_id == function);
    for _ in 0..2 {
        let list = dice.list(&rows, false);
        let found = view.deployments(project, function, &list).await;
        equal("deployments", &list, page(&rows, &list), found);
    }
    let mut rows: Vec<_> = of(&world.executions, project);
    rows.retain(|row| row.function_id == function);
    for _ in 0..2 {
        let list = dice.list(&rows, false);
        let found = view.executions(project, function, &list).await;
        equal("executions", &list, page(&rows, &list), found);
    }
}

/// What is asked over all projects.
async fn overall(view: &View, world: &World) {
    let mut expected: Vec<_> = world
        .deployments
        .iter()
        .filter(|(_, row)| matches!(row.status.as_str(), "waiting" | "building"))
        .map(|((project, _), row)| (project.clone(), row.clone()))
        .collect();
    expected.sort_by_key(|(_, row)| row.sequence);
    let found = view.unfinished_deployments().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.project, one.row))
        .collect();
    assert_eq!(expected, found);
    let mut expected: Vec<_> = world
        .deployments
        .iter()
        .filter(|(at, row)| row.status == "ready" && row.activate && !world.activated.contains(*at))
        .map(|((project, _), row)| (project.clone(), row.clone()))
        .collect();
    expected.sort_by_key(|(_, row)| row.sequence);
    let found = view.ready_but_unactivated().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.project, one.row))
        .collect();
    assert_eq!(expected, found);
    let mut expected: Vec<_> = world
        .executions
        .iter()
        .filter(|(_, row)| !matches!(row.status.as_str(), "completed" | "failed"))
        .map(|((project, _), row)| (project.clone(), row.clone()))
        .collect();
    expected.sort_by_key(|(_, row)| row.sequence);
    let found = view.unfinished_executions().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.project, one.row))
        .collect();
    assert_eq!(expected, found);
}

async fn check_audit(view: &View, journal: &Memory, at: u64, dice: &mut Dice) {
    let some = |dice: &mut Dice, of: &[&str]| {
        (dice.roll(3) == 0).then(|| of[dice.roll(of.len())].to_owned())
    };
    let filter = AuditFilter {
        project: some(dice, &PROJECTS),
        stream: some(
            dice,
            &[
                "function-alpha:f-0",
                "project-beta",
                "sync-alpha:s0",
                "keyset-alpha:1",
                "entry-alpha:sub-1/h0",
            ],
        ),
        actor: some(dice, &["key:0", "key:1"]),
        event: some(dice, &["FunctionCreated", "ConnectionCreated", "SecretSet"]),
        correlation: some(dice, &["correlation-1", "correlation-2"]),
        after: (dice.roll(3) == 0).then(|| dice.roll(30) as u64),
        before: (dice.roll(3) == 0).then(|| dice.roll(60) as u64),
        limit: [1, 3, 1000][dice.roll(3)],
    };
    let is = |wanted: &Option<String>, have: &str| wanted.as_ref().is_none_or(|one| one == have);
    let mut expected: Vec<u64> = journal
        .events()
        .iter()
        .filter(|event| {
            let project = event.stream.key.split(':').next().unwrap();
            event.position <= at
                && &*event.stream.kind != "account"
                && is(&filter.project, project)
                && is(&filter.stream, &event.stream.to_string())
                && is(&filter.actor, &event.metadata.actor)
                && is(&filter.event, &event.kind)
                && is(&filter.correlation, &event.metadata.correlation_id)
                && filter.after.is_none_or(|after| event.position > after)
                && filter.before.is_none_or(|before| event.position < before)
        })
        .map(|event| event.position)
        .collect();
    let limit = filter.limit as usize;
    if filter.before.is_some() && filter.after.is_none() {
        expected = expected.split_off(expected.len().saturating_sub(limit));
    }
    expected.truncate(limit);
    let found = view.audit(&filter).await.unwrap();
    let positions: Vec<u64> = found.iter().map(|row| row.position).collect();
    assert_eq!(expected, positions, "{filter:?}");
    for row in found {
        let stored = &journal.events()[row.position as usize - 1];
        assert_eq!(row.stream, stored.stream.to_string());
        assert_eq!(row.event, *stored.kind);
        let payload = row.payload.to_string();
        assert!(!payload.contains("c2VjcmV0"), "a sealed value in {payload}");
        let blanked = stored.payload.get().replace("c2VjcmV0", "");
        let blanked: serde_json::Value = serde_json::from_str(&blanked).unwrap();
        assert_eq!(row.payload, blanked);
    }
}

/// Everything at some positions and now.
pub async fn check_all(reads: &ReadModels, history: &History, journal: &Memory, seed: u64) {
    let head = history.worlds.len() as u64 - 1;
    assert!(reads.wait_for(head, EVERY).await, "{:?}", reads.status());
    let mut dice = Dice::new(seed);
    check(&reads.view(None), history.world(), &mut dice).await;
    check_audit(&reads.view(None), journal, head, &mut dice).await;
    for _ in 0..3 {
        let at = dice.roll(head as usize + 1);
        let view = reads.view(Some(at as u64));
        check(&view, &history.worlds[at], &mut dice).await;
        check_audit(&view, journal, at as u64, &mut dice).await;
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn cases() -> u32 {
    let cases = std::env::var("PROPTEST_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

/// In one go, event by event, and after a restart: the same answers, equal to
/// the fold in memory.
fn every_position_reads_as_it_was(home: &Home, steps: Vec<Step>, slowly: usize, seed: u64) {
    runtime().block_on(async {
        let journal = Memory::new();
        let mut history = History::new();
        let options = home.named(journal.clone(), &format!("case_{seed}"));
        // Before the first event, in the middle, or behind the last.
        let begin = steps.len() * slowly / 2;
        let mut reads = None;
        for (index, step) in steps.into_iter().enumerate() {
            if index == begin {
                reads = Some(options.clone().build().unwrap());
            }
            history.step(&journal, step);
            if index % 16 == 0
                && let Some(reads) = &reads
            {
                let head = history.worlds.len() as u64 - 1;
                assert!(reads.wait_for(head, EVERY).await);
            }
        }
        let reads = reads.unwrap_or_else(|| options.clone().build().unwrap());
        check_all(&reads, &history, &journal, seed).await;
        reads.rebuild("all").await.unwrap();
        check_all(&reads, &history, &journal, seed).await;
        reads.close().await;
        let reads = options.build().unwrap();
        check_all(&reads, &history, &journal, seed.wrapping_add(1)).await;
        reads.close().await;
        let _ = Arc::strong_count(&journal);
    });
}

fn any_history(home: &Home, cases: u32) {
    let steps = prop::collection::vec(any::<Step>(), 1..400);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let tried = runner.run(
        &(steps, 0_usize..3, any::<u64>()),
        |(steps, slowly, seed)| {
            every_position_reads_as_it_was(home, steps, slowly, seed);
            Ok(())
        },
    );
    tried.unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn sqlite() {
    any_history(&Home::file(), cases());
}

#[test]
fn postgres() {
    any_history(&Home::postgres(), cases() / 3);
}
