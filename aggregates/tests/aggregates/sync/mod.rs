use std::collections::BTreeMap;

use aggregates::ScriptKind;
use aggregates::sync::{Command, Counts, Error, Event, Place, RunResult, RunStatus, Sync};
use serde_json::{Map, Value};

use crate::{case, check};

mod runs;

fn place() -> Place {
    Place {
        integration: "github".into(),
        connection_id: "conn-1".into(),
        connection: "c0ffee".into(),
        kind: ScriptKind::Sync,
        name: "issues".into(),
        variant: "base".into(),
    }
}

fn create(started: bool) -> Command {
    Command::Create {
        place: place(),
        started,
        frequency: None,
    }
}

fn created(started: bool) -> Event {
    Event::SyncCreated {
        place: place(),
        started,
        frequency: None,
    }
}

/// What a run begins with, in the words of a test: its name, its attempt, when
/// it was due, and why it runs.
type Begin = (&'static str, u32, Option<i64>, &'static str);

fn start((run, attempt, due, trigger): Begin) -> Command {
    Command::StartRun {
        run: run.into(),
        worker: "w".into(),
        attempt,
        due,
        trigger: trigger.into(),
    }
}

fn began((run, attempt, due, trigger): Begin, reset: bool, empty_cache: bool) -> Event {
    Event::RunStarted {
        run: run.into(),
        worker: "w".into(),
        attempt,
        due,
        trigger: trigger.into(),
        reset,
        empty_cache,
    }
}

fn started(begin: Begin) -> Event {
    began(begin, false, false)
}

fn result(status: RunStatus) -> RunResult {
    RunResult {
        status,
        error: None,
        counts: BTreeMap::new(),
        execution: None,
        duration_ms: 4,
    }
}

fn finish(run: &str, attempt: u32) -> Command {
    Command::FinishRun {
        run: run.into(),
        attempt,
        result: result(RunStatus::Failed),
    }
}

fn finished(run: &str, attempt: u32) -> Event {
    Event::RunFinished {
        run: run.into(),
        attempt,
        result: result(RunStatus::Failed),
    }
}

fn request(run: &str, reset: bool, empty_cache: bool) -> Command {
    Command::Request {
        run: run.into(),
        reset,
        empty_cache,
    }
}

fn requested(run: &str, reset: bool, empty_cache: bool) -> Event {
    Event::RunRequested {
        run: run.into(),
        reset,
        empty_cache,
    }
}

const COUNTS: Counts = Counts {
    added: 1,
    updated: 2,
    deleted: 3,
    unchanged: 4,
};

fn page(run: &str, attempt: u32) -> Command {
    Command::SavePage {
        run: run.into(),
        attempt,
        model: "Issue".into(),
        counts: COUNTS,
    }
}

fn saved(run: &str, attempt: u32) -> Event {
    Event::PageSaved {
        run: run.into(),
        attempt,
        model: "Issue".into(),
        counts: COUNTS,
    }
}

fn value(text: &str) -> Map<String, Value> {
    Map::from_iter([("cursor".to_owned(), text.into())])
}

fn keep(text: &str, expected_version: Option<u64>) -> Command {
    Command::SaveCheckpoint {
        value: value(text),
        expected_version,
    }
}

fn kept(text: &str, version: u64) -> Event {
    Event::CheckpointSaved {
        value: value(text),
        version,
    }
}

fn mark(model: &str, mark: i64) -> Command {
    Command::MarkTrackDeletes {
        model: model.into(),
        mark,
    }
}

fn marked(model: &str, mark: i64) -> Event {
    Event::TrackDeletesMarked {
        model: model.into(),
        mark,
    }
}

fn unmark(model: &str) -> Command {
    Command::EndTrackDeletes {
        model: model.into(),
    }
}

fn unmarked(model: &str) -> Event {
    Event::TrackDeletesEnded {
        model: model.into(),
    }
}

fn every(frequency: Option<&str>) -> Command {
    Command::SetFrequency {
        frequency: frequency.map(str::to_owned),
    }
}

fn set(frequency: Option<&str>) -> Event {
    Event::FrequencySet {
        frequency: frequency.map(str::to_owned),
    }
}

const DUE: Begin = ("r1", 1, Some(10), "schedule");
const MANUAL: Begin = ("m1", 1, None, "manual");

fn lost<T>(run: &str, attempt: u32) -> Result<T, Error> {
    let run = run.to_owned();
    Err(Error::NotHolder { run, attempt })
}

fn deleted() -> Event {
    Event::SyncDeleted {}
}

fn interrupted(run: &str) -> Event {
    Event::RunInterrupted {
        run: run.to_owned(),
    }
}

