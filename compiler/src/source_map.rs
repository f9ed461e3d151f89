//! Source maps, version 3: written by the linker, read to show stack traces in the user's lines.

use serde::{Deserialize, Serialize};

/// The source that frames of the module registry are mapped to.
pub(crate) const RUNTIME: &str = "strata:runtime";

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    version: u32,
    sources: Vec<String>,
    #[serde(rename = "sourcesContent", default)]
    sources_content: Vec<Option<String>>,
    names: Vec<String>,
    mappings: String,
}

/// Writes a map; segments come in the order of the generated code.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    sources: Vec<String>,
    contents: Vec<Option<String>>,
    mappings: String,
    line: u32,
    column: u32,
    source: u32,
    source_line: u32,
    source_column: u32,
    started: bool,
}

impl Builder {
    pub(crate) fn source(&mut self, path: &str, content: Option<&str>) -> u32 {
        self.sources.push(path.to_owned());
        self.contents.push(content.map(str::to_owned));
        u32::try_from(self.sources.len() - 1).unwrap_or(u32::MAX)
    }

    /// All 0-based.
    pub(crate) fn segment(
        &mut self,
        line: u32,
        column: u32,
        source: u32,
        source_line: u32,
        source_column: u32,
    ) {
        if line > self.line {
            for _ in self.line..line {
                self.mappings.push(';');
            }
            self.line = line;
            self.column = 0;
            self.started = false;
        }
        if self.started {
            self.mappings.push(',');
        }
        self.started = true;
        vlq(&mut self.mappings, column, self.column);
        vlq(&mut self.mappings, source, self.source);
        vlq(&mut self.mappings, source_line, self.source_line);
        vlq(&mut self.mappings, source_column, self.source_column);
        self.column = column;
        self.source = source;
        self.source_line = source_line;
        self.source_column = source_column;
    }

    pub(crate) fn finish(self) -> String {
        serde_json::to_string(&Document {
            version: 3,
            sources: self.sources,
            sources_content: self.contents,
            names: Vec::new(),
            mappings: self.mappings,
        })
        .unwrap_or_default()
    }
}

fn vlq(out: &mut String, value: u32, previous: u32) {
    let delta = i64::from(value) - i64::from(previous);
    let mut rest = (delta.unsigned_abs() << 1) | u64::from(delta < 0);
    loop {
        let digit = (rest & 31) as usize;
        rest >>= 5;
        out.push(char::from(
            DIGITS[if rest > 0 { digit | 32 } else { digit }],
        ));
        if rest == 0 {
            break;
        }
    }
}

struct Segment {
    line: u32,
    column: u32,
    source: usize,
    source_line: u32,
    source_column: u32,
}

/// Rewrites stack traces of a bundle to the places in the user's files.
pub struct StackMapper {
    sources: Vec<String>,
    segments: Vec<Segment>,
}

/// The name under which the engine evaluates a bundle.
const BUNDLE: &str = "bundle.js:";

impl StackMapper {
    /// Reads a source map as found in [`Bundle::source_map`](crate::Bundle::source_map).
    /// Text that is no source map gives a mapper that changes nothing.
    #[must_use]
    pub fn parse(source_map: &str) -> Self {
        let Ok(document) = serde_json::from_str::<Document>(source_map) else {
            return Self {
                sources: Vec::new(),
                segments: Vec::new(),
            };
        };
        Self {
            segments: decode(&document.mappings),
            sources: document.sources,
        }
    }

    /// The place in the sources of a 1-based line and column of the bundle: path, line, column.
    fn find(&self, line: u32, column: u32) -> Option<(&str, u32, u32)> {
        let (line, column) = (line.checked_sub(1)?, column.saturating_sub(1));
        let after = self
            .segments
            .partition_point(|segment| (segment.line, segment.column) <= (line, column));
        let segment = self.segments.get(after.checked_sub(1)?)?;
        if segment.line != line {
            return None;
        }
        let path = self.sources.get(segment.source)?;
        Some((path, segment.source_line + 1, segment.source_column + 1))
    }

    /// A stack trace with the frames of the bundle mapped; other lines stay, and frames of the
    /// module registry itself are left out.
    #[must_use]
    pub fn map(&self, stack: &str) -> String {
        let mut mapped = String::with_capacity(stack.len());
        for line in stack.split_inclusive('\n') {
            if let Some(line) = self.map_line(line) {
                mapped.push_str(&line);
            }
        }
        mapped
    }

