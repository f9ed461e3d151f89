//! Scripts: single functions that are declared by a call of `createAction`, `createSync`,
//! `createOnEvent` or `createFunction`, the form of Nango functions.
//!
//! [`Compiler::compile_script`] checks the rules that such a module obeys (`shape`, `imports`,
//! `calls`), takes the call around the definition away (`edit`) and prints CommonJS text whose
//! `module.exports.default` is the definition with a first property `type` (`emit`). Packages stay
//! outside: the text asks for them with `require`.
//!
//! Types are not checked here. Where no type checker can be had, [`Compiler::check_script`] finds
//! what can be found without types (`checks`). [`Compiler::too_deep`] keeps both from scripts that
//! are nested absurdly deep (`depth`).

mod calls;
mod checks;
mod depth;
mod edit;
mod emit;
mod imports;
mod security;
mod shape;
mod warnings;

use std::sync::Arc;

use swc_core::{
    common::{GLOBALS, Globals, Mark, SyntaxContext},
    ecma::{
        ast::{Module, Program},
        transforms::base::resolver,
    },
};

use crate::{
    Compiler, Request, Source,
    diagnostic::Diagnostic,
    failure::Failure,
    graph,
    transform::{self, Input, Language},
    tsconfig::Settings,
};

pub use imports::ALLOWED;
pub use security::calls_constructor;

/// A script to compile: the entry and the files that it imports by relative paths.
#[derive(Debug, Clone)]
pub struct Script {
    /// Path and text; the first one is the entry. Diagnostics and source map name these paths.
    pub files: Arc<Vec<(String, String)>>,
}

/// What a script declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `createAction`.
    Action,
    /// `createSync`.
    Sync,
    /// `createOnEvent`.
    OnEvent,
    /// `createFunction`.
    Function,
}

impl Kind {
    /// The kind that a wrapper's name stands for.
    fn of_wrapper(name: &str) -> Option<Self> {
        Some(match name {
            "createAction" => Self::Action,
            "createSync" => Self::Sync,
            "createOnEvent" => Self::OnEvent,
            "createFunction" => Self::Function,
            _ => return None,
        })
    }

    /// The value of the property `type` of the definition.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Sync => "sync",
            Self::OnEvent => "onEvent",
            Self::Function => "function",
        }
    }

    /// The name under which an inline definition is exported besides `default`.
    fn export(self) -> &'static str {
        match self {
            Self::Function => "func",
            kind => kind.name(),
        }
    }
}

/// A compiled script.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The body of a CommonJS module, with its source map inline.
    pub code: String,
    /// The source map of `code`, version 3, JSON.
    pub source_map: String,
    /// What the default export is; none when there is no default export.
    pub kind: Option<Kind>,
    /// It saves, reads or clears checkpoints.
    pub checkpoints: bool,
    /// What compiles but cannot run.
    pub warnings: Vec<Diagnostic>,
}

/// One file, parsed.
struct Parsed {
    module: Module,
    /// Marks names that are declared nowhere in the file.
    unresolved: SyntaxContext,
}

impl Compiler {
    /// Compiles a script.
    ///
    /// # Errors
    /// [`Failure::Diagnostics`] with every rule that is broken, in the order of the source.
    pub async fn compile_script(&self, script: &Script) -> Result<Compiled, Failure> {
        let files = Arc::clone(&script.files);
        let single = files.len() == 1;
        let pool = self.pool()?;
        let work = move || {
            let mut prepared = prepare(&files)?;
            let emitted = if single {
                Some(single_file(&files[0], &prepared.text)?)
            } else {
                None
            };
            prepared
                .warnings
                .sort_by_key(|warning| (warning.line, warning.column));
            Ok((prepared, emitted))
        };
        let (prepared, emitted) = graph::on_pool(pool, work)
            .await?
            .map_err(Failure::Diagnostics)?;
        let (code, source_map) = match emitted {
            Some(emitted) => emitted,
            None => self.several_files(script, &prepared.text).await?,
        };
        Ok(Compiled {
            code,
            source_map,
            kind: prepared.kind,
            checkpoints: prepared.checkpoints,
            warnings: prepared.warnings,
        })
    }

    /// What can be found wrong in a script without knowing types: names that are declared nowhere,
    /// modules that do not exist, bindings that nothing uses, unknown options of `nango` methods.
    ///
    /// # Errors
    /// When a compiler thread fails; what is wrong with the script is the answer.
    pub async fn check_script(&self, script: &Script) -> Result<Vec<Diagnostic>, Failure> {
        let files = Arc::clone(&script.files);
        let work = move || {
            files
                .iter()
                .flat_map(|file| checked(file, &files))
                .collect()
        };
        graph::on_pool(self.pool()?, work).await
    }

