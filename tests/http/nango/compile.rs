//! `POST /functions/compile`: what it answers and what it leaves behind.

use std::collections::HashSet;

use futures::future::join_all;

use serde_json::{Value, json};

use super::api::{has_members, is_time, keyed, root, shared};
use super::sources::{ACTION, FUNCTION, ON_EVENT, SYNC, action};
use crate::client::{Answer, Client};
use crate::server::{Server, until};

const PATH: &str = "/functions/compile";

async fn compile(client: &Client, code: &str) -> Answer {
    client.post(PATH, json!({"code": code})).await
}

#[tokio::test]
async fn every_kind_of_function_compiles() {
    let client = shared();
    for code in [ACTION, SYNC, ON_EVENT, FUNCTION] {
        let answer = compile(&client, code).await;
        let body = answer.good(200);
        // The published schema allows nothing else.
        let members = ["bundle_size_bytes", "bundled_js", "compiled_at"];
        has_members(&body, &members, &[]);
        let bundle = body["bundled_js"].as_str().expect("a text");
        assert_eq!(body["bundle_size_bytes"], bundle.len());
        is_time(&body["compiled_at"]);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let exposed = answer.header("access-control-expose-headers");
        for name in ["Limit", "Remaining", "Reset"] {
            assert!(
                exposed.contains(&format!("X-RateLimit-{name}")),
                "{exposed}"
            );
        }
    }
}

#[tokio::test]
async fn the_size_is_in_bytes() {
    let code = action("", "return 'höher, 高い, 🚀';");
    let body = compile(&shared(), &code).await.good(200);
    let bundle = body["bundled_js"].as_str().expect("a text");
    assert_eq!(body["bundle_size_bytes"], bundle.len());
    let head = bundle.split("//# sourceMappingURL").next().expect("a part");
    assert!(head.contains("高い"), "{head}");
}

