use aggregates::rejection::{Command, Error, Event, Rejected, Rejection};

use crate::{Case, check};

#[test]
fn decisions() {
    let rejected = || Rejected {
        method: "POST".into(),
        path: "/v1/functions".into(),
        status: 401,
        code: "general_unauthorized_scope".into(),
    };
    check::<Rejection>(vec![
        Case {
            name: "record",
            given: vec![],
            when: Command::Record(rejected()),
            then: Ok(vec![Event::CommandRejected(rejected())]),
        },
        Case {
            name: "record twice",
            given: vec![Event::CommandRejected(rejected())],
            when: Command::Record(rejected()),
            then: Err(Error::AlreadyExists),
        },
    ]);
}