#[test]
fn its_life_and_its_schedule() {
    let running = || Event::SyncStarted {};
    let paused = || Event::SyncPaused {};
    let on = [created(true)];
    let off = [created(false)];
    check::<Sync>(vec![
        case("create", &[], create(true), Ok(vec![created(true)])),
        case("create twice", &on, create(true), Err(Error::AlreadyExists)),
        case(
            "again after deletion",
            &[created(true), deleted()],
            create(false),
            Ok(vec![created(false)]),
        ),
        case("delete", &on, Command::Delete, Ok(vec![deleted()])),
        case(
            "delete with a run",
            &[created(true), started(DUE)],
            Command::Delete,
            Ok(vec![deleted()]),
        ),
        case("start", &off, Command::Start, Ok(vec![running()])),
        case("start what is started", &on, Command::Start, Ok(vec![])),
        case(
            "start twice",
            &[created(false), running()],
            Command::Start,
            Ok(vec![]),
        ),
        case("pause", &on, Command::Pause, Ok(vec![paused()])),
        case("pause what is paused", &off, Command::Pause, Ok(vec![])),
        case(
            "pause twice",
            &[created(true), paused()],
            Command::Pause,
            Ok(vec![]),
        ),
        case(
            "pause with a run",
            &[created(true), started(DUE)],
            Command::Pause,
            Ok(vec![paused(), interrupted("r1")]),
        ),
        case(
            "pause again with a run that is to stop",
            &[created(true), started(DUE), paused(), interrupted("r1")],
            Command::Pause,
            Ok(vec![]),
        ),
        case(
            "pause what is paused, with a run that was asked for",
            &[
                created(false),
                requested("m1", false, false),
                started(MANUAL),
            ],
            Command::Pause,
            Ok(vec![interrupted("m1")]),
        ),
        case(
            "pause with a run that was taken over when it was to stop",
            &[
                created(true),
                started(DUE),
                interrupted("r1"),
                started(("r1", 2, Some(10), "schedule")),
            ],
            Command::Pause,
            Ok(vec![paused()]),
        ),
        case(
            "pause with the run after one that was to stop",
            &[
                created(true),
                started(DUE),
                interrupted("r1"),
                finished("r1", 1),
                started(("r2", 1, Some(20), "schedule")),
            ],
            Command::Pause,
            Ok(vec![paused(), interrupted("r2")]),
        ),
        case(
            "how often",
            &on,
            every(Some("every day")),
            Ok(vec![set(Some("every day"))]),
        ),
        case("as often as before", &on, every(None), Ok(vec![])),
        case(
            "as often as the script says",
            &[created(true), set(Some("every day"))],
            every(None),
            Ok(vec![set(None)]),
        ),
    ]);
    let of_nothing = [
        Command::Start,
        Command::Pause,
        every(None),
        request("m1", false, false),
        start(DUE),
        page("r1", 1),
        finish("r1", 1),
        keep("a", None),
        Command::ClearCheckpoint,
        mark("Issue", 1),
        unmark("Issue"),
        Command::Delete,
    ];
    for when in of_nothing {
        check::<Sync>(vec![
            case("of nothing", &[], when.clone(), Err(Error::NotFound)),
            case(
                "of what is gone",
                &[created(true), started(DUE), deleted()],
                when,
                Err(Error::NotFound),
            ),
        ]);
    }
}

#[test]
fn checkpoints_have_versions() {
    let conflict = |version| Err(Error::Conflict { version });
    let none = [created(true)];
    let one = [created(true), kept("a", 1)];
    let gone = [created(true), kept("a", 1), Event::CheckpointCleared {}];
    check::<Sync>(vec![
        case("the first", &none, keep("a", None), Ok(vec![kept("a", 1)])),
        case(
            "the first, expecting none",
            &none,
            keep("a", Some(0)),
            Ok(vec![kept("a", 1)]),
        ),
        case(
            "the first, expecting one",
            &none,
            keep("a", Some(1)),
            conflict(0),
        ),
        case("the next", &one, keep("b", Some(1)), Ok(vec![kept("b", 2)])),
        case(
            "the next, whatever is there",
            &one,
            keep("b", None),
            Ok(vec![kept("b", 2)]),
        ),
        case(
            "expecting none where one is",
            &one,
            keep("b", Some(0)),
            conflict(1),
        ),
        case(
            "expecting one to come",
            &one,
            keep("b", Some(2)),
            conflict(1),
        ),
        case(
            "clear",
            &one,
            Command::ClearCheckpoint,
            Ok(vec![Event::CheckpointCleared {}]),
        ),
        case("clear nothing", &none, Command::ClearCheckpoint, Ok(vec![])),
        case("clear twice", &gone, Command::ClearCheckpoint, Ok(vec![])),
        case(
            "no version comes twice",
            &gone,
            keep("b", Some(0)),
            Ok(vec![kept("b", 2)]),
        ),
        case(
            "what was cleared is no basis",
            &gone,
            keep("b", Some(1)),
            conflict(0),
        ),
    ]);
}

#[test]
fn marks_of_track_deletes() {
    let marks = [created(true), marked("Issue", 5)];
    let untracked = |model: &str| {
        Err(Error::NotTracked {
            model: model.to_owned(),
        })
    };
    check::<Sync>(vec![
        case(
            "mark",
            &[created(true)],
            mark("Issue", 5),
            Ok(vec![marked("Issue", 5)]),
        ),
        case("a mark stays", &marks, mark("Issue", 9), Ok(vec![])),
        case(
            "one for each model",
            &marks,
            mark("User", 9),
            Ok(vec![marked("User", 9)]),
        ),
        case("end", &marks, unmark("Issue"), Ok(vec![unmarked("Issue")])),
        case(
            "end without a beginning",
            &marks,
            unmark("User"),
            untracked("User"),
        ),
        case(
            "end twice",
            &[created(true), marked("Issue", 5), unmarked("Issue")],
            unmark("Issue"),
            untracked("Issue"),
        ),
        case(
            "mark again",
            &[created(true), marked("Issue", 5), unmarked("Issue")],
            mark("Issue", 9),
            Ok(vec![marked("Issue", 9)]),
        ),
        case(
            "a mark survives its run",
            &[
                created(true),
                started(DUE),
                marked("Issue", 5),
                finished("r1", 1),
            ],
            mark("Issue", 9),
            Ok(vec![]),
        ),
    ]);
}
