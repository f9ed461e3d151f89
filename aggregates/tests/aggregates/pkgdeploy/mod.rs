//! Package deployments: what starting and stopping lead to, and windows of time.

mod schedule;

use aggregates::pkgdeploy::{Command, Error, Event, PackageDeployment, StartFailure, Status};

use crate::{Case, case, check};

pub(super) fn assigned() -> Event {
    Event::PackageAssigned {
        id: "u1".into(),
        package: "p1".into(),
        revision: "r1".into(),
        keyset: 1001,
        handlers: vec!["a1".into()],
    }
}

fn assign() -> Command {
    Command::Assign {
        id: "u1".into(),
        package: "p1".into(),
        revision: "r1".into(),
        keyset: 1001,
        handlers: vec!["a1".into()],
    }
}

fn start() -> Command {
    Command::Start { replacing: None }
}

fn replace() -> Command {
    Command::Start {
        replacing: Some("u0".into()),
    }
}

fn start_requested(operation: u32) -> Event {
    Event::StartRequested {
        operation,
        replacing: None,
    }
}

fn started(operation: u32) -> Event {
    Event::PackageStarted { operation }
}

fn failure(back: bool) -> StartFailure {
    StartFailure {
        code: "FAAS-1012".into(),
        reason: "no default export".into(),
        back,
    }
}

fn start_failed(operation: u32, state: Status) -> Event {
    Event::StartFailed {
        operation,
        code: "FAAS-1012".into(),
        reason: "no default export".into(),
        state,
    }
}

fn finish_start(operation: u32, failure: Option<StartFailure>) -> Command {
    Command::FinishStart { operation, failure }
}

fn stop(force: bool) -> Command {
    Command::Stop { force }
}

fn stop_requested(operation: u32, restart: bool) -> Event {
    Event::StopRequested { operation, restart }
}

fn finish_stop(operation: u32) -> Command {
    Command::FinishStop { operation }
}

fn stopped(operation: u32, forced: bool) -> Event {
    Event::PackageStopped { operation, forced }
}

/// What led to each state: the number of the operation is 1 where it is on its
/// way or there, 2 where it is stopped or is being stopped after it ran.
fn to(status: Status) -> Vec<Event> {
    let running = vec![assigned(), start_requested(1), started(1)];
    match status {
        Status::Absent => vec![],
        Status::Stopped => vec![assigned()],
        Status::Starting => vec![assigned(), start_requested(1)],
        Status::Running => running,
        Status::Stopping => [running, vec![stop_requested(2, false)]].concat(),
        Status::Failed => vec![
            assigned(),
            start_requested(1),
            start_failed(1, Status::Failed),
        ],
    }
}

fn row(
    name: &'static str,
    status: Status,
    when: Command,
    then: Result<Vec<Event>, Error>,
) -> Case<PackageDeployment> {
    case(name, &to(status), when, then)
}

