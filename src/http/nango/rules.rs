//! Validators: what a value must be, and with which code and text it is refused (section 4 of the
//! dialect's reference; the texts are those of the validation library that clients know).

use serde_json::{Map, Value};

use super::error::{Error, Issue};

/// Pattern of names of functions, templates, actions, syncs and variants.
pub const NAME: &str = "/^[a-zA-Z0-9_-]+$/";
/// Pattern of integration ids.
pub const INTEGRATION: &str = "/^[a-zA-Z0-9~:.@ _-]+$/";
/// Pattern of connection ids.
pub const CONNECTION: &str = "/^[a-zA-Z0-9,.;:=+~[\\]|@${}\"'\\\\/_ -]+$/";
/// Pattern of models of records.
pub const MODEL: &str = "/^[A-Z][a-zA-Z0-9_-]+$/";

/// Whether a character may be in a name.
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn is_integration(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"~:.@ _-".contains(&byte))
}

fn is_connection(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b",.;:=+~[]|@${}\"'\\/_ -".contains(&byte))
}

fn is_model(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && text.len() > 1
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Parts the names of a member and of what is below it.
pub const BELOW: char = '\u{1f}';

/// What a text must be.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    /// Between so many characters.
    Length(usize, usize),
    /// A name.
    Name,
    /// An integration id.
    Integration,
    /// A connection id.
    Connection,
    /// A provider's name.
    Provider,
    /// A model of records.
    Model,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A UUID.
    Uuid,
    /// A date and time in UTC.
    DateTime,
}

const LONGEST: usize = 255;

impl Text {
    /// Why a text is not accepted.
    fn refuse(self, text: &str) -> Option<(&'static str, String)> {
        let pattern = |pattern: &str| {
            (
                "invalid_format",
                format!("Invalid string: must match pattern {pattern}"),
            )
        };
        let too_long = |most: usize| {
            let message = format!("Too big: expected string to have <={most} characters");
            (text.chars().count() > most).then_some(("too_big", message))
        };
        let matched = |holds: bool, shown: &str| {
            if holds {
                too_long(LONGEST)
            } else {
                Some(pattern(shown))
            }
        };
        match self {
            Self::Length(least, most) => {
                if text.chars().count() < least {
                    let message =
                        format!("Too small: expected string to have >={least} characters");
                    return Some(("too_small", message));
                }
                too_long(most)
            }
            Self::Name => matched(is_name(text), NAME),
            Self::Provider => matched(is_name(text), NAME),
            Self::Model => matched(is_model(text), MODEL),
            Self::Connection => matched(is_connection(text), CONNECTION),
            Self::Integration => {
                if text == "." || text == ".." {
                    let message = "Integration id cannot be \".\" or \"..\"".to_owned();
                    return Some(("custom", message));
                }
                matched(is_integration(text), INTEGRATION)
            }
            Self::OneOf(options) => {
                let quoted: Vec<_> = options.iter().map(|one| format!("\"{one}\"")).collect();
                let message = format!("Invalid option: expected one of {}", quoted.join("|"));
                (!options.contains(&text)).then_some(("invalid_value", message))
            }
            Self::Uuid => (!is_uuid(text)).then(|| ("invalid_format", "Invalid UUID".to_owned())),
            Self::DateTime => {
                (!is_date_time(text)).then(|| ("invalid_format", "Invalid ISO datetime".to_owned()))
            }
        }
    }
}

/// Whether a text is a UUID as it is usually written.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// Whether a text is a UUID of version 4.
pub fn is_uuid_v4(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.get_version_num() == 4)
}

fn is_date_time(text: &str) -> bool {
    let shape = text.len() >= 17 && text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
    shape && text.parse::<jiff::Timestamp>().is_ok()
}

/// The name of a value's type in messages.
pub fn type_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

/// A strict object: every member is taken once, in the order of declaration; what was not taken is
/// refused at the end.
pub struct Object<'a> {
    sent: Option<&'a Map<String, Value>>,
    path: Vec<String>,
    known: Vec<&'static str>,
    issues: Vec<Issue>,
}

impl<'a> Object<'a> {
    /// Reads a body.
    pub fn body(body: Option<&'a Value>) -> Self {
        Self::at(body, &[])
    }

