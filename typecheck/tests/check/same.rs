//! The same verdict, in the same words, as `tsc` gives from a cold start.

use std::{fs, process::Command};

use serde_json::{Value, json};
use typecheck::Diagnostic;

use crate::{
    GOOD, PATH, check,
    packages::{Workspace, executable},
};

const SETTINGS: &str = include_str!("../../src/tsconfig.json");

fn sources() -> Vec<String> {
    let variants = [
        ("createAction }", "createAction, createSync }"),
        ("city: z.string(), days", "city: z.number(), days"),
        ("nango, input)", "nango, input, more)"),
        ("retries: 3", "retries: '3', again: true"),
        ("'/now'", "`/now/${input.tags[0].length}`"),
        ("new nango.ActionError", "new ActionError"),
        ("description: 'Current temperature of a city',", ""),
        (
            "import * as z from 'zod';",
            "import { z } from 'zod';\nimport type { AxiosError } from 'axios';",
        ),
        ("? value :", "? value.toFixed() :"),
    ];
    let mut sources = vec![GOOD.to_owned(), String::new()];
    for (what, with) in variants {
        assert!(GOOD.contains(what), "{what}");
        sources.push(GOOD.replacen(what, with, 1));
    }
    sources.extend(
        [
            "export function f(a) { return a }\nfunction unused() {}\nclass C { private x = 1 }\nexport { C };",
            "export const x = (;\nimport 'nothing';\nlet y: = 1;",
            "import * as fs from 'node:fs';\nexport default require('x') + Buffer.from(1) + fs.nothing;",
            "// @ts-expect-error\nexport const a = 1;\n// @ts-ignore\nexport const b: string = 1;",
            "/// <reference path='./nothing.ts' />\n/// <reference types='nothing' />\nexport {};",
            "export function f(x: number) {\n  switch (x) { case 1: x++; case 2: return x; }\n}\nlabel: for (;;) { break; }\nthrow 1;\nf(1);",
            "class A { m() {} }\nexport class B extends A { m() {} n!: missing }\nexport enum E { a = 'x'.length }",
            "interface Array<A, B> { x: A & B }\ndeclare global { interface Window { name: 5 } }\nexport const n: null = window.name;",
            "export const f: (a: { b: { c: string }[] }) => void = (a: { b: { c: number }[] }) => { a; };",
            "export const t = <div>{1}</div>;\nexport const u = await import('./x.js');",
            "import data from './data.json' with { type: 'json' };\nimport '../node_modules/zod/v4/index.js';\nexport default data;",
            "/// <reference no-default-lib='true' />\nexport const a: Promise<string> = 1;",
            "declare function f(x: (a: number) => string): number;\ndeclare function f(x: (a: string) => number): string;\nexport const r = f(a => f(b => f(c => a + b + c)));",
            "\u{feff}export const a\u{2028}: number = 'ü';\r\rexport const 名: string = 1;\n\n\texport const 😀 = 2;",
        ]
        .map(str::to_owned),
    );
    sources
}

/// `path(line,column): error TS1234: text`, with the lines that follow it.
fn printed(output: &str) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for line in output.lines().filter(|line| !line.is_empty()) {
        if let Some(reason) = line.strip_prefix("  ") {
            let last = found.last_mut().unwrap();
            last.message = format!("{}\n  {reason}", last.message);
            continue;
        }
        let (place, rest) = line.split_once(": error TS").unwrap();
        let (code, message) = rest.split_once(": ").unwrap();
        let (file, at) = place.split_once('(').unwrap();
        let (line, column) = at.trim_end_matches(')').split_once(',').unwrap();
        found.push(Diagnostic {
            file: file.to_owned(),
            line: line.parse().unwrap(),
            column: column.parse().unwrap(),
            code: code.parse().unwrap(),
            message: message.to_owned(),
        });
    }
    found
}

#[tokio::test]
async fn the_verdict_is_that_of_tsc() {
    let workspace = Workspace::new();
    // The very path that sources seem to have: texts of types name it, and are cut by length.
    let root = workspace.path().canonicalize().unwrap().join("project");
    fs::create_dir_all(root.join("functions")).unwrap();
    let mut settings: Value = serde_json::from_str(SETTINGS).unwrap();
    settings["files"] = json!([PATH]);
    fs::write(root.join("tsconfig.json"), settings.to_string()).unwrap();
    fs::write(root.join("package.json"), r#"{ "type": "module" }"#).unwrap();

    let checker = workspace.checker();
    let mut failed = 0;
    for source in sources() {
        fs::write(root.join(PATH), &source).unwrap();
        let output = Command::new(executable())
            .args(["--project", ".", "--pretty", "false"])
            .current_dir(&root)
            .output()
            .unwrap();
        let output_text = String::from_utf8(output.stdout).unwrap();
        let text = output_text
            .replace(&format!("{}/", root.display()), "")
            .replace(&format!("{}/", root.parent().unwrap().display()), "");
        let cold = printed(&text);
        assert_eq!(cold.is_empty(), output.status.success());
        failed += usize::from(!cold.is_empty());
        assert_eq!(check(&checker, &source).await.unwrap(), cold, "{source}");
    }
    assert!(failed > 15);
}
