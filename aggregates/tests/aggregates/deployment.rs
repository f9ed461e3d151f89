use aggregates::Blob;
use aggregates::deployment::{Artefact, ArtefactKind, Command, Deployment, Error, Event, Plan};

use crate::{Case, check};

pub(crate) fn blob(name: &str, size: u64) -> Blob {
    Blob {
        sha256: name.into(),
        size,
    }
}

pub(crate) fn plan(chunks: u32) -> Plan {
    Plan {
        function: "hello".into(),
        kind: "manual".into(),
        entrypoint: "main.ts".into(),
        commands: String::new(),
        activate: true,
        size: 10,
        chunks,
        script: None,
    }
}

fn upload(chunks: u32, index: u32) -> Command {
    Command::Upload {
        plan: plan(chunks),
        index,
        blob: blob(&format!("c{index}"), 5),
    }
}

fn created(chunks: u32) -> Event {
    Event::DeploymentCreated { plan: plan(chunks) }
}

fn stored(index: u32) -> Event {
    Event::ChunkStored {
        index,
        blob: blob(&format!("c{index}"), 5),
    }
}

fn complete(chunks: u32) -> Event {
    Event::SourceStored {
        source: (0..chunks).map(|n| blob(&format!("c{n}"), 5)).collect(),
        size: 5 * u64::from(chunks),
    }
}

fn queued() -> Vec<Event> {
    vec![created(1), stored(0), complete(1)]
}

fn with(mut events: Vec<Event>, more: &[Event]) -> Vec<Event> {
    events.extend_from_slice(more);
    events
}

fn start(attempt: u32) -> Command {
    Command::StartBuild {
        worker: "w".into(),
        attempt,
    }
}

fn started(attempt: u32) -> Event {
    Event::BuildStarted {
        worker: "w".into(),
        attempt,
    }
}

fn artefact() -> Artefact {
    Artefact {
        kind: ArtefactKind::JavaScript,
        code: blob("code", 3),
        source_map: Some(blob("map", 4)),
        script: None,
    }
}

fn finish(attempt: u32) -> Command {
    Command::FinishBuild {
        attempt,
        artefact: artefact(),
        duration_ms: 12,
        log: "done\n".into(),
    }
}

fn succeeded(attempt: u32) -> Event {
    Event::BuildSucceeded {
        attempt,
        artefact: artefact(),
        duration_ms: 12,
        log: "done\n".into(),
    }
}

fn fail(attempt: u32) -> Command {
    Command::FailBuild {
        attempt,
        code: "compilation_error".into(),
        reason: "syntax".into(),
        duration_ms: 12,
        log: "bad\n".into(),
    }
}

fn failed(attempt: u32) -> Event {
    Event::BuildFailed {
        attempt,
        code: "compilation_error".into(),
        reason: "syntax".into(),
        duration_ms: 12,
        log: "bad\n".into(),
    }
}

fn cancel() -> Command {
    Command::Cancel {
        log: "stop\n".into(),
        duration_ms: 1,
    }
}

fn canceled() -> Event {
    Event::BuildCanceled {
        duration_ms: 1,
        log: "stop\n".into(),
    }
}

#[test]
fn uploads() {
    let foreign = Command::Upload {
        plan: Plan {
            function: "other".into(),
            ..plan(2)
        },
        index: 1,
        blob: blob("c1", 5),
    };
    let mismatch = |index, chunks| {
        Err(Error::ChunkMismatch {
            index,
            chunks,
            size: 10,
        })
    };
    check::<Deployment>(vec![
        Case {
            name: "whole",
            given: vec![],
            when: upload(1, 0),
            then: Ok(queued()),
        },
        Case {
            name: "first chunk",
            given: vec![],
            when: upload(2, 0),
            then: Ok(vec![created(2), stored(0)]),
        },
        Case {
            name: "the last chunk first",
            given: vec![],
            when: upload(2, 1),
            then: Ok(vec![created(2), stored(1)]),
        },
        Case {
            name: "the chunk that completes, in any order",
            given: vec![created(2), stored(1)],
            when: upload(2, 0),
            then: Ok(vec![stored(0), complete(2)]),
        },
        Case {
            name: "the same chunk twice",
            given: vec![created(2), stored(1)],
            when: upload(2, 1),
            then: Ok(vec![]),
        },
        Case {
            name: "a chunk after the end",
            given: queued(),
            when: upload(1, 0),
            then: Ok(vec![]),
        },
        Case {
            name: "another number of chunks",
            given: vec![created(2), stored(0)],
            when: upload(3, 2),
            then: mismatch(2, 2),
        },
        Case {
            name: "a chunk beyond the last",
            given: vec![],
            when: upload(2, 2),
            then: mismatch(2, 2),
        },
        Case {
            name: "to another function's deployment",
            given: vec![created(2), stored(0)],
            when: foreign,
            then: Err(Error::NotFound),
        },
        Case {
            name: "after cancel nothing is queued",
            given: vec![created(2), stored(0), canceled()],
            when: upload(2, 1),
            then: Ok(vec![]),
        },
    ]);
}

