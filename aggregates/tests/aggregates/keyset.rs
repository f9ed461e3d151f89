use aggregates::keyset::{Command, Connected, Error, Event, Keyset, OnError, Settings};
use aggregates::{Sealed, TriggerKind};
use cqrs_es::Aggregate as _;

use super::handler::{answers, handler, listens};
use crate::{case, check};

fn create() -> Command {
    Command::Create {
        number: 1001,
        name: "Demo".into(),
        publish_key: "pub-c-1".into(),
        subscribe_key: "sub-c-1".into(),
        settings: Settings::default(),
    }
}

fn created() -> Event {
    Event::KeysetCreated {
        number: 1001,
        name: "Demo".into(),
        publish_key: "pub-c-1".into(),
        subscribe_key: "sub-c-1".into(),
        settings: Settings::default(),
    }
}

fn sealed(text: &str) -> Sealed {
    Sealed {
        data_key: "k1".into(),
        sealed: text.into(),
    }
}

/// A deployment that answers these paths, and listens on a channel.
fn deployment(id: &str, paths: &[&str]) -> Connected {
    let mut handlers: Vec<_> = paths
        .iter()
        .map(|path| handler(path, path, path, answers(path)))
        .collect();
    let trigger = listens(TriggerKind::AfterPublish, "chat.*");
    handlers.push(handler("l", &format!("{id}-l"), "listen", trigger));
    Connected {
        deployment: id.into(),
        package: "p".into(),
        revision: format!("{id}-r").as_str().into(),
        handlers,
    }
}

fn connect(id: &str, paths: &[&str]) -> Command {
    let connected = deployment(id, paths);
    Command::Connect { connected }
}

fn connected(id: &str, paths: &[&str]) -> Event {
    let connected = deployment(id, paths);
    Event::FunctionsConnected { connected }
}

fn disconnected(id: &str) -> Event {
    Event::FunctionsDisconnected {
        deployment: id.into(),
    }
}

fn switch(from: &str, id: &str, paths: &[&str]) -> Command {
    Command::Switch {
        from: from.into(),
        to: deployment(id, paths),
    }
}

fn switched(from: &str, id: &str, paths: &[&str]) -> Event {
    Event::FunctionsSwitched {
        from: from.into(),
        to: deployment(id, paths),
    }
}

fn conflict(path: &str, other: &str, of: &str) -> Result<Vec<Event>, Error> {
    Err(Error::RouteConflict {
        path: path.into(),
        other: other.into(),
        deployment: of.into(),
    })
}

#[test]
fn keysets_and_secrets() {
    let update = |name: Option<&str>, settings| Command::Update {
        name: name.map(Into::into),
        settings,
    };
    let open = Settings {
        on_function_error: OnError::Pass,
        after_retries: 3,
        retry_delay_ms: 10,
    };
    let updated = |name: &str, settings| {
        Ok(vec![Event::KeysetUpdated {
            name: name.into(),
            settings,
        }])
    };
    let set = |value| Command::SetSecret {
        name: "token".into(),
        value: sealed(value),
    };
    let was_set = |value| Event::SecretSet {
        name: "token".into(),
        value: sealed(value),
    };
    let unset = || Command::DeleteSecret {
        name: "token".into(),
    };
    let was_unset = || Event::SecretDeleted {
        name: "token".into(),
    };
    let deleted = || Event::KeysetDeleted {};
    check::<Keyset>(vec![
        case("create", &[], create(), Ok(vec![created()])),
        case(
            "the number is taken",
            &[created()],
            create(),
            Err(Error::AlreadyExists),
        ),
        case(
            "rename",
            &[created()],
            update(Some("x"), None),
            updated("x", Settings::default()),
        ),
        case(
            "change",
            &[created()],
            update(None, Some(open.clone())),
            updated("Demo", open),
        ),
        case(
            "change nothing",
            &[created()],
            update(Some("Demo"), None),
            Ok(vec![]),
        ),
        case(
            "change what is not there",
            &[],
            update(None, None),
            Err(Error::NotFound),
        ),
        case("secret", &[created()], set("s1"), Ok(vec![was_set("s1")])),
        case(
            "another value",
            &[created(), was_set("s1")],
            set("s2"),
            Ok(vec![was_set("s2")]),
        ),
        case("secret of nothing", &[], set("s1"), Err(Error::NotFound)),
        case(
            "take it away",
            &[created(), was_set("s1")],
            unset(),
            Ok(vec![was_unset()]),
        ),
        case("take none away", &[created()], unset(), Ok(vec![])),
        case(
            "take it away twice",
            &[created(), was_set("s1"), was_unset()],
            unset(),
            Ok(vec![]),
        ),
        case("delete", &[created()], Command::Delete, Ok(vec![deleted()])),
        case(
            "delete while functions run",
            &[created(), connected("d1", &[])],
            Command::Delete,
            Err(Error::InUse),
        ),
        case(
            "delete when they have stopped",
            &[created(), connected("d1", &[]), disconnected("d1")],
            Command::Delete,
            Ok(vec![deleted()]),
        ),
        case(
            "delete twice",
            &[created(), deleted()],
            Command::Delete,
            Err(Error::NotFound),
        ),
    ]);
}

