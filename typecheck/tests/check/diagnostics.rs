//! What is reported.

use typecheck::Error;

use crate::{GOOD, check, errors, packages::Workspace};

#[tokio::test]
async fn a_good_function_has_no_errors() {
    let workspace = Workspace::new();
    let checker = workspace.checker();
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    assert!(checker.check(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn errors_have_the_text_and_the_position_of_tsc() {
    let workspace = Workspace::new();
    let checker = workspace.checker();
    let cases = [
        (
            "import { createAction } from 'nango';\nexport const a = 1;\n",
            "1:10 6133 'createAction' is declared but its value is never read.",
        ),
        (
            "export function f(\n    used: string,\n    unused: string\n): string {\n    return used;\n}\n",
            "3:5 6133 'unused' is declared but its value is never read.",
        ),
        (
            "const list: string[] = [];\nexport const n = list[0].length;\n",
            "2:18 2532 Object is possibly 'undefined'.",
        ),
        (
            "export const s = 'ä😀'; export const n: number = s;\n",
            "1:38 2322 Type 'string' is not assignable to type 'number'.",
        ),
        (
            "import { parse } from 'soap';\r\nexport const n = parse();\r\n",
            "1:23 2307 Cannot find module 'soap' or its corresponding type declarations.",
        ),
        (
            "export const f = (value) => String(value);\n",
            "1:19 7006 Parameter 'value' implicitly has an 'any' type.",
        ),
        (
            "export const o: { a?: string } = { a: undefined };\n",
            "1:14 2375 Type '{ a: undefined; }' is not assignable to type '{ a?: string; }' with \
             'exactOptionalPropertyTypes: true'. Consider adding 'undefined' to the types of the \
             target's properties.\n  Types of property 'a' are incompatible.\n    Type 'undefined' \
             is not assignable to type 'string'.",
        ),
        (
            "export const r: Record<string, string> = {};\nexport const v = r.name;\n",
            "2:20 4111 Property 'name' comes from an index signature, so it must be accessed with \
             ['name'].",
        ),
        (
            "import { ActionError } from 'nango';\nexport const e = ActionErrors;\nexport { ActionError };\n",
            "2:18 2552 Cannot find name 'ActionErrors'. Did you mean 'ActionError'?",
        ),
        (
            "export const a = ;\nimport 'soap';\nimport { b } from 'soap';\n",
            "1:18 1109 Expression expected.",
        ),
    ];
    for (text, error) in cases {
        assert_eq!(errors(&checker, text).await, [error]);
    }
}

#[tokio::test]
async fn what_an_editor_would_only_hint_at_is_no_error() {
    let workspace = Workspace::new();
    let checker = workspace.checker();
    let text = "
        /** @deprecated */
        export function old(): Promise<number> { return Promise.resolve(1).then((n) => n); }
        export const unawaited = async () => { old(); };
    ";
    assert_eq!(errors(&checker, text).await, [""; 0]);
}

#[tokio::test]
async fn files_of_a_check_import_one_another() {
    let workspace = Workspace::new();
    let checker = workspace.checker();
    let files = |import: &str, helper: &str| {
        let entry = format!("import {{ help }} from '{import}';\nexport const s: string = help;\n");
        [
            ("functions/function.ts".to_owned(), entry),
            ("functions/lib/helper.ts".to_owned(), helper.to_owned()),
        ]
    };
    let good = "export const help = 'me';\n";
    let found = checker
        .check(&files("./lib/helper.js", good))
        .await
        .unwrap();
    assert_eq!(found, []);

    let wrong = "export const help = 1;\nexport const n: number = 'x';\n";
    let found = checker
        .check(&files("./lib/helper.js", wrong))
        .await
        .unwrap();
    let at: Vec<_> = found
        .iter()
        .map(|one| (one.file.as_str(), one.line, one.code))
        .collect();
    assert_eq!(
        at,
        [
            ("functions/function.ts", 2, 2322),
            ("functions/lib/helper.ts", 2, 2322)
        ]
    );

    // In an ES module project the extension is part of the name.
    let found = checker.check(&files("./lib/helper", good)).await.unwrap();
    assert_eq!(found[0].code, 2835);
}

#[tokio::test]
async fn nothing_of_a_check_is_there_in_the_next() {
    let workspace = Workspace::new();
    let mut options = workspace.options();
    options.processes = 1;
    let checker = options.build();

    let leak = "declare global { interface Leaked { a: 1 } var leaked: number }\n\
                import 'zod';\ndeclare module 'zod' { export const leaked: number }\n\
                export const l: Leaked = { a: 1 };\n";
    assert_eq!(errors(&checker, leak).await, [""; 0]);
    // Without imports and exports only declarations are no module.
    let script = (
        "functions/script.d.ts".to_owned(),
        "interface Scripted { a: 1 }\n".to_owned(),
    );
    assert_eq!(checker.check(&[script]).await.unwrap(), []);
    let helper = (
        "functions/helper.ts".to_owned(),
        "export const a = 1;\n".to_owned(),
    );
    assert_eq!(checker.check(&[helper]).await.unwrap(), []);

    let user = "import { a } from './helper.js';\nimport { leaked as l } from 'zod';\n\
                export type L = [Leaked, Scripted];\nexport const n = [leaked, a, l];\n";
    assert_eq!(
        errors(&checker, user).await,
        [
            "1:19 2307 Cannot find module './helper.js' or its corresponding type declarations.",
            "2:10 2614 Module '\"zod\"' has no exported member 'leaked'. Did you mean to use \
             'import leaked from \"zod\"' instead?",
            "3:18 2304 Cannot find name 'Leaked'.",
            "3:26 2304 Cannot find name 'Scripted'.",
            "4:19 2304 Cannot find name 'leaked'.",
        ]
    );
}

#[tokio::test]
async fn only_sources_can_be_checked() {
    let workspace = Workspace::new();
    let checker = workspace.checker();
    for path in ["../function.ts", "/function.ts", "tsconfig.json"] {
        let files = [(path.to_owned(), String::new())];
        let error = checker.check(&files).await.unwrap_err();
        assert!(matches!(error, Error::Path(of) if of == path));
    }
    assert_eq!(check(&checker, "").await.unwrap(), []);
}
