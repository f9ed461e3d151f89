//! Sources that break a rule of the bundler: with which text it stops, and where.

use serde_json::json;

use super::api::shared;
use super::sources::{action, sync};
use super::told::{stops, told};

#[tokio::test]
async fn only_some_packages_may_be_imported() {
    let client = shared();
    let text = |name: &str| {
        format!(
            "Import of package '{name}' is not allowed. Allowed packages are: nango/experimental, url, node:url, crypto, node:crypto, nango, zod, unzipper, soap, botbuilder"
        )
    };
    for name in ["fs", "node:fs", "path", "http", "child_process", "zod/v4"] {
        let code = action(
            &format!("import * as other from '{name}';"),
            "return other;",
        );
        stops(&told(&client, &code).await, 3, &text(name));
        let code = action(&format!("import '{name}';"), "return 1;");
        stops(&told(&client, &code).await, 3, &text(name));
    }
    let code = format!("import fs from 'fs';\n{}", action("", "return fs;"));
    stops(&told(&client, &code).await, 1, &text("fs"));
    // Types may come from anywhere that resolves; `require` is not looked at.
    let code = action(
        "import type { Stats } from 'fs';\nlet stats: Stats | undefined;",
        "stats = undefined; return stats;",
    );
    client
        .post("/functions/compile", json!({"code": code}))
        .await
        .good(200);
    let code = action("", "return require('fs').readdirSync('/');");
    client
        .post("/functions/compile", json!({"code": code}))
        .await
        .good(200);
}

#[tokio::test]
async fn the_default_export_has_a_form() {
    let client = shared();
    let wrong = "Invalid default export: should be createAction(), createSync() or createOnEvent()";
    let literal = "Invalid function parameter, should be an object";
    let body = "{ description: 'x', input: z.void(), output: z.void(), exec: async () => {} }";
    let head = "import { createAction } from 'nango';\nimport { z } from 'zod';\n";
    for (code, line, text) in [
        ("export default 5;".to_owned(), 1, wrong),
        ("\nexport default { type: 'action' };".to_owned(), 2, wrong),
        ("\nexport default function exec() {}".to_owned(), 2, wrong),
        ("\nexport default class {}".to_owned(), 2, wrong),
        (
            "const a = { type: 'action' };\n\nexport default a;".to_owned(),
            3,
            wrong,
        ),
        (
            format!(
                "import {{ createAction as ca }} from 'nango';\nimport {{ z }} from 'zod';\nexport default ca({body});"
            ),
            3,
            wrong,
        ),
        (
            format!("{head}const create = createAction;\nexport default create({body});"),
            4,
            wrong,
        ),
        (
            format!("{head}const definition = {body};\nexport default createAction(definition);"),
            4,
            literal,
        ),
    ] {
        let lines = told(&client, &code).await;
        stops(&lines, line, text);
    }
    // Other names may not be exported; these may, and types.
    for name in ["helper", "schema", "action"] {
        let code = action(&format!("export const {name} = 1;"), "return 1;");
        let text = format!(
            "Named export '{name}' is not allowed. Only export default and createAction, createSync, createOnEvent, createFunction are permitted."
        );
        stops(&told(&client, &code).await, 3, &text);
    }
    let code = action("export function helper() { return 1; }", "return 1;");
    let lines = told(&client, &code).await;
    assert!(
        lines[4].starts_with("  Named export 'helper' is not allowed."),
        "{lines:?}"
    );
    let code = action("const a = 1;\nexport { a as b };", "return 1;");
    let lines = told(&client, &code).await;
    assert!(
        lines[4].contains("is not allowed. Only export default and createAction"),
        "{lines:?}"
    );
    for top in [
        "export type T = string;",
        "export interface I { a: string }",
        "export const createSync = 1;",
        "export { z as zod } from 'zod';",
        "export * from 'zod';",
    ] {
        let answer = client
            .post(
                "/functions/compile",
                json!({"code": action(top, "return 1;")}),
            )
            .await;
        assert_eq!(answer.status, 200, "{top}: {answer:?}");
    }
    // Parentheses are fine.
    let code = format!("{head}export default (createAction({body}));");
    client
        .post("/functions/compile", json!({"code": code}))
        .await
        .good(200);
    let code = format!("{head}const it = createAction({body});\nexport {{ it as default }};");
    let answer = client
        .post("/functions/compile", json!({"code": code}))
        .await;
    answer.denied(400, "compilation_error");
}

