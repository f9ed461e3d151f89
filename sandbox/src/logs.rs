//! Bounded output of a function.

use std::collections::VecDeque;

/// Lines of one stream. Past the limit the oldest lines go.
#[derive(Debug)]
pub(crate) struct Lines {
    name: &'static str,
    limit: usize,
    chars: usize,
    cut: bool,
    lines: VecDeque<String>,
}

impl Lines {
    pub(crate) fn new(name: &'static str, limit: usize) -> Self {
        Self {
            name,
            limit,
            chars: 0,
            cut: false,
            lines: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, mut line: String) {
        line.push('\n');
        self.chars += line.chars().count();
        self.lines.push_back(line);
        while self.chars > self.limit && self.lines.len() > 1 {
            if let Some(gone) = self.lines.pop_front() {
                self.chars -= gone.chars().count();
                self.cut = true;
            }
        }
    }

    /// The text; when something was cut it starts with a warning and has
    /// exactly the length of the limit.
    pub(crate) fn finish(self) -> String {
        let all: String = self.lines.into_iter().collect();
        if !self.cut && self.chars <= self.limit {
            return all;
        }
        let warning = format!(
            "[WARNING] {} truncated. The output exceeded {} characters.\n",
            self.name, self.limit
        );
        let room = self.limit.saturating_sub(warning.len());
        let skip = self.chars.saturating_sub(room);
        let start = all.char_indices().nth(skip).map_or(all.len(), |(at, _)| at);
        warning + &all[start..]
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn keeps_the_end_within_the_limit() {
        let mut lines = Lines::new("Logs", 200);
        for n in 0..100 {
            lines.push(format!("line {n} ä"));
        }
        let text = lines.finish();
        assert!(
            text.starts_with("[WARNING] Logs truncated. The output exceeded 200 characters.\n")
        );
        assert!(text.ends_with("line 99 ä\n"));
        assert!(text.chars().count() <= 200);
    }

    #[test]
    fn leaves_short_output_alone() {
        let mut lines = Lines::new("Errors", 200);
        lines.push("one".into());
        lines.push("two".into());
        assert_eq!(lines.finish(), "one\ntwo\n");
    }
}
