//! Texts with zero characters, which PostgreSQL does not take.
//!
//! A zero is stored as two ones, and a one as a one and a two. That keeps every
//! text apart from every other, and the order of texts as it is.

use std::borrow::Cow;

/// The text as it is stored.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte <= 1) {
        return text.into();
    }
    text.replace('\u{1}', "\u{1}\u{2}")
        .replace('\0', "\u{1}\u{1}")
        .into()
}

/// A stored text is not the text that was given.
pub(super) fn is_other(stored: &str) -> bool {
    stored.bytes().any(|byte| byte == 1)
}

/// The text that was given, if it is not what is stored.
pub(super) fn original(stored: &str) -> Option<String> {
    if !is_other(stored) {
        return None;
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\u{1}' => match characters.next() {
                Some('\u{1}') => '\0',
                _ => '\u{1}',
            },
            other => other,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_keep_their_order() {
        let mut texts = [
            "",
            "\0",
            "\0\0",
            "\0\u{1}",
            "\0\u{2}",
            "\0a",
            "\u{1}",
            "\u{1}\0",
            "\u{1}\u{1}",
            "\u{1}\u{2}",
            "\u{2}",
            "a\0b",
            "a\u{1}b",
            "ab",
            "ß\0",
        ];
        texts.sort_unstable();
        for text in texts {
            let stored = stored(text);
            assert!(!stored.contains('\0'));
            let original = original(&stored).unwrap_or_else(|| stored.to_string());
            assert_eq!(original, text);
        }
        let stored = texts.map(stored);
        assert!(stored.is_sorted());
    }
}
