//! A function that has a snapshot of its own answers as before.

use std::sync::Arc;

use sandbox::{Env, Program, Specialised, Tier};
use serde_json::json;

use super::{before, compile, http};
use crate::harness;

fn specialise(program: &Program) -> Specialised {
    let (sandbox, program) = (harness::sandbox(), program.clone());
    harness::run(async move {
        let env = Arc::new(Env::default());
        sandbox.specialise(&program, &env).await.unwrap()
    })
}

#[test]
fn the_answers_are_the_same() {
    let code = "const crypto = require('crypto'); let runs = 0; let top = 0;
        console.log('loaded');
        for (let i = 0; i < 90000; i++) top++;
        export default async (request) => {
            runs += 1;
            for (let i = 0; i < 90000; i++) top++;
            await new Promise((resolve) => setTimeout(resolve, 2));
            request.message = { runs, top, hash: await crypto.sha1('abc'), absent: [typeof fetch, typeof __strata, typeof eval] };
            return request.ok();
        };";
    let (program, _) = compile(code);
    let first = harness::execute(&program, before(json!({})));
    assert_eq!(first.tier, Tier::Shared);
    assert_eq!(specialise(&program), Specialised::Done);
    for _ in 0..2 {
        let again = harness::execute(&program, before(json!({})));
        assert_eq!(again.tier, Tier::Own);
        assert_eq!(harness::text(&again), harness::text(&first));
    }
    assert!(harness::text(&first).contains(r#""runs":1,"top":180000"#));
}

#[test]
fn a_top_level_that_asks_the_host_is_not_snapshotted() {
    for top in [
        "const id = require('uuid').v4();",
        "require('kvstore').get('a').catch(() => {});",
        "for (;;);",
        "throw new Error('not today');",
    ] {
        let (program, _) = compile(&format!(
            "{top} export default (request, response) => response.send('ran');"
        ));
        let refused = specialise(&program);
        assert!(matches!(refused, Specialised::Refused { .. }), "{top}");
    }
    let (program, _) = compile(
        "require('uuid').v4(); export default (request, response) => response.send('ran');",
    );
    specialise(&program);
    let outcome = harness::execute(&program, http("GET", "", json!([]), ""));
    assert_eq!(harness::text(&outcome), "ran");
    assert_eq!(outcome.tier, Tier::Shared);
}
