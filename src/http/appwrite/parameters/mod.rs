//! The parameters of a request, whatever they came in: query string, JSON,
//! form or multipart. A getter words the error when its rule is broken.

mod bracketed;
mod read;

use std::ops::RangeInclusive;

use bytes::Bytes;
use serde_json::{Map, Value};

pub use read::{from_body, from_query};

use super::error::Error;

/// A file part of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The name of the part.
    pub part: String,
    /// The declared file name.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What a caller sent, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    values: Map<String, Value>,
    files: Vec<File>,
    /// Every value is a text because the encoding knows nothing else.
    textual: bool,
}

impl Parameters {
    /// A parameter that was sent; `null` counts as not sent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// The file of a part.
    pub fn file(&self, part: &str) -> Option<&File> {
        self.files.iter().find(|file| file.part == part)
    }

    /// All of it as one text, for the fingerprint of a request.
    pub fn canonical(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut text = Value::Object(self.values.clone()).to_string();
        for file in &self.files {
            let hash = hex::encode(Sha256::digest(&file.bytes));
            text.push_str(&format!("\n{}={}:{hash}", file.part, file.name));
        }
        text
    }

    /// A text of so many characters.
    pub fn text(&self, name: &str, length: RangeInclusive<usize>) -> Result<Option<&str>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_str() {
            Some(text) if length.contains(&text.chars().count()) => Ok(Some(text)),
            _ => Err(Error::invalid(name, text_rule(&length))),
        }
    }

    /// As [`Parameters::text`], and it must be there.
    pub fn required_text(&self, name: &str, length: RangeInclusive<usize>) -> Result<&str, Error> {
        self.text(name, length)?.ok_or_else(|| Error::missing(name))
    }

    /// As [`Parameters::text`], empty when not sent.
    pub fn text_or_empty(&self, name: &str, longest: usize) -> Result<String, Error> {
        Ok(self.text(name, 0..=longest)?.unwrap_or_default().to_owned())
    }

    /// One of some words.
    pub fn one_of<'a>(&'a self, name: &str, words: &[&str]) -> Result<Option<&'a str>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_str() {
            Some(text) if words.contains(&text) => Ok(Some(text)),
            _ => {
                let rule = format!("Value must be one of ({})", words.join(", "));
                Err(Error::invalid(name, rule))
            }
        }
    }

    /// A boolean; as a word or a digit only where the encoding has no booleans.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Error> {
        self.read_boolean(name, self.textual)
    }

    /// A boolean, as a word or a digit too.
    pub fn loose_boolean(&self, name: &str) -> Result<Option<bool>, Error> {
        self.read_boolean(name, true)
    }

    fn read_boolean(&self, name: &str, loose: bool) -> Result<Option<bool>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let read = match value {
            Value::Bool(boolean) => Some(*boolean),
            Value::String(text) if loose => match text.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            Value::Number(number) if loose => match number.as_u64() {
                Some(1) => Some(true),
                Some(0) => Some(false),
                _ => None,
            },
            _ => None,
        };
        match read {
            Some(boolean) => Ok(Some(boolean)),
            None => Err(Error::invalid(name, "Value must be a valid boolean")),
        }
    }

    /// A whole number in a range, as a number or as digits.
    pub fn integer(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (from, to) = range.into_inner();
                let rule = format!("Value must be a valid range between {from} and {to}");
                Err(Error::invalid(name, rule))
            }
        }
    }

    /// A list of texts, each of which obeys `rule`; `rule_text` says what that is.
    pub fn list(
        &self,
        name: &str,
        most: usize,
        rule: impl Fn(&str) -> bool,
        rule_text: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let refused = || {
            let text =
                format!("Value must a valid array no longer than {most} items and {rule_text}");
            Error::invalid(name, text)
        };
        let items = match value {
            Value::Array(items) if items.len() <= most => items,
            // An empty object is how some encoders write an empty list.
            Value::Object(map) if map.is_empty() => return Ok(Some(Vec::new())),
            _ => return Err(refused()),
        };
        items
            .iter()
            .map(|item| match item.as_str() {
                Some(text) if rule(text) => Ok(text.to_owned()),
                _ => Err(refused()),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A list of texts of at most `length` characters each.
    pub fn texts(
        &self,
        name: &str,
        most: usize,
        length: usize,
    ) -> Result<Option<Vec<String>>, Error> {
        let rule = |text: &str| !text.is_empty() && text.chars().count() <= length;
        self.list(name, most, rule, &text_rule(&(1..=length)))
    }
}

fn text_rule(length: &RangeInclusive<usize>) -> String {
    let (from, to) = (length.start(), length.end());
    let mut rule = "Value must be a valid string".to_owned();
    if *from > 0 {
        rule.push_str(&format!(" and at least {from} chars"));
    }
    rule.push_str(&format!(" and no longer than {to} chars"));
    rule
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(values: Value, textual: bool) -> Parameters {
        Parameters {
            values: values.as_object().unwrap().clone(),
            files: Vec::new(),
            textual,
        }
    }

    #[test]
    fn rules_are_worded_as_clients_expect() {
        let sent = parameters(
            json!({"name": "", "timeout": 901, "enabled": "true", "execute": ["x", 1],
                "type": "c", "gone": null, "digits": "12"}),
            false,
        );
        let message = |result: Result<(), Error>| result.unwrap_err().message.into_owned();
        assert_eq!(
            message(sent.text("name", 1..=128).map(drop)),
            "Invalid `name` param: Value must be a valid string and at least 1 chars and no longer than 128 chars"
        );
        assert_eq!(
            message(sent.integer("timeout", 1..=900).map(drop)),
            "Invalid `timeout` param: Value must be a valid range between 1 and 900"
        );
        assert_eq!(
            message(sent.boolean("enabled").map(drop)),
            "Invalid `enabled` param: Value must be a valid boolean"
        );
        assert_eq!(
            message(sent.one_of("type", &["a", "b"]).map(drop)),
            "Invalid `type` param: Value must be one of (a, b)"
        );
        assert_eq!(
            message(sent.texts("execute", 100, 64).map(drop)),
            "Invalid `execute` param: Value must a valid array no longer than 100 items and \
             Value must be a valid string and at least 1 chars and no longer than 64 chars"
        );
        assert_eq!(
            message(sent.required_text("gone", 1..=2).map(drop)),
            "Param \"gone\" is not optional."
        );
        assert_eq!(sent.integer("digits", 1..=900), Ok(Some(12)));
        assert_eq!(sent.loose_boolean("enabled"), Ok(Some(true)));
        assert_eq!(
            parameters(json!({"enabled": "0"}), true).boolean("enabled"),
            Ok(Some(false))
        );
    }
}
