//! What people are told when a build fails.

use crate::harness::{Files, failure};

#[test]
fn errors_name_their_place_and_what_to_do() {
    let cases: &[(&str, Files<'_>, &[&str])] = &[
        (
            "main.ts",
            &[(
                "main.ts",
                "export default () => {\n  const x: number = ;\n};",
            )],
            &[
                "main.ts:2:21 - error: Expression expected",
                "> 2 |   const x: number = ;",
                "                    ^",
            ],
        ),
        (
            "main.ts",
            &[("main.ts", "export default () => {\n  if (true) {\n")],
            &["main.ts:", "the file ends too early"],
        ),
        (
            "main.js",
            &[("main.js", "export default (a: string) => a;")],
            &[
                "main.js:1:18",
                "type annotations need a file name that ends in .ts",
            ],
        ),
        (
            "main.ts",
            &[
                (
                    "main.ts",
                    "import { z } from \"zodd\";\nexport default () => z;",
                ),
                ("package.json", "{\"name\": \"x\"}"),
                ("node_modules/zod/index.js", ""),
            ],
            &[
                "main.ts:1:19 - error: Could not resolve \"zodd\"",
                "> 1 | import { z } from \"zodd\";",
                "\n    |                   ^^^^^^\n",
                "add `zodd` to the dependencies",
            ],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "import './lib/utlis';\nexport default 1;"),
                ("lib/utils.ts", ""),
            ],
            &["main.ts:1:8", "did you mean \"./lib/utils.ts\"?"],
        ),
        (
            "main.ts",
            &[
                (
                    "main.ts",
                    "import { colour } from './c';\nexport default () => colour;",
                ),
                ("c.ts", "export const color = 1;"),
            ],
            &[
                "main.ts:1:10 - error: \"c.ts\" does not export `colour`",
                "did you mean `color`?",
            ],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "import c from './c';\nexport default () => c;"),
                ("c.ts", "export const color = 1;"),
            ],
            &[
                "\"c.ts\" has no default export",
                "import { color } from \"./c\"",
            ],
        ),
        (
            "main.ts",
            &[("main.ts", "\nexport const handler = async () => 1;")],
            &[
                "main.ts:2:14 - error: The entrypoint `main.ts` has no default export",
                "write `export default handler;`",
            ],
        ),
        (
            "main.js",
            &[("main.js", "console.log(1);")],
            &["main.js:1:1", "no default export"],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "import d from './d.json';\nexport default d;"),
                ("d.json", "{\n  \"a\": 1,\n}"),
            ],
            &["d.json:3:1 - error: Not a JSON document"],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "import './style.css';\nexport default 1;"),
                ("style.css", ""),
            ],
            &["style.css", "cannot be imported"],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "import 'addon';\nexport default 1;"),
                ("node_modules/addon/package.json", "{\"main\": \"a.node\"}"),
                ("node_modules/addon/a.node", ""),
            ],
            &["compiled addon"],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "import 'pkg/private';\nexport default 1;"),
                ("node_modules/pkg/package.json", "{\"exports\": \"./a.js\"}"),
                ("node_modules/pkg/a.js", ""),
            ],
            &["its `exports` do not allow"],
        ),
        (
            "main.ts",
            &[(
                "main.ts",
                "import 'https://x.test/a.js';\nexport default 1;",
            )],
            &["imports of `https:` addresses are not supported"],
        ),
        (
            "mian.ts",
            &[("main.ts", "export default 1;")],
            &[
                "The entrypoint `mian.ts` is not in the upload",
                "did you mean `main.ts`?",
            ],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "export default 1;"),
                ("tsconfig.json", "{\"a\" 1}"),
            ],
            &["tsconfig.json is not valid"],
        ),
        (
            "main.ts",
            &[
                ("main.ts", "export default 1;"),
                ("package.json", "{\n  \"a\": }"),
            ],
            &["package.json:2:8", "not valid JSON"],
        ),
    ];
    let mut failed = Vec::new();
    for (entrypoint, files, parts) in cases {
        let text = failure(files, entrypoint);
        for part in *parts {
            if !text.contains(part) {
                failed.push(format!("missing: {part}\nin:\n{text}\n"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn code_that_is_nested_without_end_is_refused_and_does_not_crash() {
    let deep: Vec<String> = vec![
        "[".repeat(200_000),
        format!(
            "export default {}1{}",
            "(".repeat(100_000),
            ")".repeat(100_000)
        ),
        format!("export default {}1", "!".repeat(1_000_000)),
        format!("export default {}1", "- ".repeat(1_000_000)),
        format!("export default {}1", "a=>".repeat(300_000)),
        format!("export default {}1", "1+".repeat(1_000_000)),
        format!("export default {}1", "typeof ".repeat(300_000)),
        format!("{}1; export default 1", "if(a)".repeat(300_000)),
        format!("export default a{}", ".b".repeat(1_000_000)),
        format!("export default a{}", "?1:2".repeat(300_000)),
        format!("type A = {}1; export default 1", "A|".repeat(300_000)),
        format!(
            "type A = {}1{}; export default 1",
            "A<".repeat(100_000),
            ">".repeat(100_000)
        ),
    ];
    for text in deep {
        let files = [("main.ts", text.as_str())];
        let source = compiler::Source::from_files(
            files.iter().map(|(path, text)| (*path, (*text).to_owned())),
        );
        let _ = crate::harness::compile(crate::harness::compiler(), &source, "main.ts", "");
    }
}
