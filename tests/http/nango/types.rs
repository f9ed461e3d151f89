//! Sources whose types are wrong.

use serde_json::json;

use super::api::shared;
use super::sources::{action, sync};
use super::told::{FILE, broken, told};

#[tokio::test]
async fn types_are_checked_strictly() {
    let client = shared();
    // What stands in the body of an action, or above it, and what is said of it.
    for (top, body, text) in [
        (
            "",
            "const one: string = 1; return one;",
            "Type 'number' is not assignable to type 'string'.",
        ),
        ("", "return nothing;", "Cannot find name 'nothing'."),
        (
            "const unused = 1;",
            "return 1;",
            "'unused' is declared but its value is never read.",
        ),
        (
            "import { createHash } from 'crypto';",
            "return 1;",
            "'createHash' is declared but its value is never read.",
        ),
        (
            "const f = (unused: number) => 1;",
            "return f(1);",
            "'unused' is declared but its value is never read.",
        ),
        (
            "",
            "const list = [1]; const one: number = list[0]; return one;",
            "Type 'number | undefined' is not assignable to type 'number'.",
        ),
        (
            "const f = (x: Record<string, number>) => x.a;",
            "return f({});",
            "Property 'a' comes from an index signature, so it must be accessed with ['a'].",
        ),
        (
            "const f = (x) => x;",
            "return f(1);",
            "Parameter 'x' implicitly has an 'any' type.",
        ),
        (
            "const f = (x: number) => { if (x > 1) { return 1; } };",
            "return f(1);",
            "Not all code paths return a value.",
        ),
        ("", "return 1; return 2;", "Unreachable code detected."),
        (
            "const x: { a?: number } = { a: undefined };",
            "return x;",
            "Type '{ a: undefined; }' is not assignable to type '{ a?: number; }' with 'exactOptionalPropertyTypes: true'. Consider adding 'undefined' to the types of the target's properties.",
        ),
        (
            "import soap from 'soap';",
            "return soap;",
            "Cannot find module 'soap' or its corresponding type declarations.",
        ),
        (
            "import type { AxiosResponse } from 'axios';\nlet response: AxiosResponse | undefined;",
            "response = undefined; return response;",
            "Cannot find module 'axios' or its corresponding type declarations.",
        ),
        (
            "import type { NangoSync } from '@nangohq/runner-sdk';\nlet other: NangoSync | undefined;",
            "other = undefined; return other;",
            "Cannot find module '@nangohq/runner-sdk' or its corresponding type declarations.",
        ),
        (
            "import { helper } from './helper.js';",
            "return helper();",
            "Cannot find module './helper.js' or its corresponding type declarations.",
        ),
        (
            "import { ActionError } from 'nango';",
            "throw new ActionError({});",
            "'ActionError' only refers to a type, but is being used as a value here.",
        ),
        (
            "",
            "await nango.get({ endpoint: '/x', retires: 3 }); return 1;",
            "Object literal may only specify known properties, but 'retires' does not exist in type 'Omit<ProxyConfiguration, \"method\">'. Did you mean to write 'retries'?",
        ),
        (
            "",
            "await nango.batchSave([], 'Thing'); return 1;",
            "Property 'batchSave' does not exist on type",
        ),
    ] {
        let lines = told(&client, &action(top, body)).await;
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(&format!("  {text}"))),
            "{text}: {lines:?}"
        );
        assert!(lines[0].starts_with(&format!("err - {FILE}")), "{lines:?}");
        assert_eq!(lines[lines.len() - 2], "✗ Typechecking", "{lines:?}");
    }
    for (body, text) in [
        (
            "await nango.batchSave([{ id: 'a' }], 'Stranger');",
            "Argument of type '\"Stranger\"' is not assignable to parameter of type ",
        ),
        (
            "await nango.batchSave([{ id: 1 }], 'Thing');",
            "Type 'number' is not assignable to type 'string'.",
        ),
    ] {
        let lines = told(&client, &sync("", body)).await;
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(&format!("  {text}"))),
            "{text}: {lines:?}"
        );
    }
    // Globals that only the checker knows.
    let globals = "return [typeof fetch, typeof TextEncoder, typeof structuredClone, typeof crypto, typeof process, typeof setInterval, Buffer.from('').length];";
    let answer = client
        .post("/functions/compile", json!({"code": action("", globals)}))
        .await;
    answer.good(200);
}

#[tokio::test]
async fn messages_about_types_say_where() {
    let client = shared();
    let one = "Type 'number' is not assignable to type 'string'.";
    // A line or a column of 1 is left out, and with the line the column.
    let code = format!(
        "export const createAction: string = 1;\n{}",
        action("", "return 1;")
    );
    let lines = told(&client, &code.replacen("createAction", "createSync", 1)).await;
    assert_eq!(
        lines,
        [
            format!("err - {FILE} "),
            format!("  {one}"),
            "✗ Typechecking".to_owned(),
            "Found 1 error".to_owned()
        ]
    );
    let code = action("let text: string = ''; void text;\ntext = 1;", "return 1;");
    let lines = told(&client, &code).await;
    assert_eq!(
        lines,
        [
            format!("err - {FILE}:4 "),
            format!("  {one}"),
            "✗ Typechecking".to_owned(),
            "Found 1 error".to_owned()
        ]
    );
    let code = action(
        "",
        "const a: string = 1;\n        const b: string = 2;\n        return [a, b];",
    );
    let error = broken(&client, &code).await;
    assert_eq!(
        error["message"]
            .as_str()
            .expect("a text")
            .replace("\r\n\n", "\r\n"),
        format!(
            "\nerr - {FILE}:9:7 \r\n  {one}\r\nerr - {FILE}:10:15 \r\n  {one}\r\n✗ Typechecking\nFound 2 errors"
        )
    );
    let places: Vec<_> = error["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            json!([
                entry["file"],
                entry["line"],
                entry["column"],
                entry["code"],
                entry["message"]
            ])
        })
        .collect();
    assert_eq!(
        places,
        [
            json!([FILE, 9, 7, "TS2322", one]),
            json!([FILE, 10, 15, "TS2322", one])
        ]
    );
    // Characters beyond the basic plane count as in TypeScript: two.
    let code = action("", "/* 🚀 */ const a: string = 1; return a;");
    let lines = told(&client, &code).await;
    assert_eq!(lines[0], format!("err - {FILE}:9:16 "));
}
