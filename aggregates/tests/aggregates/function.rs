use aggregates::function::{
    Change, Command, Error, Event, Function, ProviderChange, Settings, Value, Variable,
};
use aggregates::{Dialect, Script, ScriptKind, Sealed};

use crate::{Case, check};

pub(crate) fn settings(name: &str) -> Settings {
    Settings {
        name: name.into(),
        runtime: "node-22".into(),
        execute: vec!["any".into()],
        events: vec![],
        schedule: String::new(),
        timeout: 15,
        enabled: true,
        logging: true,
        entrypoint: "main.ts".into(),
        commands: String::new(),
        scopes: vec![],
        provider: Default::default(),
        build_specification: "s-1vcpu-512mb".into(),
        runtime_specification: "s-1vcpu-512mb".into(),
        deployment_retention: 0,
        script: None,
    }
}

fn change(name: &str) -> Change {
    Change {
        name: name.into(),
        runtime: None,
        execute: vec!["any".into()],
        events: vec![],
        schedule: String::new(),
        timeout: 15,
        enabled: true,
        logging: true,
        entrypoint: None,
        commands: String::new(),
        scopes: vec![],
        provider: ProviderChange::Keep { silent_mode: false },
        provider_branches: None,
        provider_paths: None,
        build_specification: None,
        runtime_specification: None,
        deployment_retention: 0,
    }
}

fn created() -> Event {
    Event::FunctionCreated {
        origin: Dialect::Appwrite,
        settings: settings("Hello"),
    }
}

fn create() -> Command {
    Command::Create {
        origin: Dialect::Appwrite,
        settings: settings("Hello"),
    }
}

fn activated(id: &str, queued_at: Option<u64>) -> Event {
    Event::DeploymentActivated {
        deployment: id.into(),
        queued_at,
    }
}

fn activate(id: &str, queued_at: Option<u64>) -> Command {
    Command::ActivateDeployment {
        deployment: id.into(),
        queued_at,
    }
}

fn clear(text: &str) -> Value {
    Value::Clear(text.into())
}

fn secret(text: &str) -> Value {
    Value::Secret(Sealed {
        data_key: "k1".into(),
        sealed: text.into(),
    })
}

fn variable(key: &str, value: Value) -> Variable {
    Variable {
        key: key.into(),
        value,
    }
}

fn has(id: &str, key: &str, value: Value) -> Event {
    Event::VariableCreated {
        id: id.into(),
        variable: variable(key, value),
    }
}

fn add(id: &str, key: &str) -> Command {
    Command::CreateVariable {
        id: id.into(),
        key: key.into(),
        value: clear("1"),
    }
}

fn update(id: &str, key: Option<&str>, value: Option<Value>) -> Command {
    Command::UpdateVariable {
        id: id.into(),
        key: key.map(Into::into),
        value,
    }
}

fn updated(id: &str, key: &str, value: Value) -> Event {
    Event::VariableUpdated {
        id: id.into(),
        variable: variable(key, value),
    }
}

#[test]
fn the_function_itself() {
    let deleted = || Event::FunctionDeleted {};
    let renamed = Event::FunctionUpdated {
        settings: settings("Hi"),
        needs_build: true,
    };
    let same = Event::FunctionUpdated {
        settings: settings("Hello"),
        needs_build: false,
    };
    let other_runtime = Change {
        runtime: Some("node-20.0".into()),
        ..change("Hello")
    };
    let moved = Event::FunctionUpdated {
        settings: Settings {
            runtime: "node-20.0".into(),
            ..settings("Hello")
        },
        needs_build: true,
    };
    let script = |name: &str| Settings {
        script: Some(Script {
            integration: "github".into(),
            kind: ScriptKind::Action,
            name: "create-issue".into(),
        }),
        ..settings(name)
    };
    check::<Function>(vec![
        Case {
            name: "a script stays the script that it is",
            given: vec![Event::FunctionCreated {
                origin: Dialect::Nango,
                settings: script("Hello"),
            }],
            when: Command::Update {
                change: change("Hi"),
            },
            then: Ok(vec![Event::FunctionUpdated {
                settings: script("Hi"),
                needs_build: true,
            }]),
        },
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
            name: "rename",
            given: vec![created()],
            when: Command::Update {
                change: change("Hi"),
            },
            then: Ok(vec![renamed]),
        },
        Case {
            name: "an update that changes nothing needs no build",
            given: vec![created()],
            when: Command::Update {
                change: change("Hello"),
            },
            then: Ok(vec![same]),
        },
        Case {
            name: "another runtime needs a build",
            given: vec![created()],
            when: Command::Update {
                change: other_runtime,
            },
            then: Ok(vec![moved]),
        },
        Case {
            name: "update what is not there",
            given: vec![],
            when: Command::Update {
                change: change("Hi"),
            },
            then: Err(Error::NotFound),
        },
        Case {
            name: "delete",
            given: vec![created()],
            when: Command::Delete,
            then: Ok(vec![deleted()]),
        },
        Case {
            name: "delete twice",
            given: vec![created(), deleted()],
            when: Command::Delete,
            then: Err(Error::NotFound),
        },
    ]);
}