#[tokio::test]
async fn compiling_is_audited_without_the_source() {
    let server = Server::start();
    let root = root(&server);
    let caller = keyed(&root, &["environment:functions:compile"]).await;
    let marked = |text: &str| format!("// s3cret-{text}\n{ACTION}");
    let good = compile(&caller, &marked("good")).await;
    good.good(200);
    let bad = compile(&caller, "const s3cret = 1;").await;
    bad.denied(400, "compilation_error");
    assert!(bad.position() > good.position());
    // A body that is not even looked at is none.
    caller.post(PATH, json!({"code": "s3cret", "x": 1})).await;

    let seen = until("the audit", async || {
        let answer = root.get("/strata/v1/audit?event=SourceCompiled").await;
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("s3cret"));
        let events = answer.json()["events"].as_array().expect("a list").clone();
        (events.len() >= 2).then_some(events)
    })
    .await;
    let told: Vec<Value> = seen
        .iter()
        .map(|event| {
            let compiled = &event["payload"]["SourceCompiled"];
            let source = compiled["source"].as_str().expect("a hash");
            assert!(source.len() == 64 && source.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(
                event["actor"]
                    .as_str()
                    .is_some_and(|actor| actor.starts_with("key:"))
            );
            json!([
                event["position"],
                compiled["succeeded"],
                compiled["code"],
                event["project"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!([good.position(), true, "", "default"]),
            json!([bad.position(), false, "compilation_error", "default"]),
        ]
    );
    let all = root.get("/strata/v1/audit?limit=100").await;
    assert!(!String::from_utf8_lossy(&all.bytes).contains("s3cret"));
}

#[tokio::test]
async fn a_repeat_is_one_compilation() {
    let server = Server::start();
    let client = root(&server);
    let keyed = client.with("idempotency-key", "compile-1");
    let first = compile(&keyed, ACTION).await;
    let again = compile(&keyed, ACTION).await;
    assert_eq!(first.position(), again.position());
    assert_eq!(first.good(200)["bundled_js"], again.good(200)["bundled_js"]);
    compile(&keyed, SYNC)
        .await
        .denied(422, "idempotency_key_reused");
    let long = client.with("idempotency-key", &"k".repeat(256));
    compile(&long, ACTION).await.denied(400, "invalid_headers");
    // Without a key it is another one.
    let other = compile(&client, ACTION).await;
    assert!(other.position() > first.position());
}

#[tokio::test]
async fn many_at_once_get_their_own_answers() {
    let client = shared();
    let codes: Vec<String> = (0..16)
        .map(|number| match number % 4 {
            // One in four does not compile, each with an error of its own.
            3 => action(
                "",
                &format!("const value{number}: string = {number}; return value{number};"),
            ),
            _ => action("", &format!("return 'answer-{number}';")),
        })
        .collect();
    let answers = join_all(codes.iter().map(|code| compile(&client, code))).await;
    let mut positions = HashSet::new();
    for (number, answer) in answers.iter().enumerate() {
        assert!(positions.insert(answer.position()));
        if number % 4 == 3 {
            let message = answer.denied(400, "compilation_error")["message"].to_string();
            assert!(
                message.contains("Type 'number' is not assignable to type 'string'"),
                "{message}"
            );
            continue;
        }
        let bundle = answer.good(200)["bundled_js"].to_string();
        for other in 0..16 {
            assert_eq!(
                bundle.contains(&format!("'answer-{other}'")),
                other == number
            );
        }
    }
}

/// Beyond the published API: what the code imports by relative paths may come along.
#[tokio::test]
async fn a_source_may_bring_files() {
    let client = shared();
    let code = "import { createAction } from 'nango';
import { z } from 'zod';
import { twice } from './lib/twice.js';

export default createAction({
    description: 'x',
    input: z.number(),
    output: z.number(),
    exec: async (_nango, input) => twice(input)
});
";
    let not_a_path = "Invalid string: must be the relative path of a .ts file";
    let files = json!({"lib/twice.ts": "import { factor } from './factor.js';\nexport const twice = (x: number): number => x * factor;\n", "lib/factor.ts": "export const factor = 2;\n"});
    let body = client
        .post(PATH, json!({"code": code, "files": files}))
        .await
        .good(200);
    let bundle = body["bundled_js"].as_str().expect("a text");
    assert!(!bundle.contains("require(\"./"), "{bundle}");
    // Without them the import goes nowhere.
    let error = compile(&client, code)
        .await
        .denied(400, "compilation_error");
    let message = error["message"].as_str().expect("a text");
    assert!(
        message.contains(
            "Cannot find module './lib/twice.js' or its corresponding type declarations."
        ),
        "{message}"
    );
    // What is wrong in one of them is told with its own name.
    let files = json!({"lib/twice.ts": "\nexport const twice = (x: number): number => Number((x satisfies string) * 2);\n"});
    let error = client
        .post(PATH, json!({"code": code, "files": files}))
        .await
        .denied(400, "compilation_error");
    let message = error["message"].as_str().expect("a text");
    assert!(
        message.contains("err - function/functions/lib/twice.ts:2:"),
        "{message}"
    );
    let files = error["errors"].as_array().expect("a list").iter();
    let files: HashSet<_> = files.filter_map(|entry| entry["file"].as_str()).collect();
    assert_eq!(files, HashSet::from(["function/functions/lib/twice.ts"]));
    for path in [
        "../x.ts",
        "/x.ts",
        "a/../x.ts",
        "x.js",
        "",
        "a//b.ts",
        "node_modules/zod/index.ts",
        "a\\b.ts",
    ] {
        let mut files = json!({});
        files[path] = "export {};".into();
        let answer = client
            .post(PATH, json!({"code": code, "files": files}))
            .await;
        let expected = format!("invalid_format · {not_a_path} · [\"files\", {path:?}]");
        answer.wrong(&expected);
    }
    let answer = client.post(PATH, json!({"code": code, "files": []})).await;
    answer.wrong("invalid_type · Invalid input: expected record, received array · [\"files\"]");
    let mut many = json!({});
    for number in 0..101 {
        many[format!("f{number}.ts")] = "export {};".into();
    }
    let answer = client
        .post(PATH, json!({"code": code, "files": many}))
        .await;
    assert_eq!(answer.invalid("invalid_body").len(), 1);
}

/// What Strata adds: which checker looked at the types.
#[tokio::test]
async fn an_answer_says_what_checked_the_types() {
    let client = shared();
    let good = compile(&client, ACTION).await;
    assert!(
        good.header("strata-type-check").starts_with("typescript "),
        "{good:?}"
    );
    let bad = compile(&client, "const one: string = 1;").await;
    assert!(
        bad.header("strata-type-check").starts_with("typescript "),
        "{bad:?}"
    );
}

#[tokio::test]
async fn without_a_checker_types_are_not_looked_at() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_with(dir.path(), &[("STRATA_TYPE_CHECK", "false")]);
    let client = root(&server);
    let wrong = action("", "const one: string = 1; return one;");
    for code in [ACTION, SYNC, ON_EVENT, FUNCTION, &wrong] {
        let answer = compile(&client, code).await;
        answer.good(200);
        let header = answer.header("strata-type-check");
        assert!(header.starts_with("none; reason=\""), "{header}");
    }
    // What needs no types is found all the same, with the same texts.
    for (code, text) in [
        (
            action("import axios from 'axios';", "return axios;"),
            "Cannot find module 'axios' or its corresponding type declarations.",
        ),
        (
            action("const unused = 1;", "return 1;"),
            "'unused' is declared but its value is never read.",
        ),
        (action("", "return nothing;"), "Cannot find name 'nothing'."),
    ] {
        let answer = compile(&client, &code).await;
        let error = answer.denied(400, "compilation_error");
        let message = error["message"].as_str().expect("a text");
        assert!(
            message.contains(text) && message.contains("✗ Typechecking"),
            "{message}"
        );
        assert!(answer.header("strata-type-check").starts_with("none"));
    }
    // Rules of the bundle as well.
    let error = compile(&client, "export default 5;")
        .await
        .denied(400, "compilation_error");
    let message = error["message"].as_str().expect("a text");
    assert!(
        message.contains("✓ Typechecking") && message.contains("Invalid default export"),
        "{message}"
    );
}

/// A data directory may be named relative to where the server starts.
#[tokio::test]
async fn types_are_checked_in_any_data_directory() {
    let dir = tempfile::tempdir_in(".").expect("a temporary folder");
    let relative = std::path::Path::new(dir.path().file_name().expect("a name"));
    let server = Server::start_with(relative, &[]);
    let answer = compile(&root(&server), ACTION).await;
    answer.good(200);
    assert!(
        answer
            .header("strata-type-check")
            .starts_with("typescript "),
        "{answer:?}"
    );
}
