//! What a connection must say: fields of `connection_config` and `credentials`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Provider;
use crate::issue::Issue;

/// A field that the person who connects fills in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// A title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// An explanation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A regular expression for the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// An example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// For people: how it is written, for example `hostname`, `uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The value when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    /// The allowed values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What people see after the value, for example `.zendesk.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// What people see before the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Its place among the fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// Whether it may be left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// Whether it is to be hidden while it is typed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secret: bool,
    /// Whether it is filled in by the platform, not by a person.
    #[serde(default, skip_serializing_if = "is_false")]
    pub automated: bool,
}

/// Types of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// A text.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

impl FieldType {
    /// The name in texts of zod.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Field {
    /// Checks a value that is there.
    pub(crate) fn check(&self, path: &[&str], value: &Value) -> Option<Issue> {
        let right = match self.kind {
            FieldType::String => value.is_string(),
            FieldType::Number => value.is_number(),
            FieldType::Boolean => value.is_boolean(),
        };
        if !right {
            return Some(Issue::wrong_type(path, self.kind.name(), Some(value)));
        }
        let text = value.as_str()?;
        if text.is_empty() && !self.optional {
            return Some(Issue::empty(path));
        }
        if !self.options.is_empty() && !self.options.iter().any(|option| option == text) {
            let list: Vec<_> = self.options.iter().map(|o| format!("\"{o}\"")).collect();
            return Some(Issue {
                code: "invalid_value",
                message: format!("Invalid option: expected one of {}", list.join("|")),
                path: path.iter().map(|&part| part.to_owned()).collect(),
            });
        }
        let pattern = self.pattern.as_deref()?;
        // Checked when the catalogue was read.
        let matches = regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
        (!matches).then(|| Issue::pattern(path, pattern))
    }
}

impl Provider {
    /// Checks the configuration of a new connection and adds default values. Fields that the
    /// provider does not know stay as they are.
    ///
    /// # Errors
    ///
    /// One [`Issue`] for each field that is missing or wrong; paths start at the configuration.
    pub fn check_connection_config(
        &self,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<Issue>> {
        let mut config = given.clone();
        let mut issues = Vec::new();
        for (name, field) in &self.connection_config {
            match (config.get(name), &field.default_value) {
                (Some(value), _) => issues.extend(field.check(&[name], value)),
                (None, Some(default)) => {
                    config.insert(name.clone(), default.clone().into());
                }
                (None, None) if field.optional || field.automated => {}
                (None, None) => issues.push(Issue::wrong_type(&[name], field.kind.name(), None)),
            }
        }
        if issues.is_empty() {
            Ok(config)
        } else {
            Err(issues)
        }
    }
}
