//! Paths that functions answer. `*` stands for any characters, slashes
//! included, or none; it may occur several times. All else is compared
//! character by character, a trailing slash included.

/// Whether a path is meant by a pattern; neither has a leading slash.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.as_bytes(), path.as_bytes());
    let (mut p, mut s) = (0, 0);
    // Where to go on when the last star takes one character more.
    let mut retry: Option<(usize, usize)> = None;
    while s < path.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p + 1, s));
            p += 1;
        } else if pattern.get(p) == Some(&path[s]) {
            p += 1;
            s += 1;
        } else if let Some((after, taken)) = retry {
            p = after;
            s = taken + 1;
            retry = Some((after, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether there is a path that both patterns mean.
pub fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // reach[j]: some text is meant by one[..i] and by other[..j].
    let mut reach = vec![false; other.len() + 1];
    reach[0] = true;
    for j in 0..other.len() {
        reach[j + 1] = reach[j] && other[j] == b'*';
    }
    for byte in one {
        let mut next = vec![false; other.len() + 1];
        next[0] = reach[0] && *byte == b'*';
        for j in 0..other.len() {
            next[j + 1] = match *byte == b'*' || other[j] == b'*' {
                // The star stands for nothing, or for one more of the other's.
                true => reach[j + 1] || next[j],
                false => reach[j] && *byte == other[j],
            };
        }
        reach = next;
    }
    reach[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{matches, overlap};

    /// Every text over two letters and a slash, up to five characters.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..5 {
            last = last
                .iter()
                .flat_map(|text| ["a", "b", "/"].map(|c| format!("{text}{c}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn overlap_is_having_a_text_in_common() {
        let patterns = [
            "", "a", "*", "a*", "*a", "a*b", "*a*", "a/*", "*/b", "a/b", "a*a*b", "**", "b*", "ab",
        ];
        let texts = texts();
        for one in patterns {
            for other in patterns {
                let common = texts
                    .iter()
                    .any(|text| matches(one, text) && matches(other, text));
                assert_eq!(overlap(one, other), common, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("users/*", "users/"));
        assert!(matches("users/*", "users/1/posts"));
        assert!(matches("*/posts", "users/1/posts"));
        assert!(!matches("users/*", "users"));
        assert!(!matches("users", "users/"));
        assert!(matches("a*b*c", "aXbYbZc"));
        assert!(!matches("a*b*c", "aXcYb"));
    }
}
