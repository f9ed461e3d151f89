//! What the compiler has to say about a place in the user's code.

use std::fmt;

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The build goes on.
    Warning,
    /// The build fails.
    Error,
}

/// One message about one place in one file, ready to be shown in a build log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the build fails because of it.
    pub severity: Severity,
    /// Path of the file, relative to the upload's root. Empty when no file is concerned.
    pub file: String,
    /// 1-based line; 0 when no place in the file is concerned.
    pub line: u32,
    /// 1-based column, counted in characters; 0 when no place is concerned.
    pub column: u32,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The lines around the place with a caret under it; may be empty.
    pub code_frame: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error about the bytes `start..end` of `text`, the content of `file`.
    pub(crate) fn at(
        file: &str,
        text: &str,
        start: usize,
        end: usize,
        message: impl Into<String>,
    ) -> Self {
        let (line, column) = line_column(text, start);
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line,
            column,
            message: message.into(),
            code_frame: code_frame(text, start, end),
            hint: None,
        }
    }

    /// An error about a whole file, or about no file when `file` is empty.
    pub(crate) fn file(file: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            code_frame: String::new(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        match (self.file.as_str(), self.line) {
            ("", _) => write!(f, "{severity}: {}", self.message)?,
            (file, 0) => write!(f, "{file} - {severity}: {}", self.message)?,
            (file, line) => write!(
                f,
                "{file}:{line}:{} - {severity}: {}",
                self.column, self.message
            )?,
        }
        if !self.code_frame.is_empty() {
            write!(f, "\n\n{}", self.code_frame)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// 1-based line and column (in characters) of a byte offset.
pub(crate) fn line_column(text: &str, offset: usize) -> (u32, u32) {
    let offset = floor(text, offset);
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    (
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}

/// The nearest character boundary at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Longest piece of one line that a frame shows; minified files have huge ones.
const FRAME_WIDTH: usize = 120;

/// Two lines before, the line with a caret under it, and one line after.
fn code_frame(text: &str, start: usize, end: usize) -> String {
    let (line, column) = line_column(text, start);
    let (line, column) = (line as usize, column as usize);
    let first = line.saturating_sub(2).max(1);
    let width = (line + 1).to_string().len();
    let marked = text[floor(text, start)..floor(text, end.max(start))]
        .chars()
        .take_while(|c| *c != '\n')
        .count()
        .max(1);
    let mut frame = String::new();
    for (number, content) in text
        .lines()
        .enumerate()
        .map(|(at, content)| (at + 1, content))
    {
        if number < first {
            continue;
        }
        if number > line + 1 {
            break;
        }
        let skipped = if number == line {
            column.saturating_sub(FRAME_WIDTH / 2)
        } else {
            0
        };
        let shown: String = content
            .chars()
            .skip(skipped)
            .take(FRAME_WIDTH)
            .map(|c| if c == '\t' || c.is_control() { ' ' } else { c })
            .collect();
        let pointer = if number == line { '>' } else { ' ' };
        frame.push_str(&format!(
            "{pointer} {number:>width$} | {}\n",
            shown.trim_end()
        ));
        if number == line {
            let at = column - 1 - skipped.min(column - 1);
            let carets = marked.min(FRAME_WIDTH.saturating_sub(at)).max(1);
            frame.push_str(&format!(
                "  {:width$} | {}{}\n",
                "",
                " ".repeat(at),
                "^".repeat(carets)
            ));
        }
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_reads_well() {
        let text = "import a from 'a';\nconst é = 1;\nlet x = = 2;\nend();\n";
        let at = text.find("= 2").unwrap();
        let shown = Diagnostic::at("src/main.ts", text, at, at + 1, "Expression expected")
            .hint("remove one `=`")
            .to_string();
        assert_eq!(
            shown,
            "src/main.ts:3:9 - error: Expression expected\n\n  1 | import a from 'a';\n  2 | const é = 1;\n> 3 | let x = = 2;\n    |         ^\n  4 | end();\n\n  hint: remove one `=`"
        );
    }

    #[test]
    fn a_place_outside_the_text_does_not_hurt() {
        for text in ["", "é", "a\n"] {
            for (start, end) in [(0, 0), (1, 1), (9, 3), (2, 900)] {
                let _ = Diagnostic::at("f", text, start, end, "m").to_string();
            }
        }
    }
}
