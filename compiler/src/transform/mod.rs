//! From the text of one module to a [`Unit`].

mod depth;
mod exports;
mod loops;
mod lower;
mod parse;
mod print;
mod rewrite;
mod syntax;

use std::panic::{AssertUnwindSafe, catch_unwind};

use swc_core::{
    common::{GLOBALS, Globals, Mark, SyntaxContext},
    ecma::{ast::Program, transforms::base::resolver},
};

use crate::{diagnostic::Diagnostic, tsconfig::Settings, unit::Unit};

/// Version of what this module prints: part of the key under which units are kept.
pub(crate) const REVISION: u32 = 1;

pub(crate) use parse::{as_module, range};

/// The language of a file, from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Language {
    pub(crate) typescript: bool,
    pub(crate) jsx: bool,
    pub(crate) json: bool,
}

impl Language {
    /// `None` for a file that is not code.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        let (typescript, jsx, json) = match extension {
            "ts" | "mts" | "cts" => (true, false, false),
            "tsx" => (true, true, false),
            "js" | "mjs" | "cjs" => (false, false, false),
            "jsx" => (false, true, false),
            "json" => (false, false, true),
            _ => return None,
        };
        Some(Self {
            typescript,
            jsx,
            json,
        })
    }
}

/// A module to transform.
pub(crate) struct Input<'a> {
    /// Path relative to the root, for diagnostics.
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) language: Language,
    /// The extension or the package says that the file is an ES module.
    pub(crate) esm: bool,
    /// The code is the user's: keep lines, make mappings.
    pub(crate) user: bool,
    /// Comments are kept.
    pub(crate) comments: bool,
    /// Every loop counts its iterations, see `loops`.
    pub(crate) loops: bool,
    pub(crate) settings: &'a Settings,
}

/// Transforms one module. Never panics: a panic inside the parser or a pass becomes a diagnostic.
pub(crate) fn module(input: &Input<'_>) -> Result<Unit, Vec<Diagnostic>> {
    if input.language.json {
        let text = input.text.trim_start_matches('\u{feff}');
        return Unit::json(text).map_err(|error| {
            let at = offset_of(text, error.line(), error.column());
            let reason = error.to_string();
            let reason = reason
                .split(" at line ")
                .next()
                .unwrap_or(&reason)
                .to_owned();
            vec![Diagnostic::at(
                input.path,
                text,
                at,
                at + 1,
                format!("Not a JSON document: {reason}"),
            )]
        });
    }
    nesting(input.path, input.text, depth::BRACKETS).map_err(|diagnostic| vec![diagnostic])?;
    catch_unwind(AssertUnwindSafe(|| transform(input))).unwrap_or_else(|_| Err(vec![failed(input)]))
}

/// Refuses text whose brackets nest deeper than `most`, or whose chains are too long.
pub(crate) use depth::check as nesting;

/// The syntax tree of one module, for those who only look at it. Never panics.
pub(crate) fn parsed(input: &Input<'_>) -> Result<Program, Vec<Diagnostic>> {
    nesting(input.path, input.text, depth::BRACKETS).map_err(|diagnostic| vec![diagnostic])?;
    catch_unwind(AssertUnwindSafe(|| {
        parse::parse(input).map(|parsed| parsed.program)
    }))
    .unwrap_or_else(|_| Err(vec![failed(input)]))
}

fn failed(input: &Input<'_>) -> Diagnostic {
    Diagnostic::file(
        input.path,
        "The compiler failed on this file; this is a fault of the platform",
    )
}

fn transform(input: &Input<'_>) -> Result<Unit, Vec<Diagnostic>> {
    GLOBALS.set(&Globals::new(), || {
        let parsed = parse::parse(input)?;
        let unresolved = Mark::new();
        let top_level = Mark::new();
        let mut program = parsed.program;
        program.mutate(resolver(unresolved, top_level, input.language.typescript));
        let found = lower::Found::look(&program, input);
        let comments = input.comments.then(|| parsed.comments.clone());
        let lowered = found.needs_lowering(input);
        if lowered {
            program = lower::lower(
                program,
                input,
                found,
                parsed.comments,
                unresolved,
                top_level,
            );
        }
        let mut module = match program {
            Program::Module(module) => module,
            Program::Script(script) => parse::as_module(script),
        };
        module.shebang = None;
        let prefix = prefix(input.text);
        let unresolved_context = SyntaxContext::empty().apply_mark(unresolved);
        let rewritten = rewrite::rewrite(
            &mut module,
            input,
            &prefix,
            unresolved_context,
            parsed.module_syntax,
        );
        if input.loops {
            loops::count(&mut module, &prefix, unresolved_context);
        }
        print::print(module, rewritten, input, lowered, comments.as_ref())
    })
}

/// A string that occurs nowhere in `text`, so that every name that starts with it is free. Names
/// written with escapes are another matter: their text is not what they are.
pub(crate) fn prefix(text: &str) -> String {
    let mut prefix = "$$".to_owned();
    while text.contains(&prefix) {
        prefix.push_str(if prefix.len().is_multiple_of(2) {
            "_"
        } else {
            "$"
        });
    }
    prefix
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (start + column.saturating_sub(1)).min(text.len())
}
