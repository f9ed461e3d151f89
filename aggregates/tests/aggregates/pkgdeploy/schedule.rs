use aggregates::pkgdeploy::{
    Action, ActionKind, ActionState, Command, Error, Event, EventState, PackageDeployment,
    Scheduled,
};

use super::assigned;
use crate::{case, check};

fn action(id: &str) -> Action {
    Action {
        id: id.into(),
        state: ActionState::Pending,
    }
}

fn window(id: &str, begin: i64, end: i64) -> Scheduled {
    Scheduled {
        id: id.into(),
        begin,
        end,
        description: None,
        start: action("start"),
        stop: action("stop"),
    }
}

fn scheduled(event: Scheduled) -> Event {
    Event::EventScheduled { event }
}

fn begun(id: &str, kind: ActionKind) -> Event {
    Event::ActionBegun {
        id: id.into(),
        kind,
    }
}

fn finished(id: &str, kind: ActionKind, succeeded: bool) -> Event {
    Event::ActionFinished {
        id: id.into(),
        kind,
        succeeded,
    }
}

/// A deployment with the window `w` from 100 to 200, after these events.
fn after(events: &[Event]) -> Vec<Event> {
    let mut all = vec![assigned(), scheduled(window("w", 100, 200))];
    all.extend_from_slice(events);
    all
}

fn ran() -> Vec<Event> {
    vec![
        begun("w", ActionKind::Start),
        finished("w", ActionKind::Start, true),
    ]
}

fn completed() -> Vec<Event> {
    let stop = vec![
        begun("w", ActionKind::Stop),
        finished("w", ActionKind::Stop, true),
    ];
    [ran(), stop].concat()
}

#[test]
fn windows() {
    let add = |event| Command::Schedule { event };
    let change = |begin, end| Command::Reschedule {
        id: "w".into(),
        begin,
        end,
        description: None,
    };
    let describe = |text: Option<&str>| Command::Reschedule {
        id: "w".into(),
        begin: None,
        end: None,
        description: Some(text.map(Into::into)),
    };
    let described = Scheduled {
        description: Some("peak".into()),
        ..window("w", 100, 200)
    };
    let running = |begin, end| {
        let mut event = window("w", begin, end);
        event.start.state = ActionState::Completed;
        event
    };
    let remove = || Command::Unschedule { id: "w".into() };
    let removed = || Event::EventUnscheduled { id: "w".into() };
    let failed = [finished("w", ActionKind::Start, false)];
    let gone = Event::PackageUnassigned {};
    let ok = |event| Ok(vec![scheduled(event)]);
    check::<PackageDeployment>(vec![
        case(
            "of nothing",
            &[],
            add(window("w", 1, 2)),
            Err(Error::NotFound),
        ),
        case(
            "add",
            &[assigned()],
            add(window("w", 1, 2)),
            ok(window("w", 1, 2)),
        ),
        case(
            "right after",
            &after(&[]),
            add(window("x", 200, 300)),
            ok(window("x", 200, 300)),
        ),
        case(
            "right before",
            &after(&[]),
            add(window("x", 1, 100)),
            ok(window("x", 1, 100)),
        ),
        case(
            "over its end",
            &after(&[]),
            add(window("x", 199, 300)),
            Err(Error::Overlap),
        ),
        case(
            "over its begin",
            &after(&[]),
            add(window("x", 1, 101)),
            Err(Error::Overlap),
        ),
        case(
            "inside",
            &after(&[]),
            add(window("x", 120, 130)),
            Err(Error::Overlap),
        ),
        case(
            "around",
            &after(&[]),
            add(window("x", 1, 300)),
            Err(Error::Overlap),
        ),
        case(
            "one that is over is in nobody's way",
            &after(&failed),
            add(window("x", 1, 300)),
            ok(window("x", 1, 300)),
        ),
        //
        case(
            "later",
            &after(&[]),
            change(Some(150), None),
            ok(window("w", 150, 200)),
        ),
        case(
            "longer",
            &after(&[]),
            change(None, Some(300)),
            ok(window("w", 100, 300)),
        ),
        case(
            "as it is",
            &after(&[]),
            change(Some(100), Some(200)),
            Ok(vec![]),
        ),
        case(
            "describe",
            &after(&[]),
            describe(Some("peak")),
            ok(described.clone()),
        ),
        case(
            "describe no more",
            &[assigned(), scheduled(described)],
            describe(None),
            ok(window("w", 100, 200)),
        ),
        case(
            "ends before it begins",
            &after(&[]),
            change(None, Some(100)),
            Err(Error::Frozen),
        ),
        case(
            "into another",
            &after(&[scheduled(window("x", 300, 400))]),
            change(None, Some(301)),
            Err(Error::Overlap),
        ),
        case(
            "the end of one that has begun",
            &after(&ran()),
            change(None, Some(300)),
            ok(running(100, 300)),
        ),
        case(
            "but not its begin",
            &after(&ran()),
            change(Some(90), None),
            Err(Error::Frozen),
        ),
        case(
            "nor what is over",
            &after(&completed()),
            describe(Some("x")),
            Err(Error::Frozen),
        ),
        case(
            "nor what failed",
            &after(&failed),
            describe(Some("x")),
            Err(Error::Frozen),
        ),
        case(
            "nothing",
            &[assigned()],
            change(None, Some(1)),
            Err(Error::EventNotFound),
        ),
        //
        case("remove", &after(&[]), remove(), Ok(vec![removed()])),
        case(
            "remove while it runs",
            &after(&ran()),
            remove(),
            Err(Error::EventRunning),
        ),
        case(
            "remove when it is over",
            &after(&completed()),
            remove(),
            Ok(vec![removed()]),
        ),
        case(
            "remove what failed",
            &after(&failed),
            remove(),
            Ok(vec![removed()]),
        ),
        case(
            "remove what was canceled with its deployment",
            &after(std::slice::from_ref(&gone)),
            remove(),
            Ok(vec![removed()]),
        ),
        case(
            "also when there is another in its place",
            &after(&[gone.clone(), assigned()]),
            remove(),
            Ok(vec![removed()]),
        ),
        case(
            "which it does not keep from windows of its own",
            &after(&[gone.clone(), assigned()]),
            add(window("x", 100, 200)),
            ok(window("x", 100, 200)),
        ),
        case(
            "what was canceled does not change",
            &after(&[gone.clone(), assigned()]),
            describe(Some("x")),
            Err(Error::Frozen),
        ),
        case(
            "nor begins",
            &after(&[gone, assigned()]),
            Command::BeginAction {
                id: "w".into(),
                kind: ActionKind::Start,
            },
            Ok(vec![]),
        ),
        case(
            "remove twice",
            &after(&[removed()]),
            remove(),
            Err(Error::EventNotFound),
        ),
    ]);
}

