use std::collections::BTreeMap;

use aggregates::Sealed;
use aggregates::integration::{Change, Command, Credentials, Error, Event, Integration, Settings};

use crate::{case, check};

fn credentials(id: &str) -> Credentials {
    Credentials {
        kind: "OAUTH2".into(),
        public: map("client_id", id),
        secret: Sealed {
            data_key: "k1".into(),
            sealed: id.into(),
        },
    }
}

fn map(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn settings() -> Settings {
    Settings {
        provider: "github".into(),
        display_name: None,
        forward_webhooks: true,
        config: map("host", "a"),
        custom: BTreeMap::new(),
        credentials: Some(credentials("one")),
    }
}

#[test]
fn decisions() {
    let create = || Command::Create {
        settings: settings(),
    };
    let created = || Event::IntegrationCreated {
        settings: settings(),
    };
    let update = |change| Command::Update { change };
    let updated = |settings| Ok(vec![Event::IntegrationUpdated { settings }]);
    let everything = Change {
        display_name: Some("Hub".into()),
        forward_webhooks: Some(false),
        config: Some(map("host", "b")),
        custom: Some(map("k", "v")),
        credentials: Some(credentials("two")),
    };
    let after = Settings {
        provider: "github".into(),
        display_name: Some("Hub".into()),
        forward_webhooks: false,
        config: map("host", "b"),
        custom: map("k", "v"),
        credentials: Some(credentials("two")),
    };
    let deleted = || Event::IntegrationDeleted {};
    check::<Integration>(vec![
        case("create", &[], create(), Ok(vec![created()])),
        case(
            "create twice",
            &[created()],
            create(),
            Err(Error::AlreadyExists),
        ),
        case(
            "create again after deletion",
            &[created(), deleted()],
            create(),
            Ok(vec![created()]),
        ),
        case(
            "change nothing",
            &[created()],
            update(Change::default()),
            updated(settings()),
        ),
        case(
            "change everything but the provider",
            &[created()],
            update(everything),
            updated(after.clone()),
        ),
        case(
            "what is left as it is, is as it was changed before",
            &[
                created(),
                Event::IntegrationUpdated {
                    settings: after.clone(),
                },
            ],
            update(Change::default()),
            updated(after),
        ),
        case(
            "update what is not there",
            &[],
            update(Change::default()),
            Err(Error::NotFound),
        ),
        case("delete", &[created()], Command::Delete, Ok(vec![deleted()])),
        case(
            "delete what is not there",
            &[],
            Command::Delete,
            Err(Error::NotFound),
        ),
        case(
            "delete twice",
            &[created(), deleted()],
            Command::Delete,
            Err(Error::NotFound),
        ),
    ]);
}
