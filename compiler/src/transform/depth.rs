//! A guard against code that is nested so deeply that the recursive passes would run out of stack.
//!
//! The passes recurse once per level of the syntax tree, on threads with a
//! stack of a gigabyte. Brackets nest, and so do chains without brackets:
//! `!!!x`, `a => b => c`, `a.b.c`, `1 + 2 + 3`, `else if`. This module bounds all
//! of them from above, in one pass over the bytes.

use crate::diagnostic::Diagnostic;

/// Deepest nesting of brackets. Code written by people stays below 50, that of generators below 500.
pub(super) const BRACKETS: usize = 3_000;
/// Longest chain of operators and words in one statement, outside of its brackets.
const CHAIN: usize = 40_000;

/// Words after which a line end does not end a statement.
const CONTINUE: &[&[u8]] = &[
    b"typeof",
    b"void",
    b"delete",
    b"await",
    b"new",
    b"else",
    b"return",
    b"throw",
    b"in",
    b"of",
    b"instanceof",
    b"extends",
    b"yield",
    b"as",
    b"is",
    b"keyof",
    b"readonly",
    b"infer",
    b"satisfies",
    b"do",
    b"case",
    b"async",
    b"unique",
    b"asserts",
];

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Length of the chain outside of each open bracket.
    chains: Vec<usize>,
    /// Most open brackets.
    most: usize,
}

impl Scan<'_> {
    fn chain(&mut self) -> &mut usize {
        if self.chains.is_empty() {
            self.chains.push(0);
        }
        let last = self.chains.len() - 1;
        &mut self.chains[last]
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Skips white space and comments; says whether a line ended.
    fn skip_space(&mut self) -> bool {
        let mut line = false;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'\n', _) => {
                    line = true;
                    self.at += 1;
                }
                (byte, _) if byte.is_ascii_whitespace() => self.at += 1,
                (b'/', b'/') => {
                    while self.at < self.bytes.len() && self.peek(0) != b'\n' {
                        self.at += 1;
                    }
                }
                (b'/', b'*') => {
                    self.at += 2;
                    while self.at < self.bytes.len() && (self.peek(0), self.peek(1)) != (b'*', b'/')
                    {
                        line |= self.peek(0) == b'\n';
                        self.at += 1;
                    }
                    self.at += 2;
                }
                _ => return line,
            }
        }
    }

    /// Skips a string; one that does not end on its line is taken for something else.
    fn skip_string(&mut self, quote: u8) {
        let start = self.at;
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'\n' => {
                    self.at = start + 1;
                    return;
                }
                byte => {
                    self.at += 1;
                    if byte == quote {
                        return;
                    }
                }
            }
        }
        self.at = start + 1;
    }

    /// The byte where the nesting gets too deep.
    fn run(&mut self) -> Option<usize> {
        let mut word: &[u8] = b"";
        let mut operator = true;
        loop {
            let line = self.skip_space();
            if self.at >= self.bytes.len() {
                return None;
            }
            let byte = self.peek(0);
            let word_byte = |byte: u8| {
                byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
            };
            // A line end ends the statement when neither side asks for more.
            if line
                && !operator
                && (word_byte(byte) || matches!(byte, b'"' | b'\'' | b'#' | b'@'))
                && !CONTINUE.contains(&word)
            {
                *self.chain() = 0;
            }
            operator = false;
            match byte {
                b'"' | b'\'' => {
                    self.skip_string(byte);
                    word = b"";
                }
                b'(' | b'[' | b'{' => {
                    self.chains.push(0);
                    self.at += 1;
                    word = b"";
                    operator = true;
                    if self.chains.len() > self.most {
                        return Some(self.at);
                    }
                }
                b')' | b']' | b'}' => {
                    self.chains.pop();
                    self.at += 1;
                    word = b"";
                    *self.chain() += 1;
                    if byte == b'}' {
                        self.skip_space();
                        if !self.bytes[self.at.min(self.bytes.len())..].starts_with(b"else") {
                            *self.chain() = 0;
                        }
                    }
                }
                b';' | b',' => {
                    *self.chain() = 0;
                    self.at += 1;
                    word = b"";
                    operator = true;
                }
                byte if word_byte(byte) => {
                    let start = self.at;
                    while self.at < self.bytes.len() && word_byte(self.peek(0)) {
                        self.at += 1;
                    }
                    word = &self.bytes[start..self.at];
                    *self.chain() += 1;
                }
                _ => {
                    self.at += 1;
                    word = b"";
                    operator = true;
                    *self.chain() += 1;
                }
            }
            if *self.chain() > CHAIN {
                return Some(self.at);
            }
        }
    }
}

/// Refuses text whose brackets may be deeper than `most`, or its chains too deep.
pub(crate) fn check(path: &str, text: &str, most: usize) -> Result<(), Diagnostic> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        chains: vec![0],
        most,
    };
    match scan.run() {
        None => Ok(()),
        Some(at) => Err(Diagnostic::at(
            path,
            text,
            at.saturating_sub(1),
            at,
            "The code is nested too deeply",
        )
        .hint("split the expression into several statements")),
    }
}

#[cfg(test)]
mod tests {
    use super::BRACKETS;

    fn check(path: &str, text: &str) -> Result<(), crate::diagnostic::Diagnostic> {
        super::check(path, text, BRACKETS)
    }

    #[test]
    fn long_is_fine_and_deep_is_not() {
        let long = [
            "const a = 1\n".repeat(100_000),
            "a(1, [2, 3])\n.b()\n".repeat(5_000),
            "if (a) { b } else if (c) { d }\n".repeat(50_000),
            format!("x = [{}]", "-1, 'a b c', ".repeat(100_000)),
            format!(
                "/* {} */ '{}'",
                "a b ".repeat(100_000),
                "{[(".repeat(10_000)
            ),
            "case 1: a = b + 1; break;\n".repeat(50_000),
        ];
        for text in &long {
            assert!(check("f", text).is_ok(), "{}", &text[..20]);
        }
        let deep = [
            "{".repeat(4_000),
            "!".repeat(50_000),
            "typeof\n".repeat(50_000),
            "a\n.b".repeat(50_000),
            "if(a)".repeat(50_000),
            "if(a){}else ".repeat(50_000),
            "a ? b : ".repeat(50_000),
            "x => ".repeat(50_000),
        ];
        for text in &deep {
            assert!(check("f", text).is_err(), "{}", &text[..20]);
        }
    }
}
