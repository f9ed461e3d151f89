//! Which runs begin, and what they may do.

use super::*;

#[test]
fn one_run_holds_it() {
    let idle = [created(true)];
    let busy = [created(true), started(DUE)];
    let ended = [created(true), started(DUE), finished("r1", 1)];
    let held = || {
        Err(Error::AlreadyRunning {
            run: "r1".to_owned(),
        })
    };
    let again = |run: &str| {
        Err(Error::AlreadyRun {
            run: run.to_owned(),
        })
    };
    let later: Begin = ("r2", 1, Some(20), "schedule");
    check::<Sync>(vec![
        case("start", &idle, start(DUE), Ok(vec![started(DUE)])),
        case(
            "attempts count from 1",
            &idle,
            start(("r1", 2, Some(10), "schedule")),
            lost("r1", 2),
        ),
        case("two nodes: one wins", &busy, start(DUE), lost("r1", 1)),
        case("another run waits", &busy, start(later), held()),
        case("page", &busy, page("r1", 1), Ok(vec![saved("r1", 1)])),
        case("page of another run", &busy, page("r2", 1), lost("r2", 1)),
        case("page before the start", &idle, page("r1", 1), lost("r1", 1)),
        case("page after the end", &ended, page("r1", 1), lost("r1", 1)),
        case(
            "finish",
            &busy,
            finish("r1", 1),
            Ok(vec![finished("r1", 1)]),
        ),
        case("finish another run", &busy, finish("r2", 1), lost("r2", 1)),
        case(
            "finish before the start",
            &idle,
            finish("r1", 1),
            lost("r1", 1),
        ),
        case("finish twice", &ended, finish("r1", 1), lost("r1", 1)),
        case("the same run again", &ended, start(DUE), again("r1")),
        case(
            "take over what has ended",
            &ended,
            start(("r1", 2, Some(10), "schedule")),
            again("r1"),
        ),
        case(
            "another run for the same time",
            &ended,
            start(("x", 1, Some(10), "schedule")),
            again("x"),
        ),
        case(
            "a time before",
            &ended,
            start(("x", 1, Some(9), "schedule")),
            again("x"),
        ),
        case(
            "the next time",
            &ended,
            start(later),
            Ok(vec![started(later)]),
        ),
        case(
            "a time runs once though others ran between",
            &[
                created(true),
                started(DUE),
                finished("r1", 1),
                started(("w", 1, None, "webhook")),
                finished("w", 1),
            ],
            start(DUE),
            again("r1"),
        ),
    ]);
    let taken = [
        created(true),
        started(DUE),
        started(("r1", 2, Some(10), "schedule")),
    ];
    check::<Sync>(vec![
        case(
            "take over",
            &busy,
            start(("r1", 2, Some(10), "schedule")),
            Ok(vec![started(("r1", 2, Some(10), "schedule"))]),
        ),
        case(
            "of a run that stays what it was",
            &busy,
            start(("r1", 2, None, "manual")),
            Ok(vec![started(("r1", 2, Some(10), "schedule"))]),
        ),
        case(
            "skip an attempt",
            &busy,
            start(("r1", 3, Some(10), "schedule")),
            lost("r1", 3),
        ),
        case(
            "page of a worker that was replaced",
            &taken,
            page("r1", 1),
            lost("r1", 1),
        ),
        case("its end", &taken, finish("r1", 1), lost("r1", 1)),
        case(
            "page of the one that holds it",
            &taken,
            page("r1", 2),
            Ok(vec![saved("r1", 2)]),
        ),
        case(
            "and its end",
            &taken,
            finish("r1", 2),
            Ok(vec![finished("r1", 2)]),
        ),
    ]);
}

#[test]
fn its_end_tells_of_all_pages() {
    let told = |run: &'static str, attempt, times: u64| {
        let mut result = result(RunStatus::Failed);
        let counts = Counts {
            added: COUNTS.added * times,
            updated: COUNTS.updated * times,
            deleted: COUNTS.deleted * times,
            unchanged: COUNTS.unchanged * times,
        };
        result.counts.insert("Issue".to_owned(), counts);
        Event::RunFinished {
            run: run.into(),
            attempt,
            result,
        }
    };
    let later: Begin = ("r2", 1, Some(20), "schedule");
    let given = [created(true), started(DUE), saved("r1", 1)];
    let taken = [
        &given[..],
        &[started(("r1", 2, Some(10), "schedule")), saved("r1", 2)],
    ]
    .concat();
    let next = [
        &taken[..],
        &[told("r1", 2, 2), started(later), saved("r2", 1)],
    ]
    .concat();
    check::<Sync>(vec![
        case(
            "of one attempt",
            &given,
            finish("r1", 1),
            Ok(vec![told("r1", 1, 1)]),
        ),
        case(
            "of those of a worker that is gone, too",
            &taken,
            finish("r1", 2),
            Ok(vec![told("r1", 2, 2)]),
        ),
        case(
            "not of those of another run",
            &next,
            finish("r2", 1),
            Ok(vec![told("r2", 1, 1)]),
        ),
    ]);
}

