//! What sources can reach.

use std::fs;

use crate::{GOOD, PATH, errors, packages::Workspace};

#[tokio::test]
async fn nothing_outside_the_packages_can_be_seen() {
    let workspace = Workspace::new();
    let outside = tempfile::tempdir().unwrap();
    let outside = outside.path().canonicalize().unwrap();
    let inside = workspace.path().canonicalize().unwrap();
    for folder in [&outside, &inside] {
        for name in ["secret.ts", "secret.d.ts", "secret.js"] {
            fs::write(folder.join(name), "export const secret: 'hidden';\n").unwrap();
        }
        fs::write(folder.join("package.json"), r#"{ "name": "secret" }"#).unwrap();
        fs::write(folder.join("data.json"), r#"{ "secret": 1 }"#).unwrap();
    }
    let checker = workspace.checker();
    let out = outside.display();
    let up = "../".repeat(30);
    let sources = [
        format!("import {{ secret }} from '{out}/secret.js';\nexport const n: number = secret;\n"),
        format!(
            "import {{ secret }} from '{up}{out}/secret.js';\nexport const n: number = secret;\n"
        ),
        "import { secret } from '../../secret.js';\nexport const n: number = secret;\n".to_owned(),
        format!("/// <reference path='{out}/secret.ts' />\nexport {{}};\n"),
        "/// <reference path='../../secret.d.ts' />\nexport {};\n".to_owned(),
        format!("/// <reference types='{out}/secret' />\nexport {{}};\n"),
        format!("export type S = typeof import('{out}/secret.js');\n"),
        "import data from '/etc/hostname' with { type: 'json' };\nexport default data;\n"
            .to_owned(),
        "/// <reference path='/etc/passwd' />\nexport {};\n".to_owned(),
    ];
    for source in sources {
        let found = errors(&checker, &source).await;
        assert!(!found.is_empty(), "{source}");
        assert!(!found.concat().contains("hidden"), "{found:?}");
        // The words for what exists are those for what does not.
        let missing = absent(&source);
        assert_ne!(source, missing);
        let found: Vec<_> = found.iter().map(|text| absent(text)).collect();
        assert_eq!(found, errors(&checker, &missing).await);
    }
}

/// The text with names of files that do not exist, of the same length.
fn absent(text: &str) -> String {
    text.replace("/secret", "/absent")
        .replace("/etc/passwd", "/etc/absent")
        .replace("/etc/hostname", "/etc/neverwas")
}

#[tokio::test]
async fn files_on_disk_are_not_those_of_a_check() {
    let workspace = Workspace::new();
    let functions = workspace.path().join("project/functions");
    fs::create_dir_all(functions.join("node_modules/extra")).unwrap();
    fs::write(functions.join("other.ts"), "export const a = 1;\n").unwrap();
    fs::write(
        functions.join("node_modules/extra/index.d.ts"),
        "export const a: 1;\n",
    )
    .unwrap();
    fs::write(workspace.path().join("project").join(PATH), "broken(").unwrap();
    let checker = workspace.checker();
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    let source =
        "import { a } from './other.js';\nimport { a as b } from 'extra';\nexport { a, b };\n";
    let codes: Vec<_> = errors(&checker, source).await;
    assert_eq!(codes.len(), 2);
    assert!(
        codes.iter().all(|text| text.contains(" 2307 ")),
        "{codes:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_out_of_the_packages_is_not_followed() {
    let workspace = Workspace::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(
        outside.path().join("index.d.ts"),
        "export const secret: 'hidden';\n",
    )
    .unwrap();
    let link = workspace.path().join("node_modules/linked");
    std::os::unix::fs::symlink(outside.path(), link).unwrap();
    let source = "import { secret } from 'linked';\nexport const n: number = secret;\n";
    let found = errors(&workspace.checker(), source).await;
    assert!(!found.concat().contains("hidden"), "{found:?}");
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn texts_name_no_folder_of_the_machine() {
    let workspace = Workspace::new();
    let source = "import * as zod from 'zod';\nexport const n: number = zod;\n\
                  export const m: number = {} as typeof import('./function.js');\n";
    let found = errors(&workspace.checker(), source).await.concat();
    let folder = workspace.path().canonicalize().unwrap();
    assert!(found.contains("node_modules/zod/"), "{found}");
    assert!(!found.contains(folder.to_str().unwrap()), "{found}");
}