    async fn several_files(
        &self,
        script: &Script,
        entry: &str,
    ) -> Result<(String, String), Failure> {
        let mut source = Source::from_files(
            script
                .files
                .iter()
                .map(|(path, text)| (path.as_str(), text.clone())),
        );
        let path = &script.files[0].0;
        source.insert(path.clone(), entry.to_owned().into());
        let request = Request {
            source: &source,
            entrypoint: path,
            commands: "",
            provided: &["zod", "unzipper", "soap", "botbuilder"],
            require_default_export: false,
        };
        let bundle = self.compile(request, &|_| {}).await?;
        if bundle.waits {
            return Err(Failure::Diagnostics(vec![emit::top_level_await(
                path, "", 0,
            )]));
        }
        Ok(emit::registry(&bundle.code, &bundle.source_map))
    }
}

struct Prepared {
    /// The entry without the call around the definition.
    text: String,
    kind: Option<Kind>,
    checkpoints: bool,
    warnings: Vec<Diagnostic>,
}

/// Applies the rules to every file and takes the wrapper off the entry.
fn prepare(files: &[(String, String)]) -> Result<Prepared, Vec<Diagnostic>> {
    GLOBALS.set(&Globals::new(), || {
        let mut prepared = Prepared {
            text: String::new(),
            kind: None,
            checkpoints: false,
            warnings: Vec::new(),
        };
        let mut broken = Vec::new();
        for (index, (path, text)) in files.iter().enumerate() {
            let parsed = match parse(path, text) {
                Ok(parsed) => parsed,
                Err(mut diagnostics) => {
                    broken.append(&mut diagnostics);
                    continue;
                }
            };
            let is_entry = index == 0;
            broken.append(&mut imports::check(path, text, &parsed.module));
            if is_entry {
                let shape = shape::read(path, text, &parsed.module);
                broken.extend(shape.broken);
                prepared.kind = shape.definition.as_ref().map(|found| found.kind);
                prepared.text = edit::unwrap(text, &parsed.module, shape.definition.as_ref());
            }
            let calls = calls::check(path, text, &parsed.module, is_entry);
            broken.extend(calls.broken);
            prepared.checkpoints |= calls.checkpoints;
            prepared
                .warnings
                .append(&mut warnings::find(path, text, &parsed));
        }
        if broken.is_empty() {
            Ok(prepared)
        } else {
            Err(broken)
        }
    })
}

/// The module as CommonJS, and its source map.
fn single_file(
    (path, text): &(String, String),
    edited: &str,
) -> Result<(String, String), Vec<Diagnostic>> {
    let settings = Settings::default();
    let unit = transform::module(&Input {
        path,
        text: edited,
        language: language(path),
        esm: true,
        user: true,
        comments: true,
        loops: false,
        settings: &settings,
    })?;
    emit::single(path, text, &unit)
}

fn checked((path, text): &(String, String), files: &[(String, String)]) -> Vec<Diagnostic> {
    GLOBALS.set(&Globals::new(), || match parse(path, text) {
        Ok(parsed) => checks::check(path, text, &parsed, files),
        Err(diagnostics) => diagnostics,
    })
}

fn language(path: &str) -> Language {
    let typescript = Language {
        typescript: true,
        jsx: false,
        json: false,
    };
    Language::of(path).unwrap_or(typescript)
}

fn parse(path: &str, text: &str) -> Result<Parsed, Vec<Diagnostic>> {
    let settings = Settings::default();
    let input = Input {
        path,
        text,
        language: language(path),
        esm: true,
        user: true,
        comments: true,
        loops: false,
        settings: &settings,
    };
    let mut program = transform::parsed(&input)?;
    let (unresolved, top_level) = (Mark::new(), Mark::new());
    program.mutate(resolver(unresolved, top_level, true));
    let module = match program {
        Program::Module(module) => module,
        Program::Script(script) => transform::as_module(script),
    };
    Ok(Parsed {
        module,
        unresolved: SyntaxContext::empty().apply_mark(unresolved),
    })
}

/// The line that an offset is on, 1-based.
fn line_of(text: &str, offset: usize) -> u32 {
    crate::diagnostic::line_column(text, offset).0
}
