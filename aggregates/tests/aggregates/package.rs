use aggregates::package::{
    Change, Command, Error, Event, NewHandler, NewRevision, Package, Settings, TestInput,
};
use aggregates::{Handler, Text, TriggerKind};

use super::deployment::blob;
use super::handler::{answers, artefact, handler, listens};
use crate::{case, check};

fn settings(name: &str) -> Settings {
    Settings {
        name: name.into(),
        description: Some("what it is".into()),
        tags: vec!["chat".into()],
    }
}

fn new(id: &str, revision: &str, name: &str, sort_order: u32) -> NewHandler {
    NewHandler {
        id: id.into(),
        revision: revision.into(),
        name: name.into(),
        trigger: listens(TriggerKind::BeforePublish, "chat.*"),
        sort_order,
        code: blob("ts", 9),
        artefact: artefact("ts"),
    }
}

fn made(id: &str, revision: &str, name: &str, sort_order: u32) -> Handler {
    let trigger = listens(TriggerKind::BeforePublish, "chat.*");
    Handler {
        sort_order,
        ..handler(id, revision, name, trigger)
    }
}

fn revision(id: &str, name: Option<&str>, handlers: Vec<NewHandler>) -> NewRevision {
    NewRevision {
        id: id.into(),
        name: name.map(Into::into),
        description: None,
        handlers,
    }
}

fn added(id: &str, name: &str, handlers: Vec<Handler>) -> Event {
    Event::RevisionCreated {
        revision: id.into(),
        name: name.into(),
        description: None,
        handlers,
    }
}

fn created() -> Event {
    Event::PackageCreated {
        settings: settings("Chat"),
        api_managed: true,
        blueprint: None,
    }
}

fn one() -> Vec<Event> {
    vec![
        created(),
        added("r1", "v1", vec![made("a", "a1", "mask", 0)]),
    ]
}

fn input(text: &str) -> TestInput {
    TestInput {
        payload: Text::Inline(text.into()),
        mime_type: "application/json".into(),
        description: None,
    }
}

#[test]
fn packages() {
    let create = |handlers| Command::Create {
        settings: settings("Chat"),
        api_managed: true,
        blueprint: None,
        revision: revision("r1", None, handlers),
    };
    let update = |change| Command::Update { change };
    let renamed = Change {
        name: Some("Talk".into()),
        ..Change::default()
    };
    let bare = Settings {
        name: "Chat".into(),
        description: None,
        tags: vec![],
    };
    let emptied = Change {
        name: None,
        description: Some(None),
        tags: Some(vec![]),
    };
    let deleted = || Event::PackageDeleted {};
    let gone = [one(), vec![deleted()]].concat();
    check::<Package>(vec![
        case(
            "it comes with its first revision",
            &[],
            create(vec![new("a", "a1", "mask", 0)]),
            Ok(one()),
        ),
        case(
            "functions are in their order, then by name",
            &[],
            create(vec![
                new("a", "a1", "z", 1),
                new("b", "b1", "y", 1),
                new("c", "c1", "x", 0),
            ]),
            Ok(vec![
                created(),
                added(
                    "r1",
                    "v1",
                    vec![
                        made("c", "c1", "x", 0),
                        made("b", "b1", "y", 1),
                        made("a", "a1", "z", 1),
                    ],
                ),
            ]),
        ),
        case(
            "the id is taken",
            &one(),
            create(vec![]),
            Err(Error::AlreadyExists),
        ),
        case(
            "again after its end, from v1 on",
            &gone,
            create(vec![new("z", "z1", "mask", 0)]),
            Ok(vec![
                created(),
                added("r1", "v1", vec![made("z", "z1", "mask", 0)]),
            ]),
        ),
        case(
            "what is not named stays",
            &one(),
            update(renamed.clone()),
            Ok(vec![Event::PackageUpdated {
                settings: settings("Talk"),
            }]),
        ),
        case(
            "a description goes, and tags",
            &one(),
            update(emptied),
            Ok(vec![Event::PackageUpdated { settings: bare }]),
        ),
        case("nothing new", &one(), update(Change::default()), Ok(vec![])),
        case("of nothing", &[], update(renamed), Err(Error::NotFound)),
        case("delete", &one(), Command::Delete, Ok(vec![deleted()])),
        case("delete nothing", &[], Command::Delete, Err(Error::NotFound)),
        case("delete twice", &gone, Command::Delete, Err(Error::NotFound)),
    ]);
}

