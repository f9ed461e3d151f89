//! From the checker's form of a diagnostic to ours.

use serde::Deserialize;

/// One error, as `tsc` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The path that was given with the source. For a file of a package it starts with
    /// `node_modules/`; empty for an error that is in no file.
    pub file: String,
    /// Line, from 1; 0 without a file.
    pub line: u32,
    /// Column in UTF-16 units, from 1; 0 without a file.
    pub column: u32,
    /// The number after `TS`.
    pub code: u32,
    /// The text. What explains it follows on lines of its own, each two blanks deeper than what it
    /// explains. Paths in it are relative.
    pub message: String,
}

/// The category of what makes `tsc` fail.
const ERROR: u32 = 1;

/// A diagnostic on the wire (`Diagnostic` of `typescript/unstable/async`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    pub file_name: Option<String>,
    /// UTF-16 units from the start of the file.
    pub pos: u32,
    pub code: u32,
    category: u32,
    text: String,
    message_chain: Option<Vec<Found>>,
}

impl Found {
    /// Whether `tsc` fails for it.
    pub fn is_error(&self) -> bool {
        self.category == ERROR
    }

    /// The text with what explains it.
    pub fn message(&self) -> String {
        let mut message = self.text.clone();
        self.explain(1, &mut message);
        message
    }

    fn explain(&self, depth: usize, message: &mut String) {
        for reason in self.message_chain.iter().flatten() {
            message.push('\n');
            message.extend(std::iter::repeat_n("  ", depth));
            message.push_str(&reason.text);
            reason.explain(depth + 1, message);
        }
    }
}

/// Line and column, from 1, of an offset; all in UTF-16 units. Lines end as ECMAScript ends them.
pub fn position(text: &str, offset: u32) -> (u32, u32) {
    let (mut line, mut start, mut at) = (1, 0, 0);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if at >= offset {
            break;
        }
        at += if char.len_utf16() == 2 { 2 } else { 1 };
        let ends = match char {
            '\r' => chars.peek() != Some(&'\n'),
            '\n' | '\u{2028}' | '\u{2029}' => true,
            _ => false,
        };
        if ends {
            line += 1;
            start = at;
        }
    }
    (line, offset.saturating_sub(start) + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn positions_count_utf16_units_and_every_kind_of_line() {
        let text = "aé😀b\r\nc\rd\u{2028}e\nf";
        let of = |what: char| {
            let before = &text[..text.find(what).unwrap()];
            position(text, u32::try_from(before.encode_utf16().count()).unwrap())
        };
        assert_eq!(of('a'), (1, 1));
        assert_eq!(of('b'), (1, 5));
        assert_eq!(of('c'), (2, 1));
        assert_eq!(of('d'), (3, 1));
        assert_eq!(of('e'), (4, 1));
        assert_eq!(of('f'), (5, 1));
        assert_eq!(position(text, 99).0, 5);
        assert_eq!(position("", 0), (1, 1));
    }

    #[test]
    fn what_explains_an_error_is_indented() {
        let leaf = |text: &str| json!({ "pos": 0, "code": 2, "category": 1, "text": text });
        let mut inner = leaf("b");
        inner["messageChain"] = json!([leaf("c")]);
        let mut outer = leaf("a");
        outer["messageChain"] = json!([inner, leaf("d")]);
        let found: Found = serde_json::from_value(outer).unwrap();
        assert_eq!(found.message(), "a\n  b\n    c\n  d");
    }
}
