//! The words of the search index, and what a search term asks for.

/// The words of a text: split at everything that is no letter and no digit,
/// in lower case.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(crate::db::fold)
}

/// The words of a text with one blank around each, so that a phrase is found
/// as a part of it.
pub(crate) fn phrase(text: &str) -> String {
    let mut phrase = String::from(" ");
    for word in words(text) {
        phrase.push_str(&word);
        phrase.push(' ');
    }
    phrase
}

/// What a search asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// Any of these words, or one that begins with the prefix.
    Any { words: Vec<String>, prefix: String },
    /// These words, one after the other.
    Phrase(Vec<String>),
    /// Nothing that could be found.
    Nothing,
}

impl Term {
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        let quoted = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let mut found: Vec<String> = words(quoted.unwrap_or(text)).collect();
        if quoted.is_some() && !found.is_empty() {
            return Self::Phrase(found);
        }
        match found.pop() {
            Some(prefix) => Self::Any {
                words: found,
                prefix,
            },
            None => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms() {
        let any = |words: &[&str], prefix: &str| Term::Any {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            prefix: prefix.to_owned(),
        };
        let phrase =
            |words: &[&str]| Term::Phrase(words.iter().map(|word| (*word).to_owned()).collect());
        for (text, expected) in [
            ("Hello", any(&[], "hello")),
            ("my-fn node", any(&["my", "fn"], "node")),
            ("+a @b* <c> ~(d)", any(&["a", "b", "c"], "d")),
            ("\"my fn\"", phrase(&["my", "fn"])),
            ("\"", Term::Nothing),
            ("\"\"", Term::Nothing),
            ("a\"b", any(&["a"], "b")),
            ("  ", Term::Nothing),
            ("+-*", Term::Nothing),
            ("ÄÖ", any(&[], "äö")),
        ] {
            assert_eq!(Term::parse(text), expected, "{text}");
        }
    }
}
