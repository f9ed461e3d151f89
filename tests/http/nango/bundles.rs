//! What a bundle is: a CommonJS module that Node evaluates as well as Strata does.

use base64::Engine as _;
use serde_json::{Value, json};

use super::api::{node, shared};
use super::sources::{ACTION, FUNCTION, ON_EVENT, SYNC, action, sync};

/// Compiles all of them and returns the bundles.
async fn bundles(codes: &[&str]) -> Vec<String> {
    let client = shared();
    let mut bundles = Vec::new();
    for code in codes {
        let answer = client
            .post("/functions/compile", json!({"code": code}))
            .await;
        let bundle = answer.good(200)["bundled_js"]
            .as_str()
            .expect("a text")
            .to_owned();
        bundles.push(bundle);
    }
    bundles
}

/// What Node says of them; with an input, what `exec` returns too.
async fn evaluated(codes: &[(&str, Option<Value>)]) -> Vec<Value> {
    let sources: Vec<&str> = codes.iter().map(|(code, _)| *code).collect();
    let bundles = bundles(&sources).await;
    let asked: Vec<Value> = bundles
        .iter()
        .zip(codes)
        .map(|(bundle, (_, input))| match input {
            Some(input) => json!({"code": bundle, "run": {"input": input}}),
            None => json!({"code": bundle}),
        })
        .collect();
    let told = node("evaluate.mjs", &json!(asked));
    told.as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_bundle_exports_the_definition() {
    // Each kind as a constant that is exported, and inline.
    let inline = |code: &str| {
        let start = code.find("= create").expect("a call") + 2;
        let end = code.find("});\n\nexport").expect("an end") + 3;
        let before = code[..start].rfind("const ").expect("a constant");
        format!("{}export default {}\n", &code[..before], &code[start..end])
    };
    let constant = |code: &str| {
        let code = code
            .replace("export default create", "const it = (create")
            .trim_end()
            .to_owned();
        let open = code.strip_suffix(';').expect("an end");
        format!("{open});\nexport default it;\n")
    };
    let codes = [
        ACTION.to_owned(),
        inline(ACTION),
        SYNC.to_owned(),
        inline(SYNC),
        ON_EVENT.to_owned(),
        constant(ON_EVENT),
        FUNCTION.to_owned(),
        constant(FUNCTION),
    ];
    let asked: Vec<_> = codes.iter().map(|code| (code.as_str(), None)).collect();
    let told = evaluated(&asked).await;
    let expected = [
        ("action", ""),
        ("action", "action"),
        ("sync", ""),
        ("sync", "sync"),
        ("onEvent", "onEvent"),
        ("onEvent", ""),
        ("function", "func"),
        ("function", ""),
    ];
    for (one, (kind, name)) in told.iter().zip(expected) {
        assert_eq!(one["esModule"], true, "{one}");
        assert_eq!(one["getter"], true, "{one}");
        assert_eq!(one["type"], kind, "{one}");
        assert_eq!(one["properties"][0], "type", "{one}");
        assert_eq!(one["exec"], "function", "{one}");
        let names: Vec<&str> = one["named"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        if name.is_empty() {
            assert!(
                names
                    .iter()
                    .all(|name| !["action", "sync", "onEvent", "func"].contains(name)),
                "{one}"
            );
        } else {
            assert_eq!(names, [name], "{one}");
        }
    }
}

#[tokio::test]
async fn packages_stay_outside_and_nango_is_gone() {
    for bundle in bundles(&[ACTION, SYNC, ON_EVENT, FUNCTION]).await {
        let text = bundle.split("//# sourceMappingURL").next().expect("a part");
        for name in ["nango", "nango/experimental"] {
            for quote in ['"', '\''] {
                assert!(
                    !text.contains(&format!("require({quote}{name}{quote})")),
                    "{text}"
                );
            }
        }
        assert!(
            !text.contains("create"),
            "the wrapper is still there: {text}"
        );
    }
    // Either way of importing zod, and names that are taken for types only.
    let named = action("", "return z.object({ a: z.number() }).parse({ a: 1 });");
    let star = named.replace("import { z } from 'zod'", "import * as z from 'zod'");
    let whole = named.replace("import { z } from 'zod'", "import z from 'zod'");
    let types = "import { createAction, ProxyConfiguration } from 'nango';\n";
    let types = action(
        "const call: ProxyConfiguration = { endpoint: '/x' };",
        "return { a: call.endpoint.length - 1 };",
    )
    .replace("import { createAction } from 'nango';\n", types);
    let crypto = action(
        "import { createHash } from 'crypto';\nimport * as url from 'url';",
        "return { a: createHash('md5').update('').digest('hex').length - 31 + Number(url.URLSearchParams === undefined) };",
    );
    let codes = [named, star, whole, types, crypto];
    let asked: Vec<_> = codes
        .iter()
        .map(|code| (code.as_str(), Some(json!({}))))
        .collect();
    for (one, code) in evaluated(&asked).await.iter().zip(&codes) {
        assert_eq!(one["output"], json!({"a": 1}), "{code}");
        let modules = one["asked"].as_array().expect("a list");
        assert!(modules.contains(&json!("zod")), "{one}");
    }
}

#[tokio::test]
async fn the_language_is_lowered_as_far_as_it_must() {
    let code = action(
        "enum Size { Small = 2, Large }
namespace Units { export const factor = 10; }
interface Thing { name: string }
abstract class Base<T> { constructor(protected readonly value: T) {} abstract twice(): T; }
class Two extends Base<number> { #secret = 1; override twice(): number { return this.value * 2 + this.#secret; } }
async function* pages(): AsyncGenerator<number[], undefined, void> { for (const page of [[1], [2, 3]]) yield page; return undefined; }
const of = <T extends Thing>(thing: T) => thing.name satisfies string;
function isThing(value: unknown): value is Thing { return typeof value === 'object' && value !== null && 'name' in value; }
declare global { var onlyThere: number | undefined; }",
        "        // a comment that stays
        const seen: number[] = [];
        outer: for await (const page of pages()) {
            for (const one of page) {
                if (one === 3) { break outer; }
                seen.push(one);
            }
        }
        let maybe: number | null = null;
        maybe ??= 5;
        const { a, ...rest } = { a: 1, b: 2, c: [1, , 3] as (number | undefined)[] };
        return {
            size: Size.Large, name: Size[2], unit: Units.factor, two: new Two(4).twice(), seen, maybe, a, rest: rest.b,
            of: of({ name: 'n' }), is: isThing({ name: 1 }), power: 2 ** 10, there: globalThis.onlyThere ?? 'no',
            text: `${[1, 2].at(-1)!}`, all: /ö/u.test('Ö'.toLowerCase()), big: (2n ** 64n).toString()
        };",
    );
    let told = evaluated(&[(&code, Some(json!(null)))]).await;
    assert_eq!(
        told[0]["output"],
        json!({
            "size": 3, "name": "Small", "unit": 10, "two": 9, "seen": [1, 2], "maybe": 5, "a": 1, "rest": 2,
            "of": "n", "is": true, "power": 1024, "there": "no", "text": "2", "all": true, "big": "18446744073709551616",
        })
    );
    let bundle = &bundles(&[&code]).await[0];
    let text = bundle.split("//# sourceMappingURL").next().expect("a part");
    assert!(text.contains("a comment that stays"), "{text}");
    assert!(!text.contains("interface Thing"), "{text}");
}

#[tokio::test]
async fn webhooks_and_reexports_stay() {
    let webhook = sync(
        "onWebhook: async (_nango, payload) => { void payload; },",
        "",
    );
    let reexport = format!(
        "export {{ z as zod }} from 'zod';\nexport type {{ ProxyConfiguration }} from 'nango';\n{ACTION}"
    );
    let told = evaluated(&[(&webhook, None), (&reexport, None)]).await;
    assert_eq!(told[0]["onWebhook"], "function");
    assert_eq!(told[1]["type"], "action");
}

#[tokio::test]
async fn the_source_map_holds_the_source() {
    let bundle = &bundles(&[ACTION]).await[0];
    let (_, map) = bundle
        .rsplit_once("//# sourceMappingURL=data:application/json;base64,")
        .expect("a map");
    let map = base64::engine::general_purpose::STANDARD
        .decode(map.trim_end())
        .expect("base64");
    let map: Value = serde_json::from_slice(&map).expect("JSON");
    assert_eq!(map["version"], 3);
    assert_eq!(map["sourcesContent"], json!([ACTION]));
    assert!(
        map["mappings"]
            .as_str()
            .is_some_and(|mappings| mappings.len() > 20)
    );
    // A bundle that is not minified.
    assert!(bundle.contains("celsius: res.data.t"), "{bundle}");
}

/// Beyond the published API: what compiles and cannot run is told.
#[tokio::test]
async fn what_is_not_there_at_run_time_is_warned_of() {
    let client = shared();
    for (code, word) in [
        (
            action(
                "",
                "        return (await fetch('https://example.com')).status;",
            ),
            "fetch",
        ),
        (
            action("", "        return new TextEncoder().encode('x').length;"),
            "TextEncoder",
        ),
        // It compiles, and the name is left as written.
        (
            action(
                "import { randomUUID } from 'node:crypto';",
                "        return randomUUID();",
            ),
            "node:crypto",
        ),
        (
            action(
                "import { URL as Address } from 'node:url';",
                "        return new Address('https://example.com').host;",
            ),
            "node:url",
        ),
    ] {
        let answer = client
            .post("/functions/compile", json!({"code": code}))
            .await;
        let body = answer.good(200);
        let warnings = body["warnings"].as_array().expect("warnings");
        assert_eq!(warnings.len(), 1, "{body}");
        let warning = &warnings[0];
        assert_eq!(warning["file"], "function/functions/function.ts");
        assert!(
            warning["line"].as_u64().is_some_and(|line| line > 1),
            "{warning}"
        );
        assert!(
            warning["column"].as_u64().is_some_and(|column| column > 0),
            "{warning}"
        );
        let message = warning["message"].as_str().expect("a text");
        assert!(message.contains(word), "{warning}");
        if word.starts_with("node:") {
            let bundle = body["bundled_js"].as_str().expect("a text");
            assert!(bundle.contains(&format!("require(\"{word}\")")), "{bundle}");
        }
    }
}
