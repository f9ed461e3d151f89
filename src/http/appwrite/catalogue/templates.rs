//! Functions that can be deployed without writing any code. Only those are
//! listed whose source is inside this program: `POST …/deployments/template`
//! with their repository makes them run.

use bytes::Bytes;
use serde_json::{Value, json};

/// The owner of all template repositories.
pub const OWNER: &str = "appwrite";
/// The repository of all templates.
pub const REPOSITORY: &str = "templates";
const VERSION: &str = "0.3.0";

/// Use cases that a filter may name.
pub const USE_CASES: &[&str] = &[
    "starter",
    "databases",
    "ai",
    "messaging",
    "utilities",
    "dev-tools",
    "auth",
];

/// How a template is built and started for one family of runtimes.
struct Variant {
    /// Key of the family.
    family: &'static str,
    commands: &'static str,
    entrypoint: &'static str,
    directory: &'static str,
    files: &'static [(&'static str, &'static str)],
}

struct Template {
    id: &'static str,
    name: &'static str,
    tagline: &'static str,
    icon: &'static str,
    use_cases: &'static [&'static str],
    timeout: u32,
    instructions: &'static str,
    scopes: &'static [&'static str],
    variants: &'static [Variant],
}

const STARTER: &str = include_str!("starter.js");

const ALL: &[Template] = &[Template {
    id: "starter",
    name: "Starter function",
    tagline: "A simple function to get started. Edit this function to explore endless possibilities.",
    icon: "icon-lightning-bolt",
    use_cases: &["starter"],
    timeout: 15,
    instructions: "Call the function with the path <code>/ping</code>; it answers <code>Pong</code>.",
    scopes: &["users.read"],
    variants: &[
        Variant {
            family: "node",
            commands: "npm install",
            entrypoint: "src/main.js",
            directory: "node/starter",
            files: &[
                (
                    "package.json",
                    "{\n  \"name\": \"starter\",\n  \"version\": \"1.0.0\",\n  \"type\": \"module\",\n  \"main\": \"src/main.js\"\n}\n",
                ),
                ("src/main.js", STARTER),
            ],
        },
        Variant {
            family: "bun",
            commands: "bun install",
            entrypoint: "src/main.ts",
            directory: "bun/starter",
            files: &[("src/main.ts", STARTER)],
        },
        Variant {
            family: "deno",
            commands: "deno cache src/main.ts",
            entrypoint: "src/main.ts",
            directory: "deno/starter",
            files: &[("src/main.ts", STARTER)],
        },
    ],
}];

/// The models that share a runtime and a use case with the filters (an empty
/// filter shares everything), best first.
pub fn list(runtimes: &[String], use_cases: &[String]) -> Vec<Value> {
    ALL.iter()
        .filter(|template| {
            use_cases.is_empty()
                || template
                    .use_cases
                    .iter()
                    .any(|case| use_cases.iter().any(|wanted| wanted == case))
        })
        .map(model)
        .filter(|template| {
            runtimes.is_empty()
                || template["runtimes"].as_array().is_some_and(|offered| {
                    offered
                        .iter()
                        .any(|runtime| runtimes.iter().any(|wanted| runtime["name"] == **wanted))
                })
        })
        .collect()
}

/// The model of one.
pub fn find(id: &str) -> Option<Value> {
    ALL.iter().find(|template| template.id == id).map(model)
}

fn model(template: &Template) -> Value {
    let runtimes: Vec<Value> = super::runtimes::enabled()
        .iter()
        .flat_map(|runtime| {
            template
                .variants
                .iter()
                .filter(|variant| runtime["key"] == *variant.family)
                .map(|variant| {
                    json!({
                        "name": runtime["$id"],
                        "commands": variant.commands,
                        "entrypoint": variant.entrypoint,
                        "providerRootDirectory": variant.directory,
                    })
                })
        })
        .collect();
    json!({
        "icon": template.icon,
        "id": template.id,
        "name": template.name,
        "tagline": template.tagline,
        "permissions": ["any"],
        "events": [],
        "cron": "",
        "timeout": template.timeout,
        "useCases": template.use_cases,
        "runtimes": runtimes,
        "instructions": template.instructions,
        "vcsProvider": "github",
        "providerRepositoryId": REPOSITORY,
        "providerOwner": OWNER,
        "providerVersion": VERSION,
        "variables": [],
        "scopes": template.scopes,
    })
}

/// The source of the template in a directory of the template repository, as a
/// gzip-compressed tar.
pub fn source(owner: &str, repository: &str, directory: &str) -> Option<std::io::Result<Bytes>> {
    if owner != OWNER || repository != REPOSITORY {
        return None;
    }
    let directory = directory.trim_start_matches("./").trim_matches('/');
    ALL.iter()
        .flat_map(|template| template.variants)
        .find(|variant| variant.directory == directory)
        .map(|variant| {
            let files = variant
                .files
                .iter()
                .map(|(path, text)| (*path, text.as_bytes()));
            super::super::archive::pack(files).map(Bytes::from)
        })
}
