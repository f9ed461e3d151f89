//! One module after its transformation, before linking.
//!
//! A unit knows nothing of the build it is used in: specifiers are not
//! resolved, and what other modules use of it is not known. That is why units
//! of package files can be kept and used again by every build.

use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// How a module exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `import`/`export`; strict; live bindings.
    Esm,
    /// `module.exports`; sloppy unless it says otherwise.
    Cjs,
    /// A JSON document; behaves as a CommonJS module whose exports are the value.
    Json,
}

/// How a module asks for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum DepKind {
    /// A static `import` or `export … from`.
    Import,
    /// `require("…")`.
    Require,
    /// `import("…")`.
    Dynamic,
}

/// Which properties of a binding are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Props {
    /// The binding itself is used as a value: anything may be read from it.
    All,
    /// Only these properties are read.
    Some(BTreeSet<String>),
}

/// What the code of a module uses of one of its imports: export name → properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Names {
    All,
    Some(FxHashMap<String, Props>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Some(FxHashMap::default())
    }
}

impl Names {
    pub(crate) fn add(&mut self, name: &str) {
        if let Self::Some(names) = self {
            names.insert(name.to_owned(), Props::All);
        }
    }

    pub(crate) fn add_property(&mut self, name: &str, property: &str) {
        if let Self::Some(names) = self {
            match names
                .entry(name.to_owned())
                .or_insert_with(|| Props::Some(BTreeSet::new()))
            {
                Props::All => {}
                Props::Some(properties) => {
                    properties.insert(property.to_owned());
                }
            }
        }
    }
}

/// A request for another module.
#[derive(Debug, Clone)]
pub(crate) struct Dep {
    pub(crate) specifier: String,
    pub(crate) kind: DepKind,
    /// Byte range of the specifier in the source text.
    pub(crate) span: (usize, usize),
    /// What the body reads through `$$<index>`. Only for [`DepKind::Import`].
    pub(crate) names: Names,
    /// Names imported by hand, for the check that they exist: (name, byte range).
    pub(crate) imported: Vec<(String, (usize, usize))>,
    /// Inside of a `try` block: the code is ready for its absence.
    pub(crate) optional: bool,
}

/// Where the value of an export comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExportFrom {
    /// A binding of the module itself: the expression that reads it.
    Local(String),
    /// `export { name } from`: dep index and name there.
    Name(usize, String),
    /// `export * as ns from`: dep index.
    Namespace(usize),
}

/// An exported name.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    pub(crate) name: String,
    pub(crate) from: ExportFrom,
    /// May name a type that was erased, so that its absence is no error.
    pub(crate) maybe_type: bool,
}

/// The exports of a module, in their order and by name.
#[derive(Debug, Default)]
pub(crate) struct Exports {
    list: Vec<Export>,
    by_name: FxHashMap<String, usize>,
}

impl Exports {
    /// The name that is exported twice comes back as the error.
    pub(crate) fn new(list: Vec<Export>) -> Result<Self, String> {
        let mut by_name = FxHashMap::default();
        for (index, export) in list.iter().enumerate() {
            if by_name.insert(export.name.clone(), index).is_some() {
                return Err(export.name.clone());
            }
        }
        Ok(Self { list, by_name })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Export> {
        self.list.get(*self.by_name.get(name)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Export> {
        self.list.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}

/// A place in the printed code and the place in the source it came from. All 0-based;
/// columns in UTF-16 units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapping {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) source_line: u32,
    pub(crate) source_column: u32,
}

/// A transformed module.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) kind: Kind,
    /// The statements of the module function, without imports and exports.
    pub(crate) code: String,
    /// Prefix of every name the transformation introduced; see `transform::rewrite`.
    pub(crate) prefix: String,
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) deps: Vec<Dep>,
    pub(crate) exports: Exports,
    /// `export * from`: dep indexes.
    pub(crate) stars: Vec<usize>,
    /// Has `await` outside of functions.
    pub(crate) top_level_await: bool,
    /// Reads `import.meta`.
    pub(crate) import_meta: bool,
    /// Reads `__filename` or `__dirname` without declaring them.
    pub(crate) file_name: bool,
    /// A CommonJS module that assigns to `exports` or `module.exports`.
    pub(crate) assigns_exports: bool,
}

impl Unit {
    /// Bytes this unit holds in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        256 + self.code.len()
            + self.mappings.len() * size_of::<Mapping>()
            + self.deps.len() * 160
            + self.exports.len() * 80
    }

    /// A module whose exports are a JSON document.
    pub(crate) fn json(text: &str) -> Result<Self, serde_json::Error> {
        // Only the check matters: JavaScript's own parser reads it again at run time.
        let _: serde::de::IgnoredAny = serde_json::from_str(text)?;
        Ok(Self {
            kind: Kind::Json,
            code: format!("module.exports=JSON.parse({});", quote(text)),
            prefix: "$$".to_owned(),
            mappings: Vec::new(),
            deps: Vec::new(),
            exports: Exports::default(),
            stars: Vec::new(),
            top_level_await: false,
            import_meta: false,
            file_name: false,
            assigns_exports: true,
        })
    }
}

/// A JavaScript string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\u{2028}' => quoted.push_str("\\u2028"),
            '\u{2029}' => quoted.push_str("\\u2029"),
            c if (c as u32) < 0x20 => quoted.push_str(&format!("\\x{:02x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
