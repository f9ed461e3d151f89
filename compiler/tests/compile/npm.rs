//! The npm client against a registry on this machine.

use compiler::{Compiler, Options, Source};
use serde_json::{Value, json};

use crate::{
    harness::{compile, run},
    registry::{Registry, integrity, tarball},
};

fn compiler(registry: &Registry, cache: Option<&std::path::Path>) -> Compiler {
    Options {
        registry: registry.url.clone(),
        cache: cache.map(std::path::Path::to_path_buf),
        ..Options::default()
    }
    .build()
}

fn project(package: &Value, main: &str, more: &[(&str, String)]) -> Source {
    let mut files = vec![
        ("package.json", package.to_string()),
        ("main.ts", main.to_owned()),
    ];
    files.extend(more.iter().map(|(path, text)| (*path, text.clone())));
    Source::from_files(files)
}

/// Builds and runs; the log, or the failure's text, comes second.
fn build(compiler: &Compiler, source: &Source, commands: &str) -> (String, String) {
    match compile(compiler, source, "main.ts", commands) {
        (Ok(bundle), log) => (run(&bundle), log),
        (Err(failure), _) => ("failed".to_owned(), failure.to_string()),
    }
}

#[test]
fn what_is_imported_is_fetched_once_and_the_rest_never() {
    let registry = Registry::start();
    registry.publish(
        "a",
        "1.0.0",
        json!({}),
        &[("index.js", "module.exports = 'a1';")],
    );
    registry.publish(
        "a",
        "1.2.0",
        json!({ "dependencies": { "@scope/deep": "^2.0.0", "never": "*" } }),
        &[(
            "index.js",
            "module.exports = 'a12' + require('@scope/deep');",
        )],
    );
    registry.publish(
        "a",
        "2.0.0",
        json!({}),
        &[("index.js", "module.exports = 'a2';")],
    );
    registry.publish(
        "@scope/deep",
        "2.3.0",
        json!({ "main": "lib/x" }),
        &[(
            "lib/x.js",
            "module.exports = require('a/package.json').version;",
        )],
    );
    registry.publish(
        "never",
        "1.0.0",
        json!({ "scripts": { "install": "exit 1" } }),
        &[("index.js", "throw 1")],
    );
    let folder = tempfile::tempdir().unwrap();
    let source = project(
        &json!({ "dependencies": { "a": "^1.0.0", "alias": "npm:a@2" }, "devDependencies": { "missing": "*" } }),
        "import a from 'a'; import b from 'alias'; export default () => [a, b];",
        &[],
    );
    let first = compiler(&registry, Some(folder.path()));
    let (result, log) = build(&first, &source, "npm install --omit=dev && npx tsc");
    assert_eq!(result, r#"["a121.2.0","a2"]"#, "{log}");
    assert!(
        log.contains("Resolved 4 packages from the registry"),
        "{log}"
    );
    assert_eq!(
        registry.requests(),
        [
            "/@scope%2fdeep",
            "/@scope/deep/-/2.3.0.tgz",
            "/a",
            "/a/-/1.2.0.tgz",
            "/a/-/2.0.0.tgz",
            "/never"
        ]
    );
    // The same process, and another one with the same cache, ask for nothing.
    let (again, log) = build(&first, &source, "");
    assert_eq!(again, result);
    assert!(
        log.contains("declares dependencies that are not in the upload"),
        "{log}"
    );
    let second = compiler(&registry, Some(folder.path()));
    let (again, log) = build(&second, &source, "npm install");
    assert_eq!(again, result);
    assert!(log.contains("as resolved before"), "{log}");
    assert_eq!(registry.requests(), [] as [&str; 0]);
    // A damaged cache is as good as none.
    for entry in walk(folder.path()) {
        let mut bytes = std::fs::read(&entry).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&entry, bytes).unwrap();
    }
    let third = compiler(&registry, Some(folder.path()));
    let (again, log) = build(&third, &source, "npm install");
    assert_eq!(again, result, "{log}");
    assert!(!registry.requests().is_empty());
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files.extend(walk(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}

#[test]
fn a_lock_file_is_followed_to_the_letter() {
    let registry = Registry::start();
    let old = registry.publish(
        "a",
        "1.0.0",
        json!({}),
        &[("index.js", "module.exports = 'old ' + require('b');")],
    );
    let inner = registry.publish(
        "b",
        "1.0.0",
        json!({}),
        &[("index.js", "module.exports = 'inner';")],
    );
    registry.publish(
        "a",
        "1.9.0",
        json!({}),
        &[("index.js", "module.exports = 'new';")],
    );
    let package = json!({ "dependencies": { "a": "^1.0.0" } });
    let lock = |range: &str, integrity_of_a: &str| {
        json!({
            "lockfileVersion": 3,
            "packages": {
                "": { "dependencies": { "a": range } },
                "node_modules/a": { "version": "1.0.0", "resolved": "https://registry.npmjs.org/a/-/1.0.0.tgz", "integrity": integrity_of_a },
                "node_modules/a/node_modules/b": { "version": "1.0.0", "resolved": format!("{}b/-/1.0.0.tgz", registry.url), "integrity": integrity(&inner) },
                "node_modules/tool": { "version": "9.0.0", "dev": true },
            },
        })
        .to_string()
    };
    let main = "import a from 'a'; export default a;";
    let good = project(
        &package,
        main,
        &[("package-lock.json", lock("^1.0.0", &integrity(&old)))],
    );
    let (result, log) = build(&compiler(&registry, None), &good, "npm ci");
    assert_eq!(result, r#""old inner""#, "{log}");
    // No metadata was asked for.
    assert_eq!(registry.requests(), ["/a/-/1.0.0.tgz", "/b/-/1.0.0.tgz"]);

    let wrong = project(
        &package,
        main,
        &[("package-lock.json", lock("^1.0.0", &integrity(b"other")))],
    );
    let (result, text) = build(&compiler(&registry, None), &wrong, "npm ci");
    assert_eq!(result, "failed");
    assert!(
        text.contains("`a@1.0.0` does not have the expected integrity"),
        "{text}"
    );

    let stale = project(
        &json!({ "dependencies": { "a": "^1.5.0" } }),
        main,
        &[("package-lock.json", lock("^1.0.0", &integrity(&old)))],
    );
    let (result, text) = build(&compiler(&registry, None), &stale, "npm ci");
    assert!(
        result == "failed" && text.contains("`a` is locked at 1.0.0 and package.json wants ^1.5.0"),
        "{text}"
    );
    let (result, log) = build(&compiler(&registry, None), &stale, "npm install");
    assert_eq!(result, r#""new""#);
    assert!(log.contains("does not fit package.json"), "{log}");
    let (_, text) = build(
        &compiler(&registry, None),
        &project(&package, main, &[]),
        "npm ci",
    );
    assert!(text.contains("there is no package-lock.json"), "{text}");
}

#[test]
fn a_registry_that_stumbles_is_asked_again_and_one_that_lies_is_refused() {
    let registry = Registry::start();
    registry.publish(
        "a",
        "1.0.0",
        json!({}),
        &[("index.js", "module.exports = 1;")],
    );
    let source = project(
        &json!({ "dependencies": { "a": "*" } }),
        "import a from 'a'; export default a;",
        &[],
    );
    registry.fail("/a", 2);
    registry.fail("/a/-/1.0.0.tgz", 1);
    assert_eq!(build(&compiler(&registry, None), &source, "").0, "1");
    registry.fail("/a", 9);
    let (_, text) = build(&compiler(&registry, None), &source, "");
    assert!(text.contains("the registry answers 503 for `a`"), "{text}");
    registry.fail("/a", 0);
    registry.tamper("a", "1.0.0", tarball(&[("package/index.js", b"evil")]));
    let (_, text) = build(&compiler(&registry, None), &source, "");
    assert!(
        text.contains("`a@1.0.0` does not have the expected integrity"),
        "{text}"
    );
}

#[test]
fn a_package_may_not_be_a_bomb_and_odd_entries_are_left_out() {
    let registry = Registry::start();
    let zeros = vec![0; 65 << 20];
    registry.publish_tarball(
        "bomb",
        "1.0.0",
        json!({ "version": "1.0.0" }),
        tarball(&[("package/index.js", &zeros)]),
    );
    let source = project(
        &json!({ "dependencies": { "bomb": "1" } }),
        "import 'bomb'; export default 1;",
        &[],
    );
    let (_, text) = build(&compiler(&registry, None), &source, "");
    assert!(text.contains("`bomb@1.0.0` cannot be unpacked"), "{text}");

    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    archive
        .append_link(&mut link, "package/link.js", "/etc/passwd")
        .unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(19);
    header.set_cksum();
    archive
        .append_data(&mut header, "package/index.js", &b"module.exports = 5;"[..])
        .unwrap();
    registry.publish_tarball(
        "odd",
        "1.0.0",
        json!({}),
        archive.into_inner().unwrap().finish().unwrap(),
    );
    let source = project(
        &json!({ "dependencies": { "odd": "1" } }),
        "import odd from 'odd'; export default odd;",
        &[],
    );
    assert_eq!(build(&compiler(&registry, None), &source, "").0, "5");
}

#[test]
fn what_cannot_be_resolved_is_named() {
    let registry = Registry::start();
    registry.publish(
        "a",
        "1.0.0",
        json!({ "dependencies": { "gone": "1" } }),
        &[("index.js", "")],
    );
    registry.publish(
        "b",
        "1.0.0",
        json!({ "optionalDependencies": { "gone": "1" }, "peerDependencies": { "c": "^1" } }),
        &[("index.js", "module.exports = require('c');")],
    );
    registry.publish(
        "c",
        "1.1.0",
        json!({}),
        &[("index.js", "module.exports = 'peer';")],
    );
    for (dependencies, part) in [
        (
            json!({ "zodd": "^4" }),
            "the package `zodd`, required by package.json, is not in the registry",
        ),
        (
            json!({ "a": "^1" }),
            "the package `gone`, required by a@1.0.0, is not in the registry",
        ),
        (
            json!({ "a": "^7" }),
            "no version of `a` fits `^7`, required by package.json; the latest is 1.0.0",
        ),
        (
            json!({ "a": "file:../a" }),
            "`a: file:../a` of package.json is not supported",
        ),
        (json!({ "a": "user/repo#main" }), "is not supported"),
        (json!({ "../x": "1" }), "`../x` is not a package name"),
    ] {
        let source = project(
            &json!({ "dependencies": dependencies }),
            "export default 1;",
            &[],
        );
        let (result, text) = build(&compiler(&registry, None), &source, "");
        assert!(
            result == "failed" && text.contains(part),
            "{part}: {result} {text}"
        );
    }
    let source = project(
        &json!({ "dependencies": { "b": "1" } }),
        "import b from 'b'; export default b;",
        &[],
    );
    assert_eq!(
        build(&compiler(&registry, None), &source, "").0,
        r#""peer""#
    );
}

#[test]
fn a_registry_and_its_token_come_from_the_upload_but_not_its_way_into_the_network() {
    let own = Registry::start();
    own.publish(
        "@own/a",
        "1.0.0",
        json!({}),
        &[("index.js", "module.exports = 'own';")],
    );
    let host = own.url.trim_start_matches("http:").to_owned();
    let npmrc = format!("@own:registry={}\n{host}:_authToken=s3cret\n", own.url);
    let source = project(
        &json!({ "dependencies": { "@own/a": "1" } }),
        "import a from '@own/a'; export default a;",
        &[(".npmrc", npmrc)],
    );
    let other = Registry::start();
    let (_, text) = build(&compiler(&other, None), &source, "");
    assert!(
        text.contains("`127.0.0.1`, asked for `@own/a`, is not a public address"),
        "{text}"
    );
    assert!(own.requests().is_empty());
    let open = Options {
        registry: other.url.clone(),
        private_registries: true,
        ..Options::default()
    }
    .build();
    let (result, log) = build(&open, &source, "");
    assert_eq!(result, r#""own""#, "{log}");
    assert_eq!(own.tokens(), ["Bearer s3cret", "Bearer s3cret"]);
    assert!(!log.contains("s3cret") && other.requests().is_empty());
}
