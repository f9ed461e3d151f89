//! The catalogue: packages to begin with, written for this server. Their texts are beside this file;
//! ids never change.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// When the catalogue was written, in milliseconds since the Unix epoch: 2026-01-15.
pub const WRITTEN: i64 = 1_768_435_200_000;

/// The source texts that `catalogue.json` names.
const CODE: &[(&str, &str)] = &[
    ("count-messages.js", include_str!("count-messages.js")),
    ("form.js", include_str!("form.js")),
    ("forward.js", include_str!("forward.js")),
    ("greet.js", include_str!("greet.js")),
    ("heartbeat.js", include_str!("heartbeat.js")),
    ("limit-rate.js", include_str!("limit-rate.js")),
    ("show-counts.js", include_str!("show-counts.js")),
    ("sign.js", include_str!("sign.js")),
    ("word-filter.js", include_str!("word-filter.js")),
];

/// All of it.
pub fn catalogue() -> &'static Catalogue {
    static READ: LazyLock<Catalogue> = LazyLock::new(|| {
        serde_json::from_str(include_str!("catalogue.json")).expect("a test reads it")
    });
    &READ
}

/// What there is.
#[derive(Debug, Deserialize)]
pub struct Catalogue {
    /// To find packages by.
    pub tags: Vec<Tag>,
    /// Package blueprints, by id.
    pub packages: Vec<Package>,
}

impl Catalogue {
    /// A package blueprint.
    pub fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }

    /// A function blueprint, with the package that it is of.
    pub fn function(&self, id: &str) -> Option<(&Package, &Function)> {
        let functions = self.packages.iter().flat_map(|package| {
            let functions = package.functions.iter();
            functions.map(move |function| (package, function))
        });
        functions
            .into_iter()
            .find(|(_, function)| function.id == id)
    }

    /// A tag by its name.
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.name == name)
    }
}

/// A tag of packages.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tag {
    pub id: String,
    pub name: String,
}

/// A package blueprint.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub description: String,
    pub tags: Vec<String>,
    pub functions: Vec<Function>,
}

/// A function blueprint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Function {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of its text.
    pub code: String,
    pub config: Value,
    pub sort_order: u32,
    pub params: Vec<Param>,
    pub test_inputs: Vec<TestInput>,
}

/// A parameter of a function blueprint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Param {
    pub id: String,
    pub name: String,
    /// What stands for it in the text, or the name of the secret.
    pub source_name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub value_type: ValueType,
    pub storage: Storage,
    pub description: String,
    /// None: a value must be given.
    pub default_value: Option<String>,
}

/// What a text of a parameter must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ValueType {
    String,
    Number,
    Boolean,
    Json,
}

impl ValueType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Number => "NUMBER",
            Self::Boolean => "BOOLEAN",
            Self::Json => "JSON",
        }
    }

    /// Whether a text is one.
    pub fn takes(self, text: &str) -> bool {
        match self {
            Self::String => true,
            Self::Number => text.trim().parse().is_ok_and(f64::is_finite),
            Self::Boolean => matches!(text, "true" | "false"),
            Self::Json => serde_json::from_str::<Value>(text).is_ok(),
        }
    }
}

/// Where the value of a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Storage {
    /// Into a secret of the keyset.
    Vault,
    /// Into the text, as a string literal.
    SourceCode,
}

impl Storage {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "VAULT",
            Self::SourceCode => "SOURCE_CODE",
        }
    }
}

/// Something to try a function with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct TestInput {
    pub id: String,
    pub payload: Value,
    pub mime_type: String,
    pub description: String,
}

impl Function {
    /// Its text, with `{{NAME}}` for parameters.
    pub fn text(&self) -> &'static str {
        let found = CODE.iter().find(|(name, _)| *name == self.code);
        found.map_or("", |(_, text)| text)
    }

    /// Its text with values in the places of parameters. What a value holds is never taken for a
    /// parameter.
    pub fn filled(&self, value: impl Fn(&Param) -> String) -> String {
        let (mut filled, mut rest) = (String::new(), self.text());
        while let Some((before, after)) = rest.split_once("{{") {
            filled.push_str(before);
            let param = after.split_once("}}").and_then(|(name, after)| {
                let mut params = self.params.iter();
                let of_text = |param: &&Param| param.storage == Storage::SourceCode;
                let param = params.find(|param| param.source_name == name && of_text(param))?;
                Some((param, after))
            });
            rest = match param {
                Some((param, after)) => {
                    filled.push_str(&Value::from(value(param)).to_string());
                    after
                }
                None => {
                    filled.push_str("{{");
                    after
                }
            };
        }
        filled + rest
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Storage, catalogue};

    #[test]
    fn the_catalogue_is_whole() {
        let all = catalogue();
        assert!(all.packages.len() >= 6);
        let mut ids = BTreeSet::new();
        let mut new = |id: &str| {
            assert!(uuid::Uuid::try_parse(id).is_ok(), "{id}");
            assert!(ids.insert(id.to_owned()), "{id} comes twice");
        };
        all.tags.iter().for_each(|tag| new(&tag.id));
        for package in &all.packages {
            new(&package.id);
            assert!(package.tags.iter().all(|tag| all.tag(tag).is_some()));
            for function in &package.functions {
                new(&function.id);
                assert!(!function.text().is_empty(), "{}", function.code);
                assert_eq!(function.config["type"], *function.kind);
                for param in &function.params {
                    new(&param.id);
                    let default = param.default_value.as_deref();
                    assert!(default.is_none_or(|default| param.value_type.takes(default)));
                    let place = match param.storage {
                        Storage::SourceCode => format!("{{{{{}}}}}", param.source_name),
                        Storage::Vault => format!("'{}'", param.source_name),
                    };
                    assert!(function.text().contains(&place), "{place}");
                }
                function.test_inputs.iter().for_each(|input| new(&input.id));
                let filled = function.filled(|_| "{{WORDS}}\"".to_owned());
                let named = function
                    .params
                    .iter()
                    .any(|param| param.source_name == "WORDS");
                assert_eq!(
                    filled.contains(r#""{{WORDS}}\"""#),
                    named || filled != function.text()
                );
            }
        }
    }
}
