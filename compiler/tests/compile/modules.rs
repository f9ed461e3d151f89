//! What modules do at run time.

use crate::harness::{Files, bundle, run};
use compiler::StackMapper;

/// Builds and runs each project; the default export's result must be the JSON.
#[test]
fn projects_run_as_they_do_in_node() {
    let cases: &[(&str, &str, Files<'_>, &str)] = &[
        (
            "hello",
            "main.ts",
            &[(
                "main.ts",
                "export default async (context: object): Promise<string> => `hello ${typeof context}`;",
            )],
            r#""hello object""#,
        ),
        (
            "several files, JSON, live bindings",
            "src/main.ts",
            &[
                (
                    "src/main.ts",
                    "import { count, add } from './counter.js';\nimport data, { list } from './data.json';\nimport * as all from './counter';\nimport type { T } from './types';\nexport default (): unknown => { add(); add(); const t: T = 1; return [count, all.count, data.name, list.length, t]; };",
                ),
                (
                    "src/counter.ts",
                    "export let count = 0;\nexport function add() { count++; }",
                ),
                (
                    "src/data.json",
                    "{\"name\": \"d\", \"list\": [1, 2], \"__proto__\": 1}",
                ),
                ("src/types.ts", "export type T = number;"),
            ],
            r#"[2,2,"d",2,1]"#,
        ),
        (
            "circular imports see functions before evaluation and values after",
            "a.mjs",
            &[
                (
                    "a.mjs",
                    "import { b, early } from './b.mjs';\nexport function hoisted() { return 'hoisted'; }\nexport const a = 'a';\nexport default () => [a, b(), early];",
                ),
                (
                    "b.mjs",
                    "import { a, hoisted } from './a.mjs';\nexport const early = hoisted();\nlet tdz; try { a } catch (e) { tdz = e.name }\nexport const b = () => a + tdz;",
                ),
            ],
            r#"["a","aReferenceError","hoisted"]"#,
        ),
        (
            "CommonJS cycles see partial exports",
            "a.js",
            &[
                (
                    "a.js",
                    "exports.one = 1; const b = require('./b'); exports.two = b.seen; exports.default = () => [exports.two, b.late()];",
                ),
                (
                    "b.js",
                    "const a = require('./a'); exports.seen = Object.keys(a); exports.late = () => a.two.length;",
                ),
            ],
            r#"[["one"],1]"#,
        ),
        (
            "interop of CommonJS, as transpilers do it",
            "main.ts",
            &[
                (
                    "main.ts",
                    "import fn from './fn';\nimport es, { named } from './transpiled';\nimport * as star from './plain';\nimport plain, { x } from './plain';\nexport { x } from './plain';\nexport * from './plain';\nimport * as self from './main';\nexport default () => [fn(), es, named, star.x, star.default === plain, x, Object.keys(self).sort()];",
                ),
                ("fn.js", "module.exports = function () { return 'fn'; };"),
                (
                    "transpiled.js",
                    "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'es'; exports.named = 'n';",
                ),
                ("plain.cjs", "exports.x = 1; exports.y = 2;"),
            ],
            r#"["fn","es","n",1,true,1,["default","x","y"]]"#,
        ),
        (
            "interop of CommonJS, as Node does it",
            "main.mjs",
            &[
                (
                    "main.mjs",
                    "import es from './transpiled.cjs';\nimport * as ns from './transpiled.cjs';\nexport default async () => [es.default, ns.default.default, (await import('./transpiled.cjs')).default.default, ns.named];",
                ),
                (
                    "transpiled.cjs",
                    "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'es'; exports.named = 'n';",
                ),
            ],
            r#"["es","es","es","n"]"#,
        ),
        (
            "CommonJS: module, this, sloppy mode, dynamic require, require of an ES module",
            "main.js",
            &[
                (
                    "main.js",
                    "const top = this === module.exports; undeclared = 5; const name = './b' + ''; let code; try { require(name + 'x') } catch (e) { code = e.code }\nmodule.exports = () => [top, undeclared, require('./b').default, require('./b').n, code, require('path').basename(__filename), __dirname, typeof require('node:fs').readFileSync];\nreturn;",
                ),
                ("b.mjs", "export default 'b'; export const n = 1;"),
            ],
            r#"[true,5,"b",1,"MODULE_NOT_FOUND","main.js","/","function"]"#,
        ),
        (
            "dynamic import, import.meta, top-level await through a circle",
            "src/main.mts",
            &[
                (
                    "src/main.mts",
                    "import { value } from './slow.mjs';\nconst more = await import('./lazy.ts');\nexport const own = 'own';\nexport default async () => [value, more.default, (await import(`./lazy`)).default, import.meta.url, import.meta.dirname];",
                ),
                (
                    "src/slow.mts",
                    "import { own } from './main.mjs';\nawait new Promise((resolve) => setTimeout(resolve, 5));\nexport const value = typeof (() => own);",
                ),
                ("src/lazy.ts", "export default 'lazy';"),
            ],
            r#"["function","lazy","lazy","file:///src/main.mts","/src"]"#,
        ),
        (
            "things TypeScript compiles away",
            "main.ts",
            &[
                (
                    "main.ts",
                    "import fs = require('fs');\nimport { Color, Unused } from './types';\nenum E { A = 1, B }\nnamespace N { export const x = E.B; }\nclass P { constructor(private readonly a: number, public b = 2) {} get sum() { return this.a + this.b; } }\nabstract class Q<T> extends P { declare ghost: T; abstract f(): void; }\nconst c = Color.Red satisfies Color;\nlet u: Unused | undefined;\nexport default () => [N.x, new P(1).sum, c as number, typeof fs.readFileSync, u!, typeof Q];",
                ),
                (
                    "types.ts",
                    "export enum Color { Red = 7 }\nexport interface Unused {}",
                ),
            ],
            r#"[2,3,7,"function",null,"function"]"#,
        ),
        (
            "legacy decorators with metadata, assigned fields",
            "main.ts",
            &[
                (
                    "tsconfig.json",
                    "{ /* c */ \"compilerOptions\": { \"experimentalDecorators\": true, \"emitDecoratorMetadata\": true, \"target\": \"es2021\", } }",
                ),
                (
                    "main.ts",
                    "const seen: unknown[] = [];\n(Reflect as any).metadata = (k: string, v: unknown) => (t: any, p: string) => { if (k === 'design:type') seen.push((v as any).name); };\nfunction field(t: any, key: string) { seen.push(key); }\nclass Base { constructor() { (this as any).name = 'set'; } }\nclass A extends Base { @field age: number = 1; name!: string; }\nexport default () => [seen, new A().name];",
                ),
            ],
            r#"[["Number","age"],"set"]"#,
        ),
        (
            "standard decorators",
            "main.ts",
            &[(
                "main.ts",
                "function twice(f: any, c: any) { return function (this: any) { return f.call(this) * 2; }; }\nclass A { @twice f() { return 21; } }\nexport default () => new A().f();",
            )],
            "42",
        ),
        (
            "JSX with the classic and the automatic runtime",
            "main.tsx",
            &[
                (
                    "tsconfig.json",
                    "{\"compilerOptions\": {\"jsx\": \"react-jsx\", \"jsxImportSource\": \"kit\"}}",
                ),
                (
                    "main.tsx",
                    "import other from './other';\nexport default () => [<a href=\"x\">t</a>, other];",
                ),
                (
                    "other.tsx",
                    "/** @jsxRuntime classic @jsx h */\nconst h = (...all: unknown[]) => all;\nexport default <b>1</b>;",
                ),
                (
                    "node_modules/kit/package.json",
                    "{\"name\": \"kit\", \"exports\": {\"./jsx-runtime\": \"./r.js\"}}",
                ),
                (
                    "node_modules/kit/r.js",
                    "exports.jsx = (tag, props) => ({ tag, props });",
                ),
            ],
            r#"[{"tag":"a","props":{"href":"x","children":"t"}},["b",null,"1"]]"#,
        ),
        (
            "paths of tsconfig, a package in the upload with exports, imports and conditions",
            "src/main.ts",
            &[
                (
                    "tsconfig.json",
                    "{\"extends\": \"@not/installed\", \"compilerOptions\": {\"baseUrl\": \".\", \"paths\": {\"@/*\": [\"src/*\"]}}}",
                ),
                (
                    "src/main.ts",
                    "import { x } from '@/lib/x';\nimport { kind, inner } from 'pkg';\nimport deep from 'pkg/deep/one';\nexport default () => [x, kind, inner, deep];",
                ),
                ("src/lib/x.ts", "export const x = 'x';"),
                (
                    "node_modules/pkg/package.json",
                    "{\"name\": \"pkg\", \"type\": \"module\", \"imports\": {\"#inner\": {\"node\": \"./inner.js\"}}, \"exports\": {\".\": {\"require\": \"./r.cjs\", \"import\": \"./i.js\"}, \"./deep/*\": \"./d/*.js\"}}",
                ),
                (
                    "node_modules/pkg/i.js",
                    "export { default as inner } from '#inner';\nexport const kind = 'import';",
                ),
                ("node_modules/pkg/inner.js", "export default 'inner';"),
                ("node_modules/pkg/d/one.js", "export default 1;"),
            ],
            r#"["x","import","inner",1]"#,
        ),
        (
            "what the platform provides",
            "main.ts",
            &[(
                "main.ts",
                "import d, { named } from 'provided';\nimport { basename } from 'node:path';\nimport os from 'os';\nimport * as util from 'util';\nexport default async () => [d, named, basename('a/b'), typeof os.cpus, typeof util.inspect, (await import('provided')).named, typeof (await import('fs')).default.readFileSync];",
            )],
            r#"["provided default","provided name","b","function","function","provided name","function"]"#,
        ),
        (
            "a package that tries to load what is not installed",
            "main.ts",
            &[
                (
                    "main.ts",
                    "import { has } from 'pkg';\nlet mine = 'none'; try { mine = require('nothing'); } catch {}\nexport default () => [has, mine];",
                ),
                (
                    "node_modules/pkg/index.js",
                    "let has = true; try { require('optional-peer'); } catch (e) { has = e.code; } exports.has = has;",
                ),
            ],
            r#"["MODULE_NOT_FOUND","none"]"#,
        ),
        (
            "createRequire",
            "main.mjs",
            &[
                (
                    "main.mjs",
                    "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nconst { version } = require('./package.json');\nexport default () => version;",
                ),
                ("package.json", "{\"version\": \"1.2.3\"}"),
            ],
            r#""1.2.3""#,
        ),
        (
            "names that the linker could trip over",
            "main.ts",
            &[
                (
                    "main.ts",
                    "import { default as $$0, $$ as _ } from './odd';\nimport * as odd from './odd';\nconst module = 1, exports = 2, require = 3, $$e = 4;\nfunction tag(s: TemplateStringsArray) { return s[0]; }\nexport { module, exports as 'a-b', require };\nclass C { m = _; static s = $$0; }\nexport default () => { const o = { _, $$0 }; { let _ = 5; o._ += _; } return [o, module + exports + require + $$e, new C().m, odd.$$, odd['x y'], typeof odd.missing]; };",
                ),
                (
                    "odd.ts",
                    "export const $$ = 10; export default class {}; const xy = 'xy'; export { xy as 'x y' };",
                ),
            ],
            r#"[{"_":15},10,10,10,"xy","undefined"]"#,
        ),
        (
            "this is undefined in calls of imported functions",
            "main.ts",
            &[
                (
                    "main.ts",
                    "import { self, tag } from './f';\nimport * as f from './f';\nexport default () => [self(), self?.(), tag`x`, f.self() === f];",
                ),
                (
                    "f.ts",
                    "export function self(this: unknown) { return this; }\nexport function tag(this: unknown) { return this === undefined; }",
                ),
            ],
            r#"[null,null,true,true]"#,
        ),
        (
            "using",
            "main.ts",
            &[(
                "main.ts",
                "const log: string[] = [];\nexport default () => { { using a = { [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() { log.push('disposed'); } }; log.push('used'); } return log; };",
            )],
            r#"["used","disposed"]"#,
        ),
        (
            "import with module.exports in TypeScript",
            "main.ts",
            &[(
                "main.ts",
                "import { basename } from 'path';\nmodule.exports = () => basename('x/y');",
            )],
            r#""y""#,
        ),
        (
            "export =",
            "main.ts",
            &[
                (
                    "main.ts",
                    "import f = require('./f');\nimport g from './f';\nexport default () => [f(), g()];",
                ),
                ("f.ts", "function f() { return 'f'; }\nexport = f;"),
            ],
            r#"["f","f"]"#,
        ),
        (
            "an upload in a folder",
            "src/main.ts",
            &[
                ("repo-main/src/main.ts", "export default () => 1;"),
                ("repo-main/README.md", ""),
            ],
            "1",
        ),
        (
            "the entrypoint of a compiled project",
            "dist/main.js",
            &[
                (
                    "tsconfig.json",
                    "{\"compilerOptions\": {\"outDir\": \"dist\", \"rootDir\": \"source\"}}",
                ),
                ("source/main.ts", "export default () => 'source';"),
            ],
            r#""source""#,
        ),
    ];
    let mut failed = Vec::new();
    for (name, entrypoint, files, expected) in cases {
        let result = std::panic::catch_unwind(|| run(&bundle(files, entrypoint)));
        match result {
            Ok(actual) if actual == *expected => {}
            Ok(actual) => failed.push(format!(
                "{name}:\n  expected {expected}\n  actual   {actual}"
            )),
            Err(panic) => failed.push(format!(
                "{name}: {}",
                panic
                    .downcast_ref::<String>()
                    .map_or("panic", String::as_str)
            )),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn only_what_is_used_of_a_package_without_effects_is_bundled() {
    let package = |effects: &str| {
        vec![
            ("main.ts".to_owned(), "import { z } from 'barrel';\nexport default () => z.one() + z.used.two;".to_owned()),
            ("node_modules/barrel/package.json".to_owned(), format!("{{\"name\": \"barrel\", \"type\": \"module\"{effects}}}")),
            ("node_modules/barrel/index.js".to_owned(), "import * as z from './all.js';\nexport { z };\nexport default z;".to_owned()),
            ("node_modules/barrel/all.js".to_owned(), "export * from './one.js';\nexport * as used from './two.js';\nexport * as unused from './three.js';\nexport { four } from './four.js';".to_owned()),
            ("node_modules/barrel/one.js".to_owned(), "export const one = () => 'ONE';".to_owned()),
            ("node_modules/barrel/two.js".to_owned(), "export const two = 'TWO';".to_owned()),
            ("node_modules/barrel/three.js".to_owned(), "export const three = 'THREE';".to_owned()),
            ("node_modules/barrel/four.js".to_owned(), "export const four = 'FOUR';".to_owned()),
        ]
    };
    let build = |effects: &str| {
        let files = package(effects);
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        bundle(&files, "main.ts")
    };
    let pure = build(", \"sideEffects\": false");
    assert_eq!(run(&pure), r#""ONETWO""#);
    assert!(
        !pure.code.contains("THREE") && !pure.code.contains("FOUR"),
        "{}",
        pure.code
    );
    let kept = build("");
    assert_eq!(run(&kept), r#""ONETWO""#);
    assert!(kept.code.contains("THREE") && kept.code.contains("FOUR"));
    // Equal input, equal bundle.
    assert_eq!(build("").code, kept.code);
}

#[test]
fn stacks_lead_to_the_lines_of_the_user() {
    let built = bundle(
        &[
            (
                "src/main.ts",
                "import { fail } from './deep/fail';\n\ninterface Unused {\n  a: string;\n}\n\nexport default function main(): void {\n  fail({ a: 'é' } as Unused);\n}\n",
            ),
            (
                "src/deep/fail.ts",
                "type A = { a: string };\n\nexport function fail(a: A): never {\n  const é = 'ü'; throw new Error(a.a + é);\n}\n",
            ),
        ],
        "src/main.ts",
    );
    let stack = StackMapper::parse(&built.source_map).map(&run(&built));
    assert!(stack.contains("at fail (src/deep/fail.ts:4:24)"), "{stack}");
    assert!(stack.contains("at main (src/main.ts:8:"), "{stack}");
}

#[test]
fn a_large_bundle_is_built() {
    let mut text = String::new();
    for number in 0..40_000 {
        text.push_str(&format!(
            "export function f{number}(a) {{ // {}\n  return a + {number} + \"{}\";\n}}\n",
            "x".repeat(20),
            "y".repeat(60)
        ));
    }
    assert!(text.len() > 5_000_000);
    let built = bundle(
        &[
            (
                "main.ts",
                "import { f39999 } from './big.js';\nexport default () => f39999(1).length;",
            ),
            ("big.js", &text),
        ],
        "main.ts",
    );
    assert_eq!(run(&built), "65");
}
