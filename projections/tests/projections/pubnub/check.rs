//! Holds a view to a world.

use aggregates::entry::Kind;
use aggregates::pkgdeploy::Status;
use projections::View;
use projections::model::{Execution, Keyset};
use projections::query::Page;

use super::lists::Letter;
use super::naive::PubNub;
use crate::lists::{Dice, page};
use crate::naive::World;
use crate::property::{equal, of};

pub async fn of_project(view: &View, world: &World, project: &str, dice: &mut Dice) {
    let all = &world.pubnub;
    packages(view, all, project, dice).await;
    deployments(view, all, project, dice).await;
    for number in 1..=3 {
        keyset(view, world, project, number, dice).await;
    }
    let rows = of(&all.keysets, project);
    let list = dice.list(&rows, false);
    let found = view.keysets(project, &list).await;
    equal("keysets", &list, page(&rows, &list), found);
}

async fn packages(view: &View, world: &PubNub, project: &str, dice: &mut Dice) {
    let rows = of(&world.packages, project);
    for _ in 0..2 {
        let list = dice.list(&rows, false);
        let found = view.packages(project, &list).await;
        equal("packages", &list, page(&rows, &list), found);
    }
    for row in &rows {
        let name = row.settings.name.to_uppercase();
        let lower = |name: &str| {
            name.chars()
                .flat_map(char::to_lowercase)
                .collect::<String>()
        };
        let found = view.package_by_name(project, &name).await.unwrap();
        let of_name = |one: &&_| {
            let one: &projections::model::Package = one;
            lower(&one.settings.name) == lower(&name)
        };
        let mut expected: Vec<_> = rows.iter().filter(of_name).collect();
        expected.sort_by_key(|row| row.sequence);
        assert_eq!(found.as_ref(), expected.first().copied());
    }
    let revisions = of(&world.revisions, project);
    for id in ["p0", "p1"] {
        let at = (project.to_owned(), id.to_owned());
        let found = view.package(project, id).await.unwrap();
        assert_eq!(found.as_ref(), world.packages.get(&at));
        let mut rows = revisions.clone();
        rows.retain(|row| row.package.as_str() == id);
        for _ in 0..2 {
            let list = dice.list(&rows, false);
            let found = view.package_revisions(project, id, &list).await;
            equal("revisions", &list, page(&rows, &list), found);
        }
    }
    assert_eq!(view.handler(project, "nowhere").await.unwrap(), None);
    let inputs = of(&world.inputs, project);
    for revision in &revisions {
        let id = revision.id.as_str();
        let found = view.package_revision(project, id).await.unwrap();
        assert_eq!(found.as_ref(), Some(revision));
        let rows = world.functions(project, id);
        let mut list = dice.list(&rows, false);
        list.cursor = None;
        let found = view.handlers(project, id, &list).await;
        // They are in the order of the revision where nothing else is said.
        list.order.push(projections::query::Order {
            by: projections::query::OrderBy::Column("sequence"),
            descending: false,
        });
        equal("functions", &list, page(&rows, &list), found);
        for row in &rows {
            let id = row.id.as_str();
            let found = view.handler(project, id).await.unwrap();
            assert_eq!(found.as_ref(), Some(row));
            let mut inputs = inputs.clone();
            inputs.retain(|input| input.handler == row.id);
            let list = dice.list(&inputs, false);
            let found = view.test_inputs(project, id, &list).await;
            equal("test inputs", &list, page(&inputs, &list), found);
        }
    }
    for input in &inputs {
        let found = view.test_input(project, input.id.as_str()).await.unwrap();
        assert_eq!(found.as_ref(), Some(input));
    }
}

async fn deployments(view: &View, world: &PubNub, project: &str, dice: &mut Dice) {
    let rows = of(&world.deployments, project);
    for _ in 0..4 {
        let list = dice.list(&rows, false);
        let found = view.package_deployments(project, &list).await;
        equal("package deployments", &list, page(&rows, &list), found);
    }
    for row in &rows {
        let found = view.package_deployment(project, row.id.as_str()).await;
        assert_eq!(found.unwrap().as_ref(), Some(row));
    }
    let found = view.package_deployment(project, "nowhere").await.unwrap();
    assert_eq!(found, None);
    let rows = of(&world.events, project);
    for _ in 0..2 {
        let list = dice.list(&rows, false);
        let found = view.scheduled_events(project, &list).await;
        equal("scheduled events", &list, page(&rows, &list), found);
    }
    for row in &rows {
        let found = view.scheduled_event(project, row.id.as_str()).await;
        assert_eq!(found.unwrap().as_ref(), Some(row));
    }
}

