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

/// A function after a message that is given up may be tried again by hand: then
/// its request is needed still.
#[test]
fn the_request_of_a_dead_letter_is_kept() {
    let call = |kind, is_last, deployed: bool| HandlerCall {
        keyset: 1001,
        deployment: deployed.then(|| "u1".into()),
        package: "p1".into(),
        revision: "r1".into(),
        handler: "a1".into(),
        name: "count".into(),
        kind,
        channel: "chat.a".into(),
        hop: 1,
        attempt: 3,
        retry_of: Some("x1".into()),
        is_last,
    };
    for (kind, is_last, deployed, completed, kept) in [
        (TriggerKind::AfterPublish, true, true, false, true),
        (TriggerKind::AfterPresence, true, true, false, true),
        (TriggerKind::AfterPublish, true, true, true, false),
        (TriggerKind::AfterPublish, false, true, false, false),
        (TriggerKind::AfterPublish, true, false, false, false),
        (TriggerKind::OnInterval, true, true, false, false),
    ] {
        let mut execution = Execution::default();
        let request = Request {
            handler: Some(call(kind, is_last, deployed)),
            ..request()
        };
        execution.apply(Event::ExecutionRequested {
            request,
            scheduled_at: None,
            input: blob("in", 2),
            deployment: "u1".into(),
        });
        assert!(execution.input.is_some());
        let result = Outcome {
            completed,
            ..result()
        };
        execution.apply(Event::ExecutionFinished { result });
        assert_eq!(
            execution.input.is_some(),
            kept,
            "{kind} {is_last} {deployed} {completed}"
        );
    }
}
