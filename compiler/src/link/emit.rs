//! The text of the bundle and its source map.

use std::fmt::Write as _;

use super::{
    Linked, Module, Target,
    exports::{self, Found},
    usage::{Reads, Usage},
    waits::Waits,
};
use crate::{
    path,
    source_map::{Builder, RUNTIME},
    unit::{DepKind, ExportFrom, Kind, quote},
};

/// Everything that is the same in every bundle.
const PRELUDE: &str = include_str!("../runtime.js");

struct Emitter<'a> {
    modules: &'a [Module],
    usage: &'a Usage,
    waits: &'a Waits,
    /// Number of each included module in the bundle.
    numbers: Vec<usize>,
    code: String,
    line: u32,
    map: Builder,
}

pub(super) fn emit(modules: &[Module], usage: &Usage, waits: &Waits, builtins: &[&str]) -> Linked {
    let order = order(modules, usage);
    let mut numbers = vec![usize::MAX; modules.len()];
    for (number, module) in order.iter().enumerate() {
        numbers[*module] = number;
    }
    let size: usize = order
        .iter()
        .map(|module| modules[*module].unit.code.len() + 200)
        .sum();
    let mut emitter = Emitter {
        modules,
        usage,
        waits,
        numbers,
        code: String::with_capacity(size + PRELUDE.len() + 1024),
        line: 0,
        map: Builder::default(),
    };
    emitter.prelude(builtins);
    for module in &order {
        emitter.module(*module);
    }
    let waits = waits.modules.contains(&0);
    emitter.push(if waits {
        "return S.a(ENTRY);\n"
    } else {
        "return load(ENTRY);\n"
    });
    emitter.push("})\n");
    Linked {
        code: emitter.code,
        source_map: emitter.map.finish(),
        modules: order.len(),
        waits,
    }
}

/// Included modules, depth first from the entry, so that equal graphs give equal bundles.
fn order(modules: &[Module], usage: &Usage) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = vec![false; modules.len()];
    let mut stack = vec![0];
    while let Some(module) = stack.pop() {
        if std::mem::replace(&mut seen[module], true) || !usage[module].included {
            continue;
        }
        order.push(module);
        for target in modules[module].targets.iter().rev() {
            if let Target::Module(target) = target {
                stack.push(*target);
            }
        }
    }
    order
}