async fn keyset(view: &View, world: &World, project: &str, number: u64, dice: &mut Dice) {
    let all = &world.pubnub;
    let at = (project.to_owned(), number.to_string());
    let found = view.keyset(project, number).await.unwrap();
    assert_eq!(found.as_ref(), all.keysets.get(&at));
    if let Some(row) = all.keysets.get(&at) {
        let found = view.keyset_by_subscribe_key(&row.subscribe_key).await;
        let found = found.unwrap().unwrap();
        assert_eq!((found.project.as_str(), &found.row), (project, row));
    }
    let mut rows = of(&all.entries, project);
    rows.retain(|row| row.keyset == number);
    for _ in 0..2 {
        let list = dice.list(&rows, false);
        let found = view.entries(project, number, &list).await;
        equal("entries", &list, page(&rows, &list), found);
    }
    for row in &rows {
        let found = view.entry(project, row.id.as_str()).await.unwrap();
        assert_eq!(found.as_ref(), Some(row));
    }
    for kind in [Kind::String, Kind::Json] {
        let after = (dice.roll(3) > 0).then(|| format!("k{}", dice.roll(5)));
        let (now, limit) = (dice.roll(256) as i64, 1 + dice.roll(3) as u32);
        let place = (after.as_deref(), now);
        let found = view.entries_by_key(project, number, kind, place, limit);
        let mut expected = rows.clone();
        expected.retain(|row| row.value.kind == kind && row.value.expires_at > now);
        expected.retain(|row| after.as_ref().is_none_or(|after| row.key > *after));
        expected.sort_by(|one, other| one.key.as_bytes().cmp(other.key.as_bytes()));
        expected.truncate(limit as usize);
        assert_eq!(found.await.unwrap(), expected, "{kind:?} after {place:?}");
    }
    let mut rows = of(&all.counters, project);
    rows.retain(|row| row.keyset == number);
    let list = dice.list(&rows, false);
    let found = view.counters(project, number, &list).await;
    equal("counters", &list, page(&rows, &list), found);
    for row in &rows {
        let found = view.counter(project, row.id.as_str()).await.unwrap();
        assert_eq!(found.as_ref(), Some(row));
    }
    let found = view.counters_by_key(project, number, Some("k1"), 2).await;
    rows.retain(|row| *row.key > *"k1");
    rows.sort_by(|one, other| one.key.as_bytes().cmp(other.key.as_bytes()));
    rows.truncate(2);
    assert_eq!(found.unwrap(), rows);
    runs(view, world, project, number, dice).await;
}

async fn runs(view: &View, world: &World, project: &str, number: u64, dice: &mut Dice) {
    let mut rows = of(&world.executions, project);
    let of_keyset = |row: &Execution| {
        row.handler
            .as_ref()
            .is_some_and(|call| call.keyset == number)
    };
    rows.retain(of_keyset);
    let list = dice.list(&rows, false);
    let found = view.executions_of_keyset(project, number, &list).await;
    equal("runs", &list, page(&rows, &list), found);
    if let Some(one) = rows.first() {
        let function = one.function_id.clone();
        let mut rows = of(&world.executions, project);
        rows.retain(|row| row.function_id == function);
        let list = dice.list(&rows, false);
        let found = view.executions(project, &function, &list).await;
        equal("runs of a function", &list, page(&rows, &list), found);
    }
    let mut letters = of(&world.letters, project);
    letters.retain(|letter| of_keyset(&letter.row));
    let list = dice.list(&letters, false);
    let found = view.dead_letters(project, number, &list).await;
    let found = found.map(|found| Page {
        rows: found
            .rows
            .into_iter()
            .map(|row| Letter { row, position: 0 })
            .collect(),
        total: found.total,
    });
    equal("dead letters", &list, page(&letters, &list), found);
}

/// What is asked over all projects.
pub async fn overall(view: &View, world: &PubNub) {
    let highest = world
        .numbers
        .keys()
        .map(|(_, number)| number.parse().unwrap());
    let highest: u64 = highest.max().unwrap_or(0);
    assert_eq!(view.highest_keyset().await.unwrap(), highest);
    let mut first: Vec<_> = world.numbers.iter().collect();
    first.sort_by_key(|(_, position)| **position);
    let expected: Vec<(String, Keyset)> = first
        .into_iter()
        .filter_map(|(at, _)| Some((at.0.clone(), world.keysets.get(at)?.clone())))
        .collect();
    let found = view.every_keyset().await.unwrap().into_iter();
    let found: Vec<_> = found.map(|one| (one.project, one.row)).collect();
    assert_eq!(expected, found);
    for number in 1..=3 {
        let found = view.keyset_by_number(number).await.unwrap();
        let found = found.map(|one| (one.project, one.row));
        let mut expected = expected.iter();
        assert_eq!(
            found.as_ref(),
            expected.find(|(_, row)| row.number == number)
        );
    }
    assert_eq!(view.keyset_by_subscribe_key("gone").await.unwrap(), None);
    let by = |holds: fn(Status) -> bool| {
        let rows = world.deployments.iter();
        let mut rows: Vec<_> = rows
            .filter(|(_, row)| holds(row.status))
            .map(|((project, _), row)| (project.clone(), row.clone()))
            .collect();
        rows.sort_by_key(|(_, row)| row.sequence);
        rows
    };
    let found = view.running_package_deployments().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.project, one.row))
        .collect();
    assert_eq!(by(|status| status == Status::Running), found);
    let found = view.transitional_package_deployments().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.project, one.row))
        .collect();
    assert_eq!(
        by(|status| matches!(status, Status::Starting | Status::Stopping)),
        found
    );
    let rows = world.events.iter().filter(|(_, row)| !row.event.is_over());
    let mut expected: Vec<_> = rows
        .map(|((project, _), row)| (project.clone(), row.clone()))
        .collect();
    expected.sort_by_key(|(_, row)| row.sequence);
    let found = view.open_scheduled_events().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.project, one.row))
        .collect();
    assert_eq!(expected, found);
}