#[test]
fn activation() {
    check::<Function>(vec![
        Case {
            name: "by hand",
            given: vec![created()],
            when: activate("d1", None),
            then: Ok(vec![activated("d1", None)]),
        },
        Case {
            name: "by a build",
            given: vec![created()],
            when: activate("d1", Some(7)),
            then: Ok(vec![activated("d1", Some(7))]),
        },
        Case {
            name: "a newer build replaces an older",
            given: vec![created(), activated("d1", Some(7))],
            when: activate("d2", Some(9)),
            then: Ok(vec![activated("d2", Some(9))]),
        },
        Case {
            name: "an older build that ends later does not",
            given: vec![created(), activated("d2", Some(9))],
            when: activate("d1", Some(7)),
            then: Err(Error::Superseded("d1".into())),
        },
        Case {
            name: "a rollback by hand always does",
            given: vec![created(), activated("d2", Some(9))],
            when: activate("d1", None),
            then: Ok(vec![activated("d1", None)]),
        },
        Case {
            name: "after a rollback the newest build still counts",
            given: vec![created(), activated("d2", Some(9)), activated("d1", None)],
            when: activate("d0", Some(5)),
            then: Err(Error::Superseded("d0".into())),
        },
        Case {
            name: "of no function",
            given: vec![],
            when: activate("d1", None),
            then: Err(Error::NotFound),
        },
    ]);
}

#[test]
fn variables() {
    let remove = || Command::DeleteVariable { id: "v1".into() };
    let removed = || Event::VariableDeleted { id: "v1".into() };
    let plain = || has("v1", "A", clear("1"));
    check::<Function>(vec![
        Case {
            name: "add",
            given: vec![created()],
            when: add("v1", "A"),
            then: Ok(vec![plain()]),
        },
        Case {
            name: "the id is taken",
            given: vec![created(), plain()],
            when: add("v1", "B"),
            then: Err(Error::VariableAlreadyExists),
        },
        Case {
            name: "the key is taken",
            given: vec![created(), plain()],
            when: add("v2", "A"),
            then: Err(Error::VariableAlreadyExists),
        },
        Case {
            name: "a key is free again",
            given: vec![created(), plain(), removed()],
            when: add("v2", "A"),
            then: Ok(vec![has("v2", "A", clear("1"))]),
        },
        Case {
            name: "new value",
            given: vec![created(), plain()],
            when: update("v1", None, Some(clear("2"))),
            then: Ok(vec![updated("v1", "A", clear("2"))]),
        },
        Case {
            name: "new key keeps the value",
            given: vec![created(), plain()],
            when: update("v1", Some("B"), None),
            then: Ok(vec![updated("v1", "B", clear("1"))]),
        },
        Case {
            name: "made secret",
            given: vec![created(), plain()],
            when: update("v1", None, Some(secret("s"))),
            then: Ok(vec![updated("v1", "A", secret("s"))]),
        },
        Case {
            name: "a secret stays one",
            given: vec![created(), has("v1", "A", secret("s"))],
            when: update("v1", None, Some(clear("1"))),
            then: Err(Error::VariableIsSecret("v1".into())),
        },
        Case {
            name: "its own key is no conflict",
            given: vec![created(), plain()],
            when: update("v1", Some("A"), None),
            then: Ok(vec![updated("v1", "A", clear("1"))]),
        },
        Case {
            name: "another's key is",
            given: vec![created(), plain(), has("v2", "B", clear("2"))],
            when: update("v2", Some("A"), None),
            then: Err(Error::VariableAlreadyExists),
        },
        Case {
            name: "update what is not there",
            given: vec![created()],
            when: update("v1", None, Some(clear("1"))),
            then: Err(Error::VariableNotFound("v1".into())),
        },
        Case {
            name: "remove",
            given: vec![created(), plain()],
            when: remove(),
            then: Ok(vec![removed()]),
        },
        Case {
            name: "remove twice",
            given: vec![created(), plain(), removed()],
            when: remove(),
            then: Err(Error::VariableNotFound("v1".into())),
        },
    ]);
}

#[test]
fn a_function_holds_no_more_variables_than_the_limit() {
    let many =
        (0..Function::MAX_VARIABLES).map(|n| has(&format!("v{n}"), &format!("K{n}"), clear("1")));
    check::<Function>(vec![Case {
        name: "one too many",
        given: std::iter::once(created()).chain(many).collect(),
        when: add("more", "MORE"),
        then: Err(Error::TooManyVariables),
    }]);
}