#[test]
fn what_may_start_a_run() {
    let on = [created(true)];
    let off = [created(false)];
    let creation: Begin = ("c1", 1, None, "creation");
    let webhook: Begin = ("w1", 1, None, "webhook");
    let unasked = || {
        Err(Error::NotRequested {
            run: "m1".to_owned(),
        })
    };
    check::<Sync>(vec![
        case(
            "its schedule, not when paused",
            &off,
            start(DUE),
            Err(Error::Paused),
        ),
        case(
            "nor when paused later",
            &[created(true), Event::SyncPaused {}],
            start(DUE),
            Err(Error::Paused),
        ),
        case(
            "but when started later",
            &[created(false), Event::SyncStarted {}],
            start(DUE),
            Ok(vec![started(DUE)]),
        ),
        case(
            "its creation",
            &on,
            start(creation),
            Ok(vec![started(creation)]),
        ),
        case(
            "its creation, not when paused",
            &off,
            start(creation),
            Err(Error::Paused),
        ),
        case(
            "a webhook, also when paused",
            &off,
            start(webhook),
            Ok(vec![started(webhook)]),
        ),
        case("nobody", &on, start(MANUAL), unasked()),
        case(
            "somebody, also when paused",
            &[created(false), requested("m1", false, false)],
            start(MANUAL),
            Ok(vec![started(MANUAL)]),
        ),
        case(
            "not the request of another run",
            &[created(true), requested("m2", false, false)],
            start(MANUAL),
            unasked(),
        ),
        case(
            "a request only once",
            &[
                created(true),
                requested("m1", false, false),
                started(MANUAL),
                finished("m1", 1),
                started(DUE),
                finished("r1", 1),
            ],
            start(MANUAL),
            unasked(),
        ),
        case(
            "a pause lets the run go on",
            &[created(true), started(DUE), Event::SyncPaused {}],
            page("r1", 1),
            Ok(vec![saved("r1", 1)]),
        ),
        case(
            "and be taken over",
            &[created(true), started(DUE), Event::SyncPaused {}],
            start(("r1", 2, Some(10), "schedule")),
            Ok(vec![started(("r1", 2, Some(10), "schedule"))]),
        ),
    ]);
}

#[test]
fn one_request_waits() {
    let waiting = [created(true), requested("m1", false, false)];
    check::<Sync>(vec![
        case(
            "ask",
            &[created(true)],
            request("m1", true, false),
            Ok(vec![requested("m1", true, false)]),
        ),
        case(
            "ask twice",
            &waiting,
            request("m2", false, false),
            Ok(vec![]),
        ),
        case(
            "ask for more",
            &waiting,
            request("m2", true, false),
            Ok(vec![requested("m1", true, false)]),
        ),
        case(
            "and for something else",
            &[created(true), requested("m1", true, false)],
            request("m2", false, true),
            Ok(vec![requested("m1", true, true)]),
        ),
        case(
            "ask while it runs",
            &[created(true), started(DUE)],
            request("m1", false, false),
            Ok(vec![requested("m1", false, false)]),
        ),
        case(
            "it waits while the schedule runs",
            &[
                created(true),
                requested("m1", false, false),
                started(DUE),
                finished("r1", 1),
            ],
            start(MANUAL),
            Ok(vec![started(MANUAL)]),
        ),
        case(
            "ask again when it runs",
            &[
                created(true),
                requested("m1", false, false),
                started(MANUAL),
            ],
            request("m2", false, false),
            Ok(vec![requested("m2", false, false)]),
        ),
    ]);
}

#[test]
fn a_reset_begins_with_nothing() {
    let cleared = || Event::CheckpointCleared {};
    let given = [
        created(true),
        kept("a", 1),
        marked("Issue", 5),
        marked("User", 5),
        requested("m1", true, true),
    ];
    let begun = [&given[..], &[began(MANUAL, true, true), cleared()]].concat();
    let second: Begin = ("m1", 2, None, "manual");
    check::<Sync>(vec![
        case(
            "checkpoint and marks go with the start",
            &given,
            start(MANUAL),
            Ok(vec![
                began(MANUAL, true, true),
                cleared(),
                unmarked("Issue"),
                unmarked("User"),
            ]),
        ),
        case(
            "where there is nothing",
            &[created(true), requested("m1", true, false)],
            start(MANUAL),
            Ok(vec![began(MANUAL, true, false)]),
        ),
        case(
            "the cache alone",
            &[created(true), kept("a", 1), requested("m1", false, true)],
            start(MANUAL),
            Ok(vec![began(MANUAL, false, true)]),
        ),
        case(
            "what the run itself has saved survives its worker",
            &[&begun[..], &[kept("b", 2)]].concat(),
            start(second),
            Ok(vec![began(second, true, true)]),
        ),
    ]);
}
