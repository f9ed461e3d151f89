use aggregates::execution::{Command, Error, Event, Execution, Outcome, Request};
use aggregates::{HandlerCall, TriggerKind};
use cqrs_es::Aggregate;

use super::deployment::blob;
use crate::{Case, check};

fn request() -> Request {
    Request {
        function: "hello".into(),
        trigger: "http".into(),
        method: "GET".into(),
        path: "/".into(),
        ..Request::default()
    }
}

fn result() -> Outcome {
    Outcome {
        completed: true,
        status_code: 200,
        reason: "ok".into(),
        ..Outcome::default()
    }
}

fn requested(scheduled_at: Option<i64>) -> Event {
    Event::ExecutionRequested {
        request: request(),
        scheduled_at,
        input: blob("in", 2),
        deployment: "d1".into(),
    }
}

fn ask(scheduled_at: Option<i64>) -> Command {
    Command::Request {
        request: request(),
        scheduled_at,
        input: blob("in", 2),
        deployment: "d1".into(),
    }
}

fn recorded() -> Event {
    Event::ExecutionRecorded {
        request: request(),
        deployment: "d1".into(),
        result: result(),
    }
}

#[test]
fn decisions() {
    let record = || Command::Record {
        request: request(),
        deployment: "d1".into(),
        result: result(),
    };
    let start = || Command::Start {
        worker: "w".into(),
        deployment: "d1".into(),
    };
    let started = || Event::ExecutionStarted {
        worker: "w".into(),
        deployment: "d1".into(),
    };
    let finish = || Command::Finish { result: result() };
    let finished = || Event::ExecutionFinished { result: result() };
    let delete = |overdue| Command::Delete { overdue };
    let deleted = || Event::ExecutionDeleted {};
    check::<Execution>(vec![
        Case {
            name: "synchronous: written once",
            given: vec![],
            when: record(),
            then: Ok(vec![recorded()]),
        },
        Case {
            name: "the id is taken",
            given: vec![recorded()],
            when: record(),
            then: Err(Error::AlreadyExists),
        },
        Case {
            name: "asynchronous: requested",
            given: vec![],
            when: ask(None),
            then: Ok(vec![requested(None)]),
        },
        Case {
            name: "started",
            given: vec![requested(None)],
            when: start(),
            then: Ok(vec![started()]),
        },
        Case {
            name: "started once only",
            given: vec![requested(None), started()],
            when: start(),
            then: Err(Error::AlreadyStarted),
        },
        Case {
            name: "finished",
            given: vec![requested(None), started()],
            when: finish(),
            then: Ok(vec![finished()]),
        },
        Case {
            name: "finished once only",
            given: vec![requested(None), started(), finished()],
            when: finish(),
            then: Err(Error::NotRunning),
        },
        Case {
            name: "given up before it started",
            given: vec![requested(None)],
            when: finish(),
            then: Ok(vec![finished()]),
        },
        Case {
            name: "a waiting one cannot be deleted",
            given: vec![requested(None)],
            when: delete(false),
            then: Err(Error::InProgress),
        },
        Case {
            name: "nor a running one",
            given: vec![requested(None), started()],
            when: delete(false),
            then: Err(Error::InProgress),
        },
        Case {
            name: "but one that is overdue can",
            given: vec![requested(None), started()],
            when: delete(true),
            then: Ok(vec![deleted()]),
        },
        Case {
            name: "a scheduled one is canceled so",
            given: vec![requested(Some(5))],
            when: delete(false),
            then: Ok(vec![deleted()]),
        },
        Case {
            name: "then it does not run",
            given: vec![requested(Some(5)), deleted()],
            when: start(),
            then: Err(Error::NotFound),
        },
        Case {
            name: "an ended one is removed",
            given: vec![recorded()],
            when: delete(false),
            then: Ok(vec![deleted()]),
        },
        Case {
            name: "what is not there",
            given: vec![],
            when: delete(false),
            then: Err(Error::NotFound),
        },
    ]);
}

fn after(is_last: bool) -> Request {
    Request {
        handler: Some(HandlerCall {
            keyset: 1001,
            deployment: Some("pd".into()),
            package: "p".into(),
            revision: "r".into(),
            handler: "h".into(),
            name: "after".into(),
            kind: TriggerKind::AfterPublish,
            channel: "chat".into(),
            hop: 1,
            attempt: 1,
            retry_of: None,
            is_last,
        }),
        ..request()
    }
}

/// The stored request of a dead letter outlives its end, and only that.
#[test]
fn a_dead_letter_keeps_its_request() {
    let ended = |request: Request, completed: bool| {
        let mut state = Execution::default();
        let requested = Event::ExecutionRequested {
            request,
            scheduled_at: None,
            input: blob("in", 2),
            deployment: "pd".into(),
        };
        let finished = Event::ExecutionFinished {
            result: Outcome {
                completed,
                ..result()
            },
        };
        state.apply(requested);
        state.apply(finished);
        state.input.is_some()
    };
    assert!(ended(after(true), false));
    assert!(!ended(after(true), true), "it has done its work");
    assert!(!ended(after(false), false), "another attempt has it");
    assert!(!ended(request(), false), "no handler");
    let mut tried = after(true);
    if let Some(call) = &mut tried.handler {
        call.deployment = None;
    }
    assert!(!ended(tried, false), "a run on a test input");
    let mut before = after(true);
    if let Some(call) = &mut before.handler {
        call.kind = TriggerKind::BeforePublish;
    }
    assert!(!ended(before, false), "its sender was told");
}
