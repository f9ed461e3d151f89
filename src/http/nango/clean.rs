//! Takes out of an error's text what a caller has no business with: hosts, absolute paths, names of
//! environment variables (section 3.2 of the dialect's reference).

/// Longest text, in characters.
const LONGEST: usize = 20_000;

/// The text as it may be shown.
pub fn clean(text: &str) -> String {
    let shown = without_variables(&without_paths(text));
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => shown[..end].to_owned(),
        None => shown,
    }
}

/// Drops the origins of URLs, and replaces absolute paths that are not what is left of a URL.
fn without_paths(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        let scheme = ["http://", "https://"]
            .iter()
            .find(|scheme| rest.starts_with(**scheme));
        if let Some(scheme) = scheme {
            let after = &rest[scheme.len()..];
            let end = after.find(is_end).unwrap_or(after.len());
            let url = &after[..end];
            let path = url.find(['/', '?', '#']).map_or("", |at| &url[at..]);
            out.push_str(path);
            rest = &after[end..];
            before = Some('x');
            continue;
        }
        let starts = match before {
            None | Some('"' | '\'' | '`' | '(') => true,
            Some(before) => before.is_whitespace(),
        };
        if next == '/' && starts {
            let end = rest.find(is_end).unwrap_or(rest.len());
            if end > 1 {
                out.push_str("<path>");
                rest = &rest[end..];
                before = Some('x');
                continue;
            }
        }
        out.push(next);
        before = Some(next);
        rest = &rest[next.len_utf8()..];
    }
    out
}

fn is_end(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '`' | ')' | '(')
}

fn without_variables(text: &str) -> String {
    let names: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.len() >= 5 && name.chars().all(is_word))
        .collect();
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        if names.iter().any(|name| name == word) {
            out.push_str("<env>");
        } else {
            out.push_str(word);
        }
        word.clear();
    };
    for character in text.chars() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
        } else {
            flush(&mut word, &mut out);
            out.push(character);
        }
    }
    flush(&mut word, &mut out);
    out
}

fn is_word(character: char) -> bool {
    character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn hosts_paths_and_variables_are_gone() {
        for (text, shown) in [
            ("see https://h.example/p?q#f now", "see /p?q#f now"),
            ("at f (/srv/app/x.js:3:4)", "at f (<path>)"),
            (
                "function/functions/function.ts:3:4",
                "function/functions/function.ts:3:4",
            ),
            ("'/etc/passwd' and \"/a\"", "'<path>' and \"<path>\""),
            ("a / b", "a / b"),
            ("here https://github.com/vercel/ms", "here /vercel/ms"),
        ] {
            assert_eq!(clean(text), shown);
        }
        // Cargo sets this one for every test.
        assert_eq!(clean("CARGO_MANIFEST_DIR=1 CARGO_"), "<env>=1 CARGO_");
        assert_eq!(clean(&"é".repeat(30_000)).chars().count(), 20_000);
    }
}
