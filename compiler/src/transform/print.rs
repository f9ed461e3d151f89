//! Syntax tree → text and mappings.

use swc_core::{
    common::{
        BytePos, LineCol, SourceMap,
        comments::{Comments, SingleThreadedComments},
        sync::Lrc,
    },
    ecma::{
        ast::{Expr, Module, ModuleItem, Stmt},
        codegen::{Config, Emitter, Node, text_writer::JsWriter},
        transforms::base::{fixer::fixer, hygiene::hygiene},
        visit::VisitMutWith,
    },
};

use super::{Input, parse::offset, rewrite::Rewritten};
use crate::{
    diagnostic::Diagnostic,
    unit::{ExportFrom, Exports, Kind, Mapping, Unit},
};

pub(super) fn print(
    mut module: Module,
    rewritten: Rewritten,
    input: &Input<'_>,
    lowered: bool,
    comments: Option<&SingleThreadedComments>,
) -> Result<Unit, Vec<Diagnostic>> {
    // Text that was not lowered holds no name that a pass made up, and keeps its parentheses.
    if lowered {
        module.visit_mut_with(&mut hygiene());
    }
    let locals = take_locals(&mut module);
    if lowered {
        module.visit_mut_with(&mut fixer(None));
    }
    let mut exports = rewritten.exports;
    for export in &mut exports {
        if let ExportFrom::Local(index) = &export.from {
            let name = index
                .parse::<usize>()
                .ok()
                .and_then(|index| locals.get(index));
            export.from =
                ExportFrom::Local(name.cloned().unwrap_or_else(|| "undefined".to_owned()));
        }
    }
    let exports = Exports::new(exports).map_err(|name| {
        vec![Diagnostic::file(
            input.path,
            format!("The name `{name}` is exported twice"),
        )]
    })?;

    let mut buffer = Vec::with_capacity(input.text.len());
    let mut positions: Vec<(BytePos, LineCol)> = Vec::new();
    let files: Lrc<SourceMap> = Lrc::new(SourceMap::default());
    let config = Config::default().with_minify(!input.user);
    let mut emitter = Emitter {
        cfg: config,
        cm: files.clone(),
        comments: comments.map(|comments| comments as &dyn Comments),
        wr: JsWriter::new(
            files,
            "\n",
            &mut buffer,
            input.user.then_some(&mut positions),
        ),
    };
    module.emit_with(&mut emitter).map_err(|error| {
        vec![Diagnostic::file(
            input.path,
            format!("The code cannot be printed: {error}"),
        )]
    })?;
    let code = String::from_utf8(buffer).map_err(|_| {
        vec![Diagnostic::file(
            input.path,
            "The code cannot be printed as UTF-8",
        )]
    })?;
    let strict = rewritten.kind == Kind::Esm;
    Ok(Unit {
        kind: if strict { Kind::Esm } else { Kind::Cjs },
        mappings: mappings(input.text, &positions),
        code,
        prefix: rewritten.prefix,
        deps: rewritten.deps,
        exports,
        stars: rewritten.stars,
        top_level_await: rewritten.top_level_await,
        import_meta: rewritten.import_meta,
        file_name: rewritten.file_name,
        assigns_exports: rewritten.assigns_exports,
    })
}

/// The names in the marker statement that `rewrite` left at the end.
fn take_locals(module: &mut Module) -> Vec<String> {
    let Some(ModuleItem::Stmt(Stmt::Expr(marker))) = module.body.pop() else {
        return Vec::new();
    };
    let Expr::Array(array) = *marker.expr else {
        return Vec::new();
    };
    array
        .elems
        .iter()
        .flatten()
        .map(|element| match &*element.expr {
            Expr::Ident(ident) => ident.sym.to_string(),
            _ => "undefined".to_owned(),
        })
        .collect()
}

/// Positions of the parser → 0-based lines and UTF-16 columns of the source.
fn mappings(text: &str, positions: &[(BytePos, LineCol)]) -> Vec<Mapping> {
    let mut starts = vec![0_usize];
    starts.extend(
        text.bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1),
    );
    let mut mappings = Vec::with_capacity(positions.len());
    for (position, place) in positions {
        if position.is_dummy() {
            continue;
        }
        let at = offset(*position).min(text.len());
        let line = starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1);
        let Some(before) = text.get(starts[line]..at) else {
            continue;
        };
        let column = if before.is_ascii() {
            before.len()
        } else {
            before.encode_utf16().count()
        };
        mappings.push(Mapping {
            line: place.line,
            column: place.col,
            source_line: u32::try_from(line).unwrap_or(u32::MAX),
            source_column: u32::try_from(column).unwrap_or(u32::MAX),
        });
    }
    mappings.sort_unstable_by_key(|mapping| (mapping.line, mapping.column));
    mappings
}
