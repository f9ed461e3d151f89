//! Build commands.
//!
//! Nothing of the user's runs while a function is built. The commands people
//! write mean, nearly always, "install the packages" and "compile TypeScript",
//! and both are what the compiler does anyway; anything else is refused, so that
//! nobody believes that it ran.

use serde_json::Value;

use crate::source::Source;

/// What the commands ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Install the dependencies.
    pub(crate) install: bool,
    /// Exactly what the lock file says (`npm ci`).
    pub(crate) frozen: bool,
    /// Compile TypeScript.
    pub(crate) compile: bool,
}

/// A command that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the build command `{command}` is not supported{}. Supported are `npm install`, `npm ci`, `yarn`, `pnpm install` and `bun install`, \
     which resolve the dependencies of package.json, and `tsc` or a script that only runs `tsc`; \
     TypeScript is compiled and bundled without any command",
    reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default()
)]
pub struct Unsupported {
    /// The command, or the part of it that is meant.
    pub command: String,
    /// More about it, where something is known.
    pub reason: Option<String>,
}

/// Flags whose value is the next word.
const FLAGS_WITH_VALUES: &[&str] = &[
    "--omit",
    "--include",
    "--registry",
    "--loglevel",
    "--network-timeout",
    "--cache",
    "--project",
    "-p",
    "--outDir",
    "--rootDir",
    "--target",
    "--module",
];

/// Reads commands that are joined by `&&`, `;` or line ends.
pub(crate) fn parse(commands: &str, source: &Source) -> Result<Plan, Unsupported> {
    let mut plan = Plan::default();
    read(commands, source, &mut plan, 0)?;
    Ok(plan)
}

fn read(commands: &str, source: &Source, plan: &mut Plan, depth: usize) -> Result<(), Unsupported> {
    for command in commands
        .split(['\n', ';'])
        .flat_map(|line| line.split("&&"))
    {
        let command = command.trim();
        if command.is_empty() || command.starts_with('#') {
            continue;
        }
        one(command, source, plan, depth)?;
    }
    Ok(())
}

fn one(command: &str, source: &Source, plan: &mut Plan, depth: usize) -> Result<(), Unsupported> {
    let refused = |reason: Option<&str>| Unsupported {
        command: command.chars().take(200).collect(),
        reason: reason.map(str::to_owned),
    };
    if command.contains(['|', '>', '<', '`', '$', '&']) {
        return Err(refused(Some("it is a shell expression")));
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    let (tool, rest) = match words.split_first() {
        Some((tool, rest)) => (*tool, rest),
        None => return Ok(()),
    };
    // Flags and their values change nothing: scripts never run, and only what is imported is used.
    let mut plain: Vec<&str> = Vec::new();
    let mut value = false;
    for word in rest {
        if !std::mem::take(&mut value) && !word.starts_with('-') {
            plain.push(word);
        }
        value = FLAGS_WITH_VALUES.contains(word);
    }
    match (tool, plain.as_slice()) {
        ("npm" | "pnpm" | "bun" | "yarn", [verb @ ("install" | "i" | "ci" | "clean-install")]) => {
            plan.install = true;
            plan.frozen |= tool == "npm" && matches!(*verb, "ci" | "clean-install");
        }
        ("yarn", []) => plan.install = true,
        ("npm" | "pnpm" | "bun" | "yarn", ["install" | "i" | "add", package, ..]) => {
            return Err(refused(Some(&format!(
                "add `{package}` to package.json instead"
            ))));
        }
        ("tsc", _) => plan.compile = true,
        ("npx" | "bunx", ["tsc", ..])
        | ("yarn" | "pnpm", ["tsc", ..])
        | ("pnpm" | "npm", ["exec", "tsc", ..]) => {
            plan.compile = true;
        }
        ("npm" | "pnpm" | "bun" | "yarn", ["run" | "run-script", script, ..])
        | ("yarn" | "pnpm", [script @ ("build" | "compile")]) => {
            run(command, script, source, plan, depth)?
        }
        ("echo" | "true" | ":", _) => {}
        _ => return Err(refused(None)),
    }
    Ok(())
}

fn run(
    command: &str,
    script: &str,
    source: &Source,
    plan: &mut Plan,
    depth: usize,
) -> Result<(), Unsupported> {
    let refused = |reason: String| Unsupported {
        command: command.to_owned(),
        reason: Some(reason),
    };
    if depth > 4 {
        return Err(refused(
            "its scripts call each other in a circle".to_owned(),
        ));
    }
    let manifest: Value = source
        .get("package.json")
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .unwrap_or_default();
    let scripts = &manifest["scripts"];
    let Some(body) = scripts[script].as_str() else {
        return Err(refused(format!("package.json has no script `{script}`")));
    };
    for part in [
        format!("pre{script}"),
        script.to_owned(),
        format!("post{script}"),
    ] {
        if let Some(body) = scripts[part.as_str()].as_str() {
            read(
                &body
                    .replace("rm -rf dist", "true")
                    .replace("rimraf dist", "true"),
                source,
                plan,
                depth + 1,
            )
            .map_err(|inner| refused(format!("the script `{part}` runs `{}`", inner.command)))?;
        }
    }
    let _ = body;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood_or_refused() {
        let manifest = r#"{"scripts": {"build": "tsc -p tsconfig.json", "clean-build": "rm -rf dist && tsc",
            "webpack": "webpack --mode production", "all": "npm run build && npm run webpack", "loop": "npm run loop",
            "prebad": "curl x", "bad": "tsc"}}"#;
        let source = Source::from_files([("package.json", manifest)]);
        let plan = |install, frozen, compile| {
            Ok(Plan {
                install,
                frozen,
                compile,
            })
        };
        for (commands, expected) in [
            ("", plan(false, false, false)),
            ("npm install", plan(true, false, false)),
            ("npm i --omit=dev --no-audit", plan(true, false, false)),
            ("npm install --omit dev", plan(true, false, false)),
            ("npm ci --production\n", plan(true, true, false)),
            ("yarn --frozen-lockfile", plan(true, false, false)),
            ("pnpm install && pnpm run build", plan(true, false, true)),
            ("bun install; bun run build", plan(true, false, true)),
            (
                "npm install && npx tsc --outDir dist",
                plan(true, false, true),
            ),
            ("npm run clean-build", plan(false, false, true)),
            ("npm run webpack", Err("webpack")),
            ("npm run all", Err("npm run webpack")),
            ("npm run loop", Err("loop")),
            ("npm run bad", Err("curl")),
            ("npm run missing", Err("no script")),
            ("npm install lodash", Err("add `lodash`")),
            ("npm install && rm -rf /", Err("rm -rf /")),
            ("npm install | sh", Err("shell")),
            ("make", Err("make")),
        ] {
            match (parse(commands, &source), expected) {
                (Ok(plan), Ok(expected)) => assert_eq!(plan, expected, "{commands}"),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{commands}: {error}")
                }
                (result, expected) => panic!("{commands}: {result:?}, not {expected:?}"),
            }
        }
    }
}
