//! What `tsconfig.json` says about how code runs.

use serde_json::{Map, Value};

use crate::{path, source::Source};

/// Which decorators the code uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Decorators {
    /// `experimentalDecorators`, with or without `emitDecoratorMetadata`.
    Legacy { metadata: bool },
    /// Those of the language proposal.
    Standard,
}

/// The compiler options that change the meaning of code; the rest only checks types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    pub(crate) decorators: Decorators,
    pub(crate) define_class_fields: bool,
    pub(crate) verbatim_module_syntax: bool,
    pub(crate) jsx_automatic: bool,
    pub(crate) jsx_import_source: Option<String>,
    pub(crate) jsx_factory: Option<String>,
    pub(crate) jsx_fragment: Option<String>,
    pub(crate) out_dir: Option<String>,
    pub(crate) root_dir: Option<String>,
    /// A configuration with nothing but `baseUrl` and `paths`, when there are any.
    pub(crate) paths: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            decorators: Decorators::Standard,
            define_class_fields: true,
            verbatim_module_syntax: false,
            jsx_automatic: false,
            jsx_import_source: None,
            jsx_factory: None,
            jsx_fragment: None,
            out_dir: None,
            root_dir: None,
            paths: None,
        }
    }
}

impl Settings {
    /// Reads `tsconfig.json` of the root and what it extends inside of the upload.
    /// A broken file says why.
    pub(crate) fn read(source: &Source) -> Result<Self, String> {
        if source.get("tsconfig.json").is_none() {
            return Ok(Self::default());
        }
        let mut options = Map::new();
        collect(source, "tsconfig.json", &mut options, 0)?;
        Ok(Self::from_options(&options))
    }

    fn from_options(options: &Map<String, Value>) -> Self {
        let flag = |name: &str| options.get(name).and_then(Value::as_bool);
        let text = |name: &str| options.get(name).and_then(Value::as_str).map(str::to_owned);
        let legacy = flag("experimentalDecorators").unwrap_or(false);
        let jsx = text("jsx").unwrap_or_default();
        Self {
            decorators: if legacy {
                Decorators::Legacy {
                    metadata: flag("emitDecoratorMetadata").unwrap_or(false),
                }
            } else {
                Decorators::Standard
            },
            define_class_fields: flag("useDefineForClassFields")
                .unwrap_or_else(|| text("target").is_none_or(|target| defines_fields(&target))),
            verbatim_module_syntax: flag("verbatimModuleSyntax").unwrap_or(false)
                || flag("preserveValueImports").unwrap_or(false),
            jsx_automatic: matches!(jsx.as_str(), "react-jsx" | "react-jsxdev"),
            jsx_import_source: text("jsxImportSource"),
            jsx_factory: text("jsxFactory"),
            jsx_fragment: text("jsxFragmentFactory"),
            out_dir: text("outDir"),
            root_dir: text("rootDir"),
            paths: (options.contains_key("paths") || options.contains_key("baseUrl")).then(|| {
                let kept: Map<String, Value> = options
                    .iter()
                    .filter(|(name, _)| matches!(name.as_str(), "baseUrl" | "paths"))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                serde_json::json!({ "compilerOptions": kept }).to_string()
            }),
        }
    }
}

/// TypeScript defines class fields from ES2022 on and assigns them before.
fn defines_fields(target: &str) -> bool {
    let target = target.to_ascii_lowercase();
    match target.strip_prefix("es") {
        Some("next") => true,
        Some(year) => year.parse::<u32>().is_ok_and(|year| year >= 2022),
        None => true,
    }
}

fn collect(
    source: &Source,
    file: &str,
    options: &mut Map<String, Value>,
    depth: usize,
) -> Result<(), String> {
    if depth > 8 {
        return Err(format!("{file}: `extends` goes in a circle or too deep"));
    }
    let Some(bytes) = source.get(file) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(bytes);
    let config: Value = serde_json::from_str(&strip_comments(&text))
        .map_err(|error| format!("{file} is not valid: {error}"))?;
    let bases: Vec<&str> = match config.get("extends") {
        Some(Value::String(base)) => vec![base],
        Some(Value::Array(bases)) => bases.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for base in bases {
        // A base inside of a package sets the checks and, at most, the target.
        if !base.starts_with('.') {
            continue;
        }
        if let Some(mut base) = path::join(path::parent(file), base) {
            if !base.ends_with(".json") {
                base.push_str(".json");
            }
            collect(source, &base, options, depth + 1)?;
        }
    }
    if let Some(Value::Object(own)) = config.get("compilerOptions") {
        for (name, value) in own {
            options.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}

/// JSON with comments and trailing commas → JSON of the same length.
pub(crate) fn strip_comments(text: &str) -> String {
    let mut bytes = text.trim_start_matches('\u{feff}').as_bytes().to_vec();
    let mut at = 0;
    let mut comma: Option<usize> = None;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                comma = None;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    bytes[at] = b' ';
                    at += 1;
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = bytes[at + 2..]
                    .windows(2)
                    .position(|pair| pair == b"*/")
                    .map_or(bytes.len(), |end| at + 2 + end + 2);
                for byte in &mut bytes[at..end] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                at = end;
                continue;
            }
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commented_configuration_is_read_with_its_base() {
        let source = Source::from_files([
            (
                "base.json",
                r#"{"compilerOptions": {"target": "es2019", "jsx": "react-jsx", "outDir": "x"}}"#,
            ),
            (
                "tsconfig.json",
                "{ // a comment \"}\n \"extends\": \"./base\", /* more , */ \"compilerOptions\": {\"outDir\": \"dist//y\", \"experimentalDecorators\": true,},\n}",
            ),
        ]);
        let settings = Settings::read(&source).unwrap();
        assert!(settings.jsx_automatic);
        assert!(!settings.define_class_fields);
        assert_eq!(settings.decorators, Decorators::Legacy { metadata: false });
        assert_eq!(settings.out_dir.as_deref(), Some("dist//y"));
    }
}
