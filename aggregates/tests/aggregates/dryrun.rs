use aggregates::dryrun::{Command, DryRun, DryRunResult, Error, Event, Request};
use aggregates::{Failure, ScriptKind, Text};

use super::deployment::blob;
use crate::{case, check};

fn asked() -> Request {
    Request {
        integration: "github".into(),
        connection_id: "conn-1".into(),
        kind: ScriptKind::Action,
        source: blob("ts", 9),
        input: blob("in", 2),
    }
}

fn failure() -> Failure {
    Failure {
        code: "timeout".into(),
        message: Text::Inline("Dry run timed out".into()),
        payload: None,
    }
}

fn result(succeeded: bool) -> DryRunResult {
    DryRunResult {
        succeeded,
        output: Text::default(),
        result: None,
        error: (!succeeded).then(failure),
        details: None,
        duration_ms: 3,
    }
}

fn started(attempt: u32) -> Event {
    Event::DryRunStarted {
        worker: "w".into(),
        attempt,
    }
}

fn finished(attempt: u32, succeeded: bool) -> Event {
    Event::DryRunFinished {
        attempt,
        result: result(succeeded),
    }
}

#[test]
fn every_command_in_every_state() {
    let request = || Command::Request(asked());
    let requested = || Event::DryRunRequested(asked());
    let start = |attempt| Command::Start {
        worker: "w".into(),
        attempt,
    };
    let finish = |attempt, succeeded| Command::Finish {
        attempt,
        result: result(succeeded),
    };
    let fail = || Command::Fail { error: failure() };
    let failed = || Event::DryRunFailed { error: failure() };
    let lost = |attempt| Err(Error::NotHolder { attempt });
    let absent = || Err(Error::NotFound);
    check::<DryRun>(vec![
        case("request", &[], request(), Ok(vec![requested()])),
        case("start nothing", &[], start(1), absent()),
        case("finish nothing", &[], finish(1, true), absent()),
        case("fail nothing", &[], fail(), absent()),
    ]);
    let waiting = [requested()];
    check::<DryRun>(vec![
        case(
            "request twice",
            &waiting,
            request(),
            Err(Error::AlreadyExists),
        ),
        case("start", &waiting, start(1), Ok(vec![started(1)])),
        case("attempts count from 1", &waiting, start(2), lost(2)),
        case(
            "finish what was not started",
            &waiting,
            finish(1, true),
            lost(1),
        ),
        case(
            "nor is there an attempt 0",
            &waiting,
            finish(0, true),
            lost(0),
        ),
        case("fail without a start", &waiting, fail(), Ok(vec![failed()])),
    ]);
    let running = [requested(), started(1)];
    check::<DryRun>(vec![
        case(
            "request again",
            &running,
            request(),
            Err(Error::AlreadyExists),
        ),
        case("two workers: one wins", &running, start(1), lost(1)),
        case("take over", &running, start(2), Ok(vec![started(2)])),
        case("skip an attempt", &running, start(3), lost(3)),
        case(
            "success",
            &running,
            finish(1, true),
            Ok(vec![finished(1, true)]),
        ),
        case(
            "failure",
            &running,
            finish(1, false),
            Ok(vec![finished(1, false)]),
        ),
        case("of an attempt to come", &running, finish(2, true), lost(2)),
        case(
            "fail what was started",
            &running,
            fail(),
            Err(Error::AlreadyStarted),
        ),
    ]);
    let taken = [requested(), started(1), started(2)];
    check::<DryRun>(vec![
        case(
            "a worker that was replaced",
            &taken,
            finish(1, true),
            lost(1),
        ),
        case(
            "the one that holds it",
            &taken,
            finish(2, true),
            Ok(vec![finished(2, true)]),
        ),
    ]);
    let ends = [
        vec![requested(), started(1), finished(1, true)],
        vec![requested(), started(1), finished(1, false)],
        vec![requested(), failed()],
    ];
    for end in ends {
        check::<DryRun>(vec![
            case(
                "request after the end",
                &end,
                request(),
                Err(Error::AlreadyExists),
            ),
            case("start after the end", &end, start(1), lost(1)),
            case("the next attempt after the end", &end, start(2), lost(2)),
            case("a late success", &end, finish(1, true), Ok(vec![])),
            case("a late failure", &end, finish(1, false), Ok(vec![])),
            case(
                "a late result of another attempt",
                &end,
                finish(2, true),
                Ok(vec![]),
            ),
            case("fail after the end", &end, fail(), Ok(vec![])),
        ]);
    }
}
