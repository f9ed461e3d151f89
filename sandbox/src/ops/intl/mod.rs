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