#[test]
fn actions() {
    use ActionKind::{Start, Stop};
    let begin = |kind| Command::BeginAction {
        id: "w".into(),
        kind,
    };
    let finish = |kind, succeeded| Command::FinishAction {
        id: "w".into(),
        kind,
        succeeded,
    };
    let missing = || Err(Error::EventNotFound);
    check::<PackageDeployment>(vec![
        case(
            "begin",
            &after(&[]),
            begin(Start),
            Ok(vec![begun("w", Start)]),
        ),
        case(
            "begin twice",
            &after(&[begun("w", Start)]),
            begin(Start),
            Ok(vec![]),
        ),
        case("begin nothing", &[assigned()], begin(Start), missing()),
        case(
            "done",
            &after(&[begun("w", Start)]),
            finish(Start, true),
            Ok(vec![finished("w", Start, true)]),
        ),
        case(
            "done twice",
            &after(&ran()),
            finish(Start, true),
            Ok(vec![]),
        ),
        case(
            "done, and failed",
            &after(&ran()),
            finish(Start, false),
            Ok(vec![]),
        ),
        case(
            "a missed one fails without a begin",
            &after(&[]),
            finish(Start, false),
            Ok(vec![finished("w", Start, false)]),
        ),
        case(
            "a start that failed is followed by no stop",
            &after(&[finished("w", Start, false)]),
            begin(Stop),
            Ok(vec![]),
        ),
        case(
            "the other end",
            &after(&ran()),
            begin(Stop),
            Ok(vec![begun("w", Stop)]),
        ),
        case(
            "after the end",
            &after(&completed()),
            finish(Stop, false),
            Ok(vec![]),
        ),
        case("of nothing", &[assigned()], finish(Stop, true), missing()),
    ]);
}

#[test]
fn a_window_is_what_its_actions_are() {
    use ActionState::{Canceled, Completed, Failed, InProgress, Pending};
    for (start, stop, state) in [
        (Pending, Pending, EventState::Pending),
        (InProgress, Pending, EventState::Pending),
        (Completed, Pending, EventState::Running),
        (Completed, InProgress, EventState::Running),
        (Completed, Completed, EventState::Completed),
        (Failed, Canceled, EventState::Failed),
        (Completed, Failed, EventState::Failed),
        (Canceled, Canceled, EventState::Canceled),
        (Completed, Canceled, EventState::Canceled),
    ] {
        let mut event = window("w", 1, 2);
        (event.start.state, event.stop.state) = (start, stop);
        assert_eq!(event.state(), state, "{start:?} and {stop:?}");
        let over = !matches!(state, EventState::Pending | EventState::Running);
        assert_eq!(event.is_over(), over);
        event.cancel();
        assert!(event.is_over(), "nothing more happens to it");
    }
}