    /// The same for every text in a JSON value. An entry of a list that is nothing but frames of
    /// the module registry is left out.
    pub fn map_json(&self, value: &mut serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::String(text) if text.contains(BUNDLE) => *text = self.map(text),
            Value::Array(list) => {
                list.retain_mut(|one| {
                    let was_empty = one.as_str().is_some_and(str::is_empty);
                    self.map_json(one);
                    was_empty || !one.as_str().is_some_and(str::is_empty)
                });
            }
            Value::Object(map) => map.values_mut().for_each(|one| self.map_json(one)),
            _ => {}
        }
    }

    fn map_line(&self, line: &str) -> Option<String> {
        let Some(at) = line.rfind(BUNDLE) else {
            return Some(line.to_owned());
        };
        let start = line[..at]
            .rfind(['(', ' ', '@'])
            .map_or(0, |before| before + 1);
        let mut rest = &line[at + BUNDLE.len()..];
        let Some(row) = number(&mut rest) else {
            return Some(line.to_owned());
        };
        let column = rest.strip_prefix(':').and_then(|mut after| {
            let column = number(&mut after)?;
            rest = after;
            Some(column)
        });
        // Without a column, the first place of the line is meant.
        let found = match column {
            Some(column) => self.find(row, column).or_else(|| self.find(row, u32::MAX)),
            None => self
                .segments
                .iter()
                .find(|segment| segment.line + 1 == row)
                .and_then(|segment| self.find(row, segment.column + 1)),
        };
        match found {
            None => Some(line.to_owned()),
            Some((RUNTIME, _, _)) => None,
            Some((path, _, _)) if path.contains("node_modules/") => {
                Some(format!("{}{path}{rest}", &line[..start]))
            }
            Some((path, line_number, column)) => Some(format!(
                "{}{path}:{line_number}:{column}{rest}",
                &line[..start]
            )),
        }
    }
}

fn number(text: &mut &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let value = text[..end].parse().ok()?;
    *text = &text[end..];
    Some(value)
}

fn decode(mappings: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut state = [0_i64; 5];
    for (line, text) in mappings.split(';').enumerate() {
        state[0] = 0;
        for segment in text.split(',').filter(|segment| !segment.is_empty()) {
            let mut field = 0;
            let (mut value, mut shift) = (0_i64, 0_u32);
            for byte in segment.bytes() {
                let Some(digit) = DIGITS.iter().position(|digit| *digit == byte) else {
                    return segments;
                };
                if shift > 40 {
                    return segments;
                }
                value |= ((digit & 31) as i64) << shift;
                shift += 5;
                if digit & 32 == 0 {
                    let delta = if value & 1 == 1 {
                        -(value >> 1)
                    } else {
                        value >> 1
                    };
                    if field < 5 {
                        state[field] += delta;
                    }
                    field += 1;
                    (value, shift) = (0, 0);
                }
            }
            let unsigned = |value: i64| u32::try_from(value).unwrap_or(0);
            if field >= 4 {
                segments.push(Segment {
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                    column: unsigned(state[0]),
                    source: usize::try_from(state[1]).unwrap_or(usize::MAX),
                    source_line: unsigned(state[2]),
                    source_column: unsigned(state[3]),
                });
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_mapped_frame_by_frame() {
        let mut map = Builder::default();
        let runtime = map.source(RUNTIME, None);
        map.segment(0, 0, runtime, 0, 0);
        let user = map.source("src/main.ts", Some("…"));
        map.segment(3, 4, user, 40, 2);
        map.segment(3, 90, user, 7, 1000);
        let package = map.source("node_modules/zod/index.js", None);
        map.segment(9, 0, package, 0, 0);
        let mapper = StackMapper::parse(&map.finish());
        let stack = "    at f (bundle.js:4:10)\n    at load (bundle.js:1:7)\n    at bundle.js:4:91\n    at parse (bundle.js:10:77)\n    at native (other.js:1:1)\n    at g (bundle.js:800:1)";
        assert_eq!(
            mapper.map(stack),
            "    at f (src/main.ts:41:3)\n    at src/main.ts:8:1001\n    at parse (node_modules/zod/index.js)\n    at native (other.js:1:1)\n    at g (bundle.js:800:1)"
        );
    }

    #[test]
    fn text_that_is_no_map_changes_nothing() {
        for text in [
            "",
            "{}",
            "{\"version\":3,\"sources\":[],\"names\":[],\"mappings\":\"AAAA;gggggggggggggggggg,!\"}",
        ] {
            assert_eq!(
                StackMapper::parse(text).map("at bundle.js:1:1"),
                "at bundle.js:1:1"
            );
        }
    }
}