#[test]
fn connections() {
    let one = [created(), connected("d1", &["users/*"])];
    let two = [
        created(),
        connected("d1", &["users/*"]),
        connected("d2", &["rooms"]),
    ];
    let disconnect = |id: &str| Command::Disconnect {
        deployment: id.into(),
    };
    check::<Keyset>(vec![
        case(
            "connect",
            &[created()],
            connect("d1", &["a"]),
            Ok(vec![connected("d1", &["a"])]),
        ),
        case("to nothing", &[], connect("d1", &[]), Err(Error::NotFound)),
        case(
            "the same again",
            &one,
            connect("d1", &["users/*"]),
            Ok(vec![]),
        ),
        case(
            "one that was connected before is the youngest",
            &two,
            connect("d1", &["users/*"]),
            Ok(vec![connected("d1", &["users/*"])]),
        ),
        case(
            "channels may meet",
            &one,
            connect("d2", &["rooms"]),
            Ok(vec![connected("d2", &["rooms"])]),
        ),
        case(
            "paths may not",
            &one,
            connect("d2", &["rooms", "users/me"]),
            conflict("users/me", "users/*", "d1"),
        ),
        case(
            "not even by a star",
            &two,
            connect("d3", &["*oom*"]),
            conflict("*oom*", "users/*", "d1"),
        ),
        case(
            "with its own they do not meet",
            &one,
            connect("d1", &["users/me"]),
            Ok(vec![connected("d1", &["users/me"])]),
        ),
        case(
            "disconnect",
            &two,
            disconnect("d1"),
            Ok(vec![disconnected("d1")]),
        ),
        case("what is not connected", &one, disconnect("d2"), Ok(vec![])),
        case(
            "its paths are free then",
            &[created(), connected("d1", &["users/*"]), disconnected("d1")],
            connect("d2", &["users/me"]),
            Ok(vec![connected("d2", &["users/me"])]),
        ),
        case(
            "the place of another, with the same paths",
            &two,
            switch("d1", "d3", &["users/*"]),
            Ok(vec![switched("d1", "d3", &["users/*"])]),
        ),
        case(
            "but not those of a third",
            &two,
            switch("d1", "d3", &["rooms"]),
            conflict("rooms", "rooms", "d2"),
        ),
        case(
            "the same switch again",
            &[two.to_vec(), vec![switched("d1", "d3", &["users/*"])]].concat(),
            switch("d1", "d3", &["users/*"]),
            Ok(vec![]),
        ),
        case(
            "the place of one that is not there",
            &one,
            switch("d2", "d3", &[]),
            Err(Error::NotConnected("d2".into())),
        ),
    ]);
}

/// An order that a client can see: functions run in it.
#[test]
fn a_switch_keeps_the_place_and_a_start_takes_the_last() {
    let after = |events: &[Event]| {
        let mut keyset = Keyset::default();
        for event in events {
            keyset.apply(event.clone());
        }
        let ids = keyset.connected.iter();
        ids.map(|one| one.deployment.to_string())
            .collect::<Vec<_>>()
    };
    let two = [created(), connected("d1", &[]), connected("d2", &[])];
    assert_eq!(after(&two), ["d1", "d2"]);
    let switched = switched("d1", "d3", &[]);
    assert_eq!(
        after(&[two.to_vec(), vec![switched]].concat()),
        ["d3", "d2"]
    );
    let again = connected("d1", &[]);
    assert_eq!(after(&[two.to_vec(), vec![again]].concat()), ["d2", "d1"]);
    let already = Event::FunctionsSwitched {
        from: "d1".into(),
        to: deployment("d2", &[]),
    };
    assert_eq!(
        after(&[two.to_vec(), vec![already]].concat()),
        ["d2"],
        "never twice"
    );
}