    /// Reads the object at a place.
    pub fn at(value: Option<&'a Value>, path: &[&str]) -> Self {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let sent = value.and_then(Value::as_object);
        let mut object = Self {
            sent,
            path,
            known: Vec::new(),
            issues: Vec::new(),
        };
        if sent.is_none() {
            let message = format!(
                "Invalid input: expected object, received {}",
                type_of(value)
            );
            object.issues.push(Issue {
                code: "invalid_type",
                message,
                path: object.path.clone(),
            });
        }
        object
    }

    /// Notes a problem with a member.
    pub fn refuse(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        if self.sent.is_none() {
            return;
        }
        let mut path = self.path.clone();
        path.extend(name.split(BELOW).map(str::to_owned));
        self.issues.push(Issue {
            code,
            message: message.into(),
            path,
        });
    }

    fn wrong_type(&mut self, name: &str, expected: &str, value: Option<&Value>) {
        let message = format!(
            "Invalid input: expected {expected}, received {}",
            type_of(value)
        );
        self.refuse(name, "invalid_type", message);
    }

    /// A member as it was sent.
    pub fn any(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.sent?.get(name)
    }

    /// A text that must be there.
    pub fn text(&mut self, name: &'static str, rule: Text) -> &'a str {
        match self.any(name) {
            Some(Value::String(text)) => {
                if let Some((code, message)) = rule.refuse(text) {
                    self.refuse(name, code, message);
                }
                text
            }
            value => {
                if let Text::OneOf(_) = rule {
                    if let Some((code, message)) = rule.refuse("") {
                        self.refuse(name, code, message);
                    }
                } else {
                    self.wrong_type(name, "string", value);
                }
                ""
            }
        }
    }

    /// A text that may be missing.
    pub fn optional_text(&mut self, name: &'static str, rule: Text) -> Option<&'a str> {
        match self.sent.and_then(|sent| sent.get(name)) {
            None => {
                self.known.push(name);
                None
            }
            Some(_) => Some(self.text(name, rule)),
        }
    }

    /// A boolean that may be missing.
    pub fn optional_flag(&mut self, name: &'static str) -> Option<bool> {
        match self.any(name) {
            None => None,
            Some(Value::Bool(flag)) => Some(*flag),
            value => {
                self.wrong_type(name, "boolean", value);
                None
            }
        }
    }

    /// A whole number within bounds that may be missing.
    pub fn optional_number(&mut self, name: &'static str, least: i64, most: i64) -> Option<i64> {
        match self.any(name) {
            None => None,
            Some(value) => match value.as_i64() {
                Some(number) if number < least => {
                    let message = format!("Too small: expected number to be >={least}");
                    self.refuse(name, "too_small", message);
                    None
                }
                Some(number) if number > most => {
                    let message = format!("Too big: expected number to be <={most}");
                    self.refuse(name, "too_big", message);
                    None
                }
                Some(number) => Some(number),
                None => {
                    self.wrong_type(name, "number", Some(value));
                    None
                }
            },
        }
    }

    /// A map with any values that may be missing.
    pub fn optional_record(&mut self, name: &'static str) -> Option<&'a Map<String, Value>> {
        match self.any(name) {
            None => None,
            Some(Value::Object(map)) => Some(map),
            value => {
                self.wrong_type(name, "record", value);
                None
            }
        }
    }

    /// A map of texts that may be missing.
    pub fn optional_texts(
        &mut self,
        name: &'static str,
        most: usize,
    ) -> Option<std::collections::BTreeMap<String, String>> {
        let map = self.optional_record(name)?;
        let mut texts = std::collections::BTreeMap::new();
        for (key, value) in map {
            match value {
                Value::String(text) if text.chars().count() <= most => {
                    texts.insert(key.clone(), text.clone());
                }
                Value::String(_) => {
                    let message = format!("Too big: expected string to have <={most} characters");
                    self.refuse(&format!("{name}{BELOW}{key}"), "too_big", message);
                }
                value => self.wrong_type(&format!("{name}{BELOW}{key}"), "string", Some(value)),
            }
        }
        Some(texts)
    }

    /// Allows members that nothing looks at.
    pub fn loose(&mut self) {
        self.sent = None;
    }

    /// Everything that is wrong, members that nobody asked for last.
    pub fn issues(mut self) -> Vec<Issue> {
        if let Some(sent) = self.sent {
            let unknown: Vec<_> = sent
                .keys()
                .filter(|key| !self.known.contains(&key.as_str()))
                .map(|key| format!("\"{key}\""))
                .collect();
            if !unknown.is_empty() {
                let keys = if unknown.len() == 1 { "key" } else { "keys" };
                let message = format!("Unrecognized {keys}: {}", unknown.join(", "));
                self.issues.push(Issue {
                    code: "unrecognized_keys",
                    message,
                    path: self.path.clone(),
                });
            }
        }
        self.issues
    }

    /// Fails when anything is wrong.
    pub fn finish(self) -> Result<(), Error> {
        self.finish_as("invalid_body")
    }

    /// Fails with this code when anything is wrong.
    pub fn finish_as(self, code: &'static str) -> Result<(), Error> {
        let issues = self.issues();
        if issues.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(code, &issues))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Object, Text, is_uuid_v4};
    use serde_json::json;

    #[test]
    fn issues_come_in_the_order_of_declaration_and_unknown_keys_last() {
        let body = json!({"zzz": 1, "b": 5, "a": "", "yyy": 2});
        let mut object = Object::body(Some(&body));
        object.text("a", Text::Length(1, 255));
        object.text("b", Text::Name);
        object.text("c", Text::Name);
        object.optional_text("d", Text::Name);
        let told: Vec<_> = object
            .issues()
            .into_iter()
            .map(|issue| format!("{} {} {:?}", issue.code, issue.message, issue.path))
            .collect();
        assert_eq!(
            told,
            [
                "too_small Too small: expected string to have >=1 characters [\"a\"]",
                "invalid_type Invalid input: expected string, received number [\"b\"]",
                "invalid_type Invalid input: expected string, received undefined [\"c\"]",
                "unrecognized_keys Unrecognized keys: \"zzz\", \"yyy\" []",
            ]
        );
    }

    #[test]
    fn no_body_is_one_issue() {
        for (body, received) in [(None, "undefined"), (Some(json!([])), "array")] {
            let mut object = Object::body(body.as_ref());
            object.text("code", Text::Length(1, 5));
            let issues = object.issues();
            assert_eq!(issues.len(), 1);
            assert_eq!(
                issues[0].message,
                format!("Invalid input: expected object, received {received}")
            );
            assert!(issues[0].path.is_empty());
        }
    }

    #[test]
    fn texts() {
        for (rule, text, refused) in [
            (Text::Name, "create-issue_2", None),
            (
                Text::Name,
                "a b",
                Some("Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/"),
            ),
            (Text::Integration, "git~hub:1.@ _-", None),
            (
                Text::Integration,
                "..",
                Some("Integration id cannot be \".\" or \"..\""),
            ),
            (Text::Connection, "a/b{c}'\"\\ -", None),
            (
                Text::OneOf(&["action", "sync"]),
                "flow",
                Some("Invalid option: expected one of \"action\"|\"sync\""),
            ),
            (Text::DateTime, "2026-01-01T00:00:00Z", None),
            (Text::DateTime, "2026-01-01T00:00:00.123Z", None),
            (Text::DateTime, "2026-01-01", Some("Invalid ISO datetime")),
            (
                Text::DateTime,
                "2026-01-01T00:00:00+01:00",
                Some("Invalid ISO datetime"),
            ),
            (Text::Uuid, "nope", Some("Invalid UUID")),
            (Text::Model, "Issue", None),
            (
                Text::Model,
                "issue",
                Some("Invalid string: must match pattern /^[A-Z][a-zA-Z0-9_-]+$/"),
            ),
        ] {
            let message = rule.refuse(text).map(|(_, message)| message);
            assert_eq!(message.as_deref(), refused, "{text}");
        }
        assert!(Text::Name.refuse(&"a".repeat(256)).is_some());
        assert!(is_uuid_v4("9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D"));
        assert!(!is_uuid_v4("0197f2a0-0000-7000-8000-000000000000"));
    }
}
