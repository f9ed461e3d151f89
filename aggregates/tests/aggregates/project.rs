use aggregates::project::{Command, Error, Event, Key, Project};

use crate::{Case, check};

fn created() -> Event {
    Event::ProjectCreated {
        name: "Shop".into(),
        data_key: "k1".into(),
    }
}

fn key() -> Key {
    Key {
        name: "ci".into(),
        hash: "00ff".into(),
        scopes: vec!["functions.read".into()],
        expires_at: None,
    }
}

fn key_created() -> Event {
    Event::KeyCreated {
        id: "a".into(),
        key: key(),
    }
}

fn create() -> Command {
    Command::Create {
        name: "Shop".into(),
        data_key: "k1".into(),
    }
}

fn create_key() -> Command {
    Command::CreateKey {
        id: "a".into(),
        key: key(),
    }
}

#[test]
fn decisions() {
    let revoke = || Command::RevokeKey { id: "a".into() };
    let revoked = || Event::KeyRevoked { id: "a".into() };
    let deleted = || Event::ProjectDeleted {};
    check::<Project>(vec![
        Case {
            name: "create",
            given: vec![],
            when: create(),
            then: Ok(vec![created()]),
        },
        Case {
            name: "create twice",
            given: vec![created()],
            when: create(),
            then: Err(Error::AlreadyExists),
        },
        Case {
            name: "create again after deletion",
            given: vec![created(), deleted()],
            when: create(),
            then: Ok(vec![created()]),
        },
        Case {
            name: "delete",
            given: vec![created()],
            when: Command::Delete,
            then: Ok(vec![deleted()]),
        },
        Case {
            name: "delete what is not there",
            given: vec![],
            when: Command::Delete,
            then: Err(Error::NotFound),
        },
        Case {
            name: "create key",
            given: vec![created()],
            when: create_key(),
            then: Ok(vec![key_created()]),
        },
        Case {
            name: "create key in no project",
            given: vec![],
            when: create_key(),
            then: Err(Error::NotFound),
        },
        Case {
            name: "create key twice",
            given: vec![created(), key_created()],
            when: create_key(),
            then: Err(Error::KeyAlreadyExists("a".into())),
        },
        Case {
            name: "revoke key",
            given: vec![created(), key_created()],
            when: revoke(),
            then: Ok(vec![revoked()]),
        },
        Case {
            name: "revoke key twice",
            given: vec![created(), key_created(), revoked()],
            when: revoke(),
            then: Err(Error::KeyNotFound("a".into())),
        },
        Case {
            name: "keys end with their project",
            given: vec![created(), key_created(), deleted(), created()],
            when: revoke(),
            then: Err(Error::KeyNotFound("a".into())),
        },
    ]);
}
