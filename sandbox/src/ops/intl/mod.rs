//! Locale data for the `Intl` of the prelude, which checks options and keeps
//! defaults: here a locale and resolved options become text in parts.

use std::fmt;

use icu_locale::Locale;
use serde_json::{Value, json};
use writeable::{Part, PartsWrite, Writeable};

use super::Answer;

mod collate;
mod datetime;
mod display;
mod locale;
mod number;
mod phrase;
mod zone;

pub(super) fn dispatch(name: &str, arg: &Value) -> Option<Answer> {
    Some(match name {
        "locale" => locale::canonical(arg),
        "likely" => locale::likely(arg),
        "case" => locale::case(arg),
        "zone" => zone::named(arg),
        "zones" => zone::names(),
        "datetime" => datetime::format(arg),
        "datetimeInfo" => datetime::info(arg),
        "number" => number::format(arg),
        "compare" => collate::compare(arg),
        "segment" => collate::segment(arg),
        "plural" => phrase::plural(arg),
        "plurals" => phrase::plurals(arg),
        "list" => phrase::list(arg),
        "relative" => phrase::relative(arg),
        "display" => display::name(arg),
        _ => return None,
    })
}

fn parse_locale(tag: &str) -> Result<Locale, String> {
    Locale::try_from_str(tag)
        .map_err(|_| format!("RangeError: Incorrect locale information provided: {tag}"))
}

fn failed(error: impl fmt::Display) -> String {
    format!("RangeError: {error}")
}

/// One piece of a formatted text: what it is, and its text. Text between the
/// named pieces is a `literal`.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    kind: &'static str,
    text: String,
}

/// Collects a text by its parts: the outermost ones, or for numbers the
/// innermost ones.
#[derive(Default)]
struct Pieces {
    list: Vec<Piece>,
    open: Vec<&'static str>,
    innermost: bool,
}

impl Pieces {
    fn outermost(text: &impl Writeable) -> Vec<Piece> {
        Self::collect(text, false)
    }

    fn innermost(text: &impl Writeable) -> Vec<Piece> {
        Self::collect(text, true)
    }

    fn collect(text: &impl Writeable, innermost: bool) -> Vec<Piece> {
        let mut pieces = Self {
            innermost,
            ..Self::default()
        };
        // Writing to a string does not fail.
        let _ = text.write_to_parts(&mut pieces);
        pieces.list
    }
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let open = if self.innermost {
            self.open.last()
        } else {
            self.open.first()
        };
        let kind = open.copied().unwrap_or("literal");
        match self.list.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(text),
            _ if text.is_empty() => {}
            _ => self.list.push(Piece {
                kind,
                text: text.to_owned(),
            }),
        }
        Ok(())
    }
}

impl PartsWrite for Pieces {
    type SubPartsWrite = Self;

    fn with_part(
        &mut self,
        part: Part,
        mut write: impl FnMut(&mut Self) -> fmt::Result,
    ) -> fmt::Result {
        self.open.push(part.value);
        let result = write(self);
        self.open.pop();
        result
    }
}

fn pairs(pieces: &[Piece]) -> Value {
    pieces
        .iter()
        .map(|piece| json!([piece.kind, piece.text]))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::ops::dispatch;

    fn call(op: &str, arg: Value) -> Result<Value, String> {
        dispatch(op, &arg, &[]).unwrap().map(|(value, _)| value)
    }

    fn text(pieces: &Value) -> String {
        pieces
            .as_array()
            .unwrap()
            .iter()
            .map(|piece| piece[1].as_str().unwrap())
            .collect()
    }

    #[test]
    fn zones_follow_their_rules_through_the_year() {
        let clock = |zone: &str, at: i64| {
            let options = json!({ "locale": "en-US", "hour": "numeric", "minute": "numeric", "hourCycle": "h23" });
            text(
                &call(
                    "intl.datetime",
                    json!({ "options": options, "timeZone": zone, "at": at }),
                )
                .unwrap(),
            )
        };
        // Around the change to summer time in Berlin in 2024.
        assert_eq!(clock("Europe/Berlin", 1_711_846_799_000), "01:59");
        assert_eq!(clock("Europe/Berlin", 1_711_846_800_000), "03:00");
        assert_eq!(clock("-03:30", 0), "20:30");
        assert_eq!(clock("Asia/Kathmandu", 1_711_846_800_000), "06:45");
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(call("intl.zone", json!("Nope/Nope")).unwrap().is_null());
        assert!(call("intl.locale", json!("x")).unwrap().is_null());
        let far = json!({ "options": { "locale": "en" }, "timeZone": "UTC", "at": 8.65e15 });
        assert!(
            call("intl.datetime", far)
                .unwrap_err()
                .starts_with("RangeError")
        );
    }

    #[test]
    fn numbers_round_as_asked() {
        let number = |value: &str, min: u8, max: u8, mode: &str| {
            let options = json!({
                "locale": "de", "style": "decimal", "notation": "standard", "signDisplay": "auto", "useGrouping": "auto",
                "minimumIntegerDigits": 1, "minimumFractionDigits": min, "maximumFractionDigits": max, "roundingMode": mode,
            });
            text(&call("intl.number", json!({ "options": options, "value": value })).unwrap())
        };
        assert_eq!(number("1234.565", 2, 2, "halfExpand"), "1.234,57");
        assert_eq!(number("1234.565", 2, 2, "halfEven"), "1.234,56");
        assert_eq!(
            number("-1e21", 0, 3, "halfExpand"),
            "-1.000.000.000.000.000.000.000"
        );
        assert_eq!(number("1e-7", 0, 3, "ceil"), "0,001");
    }
}