#[test]
fn revisions() {
    let add = |revision| Command::AddRevision { revision };
    let remove = |id: &str| Command::DeleteRevision {
        revision: id.into(),
    };
    let removed = |id: &str| Event::RevisionDeleted {
        revision: id.into(),
    };
    let missing = |id: &str| Err(Error::RevisionNotFound(id.into()));
    let taken = |name: &str| Err(Error::RevisionNameTaken(name.into()));
    let rename = |name: &str| Command::UpdateRevision {
        revision: "r1".into(),
        name: Some(name.into()),
        description: None,
    };
    let updated = |name: &str, description: Option<&str>| {
        Ok(vec![Event::RevisionUpdated {
            revision: "r1".into(),
            name: name.into(),
            description: description.map(Into::into),
        }])
    };
    let describe = |description: Option<&str>| Command::UpdateRevision {
        revision: "r1".into(),
        name: None,
        description: Some(description.map(Into::into)),
    };
    let two = [one(), vec![added("r2", "v2", vec![])]].concat();
    let without = [two.clone(), vec![removed("r2")]].concat();
    check::<Package>(vec![
        case(
            "a function keeps the id that its name had; a new one has its own",
            &one(),
            add(revision(
                "r2",
                None,
                vec![new("b", "b2", "mask", 0), new("c", "c2", "count", 1)],
            )),
            Ok(vec![added(
                "r2",
                "v2",
                vec![made("a", "b2", "mask", 0), made("c", "c2", "count", 1)],
            )]),
        ),
        case(
            "also when no revision has it any more",
            &[one(), vec![removed("r1")]].concat(),
            add(revision("r2", None, vec![new("b", "b2", "mask", 0)])),
            Ok(vec![added("r2", "v2", vec![made("a", "b2", "mask", 0)])]),
        ),
        case(
            "a name of its own",
            &one(),
            add(revision("r2", Some("spring"), vec![])),
            Ok(vec![added("r2", "spring", vec![])]),
        ),
        case(
            "which is taken",
            &one(),
            add(revision("r2", Some("v1"), vec![])),
            taken("v1"),
        ),
        case(
            "numbers count all that ever were",
            &without,
            add(revision("r3", None, vec![])),
            Ok(vec![added("r3", "v3", vec![])]),
        ),
        case(
            "the name of one that is gone is free",
            &without,
            add(revision("r3", Some("v2"), vec![])),
            Ok(vec![added("r3", "v2", vec![])]),
        ),
        case(
            "of no package",
            &[],
            add(revision("r1", None, vec![])),
            Err(Error::NotFound),
        ),
        case("rename", &two, rename("first"), updated("first", None)),
        case(
            "rename to what another is called",
            &two,
            rename("v2"),
            taken("v2"),
        ),
        case(
            "rename to what it is called",
            &two,
            rename("v1"),
            Ok(vec![]),
        ),
        case(
            "describe",
            &two,
            describe(Some("d")),
            updated("v1", Some("d")),
        ),
        case("describe by nothing", &two, describe(None), Ok(vec![])),
        case(
            "rename what is gone",
            &[created()],
            rename("x"),
            missing("r1"),
        ),
        case("delete", &two, remove("r2"), Ok(vec![removed("r2")])),
        case(
            "delete the last one",
            &one(),
            remove("r1"),
            Ok(vec![removed("r1")]),
        ),
        case("delete what is gone", &without, remove("r2"), missing("r2")),
    ]);
}

#[test]
fn test_inputs() {
    let add = |handler: &str, id: &str| Command::AddTestInput {
        id: id.into(),
        handler: handler.into(),
        input: input("1"),
    };
    let added = |id: &str| Event::TestInputAdded {
        id: id.into(),
        handler: "a1".into(),
        input: input("1"),
    };
    let update = |handler: &str, id: &str| Command::UpdateTestInput {
        id: id.into(),
        handler: handler.into(),
        input: input("2"),
    };
    let updated = Event::TestInputUpdated {
        id: "t0".into(),
        handler: "a1".into(),
        input: input("2"),
    };
    let delete = |handler: &str, id: &str| Command::DeleteTestInput {
        id: id.into(),
        handler: handler.into(),
    };
    let deleted = Event::TestInputDeleted {
        id: "t0".into(),
        handler: "a1".into(),
    };
    let no_handler = |id: &str| Err(Error::HandlerNotFound(id.into()));
    let no_input = |id: &str| Err(Error::TestInputNotFound(id.into()));
    let some = [
        created(),
        super::package::added(
            "r1",
            "v1",
            vec![
                made("a", "a1", "mask", 0),
                handler("b", "b1", "api", answers("users")),
            ],
        ),
        added("t0"),
    ];
    let last = Package::TEST_INPUTS;
    let many: Vec<Event> = (0..last)
        .map(|number| added(&format!("t{number}")))
        .collect();
    let full = [one(), many].concat();
    let room = [full.clone(), vec![deleted.clone()]].concat();
    check::<Package>(vec![
        case("add", &one(), add("a1", "t0"), Ok(vec![added("t0")])),
        case("of no function", &one(), add("x", "t0"), no_handler("x")),
        case(
            "as many as there may be",
            &full[..full.len() - 1],
            add("a1", &format!("t{}", last - 1)),
            Ok(vec![added(&format!("t{}", last - 1))]),
        ),
        case(
            "one too many",
            &full,
            add("a1", "more"),
            Err(Error::TooManyTestInputs(50)),
        ),
        case(
            "room is made by deleting one",
            &room,
            add("a1", "t0"),
            Ok(vec![added("t0")]),
        ),
        case("update", &some, update("a1", "t0"), Ok(vec![updated])),
        case(
            "update what is not there",
            &some,
            update("a1", "t1"),
            no_input("t1"),
        ),
        case(
            "of another function",
            &some,
            update("b1", "t0"),
            no_input("t0"),
        ),
        case(
            "delete",
            &some,
            delete("a1", "t0"),
            Ok(vec![deleted.clone()]),
        ),
        case(
            "delete of another function",
            &some,
            delete("b1", "t0"),
            no_input("t0"),
        ),
        case(
            "delete twice",
            &[some.to_vec(), vec![deleted]].concat(),
            delete("a1", "t0"),
            no_input("t0"),
        ),
        case(
            "they go with their revision",
            &[
                some.to_vec(),
                vec![Event::RevisionDeleted {
                    revision: "r1".into(),
                }],
            ]
            .concat(),
            delete("a1", "t0"),
            no_handler("a1"),
        ),
    ]);
}
