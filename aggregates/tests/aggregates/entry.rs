use aggregates::Sealed;
use aggregates::entry::{Command, Entry, Event, Kind, Value};
use cqrs_es::Aggregate as _;

use crate::{case, check};

fn value(kind: Kind, text: &str, expires_at: i64) -> Value {
    Value {
        kind,
        sealed: Sealed {
            data_key: "k1".into(),
            sealed: text.into(),
        },
        expires_at,
    }
}

fn was_set(value: Value) -> Event {
    Event::EntrySet {
        keyset: 1001,
        key: "a/b".into(),
        value,
    }
}

#[test]
fn decisions() {
    let set = |value| Command::Set {
        keyset: 1001,
        key: "a/b".into(),
        value,
    };
    let text = || value(Kind::String, "one", 100);
    let json = || value(Kind::Json, "two", 50);
    let removed = || Event::EntryRemoved {};
    check::<Entry>(vec![
        case("set", &[], set(text()), Ok(vec![was_set(text())])),
        case(
            "the same again begins its time anew",
            &[was_set(text())],
            set(text()),
            Ok(vec![was_set(text())]),
        ),
        case(
            "one kind replaces the other",
            &[was_set(text())],
            set(json()),
            Ok(vec![was_set(json())]),
        ),
        case(
            "remove",
            &[was_set(text())],
            Command::Remove,
            Ok(vec![removed()]),
        ),
        case("remove nothing", &[], Command::Remove, Ok(vec![])),
        case(
            "remove twice",
            &[was_set(text()), removed()],
            Command::Remove,
            Ok(vec![]),
        ),
        case(
            "set again",
            &[was_set(text()), removed()],
            set(json()),
            Ok(vec![was_set(json())]),
        ),
    ]);
}

#[test]
fn a_value_is_there_until_it_ends() {
    let mut entry = Entry::default();
    assert_eq!(entry.at(0), None);
    entry.apply(was_set(value(Kind::Json, "one", 100)));
    assert_eq!(entry.at(99), Some(&value(Kind::Json, "one", 100)));
    assert_eq!(entry.at(100), None, "and not in that moment");
    entry.apply(Event::EntryRemoved {});
    assert_eq!(entry.at(0), None);
}