#[test]
fn builds() {
    let lost = |attempt| Err(Error::NotHolder { attempt });
    let building = |attempt| with(queued(), &[started(attempt)]);
    let log = |attempt| Command::AppendLog {
        attempt,
        text: "line\n".into(),
    };
    let logged = Event::BuildLogged {
        attempt: 1,
        text: "line\n".into(),
    };
    check::<Deployment>(vec![
        Case {
            name: "start",
            given: queued(),
            when: start(1),
            then: Ok(vec![started(1)]),
        },
        Case {
            name: "two workers: one wins",
            given: building(1),
            when: start(1),
            then: lost(1),
        },
        Case {
            name: "take over after a crash",
            given: building(1),
            when: start(2),
            then: Ok(vec![started(2)]),
        },
        Case {
            name: "start before the source is there",
            given: vec![created(2), stored(0)],
            when: start(1),
            then: Err(Error::SourceIncomplete),
        },
        Case {
            name: "start what is not there",
            given: vec![],
            when: start(1),
            then: Err(Error::NotFound),
        },
        Case {
            name: "log",
            given: building(1),
            when: log(1),
            then: Ok(vec![logged]),
        },
        Case {
            name: "log of a worker that was replaced",
            given: with(building(1), &[started(2)]),
            when: log(1),
            then: lost(1),
        },
        Case {
            name: "finish",
            given: building(1),
            when: finish(1),
            then: Ok(vec![succeeded(1)]),
        },
        Case {
            name: "finish twice",
            given: with(building(1), &[succeeded(1)]),
            when: finish(1),
            then: lost(1),
        },
        Case {
            name: "finish of a worker that was replaced",
            given: with(building(1), &[started(2)]),
            when: finish(1),
            then: lost(1),
        },
        Case {
            name: "fail",
            given: building(1),
            when: fail(1),
            then: Ok(vec![failed(1)]),
        },
        Case {
            name: "an upload that never completes",
            given: vec![created(2), stored(0)],
            when: fail(0),
            then: Ok(vec![failed(0)]),
        },
        Case {
            name: "a build under way does not expire",
            given: building(1),
            when: fail(0),
            then: lost(0),
        },
        Case {
            name: "duplicate",
            given: vec![],
            when: Command::Duplicate {
                plan: plan(1),
                source: vec![blob("c0", 5)],
            },
            then: Ok(vec![created(1), complete(1)]),
        },
        Case {
            name: "duplicate onto one that is there",
            given: queued(),
            when: Command::Duplicate {
                plan: plan(1),
                source: vec![],
            },
            then: Err(Error::AlreadyExists),
        },
    ]);
}

#[test]
fn cancel_wins_or_loses_never_both() {
    let building = || with(queued(), &[started(1)]);
    let lost = || Err(Error::NotHolder { attempt: 1 });
    let deleted = || Event::DeploymentDeleted {};
    check::<Deployment>(vec![
        Case {
            name: "before start",
            given: queued(),
            when: cancel(),
            then: Ok(vec![canceled()]),
        },
        Case {
            name: "then nobody starts it",
            given: with(queued(), &[canceled()]),
            when: start(1),
            then: lost(),
        },
        Case {
            name: "during the build",
            given: building(),
            when: cancel(),
            then: Ok(vec![canceled()]),
        },
        Case {
            name: "a result that comes later does not count",
            given: with(building(), &[canceled()]),
            when: finish(1),
            then: lost(),
        },
        Case {
            name: "nor does a failure",
            given: with(building(), &[canceled()]),
            when: fail(1),
            then: lost(),
        },
        Case {
            name: "too late: ready",
            given: with(building(), &[succeeded(1)]),
            when: cancel(),
            then: Err(Error::AlreadyCompleted),
        },
        Case {
            name: "too late: failed",
            given: with(building(), &[failed(1)]),
            when: cancel(),
            then: Err(Error::AlreadyCompleted),
        },
        Case {
            name: "twice",
            given: with(queued(), &[canceled()]),
            when: cancel(),
            then: Ok(vec![]),
        },
        Case {
            name: "delete while it builds",
            given: building(),
            when: Command::Delete,
            then: Ok(vec![deleted()]),
        },
        Case {
            name: "then its result has nowhere to go",
            given: with(building(), &[deleted()]),
            when: finish(1),
            then: Err(Error::NotFound),
        },
    ]);
}