#[test]
fn every_command_in_every_state() {
    use Status::{Absent, Failed, Running, Starting, Stopped, Stopping};
    let deleted = || Ok(vec![Event::PackageUnassigned {}]);
    let requested = |operation| Ok(vec![start_requested(operation)]);
    let transition = || Err(Error::InTransition);
    let (missing, over, in_use) = (
        || Err(Error::NotFound),
        || Err(Error::Over),
        || Err(Error::InUse),
    );
    let replaced = || {
        Ok(vec![Event::StartRequested {
            operation: 1,
            replacing: Some("u0".into()),
        }])
    };
    check::<PackageDeployment>(vec![
        row("assign", Absent, assign(), Ok(vec![assigned()])),
        row("start nothing", Absent, start(), missing()),
        row("nothing started", Absent, finish_start(1, None), missing()),
        row("stop nothing", Absent, stop(false), missing()),
        row("stop nothing at once", Absent, stop(true), missing()),
        row("nothing stopped", Absent, finish_stop(1), missing()),
        row("delete nothing", Absent, Command::Delete, missing()),
        //
        row(
            "assign stopped",
            Stopped,
            assign(),
            Err(Error::AlreadyAssigned),
        ),
        row("start stopped", Stopped, start(), requested(1)),
        row("in the place of another", Stopped, replace(), replaced()),
        row("stopped started", Stopped, finish_start(0, None), over()),
        row("stop stopped", Stopped, stop(false), Ok(vec![])),
        row("stop stopped at once", Stopped, stop(true), Ok(vec![])),
        row("stopped stopped", Stopped, finish_stop(0), over()),
        row("delete stopped", Stopped, Command::Delete, deleted()),
        //
        row(
            "assign starting",
            Starting,
            assign(),
            Err(Error::AlreadyAssigned),
        ),
        row("start starting", Starting, start(), transition()),
        row("replace with starting", Starting, replace(), transition()),
        row(
            "it runs",
            Starting,
            finish_start(1, None),
            Ok(vec![started(1)]),
        ),
        row("another start ran", Starting, finish_start(2, None), over()),
        row(
            "it failed",
            Starting,
            finish_start(1, Some(failure(false))),
            Ok(vec![start_failed(1, Failed)]),
        ),
        row(
            "it could not be started: stopped as before",
            Starting,
            finish_start(1, Some(failure(true))),
            Ok(vec![start_failed(1, Stopped)]),
        ),
        row("stop starting", Starting, stop(false), transition()),
        row(
            "stop starting at once",
            Starting,
            stop(true),
            Ok(vec![stopped(2, true)]),
        ),
        row("starting stopped", Starting, finish_stop(1), over()),
        row("delete starting", Starting, Command::Delete, in_use()),
        //
        row(
            "assign running",
            Running,
            assign(),
            Err(Error::AlreadyAssigned),
        ),
        row(
            "restart",
            Running,
            start(),
            Ok(vec![stop_requested(2, true)]),
        ),
        row("replace with running", Running, replace(), transition()),
        row("running started", Running, finish_start(1, None), over()),
        row(
            "stop",
            Running,
            stop(false),
            Ok(vec![stop_requested(2, false)]),
        ),
        row(
            "stop at once",
            Running,
            stop(true),
            Ok(vec![stopped(2, true)]),
        ),
        row("running stopped", Running, finish_stop(1), over()),
        row("delete running", Running, Command::Delete, in_use()),
        //
        row(
            "assign stopping",
            Stopping,
            assign(),
            Err(Error::AlreadyAssigned),
        ),
        row("start stopping", Stopping, start(), transition()),
        row("replace with stopping", Stopping, replace(), transition()),
        row("stopping started", Stopping, finish_start(2, None), over()),
        row("stop stopping", Stopping, stop(false), transition()),
        row(
            "stop stopping at once",
            Stopping,
            stop(true),
            Ok(vec![stopped(3, true)]),
        ),
        row(
            "it stopped",
            Stopping,
            finish_stop(2),
            Ok(vec![stopped(2, false)]),
        ),
        row("another stop stopped", Stopping, finish_stop(1), over()),
        row("delete stopping", Stopping, Command::Delete, in_use()),
        //
        row(
            "assign failed",
            Failed,
            assign(),
            Err(Error::AlreadyAssigned),
        ),
        row("start failed", Failed, start(), requested(2)),
        row("failed started", Failed, finish_start(1, None), over()),
        row(
            "stop failed",
            Failed,
            stop(false),
            Ok(vec![stopped(2, false)]),
        ),
        row(
            "stop failed at once",
            Failed,
            stop(true),
            Ok(vec![stopped(2, false)]),
        ),
        row("failed stopped", Failed, finish_stop(1), over()),
        row("delete failed", Failed, Command::Delete, deleted()),
    ]);
}

#[test]
fn a_restart_starts_again_unless_it_is_stopped_at_once() {
    let restarting = [to(Status::Running), vec![stop_requested(2, true)]].concat();
    let again = [
        restarting.clone(),
        vec![stopped(2, false), start_requested(3)],
    ]
    .concat();
    let forced = [restarting.clone(), vec![stopped(3, true)]].concat();
    check::<PackageDeployment>(vec![
        case(
            "it stops and starts in one",
            &restarting,
            finish_stop(2),
            Ok(vec![stopped(2, false), start_requested(3)]),
        ),
        case(
            "and runs",
            &again,
            finish_start(3, None),
            Ok(vec![started(3)]),
        ),
        case(
            "the start before is over",
            &again,
            finish_start(1, None),
            Err(Error::Over),
        ),
        case(
            "it stops once only",
            &again,
            finish_stop(2),
            Err(Error::Over),
        ),
        case(
            "at once",
            &restarting,
            stop(true),
            Ok(vec![stopped(3, true)]),
        ),
        case(
            "then nothing starts",
            &forced,
            finish_stop(2),
            Err(Error::Over),
        ),
        case(
            "but by a start",
            &forced,
            start(),
            Ok(vec![start_requested(4)]),
        ),
    ]);
}

#[test]
fn what_could_not_be_started_is_what_it_was() {
    let failed = [to(Status::Failed), vec![start_requested(2)]].concat();
    check::<PackageDeployment>(vec![
        case(
            "failed before, and now refused",
            &failed,
            finish_start(2, Some(failure(true))),
            Ok(vec![start_failed(2, Status::Failed)]),
        ),
        case(
            "the report of the first start comes too late",
            &failed,
            finish_start(1, None),
            Err(Error::Over),
        ),
    ]);
}

#[test]
fn another_life_does_not_hear_of_the_one_before() {
    let reassigned = |events: Vec<Event>| {
        let again = vec![Event::PackageUnassigned {}, assigned()];
        [events, again].concat()
    };
    let again = reassigned(to(Status::Failed));
    let gone = [to(Status::Stopped), vec![Event::PackageUnassigned {}]].concat();
    check::<PackageDeployment>(vec![
        case("assign again", &gone, assign(), Ok(vec![assigned()])),
        case("start what is gone", &gone, start(), Err(Error::NotFound)),
        case(
            "numbers go on",
            &again,
            start(),
            Ok(vec![start_requested(2)]),
        ),
        case(
            "so that an old report means nothing",
            &[again, vec![start_requested(2)]].concat(),
            finish_start(1, None),
            Err(Error::Over),
        ),
    ]);
}
