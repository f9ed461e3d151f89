//! What the upload's `package.json` depends on.

use serde_json::Value;

use crate::{diagnostic::Diagnostic, source::Source};

/// One dependency of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) range: String,
    /// Its absence or failure is no error.
    pub(crate) optional: bool,
}

/// Dependencies of the upload. `devDependencies` are not among them: types are erased.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dependencies {
    pub(crate) list: Vec<Dependency>,
    /// `overrides`, by name; only plain ranges are followed.
    pub(crate) overrides: Vec<(String, String)>,
}

impl Dependencies {
    pub(crate) fn read(source: &Source) -> Result<Self, Diagnostic> {
        let Some(bytes) = source.get("package.json") else {
            return Ok(Self::default());
        };
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let manifest: Value = serde_json::from_str(text).map_err(|error| {
            let start: usize = text
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            let at = start + error.column().saturating_sub(1);
            Diagnostic::at(
                "package.json",
                text,
                at,
                at + 1,
                format!("package.json is not valid JSON: {error}"),
            )
        })?;
        let mut dependencies = Self::default();
        for (section, optional) in [
            ("optionalDependencies", true),
            ("dependencies", false),
            ("peerDependencies", false),
        ] {
            let Some(entries) = manifest.get(section).and_then(Value::as_object) else {
                continue;
            };
            for (name, range) in entries {
                let Some(range) = range.as_str() else {
                    return Err(Diagnostic::file(
                        "package.json",
                        format!("`{section}.{name}` is not a string"),
                    ));
                };
                if !valid_name(name) {
                    return Err(Diagnostic::file(
                        "package.json",
                        format!("`{name}` is not a package name"),
                    ));
                }
                if dependencies.list.iter().any(|known| known.name == *name) {
                    continue;
                }
                dependencies.list.push(Dependency {
                    name: name.clone(),
                    range: range.trim().to_owned(),
                    optional,
                });
            }
        }
        for section in ["overrides", "resolutions"] {
            let Some(entries) = manifest.get(section).and_then(Value::as_object) else {
                continue;
            };
            for (name, range) in entries {
                if let Some(range) = range.as_str() {
                    dependencies
                        .overrides
                        .push((name.clone(), range.to_owned()));
                }
            }
        }
        Ok(dependencies)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|dependency| dependency.name.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Whether a name can be part of a path and of an address without harm.
pub(crate) fn valid_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~!'()*".contains(&byte))
    };
    name.len() <= 214
        && name != "node_modules"
        && match name.strip_prefix('@') {
            Some(scoped) => scoped
                .split_once('/')
                .is_some_and(|(scope, name)| part(scope) && part(name)),
            None => part(name),
        }
}