impl Emitter<'_> {
    fn push(&mut self, text: &str) {
        self.code.push_str(text);
        let lines = text.bytes().filter(|byte| *byte == b'\n').count();
        self.line += u32::try_from(lines).unwrap_or(u32::MAX);
    }

    fn prelude(&mut self, builtins: &[&str]) {
        let runtime = self.map.source(RUNTIME, None);
        for line in PRELUDE
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            self.map.segment(self.line, 0, runtime, 0, 0);
            self.push(line);
            self.push("\n");
        }
        let mut names = String::from("var ENTRY=0,BUILTIN={");
        for name in builtins {
            let _ = write!(names, "{}:1,", quote(name));
        }
        names.push_str("};\n");
        self.push(&names);
    }

    fn module(&mut self, index: usize) {
        let modules = self.modules;
        let module = &modules[index];
        let unit = &*module.unit;
        let prefix = &unit.prefix;
        let esm = unit.kind == Kind::Esm;
        let waits = self.waits.modules.contains(&index);
        let kind = u8::from(esm) + u8::from(waits);
        let absolute = format!("/{}", module.path);

        let mut head = format!(
            "M[{}]=[{kind},{}function(",
            self.numbers[index],
            if waits { "async " } else { "" }
        );
        let (own_module, own_exports) = if esm {
            (format!("{prefix}m"), format!("{prefix}e"))
        } else {
            ("module".to_owned(), "exports".to_owned())
        };
        let own_require = if esm {
            format!("{prefix}r")
        } else {
            "require".to_owned()
        };
        let _ = write!(head, "{own_module},{own_exports},{own_require},{prefix}){{");
        if esm || unit.code.starts_with("\"use strict\"") || unit.code.starts_with("'use strict'") {
            head.push_str("\"use strict\";");
        }
        if unit.file_name {
            let _ = write!(
                head,
                "var __filename={},__dirname={};",
                quote(&absolute),
                quote(&format!("/{}", path::parent(&module.path)))
            );
        }
        if unit.import_meta {
            let _ = write!(head, "var {prefix}meta={prefix}.m();");
        }
        if esm {
            self.exports(index, &own_exports, &mut head);
        }
        self.imports(index, &own_exports, &mut head);
        head.push('\n');
        self.push(&head);

        let source = self.map.source(&module.path, module.text.as_deref());
        let first = self.line;
        self.push(&unit.code);
        if module.text.is_some() {
            for mapping in &unit.mappings {
                self.map.segment(
                    first + mapping.line,
                    mapping.column,
                    source,
                    mapping.source_line,
                    mapping.source_column,
                );
            }
        } else {
            for line in first..=self.line {
                self.map.segment(line, 0, source, 0, 0);
            }
        }

        let mut tail = String::from("\n},{");
        for (dep, target) in unit.deps.iter().zip(&module.targets) {
            if dep.kind == DepKind::Import {
                continue;
            }
            let _ = match target {
                Target::Module(target) => {
                    write!(tail, "{}:{},", quote(&dep.specifier), self.numbers[*target])
                }
                Target::Provided(name) => {
                    write!(tail, "{}:{},", quote(&dep.specifier), quote(name))
                }
                Target::Missing => Ok(()),
            };
        }
        let _ = writeln!(
            tail,
            "}},{},{}];",
            quote(&absolute),
            u8::from(module.node_interop)
        );
        self.push(&tail);
    }

    /// Getters for what others use of the module.
    fn exports(&self, index: usize, own_exports: &str, head: &mut String) {
        let module = &self.modules[index];
        let used = &self.usage[index];
        let prefix = &module.unit.prefix;
        let mut getters = String::new();
        for export in module.unit.exports.iter() {
            if !used.everything && !used.names.contains_key(&export.name) {
                continue;
            }
            let value = match &export.from {
                ExportFrom::Local(name) => name.clone(),
                ExportFrom::Name(dep, original) => {
                    if let Target::Module(target) = module.targets[*dep]
                        && exports::find(self.modules, target, original) == Found::No
                    {
                        continue;
                    }
                    format!("{prefix}{dep}{}", property(original))
                }
                ExportFrom::Namespace(dep) => format!("{prefix}{dep}"),
            };
            let _ = write!(getters, "{}:()=>{value},", key(&export.name));
        }
        for star in &module.unit.stars {
            let Target::Module(target) = module.targets[*star] else {
                continue;
            };
            let mut names = if used.everything {
                exports::names(self.modules, target)
            } else {
                used.names.keys().cloned().collect()
            };
            names.sort();
            for name in names {
                if name != "default"
                    && module.unit.exports.get(&name).is_none()
                    && matches!(exports::find(self.modules, target, &name), Found::At(_))
                    && exports::find(self.modules, index, &name) != Found::Ambiguous
                {
                    let _ = write!(
                        getters,
                        "{}:()=>{prefix}{star}{},",
                        key(&name),
                        property(&name)
                    );
                }
            }
        }
        if !getters.is_empty() {
            let _ = write!(head, "{prefix}.e({own_exports},{{{getters}}});");
        }
    }

    fn imports(&self, index: usize, own_exports: &str, head: &mut String) {
        let module = &self.modules[index];
        let prefix = &module.unit.prefix;
        for (dep, target) in module.targets.iter().enumerate() {
            let reads = &self.usage[index].reads[dep];
            if module.unit.deps[dep].kind != DepKind::Import || *reads == Reads::Nothing {
                continue;
            }
            let (id, esm) = match target {
                Target::Module(target) => (
                    self.numbers[*target].to_string(),
                    self.modules[*target].unit.kind == Kind::Esm,
                ),
                Target::Provided(name) => (quote(name), false),
                Target::Missing => continue,
            };
            let waits = self.waits.modules.contains(&index)
                && matches!(target, Target::Module(target) if self.waits.modules.contains(target));
            let star = module.unit.stars.contains(&dep);
            let load = if waits && self.waits.back.contains(&(index, dep)) {
                format!("{prefix}.p({id})")
            } else if waits {
                format!("await {prefix}.a({id})")
            } else if esm {
                format!("{prefix}.r({id})")
            } else {
                match reads {
                    Reads::Names(names) if names.is_empty() => format!("{prefix}.r({id})"),
                    Reads::Names(names) => {
                        let keys: Vec<String> = names.iter().map(|name| quote(name)).collect();
                        format!("{prefix}.c({id},[{}])", keys.join(","))
                    }
                    _ => format!("{prefix}.n({id})"),
                }
            };
            match reads {
                Reads::Names(names) if names.is_empty() && !star => {
                    let _ = write!(head, "{load};");
                }
                _ => {
                    let _ = write!(head, "var {prefix}{dep}={load};");
                }
            }
            if star && self.dynamic(target) {
                // What a CommonJS module exports is known only now.
                let _ = write!(head, "{prefix}.s({own_exports},{prefix}.r({id}));");
            }
        }
    }

    /// Whether some names of `export *` from the target are known only at run time.
    fn dynamic(&self, target: &Target) -> bool {
        let Target::Module(target) = target else {
            return true;
        };
        let mut visited = rustc_hash::FxHashSet::default();
        let mut queue = vec![*target];
        while let Some(module) = queue.pop() {
            if !visited.insert(module) {
                continue;
            }
            if self.modules[module].unit.kind != Kind::Esm {
                return true;
            }
            for star in &self.modules[module].unit.stars {
                match self.modules[module].targets[*star] {
                    Target::Module(target) => queue.push(target),
                    _ => return true,
                }
            }
        }
        false
    }
}

/// Names that every parser takes as a plain property.
fn plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$')
}

fn property(name: &str) -> String {
    if plain(name) {
        format!(".{name}")
    } else {
        format!("[{}]", quote(name))
    }
}

fn key(name: &str) -> String {
    // `{__proto__: …}` sets the prototype.
    if name == "__proto__" {
        "[\"__proto__\"]".to_owned()
    } else if plain(name) {
        name.to_owned()
    } else {
        quote(name)
    }
}
