//! Packages that people use, from the registry that npm uses on this machine.

use compiler::{Compiler, Options, Source};

use crate::harness::{compile, run};

fn shared() -> &'static Compiler {
    static COMPILER: std::sync::OnceLock<Compiler> = std::sync::OnceLock::new();
    COMPILER.get_or_init(|| {
        Options {
            cache: Some(std::env::temp_dir().join("strata-compiler-tests")),
            ..Options::default()
        }
        .build()
    })
}

fn check(dependencies: &str, main: &str, expected: &str) -> compiler::Bundle {
    let source = Source::from_files([
        (
            "package.json",
            format!("{{\"dependencies\": {{{dependencies}}}}}"),
        ),
        ("src/main.ts", main.to_owned()),
    ]);
    let (result, log) = compile(shared(), &source, "src/main.ts", "npm install");
    let bundle = result.unwrap_or_else(|failure| panic!("{log}{failure}"));
    let actual = run(&bundle);
    assert_eq!(actual, expected, "{log}");
    bundle
}

#[test]
fn zod_validates_and_only_its_used_parts_are_bundled() {
    let bundle = check(
        r#""zod": "4.1.12""#,
        "import { z } from 'zod';\nconst User = z.object({ name: z.string().min(2), mail: z.email().optional(), age: z.coerce.number().int() });\nexport default () => [User.parse({ name: 'Ada', age: '36' }), User.safeParse({ name: 'A', age: 1.5 }).error?.issues.map((i) => i.message)];",
        r#"[{"name":"Ada","age":36},["Too small: expected string to have >=2 characters","Invalid input: expected int, received number"]]"#,
    );
    assert_eq!(bundle.packages, ["zod@4.1.12"]);
    // One locale is used; the other forty are not bundled.
    assert!(
        !bundle.code.contains("Ungültige Eingabe"),
        "{} modules",
        bundle.modules
    );
}

#[test]
fn zod_as_a_namespace_brings_everything() {
    let bundle = check(
        r#""zod": "4.1.12""#,
        "import * as z from 'zod';\nconst all: Record<string, unknown> = z;\nz.config(z.locales.de());\nexport default () => [Object.keys(all).length > 100, z.string().safeParse(1).error?.issues[0]?.message];",
        r#"[true,"Ungültige Eingabe: erwartet string, erhalten Zahl"]"#,
    );
    assert!(bundle.modules > 60, "{}", bundle.modules);
}

#[test]
fn lodash_dayjs_and_luxon_work_together() {
    check(
        r#""lodash": "4.17.21", "dayjs": "1.11.13", "luxon": "3.5.0""#,
        "import _, { chunk } from 'lodash';\nimport get from 'lodash/get';\nimport dayjs from 'dayjs';\nimport utc from 'dayjs/plugin/utc';\nimport { DateTime } from 'luxon';\ndayjs.extend(utc);\nexport default () => [_.camelCase('foo bar'), chunk([1, 2, 3], 2), get({ a: { b: 1 } }, 'a.b'), dayjs.utc('2024-02-29').add(1, 'year').format('YYYY-MM-DD'), DateTime.fromISO('2024-03-10T12:00:00Z', { zone: 'America/New_York' }).toISO()];",
        r#"["fooBar",[[1,2],[3]],1,"2025-02-28","2024-03-10T08:00:00.000-04:00"]"#,
    );
}

#[test]
fn node_appwrite_can_be_a_dependency() {
    let bundle = check(
        r#""node-appwrite": "14.1.0""#,
        "import { Client, Databases, ID, Query } from 'node-appwrite';\nexport default () => { const client = new Client().setEndpoint('https://example.test/v1').setProject('p'); return [new Databases(client) instanceof Databases, typeof ID.unique(), Query.equal('a', 1)]; };",
        r#"[true,"string","{\"method\":\"equal\",\"attribute\":\"a\",\"values\":[1]}"]"#,
    );
    // It brings an HTTP client for Node and another for everything else.
    assert!(bundle.code.len() < 400_000, "{}", bundle.code.len());
}

#[test]
fn packages_of_all_kinds_run() {
    check(
        r#""lodash-es": "4.17.21", "nanoid": "5.0.9", "uuid": "11.0.5", "semver": "7.6.3", "hono": "4.6.14", "date-fns": "4.1.0", "ms": "2.1.3", "jose": "5.9.6""#,
        "import { debounce, groupBy } from 'lodash-es';\nimport { nanoid } from 'nanoid';\nimport { v5 } from 'uuid';\nimport semver from 'semver';\nimport { Hono } from 'hono';\nimport { addDays, formatISO } from 'date-fns';\nimport ms from 'ms';\nimport { SignJWT } from 'jose';\nexport default async () => { const app = new Hono(); app.get('/x', (c) => c.json({ ok: 1 })); return [typeof debounce, Object.keys(groupBy([1, 2, 3], (n) => n % 2)), nanoid().length, v5('a', v5.DNS), semver.satisfies('1.2.3', '^1.0.0'), await (await app.request('/x')).json(), addDays(new Date(0), 1).getTime(), ms('2 days'), (await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32))).split('.').length, typeof formatISO]; };",
        r#"["function",["0","1"],21,"4f3f2898-69e3-5a0d-820a-c4e87987dbce",true,{"ok":1},86400000,172800000,3,"function"]"#,
    );
}
