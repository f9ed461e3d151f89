//! Reads bodies member by member, and tells everything that is wrong with them, in the order in
//! which members are asked for. Members that nobody asks for are ignored.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::{Error, Kind};

/// A UUID in lower case with its hyphens, from a text in either case.
pub fn uuid(text: &str) -> Option<String> {
    let formed = text.len() == 36;
    let id = formed.then(|| uuid::Uuid::try_parse(text).ok()).flatten()?;
    Some(id.to_string())
}

/// The members of an object.
pub struct Object<'a> {
    sent: &'a Map<String, Value>,
    /// What its members are below, for messages: empty, or `functions[0].`.
    prefix: String,
    issues: Vec<String>,
}

impl<'a> Object<'a> {
    /// A body, which there must be.
    pub fn body(body: Option<&'a Value>) -> Result<Self, Error> {
        match body {
            Some(Value::Object(sent)) => Ok(Self::of(sent, "")),
            Some(_) => Err(Error::invalid("The body must be a JSON object")),
            None => Err(Error::new(Kind::NotJson, "The body must be a JSON object")),
        }
    }

    /// An object below a body.
    pub fn of(sent: &'a Map<String, Value>, prefix: impl Into<String>) -> Self {
        Self {
            sent,
            prefix: prefix.into(),
            issues: Vec::new(),
        }
    }

    /// A member, whatever it is.
    pub fn any(&self, name: &str) -> Option<&'a Value> {
        self.sent.get(name)
    }

    /// Whether there is a member of this name.
    pub fn has(&self, name: &str) -> bool {
        self.sent.contains_key(name)
    }

    /// Notes that a member is not as it must be.
    pub fn wrong(&mut self, name: &str, what: impl AsRef<str>) {
        let text = format!("{}{name} {}", self.prefix, what.as_ref());
        self.issues.push(text);
    }

    /// A text with so many characters once blanks at its ends are gone. One that is wrong is noted,
    /// and comes back empty.
    pub fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> String {
        match self.optional_text(name, length) {
            Some(text) => text,
            None => {
                if matches!(self.any(name), None | Some(Value::Null)) {
                    self.wrong(name, "is missing");
                }
                String::new()
            }
        }
    }

    /// A text that may be absent; one that is `null` is not allowed, see [`Object::nullable_text`].
    pub fn optional_text(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let text = match self.any(name)? {
            Value::String(text) => text.trim(),
            _ => {
                self.wrong(name, "must be a string");
                return None;
            }
        };
        if !length.contains(&text.chars().count()) {
            let (least, most) = (length.start(), length.end());
            self.wrong(name, format!("must have {least} to {most} characters"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A text that may be absent, and that `null` takes away (the inner `None`).
    pub fn nullable_text(&mut self, name: &str, most: usize) -> Option<Option<String>> {
        match self.any(name) {
            Some(Value::Null) => Some(None),
            _ => self.optional_text(name, 0..=most).map(Some),
        }
    }

    /// A flag that may be absent.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.any(name)? {
            Value::Bool(flag) => Some(*flag),
            _ => {
                self.wrong(name, "must be a boolean");
                None
            }
        }
    }

    /// A whole number in a range that may be absent.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.any(name)?;
        let found = value.as_i64().filter(|number| range.contains(number));
        if found.is_none() {
            let (least, most) = (range.start(), range.end());
            self.wrong(name, format!("must be an integer from {least} to {most}"));
        }
        found
    }

    /// A positive whole number that must be there; 0 when it is not.
    pub fn positive(&mut self, name: &str) -> u64 {
        if !self.has(name) {
            self.wrong(name, "is missing");
            return 0;
        }
        let found = self.integer(name, 1..=i64::MAX).unwrap_or(0);
        found.unsigned_abs()
    }

    /// A UUID that must be there, in lower case.
    pub fn id(&mut self, name: &str) -> String {
        let found = match self.any(name) {
            None => Err("is missing"),
            Some(value) => value.as_str().and_then(uuid).ok_or("must be a UUID"),
        };
        found.unwrap_or_else(|what| {
            self.wrong(name, what);
            String::new()
        })
    }

    /// A list of texts that may be absent.
    pub fn texts(
        &mut self,
        name: &str,
        most: usize,
        length: RangeInclusive<usize>,
    ) -> Option<Vec<String>> {
        let items = self.any(name)?;
        let Value::Array(items) = items else {
            self.wrong(name, "must be an array of strings");
            return None;
        };
        if items.len() > most {
            self.wrong(name, format!("must have at most {most} items"));
            return None;
        }
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let text = item.as_str().map(str::trim);
            match text.filter(|text| length.contains(&text.chars().count())) {
                Some(text) => texts.push(text.to_owned()),
                None => {
                    let (least, most) = (length.start(), length.end());
                    let what = format!("must be a string of {least} to {most} characters");
                    self.wrong(&format!("{name}[{index}]"), what);
                }
            }
        }
        Some(texts)
    }

    /// Notes an object without members.
    pub fn must_not_be_empty(&mut self) {
        if self.sent.is_empty() {
            self.issues.push("There is nothing to change".to_owned());
        }
    }

    /// What members below are called.
    pub fn below(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Takes over what is wrong below.
    pub fn take(&mut self, below: Object<'_>) {
        self.issues.extend(below.issues);
    }

    /// Fails when anything is wrong.
    pub fn finish(self) -> Result<(), Error> {
        self.finish_as(Kind::Invalid)
    }

    /// Fails with this code when anything is wrong.
    pub fn finish_as(self, kind: Kind) -> Result<(), Error> {
        match self.issues.is_empty() {
            true => Ok(()),
            false => Err(Error::several(kind, self.issues)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Object, uuid};
    use serde_json::json;

    #[test]
    fn what_is_wrong_comes_in_the_order_in_which_it_is_asked_for() {
        let body = json!({"b": 5, "a": "  ", "list": ["x", 1], "n": "7", "id": "7", "unknown": 1});
        let mut object = Object::body(Some(&body)).unwrap();
        object.text("a", 1..=5);
        object.text("b", 1..=5);
        object.text("c", 1..=5);
        object.texts("list", 3, 1..=5);
        object.positive("n");
        object.id("id");
        assert_eq!(
            object.issues,
            [
                "a must have 1 to 5 characters",
                "b must be a string",
                "c is missing",
                "list[1] must be a string of 1 to 5 characters",
                "n must be an integer from 1 to 9223372036854775807",
                "id must be a UUID",
            ]
        );
        assert!(object.finish().is_err());
    }

    #[test]
    fn uuids_are_taken_in_either_case_and_one_form() {
        let id = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
        assert_eq!(uuid(&id.to_uppercase()).as_deref(), Some(id));
        for text in [
            "",
            "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
            "{9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d}",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }
}
