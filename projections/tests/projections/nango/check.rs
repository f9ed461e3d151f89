//! Holds a view to a world.

use projections::View;

use super::naive::Nango;
use crate::lists::{Dice, page};
use crate::property::{equal, of};

pub async fn of_project(view: &View, world: &Nango, project: &str, dice: &mut Dice) {
    let key = |id: &str| (project.to_owned(), id.to_owned());
    let rows = of(&world.integrations, project);
    let list = dice.list(&rows, false);
    let found = view.integrations(project, &list).await;
    equal("integrations", &list, page(&rows, &list), found);
    let all = of(&world.connections, project);
    for _ in 0..3 {
        let list = dice.list(&all, true);
        let found = view.connections(project, None, &list).await;
        equal("all connections", &list, page(&all, &list), found);
    }
    for id in ["i-0", "i-1"] {
        let found = view.integration(project, id).await.unwrap();
        assert_eq!(found.as_ref(), world.integrations.get(&key(id)));
        let mut rows = all.clone();
        rows.retain(|row| row.integration == id);
        for _ in 0..2 {
            let list = dice.list(&rows, true);
            let found = view.connections(project, Some(id), &list).await;
            equal("connections", &list, page(&rows, &list), found);
        }
    }
    let all = of(&world.syncs, project);
    for _ in 0..3 {
        let list = dice.list(&all, false);
        let found = view.syncs_of_project(project, &list).await;
        equal("all syncs", &list, page(&all, &list), found);
    }
    for id in ["k0", "k1", "k2", "k3"] {
        let found = view.connection(project, id).await.unwrap();
        assert_eq!(found.as_ref(), world.connections.get(&key(id)));
        let mut rows = all.clone();
        rows.retain(|row| row.place.connection.as_str() == id);
        let list = dice.list(&rows, false);
        let found = view.syncs(project, id, &list).await;
        equal("syncs", &list, page(&rows, &list), found);
    }
    for id in ["s0", "s1", "s2", "s3", "s4"] {
        let found = view.sync(project, id).await.unwrap();
        assert_eq!(found.as_ref(), world.syncs.get(&key(id)));
    }
    for id in ["t0", "t1", "t2"] {
        let found = view.dryrun(project, id).await.unwrap();
        assert_eq!(found.as_ref(), world.dryruns.get(&key(id)));
    }
}

/// What is asked over all projects.
pub async fn overall(view: &View, world: &Nango) {
    let rows = world.syncs.iter();
    let mut expected: Vec<_> = rows
        .map(|((project, _), row)| (project.clone(), row.clone()))
        .collect();
    expected.sort_by_key(|(_, row)| row.sequence);
    let found = view.all_syncs().await.unwrap().into_iter();
    let found: Vec<_> = found.map(|one| (one.project, one.row)).collect();
    assert_eq!(expected, found);
    let mut expected: Vec<_> = world
        .dryruns
        .iter()
        .filter(|(_, row)| row.completed_at.is_none())
        .map(|((project, _), row)| (project.clone(), row.clone()))
        .collect();
    expected.sort_by_key(|(_, row)| row.sequence);
    let found = view.unfinished_dryruns().await.unwrap().into_iter();
    let found: Vec<_> = found.map(|one| (one.project, one.row)).collect();
    assert_eq!(expected, found);
}