#[tokio::test]
async fn calls_are_awaited() {
    let client = shared();
    let text = |name: &str| {
        format!(
            "nango.{name}() calls must be awaited in. Not awaiting can lead to unexpected results."
        )
    };
    let call = "{ endpoint: '/x' }";
    let of_actions = [
        ("delete", call),
        ("get", call),
        ("patch", call),
        ("post", call),
        ("proxy", call),
        ("put", call),
        ("getConnection", ""),
        ("getEnvironmentVariables", ""),
        ("getFieldMapping", ""),
        ("getMetadata", ""),
        ("log", "'x'"),
        ("setFieldMapping", "{}"),
        ("triggerAction", "'i', 'c', 'a'"),
    ];
    for (name, arguments) in of_actions {
        let code = action(
            "",
            &format!("        void nango.{name}({arguments});\n        return 1;"),
        );
        stops(&told(&client, &code).await, 9, &text(name));
    }
    let code = action("", "        void nango.setMetadata({});\n        return 1;")
        .replace("input: z.any(),", "input: z.any(), metadata: z.object({}),");
    stops(&told(&client, &code).await, 9, &text("setMetadata"));
    for (name, arguments) in [
        ("batchDelete", "[], 'Thing'"),
        ("batchSave", "[], 'Thing'"),
        ("batchSend", "[], 'Thing'"),
        ("deleteRecordsFromPreviousExecutions", "'Thing'"),
        ("setMergingStrategy", "{ strategy: 'override' }, 'Thing'"),
        ("trackDeletesEnd", "'Thing'"),
        ("trackDeletesStart", "'Thing'"),
    ] {
        let code = sync("", &format!("        void nango.{name}({arguments});"));
        stops(&told(&client, &code).await, 11, &text(name));
    }
    // Any of these will do, also above the call; other members need none.
    for body in [
        "await nango.get({ endpoint: '/x' }); return 1;",
        "return nango.get({ endpoint: '/x' });",
        "return Promise.all([1, 2].map((n) => nango.get({ endpoint: `/${n}` })));",
        "await Promise.all([nango.get({ endpoint: '/x' }), nango.log('x')]); return 1;",
        "void nango.get({ endpoint: '/x' }).then(() => 1); return 1;",
        "void nango.log('x').catch(() => 1); return 1;",
        "nango.setLogger({ level: 'debug' }); return 1;",
        "void nango.getToken(); return 1;",
        "const nongo = nango; void nongo.log('x'); return 1;",
    ] {
        let answer = client
            .post("/functions/compile", json!({"code": action("", body)}))
            .await;
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn retry_on_needs_retries() {
    let client = shared();
    let text = "Proxy call: 'retryOn' should not be used if 'retries' is not set.";
    for name in ["get", "proxy", "post"] {
        let code = action(
            "",
            &format!(
                "        await nango.{name}({{ endpoint: '/x', retryOn: [404] }});\n        return 1;"
            ),
        );
        stops(&told(&client, &code).await, 9, text);
    }
    for call in [
        "{ endpoint: '/x', retryOn: [404], retries: 2 }",
        "{ endpoint: '/x', retries: 2 }",
    ] {
        let code = action("", &format!("await nango.get({call}); return 1;"));
        client
            .post("/functions/compile", json!({"code": code}))
            .await
            .good(200);
    }
}

/// The published texts name the line after the call.
#[tokio::test]
async fn calls_of_a_sync_have_an_order() {
    let client = shared();
    let save = "await nango.batchSave([], 'Thing');";
    let get = "await nango.get({ endpoint: '/x' });";
    let merge = "await nango.setMergingStrategy({ strategy: 'override' }, 'Thing');";
    let start = "await nango.trackDeletesStart('Thing');";
    let end = "await nango.trackDeletesEnd('Thing');";
    let drop = "await nango.deleteRecordsFromPreviousExecutions('Thing');";
    let refused = async |calls: &[&str]| told(&client, &sync("", &calls.join("\n"))).await;
    stops(
        &refused(&[save, merge]).await,
        13,
        "setMergingStrategy should be called before any batching records function",
    );
    stops(
        &refused(&[get, merge]).await,
        13,
        "setMergingStrategy should be called before any proxy function",
    );
    stops(
        &refused(&[start, save]).await,
        12,
        "trackDeletesStart for model 'Thing' is called but trackDeletesEnd is never called",
    );
    for calls in [&[drop, save][..], &[save, drop, drop]] {
        let lines = refused(calls).await;
        assert!(
            lines[4].contains("deleteRecordsFromPreviousExecutions"),
            "{lines:?}"
        );
    }
    for calls in [
        &[save, end][..],
        &[end, start],
        &[start, start, save, end],
        &[start, save, end, end],
        &[save, start, end],
        &[start, end, save],
    ] {
        let lines = refused(calls).await;
        assert!(
            lines[4].contains("trackDeletes") && lines[4].contains("'Thing'"),
            "{calls:?}: {lines:?}"
        );
    }
    for calls in [
        &[merge, get, save][..],
        &[start, get, save, end],
        &[get, start, save, save, end],
        &[save, drop],
        &[start, end],
        &[
            start,
            "await nango.trackDeletesStart('Other');",
            save,
            end,
            "await nango.trackDeletesEnd('Other');",
        ],
    ] {
        let answer = client
            .post(
                "/functions/compile",
                json!({"code": sync("", &calls.join("\n"))}),
            )
            .await;
        assert_eq!(answer.status, 200, "{calls:?}: {answer:?}");
    }
}
