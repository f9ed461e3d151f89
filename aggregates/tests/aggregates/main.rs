//! Given these events, when this command comes, then these events follow.

mod channel;
mod connection;
mod counter;
mod deployment;
mod dryrun;
mod entry;
mod execution;
mod function;
mod golden;
mod handler;
mod integration;
mod keyset;
mod package;
mod pkgdeploy;
mod project;
mod rejection;
mod sync;

use aggregates::Fold;
use cqrs_es::test::TestFramework;

/// One row of a decision table.
struct Case<A: Fold> {
    name: &'static str,
    given: Vec<A::Event>,
    when: A::Command,
    then: Result<Vec<A::Event>, A::Error>,
}

fn check<A>(cases: Vec<Case<A>>)
where
    A: Fold + 'static,
    A::Error: PartialEq + std::fmt::Debug,
    A::Command: Send,
{
    for case in cases {
        let outcome = TestFramework::<A>::with(())
            .given(case.given)
            .when(case.when)
            .inspect_result();
        assert_eq!(outcome, case.then, "{}", case.name);
    }
}

fn case<A: Fold>(
    name: &'static str,
    given: &[A::Event],
    when: A::Command,
    then: Result<Vec<A::Event>, A::Error>,
) -> Case<A> {
    Case {
        name,
        given: given.to_vec(),
        when,
        then,
    }
}
