//! The runtimes that the wire format knows, and which of them this server runs.

use serde_json::{Value, json};

/// Versions of one language.
struct Family {
    key: &'static str,
    name: &'static str,
    base: &'static str,
    versions: &'static [&'static str],
    /// Whether functions of this family run here: those that are JavaScript.
    enabled: bool,
}

const fn family(
    key: &'static str,
    name: &'static str,
    base: &'static str,
    enabled: bool,
    versions: &'static [&'static str],
) -> Family {
    Family {
        key,
        name,
        base,
        versions,
        enabled,
    }
}

/// The version of the runtime protocol of new functions.
pub const PROTOCOL: &str = "v5";

/// In the order of the list that clients get. `static` serves files upstream;
/// here nothing would run, so it is not enabled. WebAssembly components need no
/// family of their own: a component is found in the upload whatever the runtime.
const FAMILIES: &[Family] = &[
    family(
        "node",
        "Node.js",
        "node",
        true,
        &[
            "14.5", "16.0", "18.0", "19.0", "20.0", "21.0", "22", "23", "24", "25",
        ],
    ),
    family(
        "php",
        "PHP",
        "php",
        false,
        &["8.0", "8.1", "8.2", "8.3", "8.4"],
    ),
    family(
        "ruby",
        "Ruby",
        "ruby",
        false,
        &["3.0", "3.1", "3.2", "3.3", "3.4", "4.0"],
    ),
    family(
        "python",
        "Python",
        "python",
        false,
        &["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"],
    ),
    family(
        "python-ml",
        "Python (ML)",
        "python",
        false,
        &["3.11", "3.12", "3.13"],
    ),
    family(
        "deno",
        "Deno",
        "denoland/deno",
        true,
        &["1.21", "1.24", "1.35", "1.40", "1.46", "2.0", "2.5", "2.6"],
    ),
    family(
        "dart",
        "Dart",
        "dart",
        false,
        &[
            "2.15", "2.16", "2.17", "2.18", "2.19", "3.0", "3.1", "3.3", "3.5", "3.8", "3.9",
            "3.10", "3.11",
        ],
    ),
    family(
        "dotnet",
        ".NET",
        "dotnet",
        false,
        &["6.0", "7.0", "8.0", "10"],
    ),
    family(
        "java",
        "Java",
        "java",
        false,
        &["8.0", "11.0", "17.0", "18.0", "21.0", "22", "25"],
    ),
    family(
        "swift",
        "Swift",
        "swift",
        false,
        &["5.5", "5.8", "5.9", "5.10", "6.2"],
    ),
    family(
        "kotlin",
        "Kotlin",
        "kotlin",
        false,
        &["1.6", "1.8", "1.9", "2.0", "2.3"],
    ),
    family("cpp", "C++", "cpp", false, &["17", "20"]),
    family(
        "bun",
        "Bun",
        "oven/bun",
        true,
        &["1.0", "1.1", "1.2", "1.3"],
    ),
    family(
        "go",
        "Go",
        "golang",
        false,
        &["1.23", "1.24", "1.25", "1.26"],
    ),
    family("rust", "Rust", "rust", false, &["1.83"]),
    family("static", "Static", "static", false, &["1"]),
    family(
        "flutter",
        "Flutter",
        "flutter",
        false,
        &["3.24", "3.27", "3.29", "3.32", "3.35", "3.38", "3.41"],
    ),
];

/// A runtime by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// For example `node`.
    pub key: &'static str,
    /// For example `Node.js`.
    pub name: &'static str,
    /// For example `22`.
    pub version: &'static str,
    /// Whether functions of it run here.
    pub enabled: bool,
}

/// Finds a runtime that the wire format knows.
pub fn find(id: &str) -> Option<Runtime> {
    all()
        .find(|(family, version)| {
            id.strip_prefix(family.key)
                .and_then(|rest| rest.strip_prefix('-'))
                == Some(*version)
        })
        .map(|(family, version)| Runtime {
            key: family.key,
            name: family.name,
            version,
            enabled: family.enabled,
        })
}

/// The ids of all runtimes that the wire format knows.
pub fn ids() -> Vec<String> {
    all()
        .map(|(family, version)| format!("{}-{version}", family.key))
        .collect()
}

/// The models of the runtimes that run here.
pub fn enabled() -> Vec<Value> {
    all()
        .filter(|(family, _)| family.enabled)
        .map(|(family, version)| {
            let key = family.key;
            let supports: &[&str] = match (key, version) {
                ("deno", "1.21" | "1.24" | "1.35") => &["x86"],
                _ => &["x86", "arm64", "armv7", "armv8"],
            };
            json!({
                "$id": format!("{key}-{version}"),
                "key": key,
                "name": family.name,
                "version": version,
                "base": format!("{}:{version}", family.base),
                "image": format!("openruntimes/{key}:{PROTOCOL}-{version}"),
                "logo": format!("{key}.png"),
                "supports": supports,
            })
        })
        .collect()
}

fn all() -> impl Iterator<Item = (&'static Family, &'static str)> {
    FAMILIES.iter().flat_map(|family| {
        family
            .versions
            .iter()
            .map(move |version| (family, *version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_whole() {
        assert_eq!(
            find("node-22").map(|r| (r.name, r.version)),
            Some(("Node.js", "22"))
        );
        assert_eq!(find("python-ml-3.11").map(|r| r.key), Some("python-ml"));
        assert!(find("bun-1.1").is_some_and(|r| r.enabled));
        assert!(find("php-8.4").is_some_and(|r| !r.enabled));
        for id in ["node", "node-", "node-99", "Node-22", "", "node-22 "] {
            assert_eq!(find(id), None, "{id}");
        }
    }
}
