use std::collections::BTreeMap;

use aggregates::Sealed;
use aggregates::connection::{Change, Command, Connection, Error, Event, Settings};
use serde_json::{Map, Value, json};

use crate::{case, check};

fn sealed(text: &str) -> Sealed {
    Sealed {
        data_key: "k1".into(),
        sealed: text.into(),
    }
}

fn settings(secret: &str, metadata: Value) -> Settings {
    Settings {
        kind: "OAUTH2".into(),
        credentials: sealed(secret),
        expires_at: Some(5),
        config: BTreeMap::new(),
        metadata,
        tags: BTreeMap::new(),
        end_user: Some(json!({"id": "u1"})),
        webhook_url_override: Some("https://a.example".into()),
    }
}

fn create(metadata: Value) -> Command {
    Command::Create {
        integration: "github".into(),
        connection_id: "conn-1".into(),
        provider: "github".into(),
        settings: settings("one", metadata),
    }
}

fn created(metadata: Value) -> Event {
    Event::ConnectionCreated {
        integration: "github".into(),
        connection_id: "conn-1".into(),
        provider: "github".into(),
        settings: settings("one", metadata),
    }
}

fn replaced() -> Event {
    Event::ConnectionReplaced {
        settings: settings("two", json!({"b": 2})),
    }
}

fn deleted() -> Event {
    Event::ConnectionDeleted {}
}

#[test]
fn its_life() {
    let replace = || Command::Replace {
        settings: settings("two", json!({"b": 2})),
    };
    let null = || create(Value::Null);
    let there = || created(Value::Null);
    check::<Connection>(vec![
        case("create", &[], null(), Ok(vec![there()])),
        case(
            "create twice",
            &[there()],
            null(),
            Err(Error::AlreadyExists),
        ),
        case(
            "create again after deletion",
            &[there(), deleted()],
            null(),
            Ok(vec![there()]),
        ),
        case("replace", &[there()], replace(), Ok(vec![replaced()])),
        case("delete", &[there()], Command::Delete, Ok(vec![deleted()])),
        case(
            "delete twice",
            &[there(), deleted()],
            Command::Delete,
            Err(Error::NotFound),
        ),
    ]);
    let of_nothing = [
        replace(),
        Command::SetCredentials {
            credentials: sealed("x"),
            expires_at: None,
        },
        Command::NoteFailure { error: "no".into() },
        Command::SetMetadata {
            metadata: Value::Null,
        },
        Command::MergeMetadata {
            metadata: Map::new(),
        },
        Command::Update {
            change: Change::default(),
        },
        Command::Delete,
    ];
    let nothing = |when| case("of nothing", &[], when, Err(Error::NotFound));
    check::<Connection>(of_nothing.into_iter().map(nothing).collect());
}

#[test]
fn credentials_and_their_failures() {
    let there = || created(Value::Null);
    let note = |error: &str| Command::NoteFailure {
        error: error.into(),
    };
    let noted = |error: &str| Event::RefreshFailed {
        error: error.into(),
    };
    let refreshed = || Event::CredentialsRefreshed {
        credentials: sealed("new"),
        expires_at: Some(9),
    };
    check::<Connection>(vec![
        case(
            "refresh",
            &[there()],
            Command::SetCredentials {
                credentials: sealed("new"),
                expires_at: Some(9),
            },
            Ok(vec![refreshed()]),
        ),
        case("fail", &[there()], note("400"), Ok(vec![noted("400")])),
        case(
            "the same failure twice",
            &[there(), noted("400")],
            note("400"),
            Ok(vec![]),
        ),
        case(
            "another failure",
            &[there(), noted("400")],
            note("401"),
            Ok(vec![noted("401")]),
        ),
        case(
            "the same failure after a refresh",
            &[there(), noted("400"), refreshed()],
            note("400"),
            Ok(vec![noted("400")]),
        ),
        case(
            "the same failure after a replacement",
            &[there(), noted("400"), replaced()],
            note("400"),
            Ok(vec![noted("400")]),
        ),
        case(
            "the same failure of another life",
            &[there(), noted("400"), deleted(), there()],
            note("400"),
            Ok(vec![noted("400")]),
        ),
    ]);
}

#[test]
fn metadata() {
    let set = |metadata| Command::SetMetadata { metadata };
    let merge = |metadata: Value| Command::MergeMetadata {
        metadata: metadata.as_object().unwrap().clone(),
    };
    let became = |metadata| Ok(vec![Event::MetadataSet { metadata }]);
    let two = || json!({"a": {"x": 1}, "b": 2});
    check::<Connection>(vec![
        case(
            "set",
            &[created(two())],
            set(json!([1])),
            became(json!([1])),
        ),
        case(
            "set to null",
            &[created(two())],
            set(Value::Null),
            became(Value::Null),
        ),
        case(
            "set to what it is",
            &[created(two())],
            set(two()),
            Ok(vec![]),
        ),
        case(
            "merging replaces whole fields of the top level",
            &[created(two())],
            merge(json!({"a": {"y": 1}, "c": null})),
            became(json!({"a": {"y": 1}, "b": 2, "c": null})),
        ),
        case(
            "merging what is there",
            &[created(two())],
            merge(json!({"b": 2})),
            Ok(vec![]),
        ),
        case(
            "merging into nothing",
            &[created(Value::Null)],
            merge(json!({"b": 2})),
            became(json!({"b": 2})),
        ),
        case(
            "merging into what is no object",
            &[created(json!([1]))],
            merge(json!({})),
            became(json!({})),
        ),
        case(
            "merging into what was set",
            &[created(Value::Null), Event::MetadataSet { metadata: two() }],
            merge(json!({"b": 3})),
            became(json!({"a": {"x": 1}, "b": 3})),
        ),
        case(
            "merging into what was replaced",
            &[created(two()), replaced()],
            merge(json!({"c": 3})),
            became(json!({"b": 2, "c": 3})),
        ),
    ]);
}

#[test]
fn what_describes_it() {
    let there = || created(Value::Null);
    let one = |key: &str| BTreeMap::from([(key.to_owned(), "1".to_owned())]);
    let update = |change| Command::Update { change };
    let all = || Change {
        config: Some(one("host")),
        tags: Some(one("tag")),
        end_user: Some(Some(json!({"id": "u2"}))),
        webhook_url_override: Some(None),
    };
    let updated = || Event::ConnectionUpdated {
        config: one("host"),
        tags: one("tag"),
        end_user: Some(json!({"id": "u2"})),
        webhook_url_override: None,
    };
    let same = || Event::ConnectionUpdated {
        config: BTreeMap::new(),
        tags: BTreeMap::new(),
        end_user: Some(json!({"id": "u1"})),
        webhook_url_override: Some("https://a.example".into()),
    };
    let without_user = Change {
        end_user: Some(None),
        ..Change::default()
    };
    check::<Connection>(vec![
        case("all of it", &[there()], update(all()), Ok(vec![updated()])),
        case(
            "nothing of it",
            &[there()],
            update(Change::default()),
            Ok(vec![same()]),
        ),
        case(
            "nothing of what was changed before",
            &[there(), updated()],
            update(Change::default()),
            Ok(vec![updated()]),
        ),
        case(
            "the person goes",
            &[there(), updated()],
            update(without_user),
            Ok(vec![Event::ConnectionUpdated {
                config: one("host"),
                tags: one("tag"),
                end_user: None,
                webhook_url_override: None,
            }]),
        ),
    ]);
}
