//! From the entry to every module that can be reached.
//!
//! Modules are transformed in rounds, all new ones of a round at once. Imports
//! that lead into a package that is not there yet wait until it is fetched.

use std::sync::Arc;

use base64::Engine as _;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::{
    diagnostic::Diagnostic,
    failure::Failure,
    link::{Module, Target},
    resolve::{Outcome, Resolver, package_name},
    suggest::nearest,
    transform::{self, Input, Language},
    tree::{Place, Tree},
    tsconfig::Settings,
    unit::{Dep, DepKind, Unit},
    units::Recent,
};

/// What all modules of one build share.
pub(crate) struct Context {
    pub(crate) tree: Arc<Tree>,
    pub(crate) resolver: Resolver,
    pub(crate) settings: Settings,
    pub(crate) units: Arc<Recent<Unit>>,
    /// Largest number of modules.
    pub(crate) limit: usize,
    /// Names in package.json, for hints.
    pub(crate) declared: Vec<String>,
}

/// Bytes of one module. The syntax tree of a module takes some thirty times its size.
const LARGEST: usize = 16 << 20;

/// Fetches packages into the tree.
pub(crate) trait Fetch {
    fn fetch(&self, directories: Vec<String>) -> impl Future<Output = Result<(), Failure>> + Send;
}

struct Processed {
    unit: Arc<Unit>,
    outcomes: Vec<Outcome>,
    text: Option<String>,
    node_interop: bool,
    pure: bool,
}

/// Runs `work` on the compiler's own threads, which have deep stacks.
pub(crate) async fn on_pool<T: Send + 'static>(
    pool: &rayon::ThreadPool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (sender, receiver) = oneshot::channel();
    pool.spawn(move || {
        // The build may have been given up meanwhile.
        let _ = sender.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)));
    });
    match receiver.await {
        Ok(Ok(value)) => Ok(value),
        _ => Err(Failure::Internal("a compiler thread panicked".to_owned())),
    }
}

/// Builds the graph; module 0 is the entry.
pub(crate) async fn build(
    pool: &rayon::ThreadPool,
    context: Arc<Context>,
    entry: String,
    fetcher: &impl Fetch,
) -> Result<Vec<Module>, Failure> {
    let mut numbers: FxHashMap<String, usize> = FxHashMap::default();
    let mut paths = vec![entry.clone()];
    numbers.insert(entry, 0);
    let mut modules: Vec<Option<(Processed, Vec<Option<Target>>)>> = vec![None];
    let mut frontier = vec![0];
    let mut waiting: Vec<(usize, usize)> = Vec::new();
    let mut diagnostics = Vec::new();
    loop {
        // Transform what is new.
        let jobs: Vec<(usize, String)> = frontier
            .drain(..)
            .map(|module: usize| (module, paths[module].clone()))
            .collect();
        let shared = Arc::clone(&context);
        let results: Vec<(usize, Result<Processed, Vec<Diagnostic>>)> = on_pool(pool, move || {
            jobs.into_par_iter()
                .with_max_len(1)
                .map(|(module, path)| (module, process(&shared, &path)))
                .collect()
        })
        .await?;
        let mut outcomes: Vec<(usize, usize, Outcome)> = Vec::new();
        for (module, result) in results {
            match result {
                Ok(mut processed) => {
                    let found = std::mem::take(&mut processed.outcomes);
                    let targets = vec![None; found.len()];
                    outcomes.extend(
                        found
                            .into_iter()
                            .enumerate()
                            .map(|(dep, outcome)| (module, dep, outcome)),
                    );
                    modules[module] = Some((processed, targets));
                }
                Err(mut errors) => diagnostics.append(&mut errors),
            }
        }
        // Fetch packages only when there is nothing else to do, so that one wait covers many.
        if outcomes.is_empty() && !waiting.is_empty() && diagnostics.is_empty() {
            let mut directories = Vec::new();
            for (module, dep) in &waiting {
                if let Some((processed, _)) = &modules[*module]
                    && let Outcome::Fetch(wanted) =
                        outcome(&context, &paths[*module], &processed.unit.deps[*dep])
                {
                    directories.extend(wanted);
                }
            }
            directories.sort();
            directories.dedup();
            if !directories.is_empty() {
                fetcher.fetch(directories).await?;
                context.resolver.refresh();
            }
            for (module, dep) in std::mem::take(&mut waiting) {
                if let Some((processed, _)) = &modules[module] {
                    outcomes.push((
                        module,
                        dep,
                        outcome(&context, &paths[module], &processed.unit.deps[dep]),
                    ));
                }
            }
        }
        for (module, dep, outcome) in outcomes {
            let target = match outcome {
                Outcome::Fetch(_) => {
                    waiting.push((module, dep));
                    continue;
                }
                Outcome::File(path) => {
                    let next = paths.len();
                    let number = *numbers.entry(path.clone()).or_insert(next);
                    if number == next {
                        if paths.len() >= context.limit {
                            return Err(Failure::Limit(format!(
                                "the bundle has more than {} modules",
                                context.limit
                            )));
                        }
                        paths.push(path);
                        modules.push(None);
                        frontier.push(number);
                    }
                    Target::Module(number)
                }
                Outcome::Provided(name) => Target::Provided(name),
                Outcome::Native(_) | Outcome::Missing(_) => {
                    if let Some((processed, _)) = &modules[module]
                        && let Some(diagnostic) =
                            unresolved(&context, &paths[module], processed, dep, &outcome)
                    {
                        diagnostics.push(diagnostic);
                    }
                    Target::Missing
                }
            };
            if let Some((_, targets)) = &mut modules[module] {
                targets[dep] = Some(target);
            }
        }
        if frontier.is_empty() && (waiting.is_empty() || !diagnostics.is_empty()) {
            break;
        }
    }
    if !diagnostics.is_empty() {
        diagnostics.sort_by(|one: &Diagnostic, other| {
            (&one.file, one.line, one.column, &one.message).cmp(&(
                &other.file,
                other.line,
                other.column,
                &other.message,
            ))
        });
        return Err(Failure::Diagnostics(diagnostics));
    }
    Ok(modules
        .into_iter()
        .zip(paths)
        .filter_map(|(module, path)| {
            let (processed, targets) = module?;
            Some(Module {
                path,
                unit: processed.unit,
                targets: targets
                    .into_iter()
                    .map(|target| target.unwrap_or(Target::Missing))
                    .collect(),
                text: processed.text,
                node_interop: processed.node_interop,
                pure: processed.pure,
            })
        })
        .collect())
}

fn is_user(path: &str) -> bool {
    !path.starts_with("node_modules/") && !path.contains("/node_modules/")
}

fn outcome(context: &Context, path: &str, dep: &Dep) -> Outcome {
    context
        .resolver
        .resolve(path, &dep.specifier, dep.kind, is_user(path))
}

/// Reads and transforms one module, or takes the unit of an earlier build, and resolves its imports.
fn process(context: &Context, path: &str) -> Result<Processed, Vec<Diagnostic>> {
    let user = is_user(path);
    let manifest = context.tree.manifest(path);
    let type_module = manifest
        .as_ref()
        .is_some_and(|(_, manifest)| manifest.module);
    let extension = path.rsplit('.').next().unwrap_or_default();
    let esm = match extension {
        "mjs" | "mts" => true,
        "cjs" | "cts" => false,
        _ => type_module,
    };
    let place = context.tree.place(path);
    let package = match &place {
        Place::Package { pack, file, .. } => Some((pack, file)),
        Place::Upload => None,
    };
    let bytes = match package {
        Some((pack, file)) => pack.get(file),
        None => context.tree.source().get(path).cloned(),
    }
    .ok_or_else(|| vec![Diagnostic::file(path, "The file is not there")])?;
    if bytes.len() > LARGEST {
        return Err(vec![Diagnostic::file(
            path,
            format!(
                "The file is {} bytes; a module may be {LARGEST}",
                bytes.len()
            ),
        )]);
    }
    let key = match package {
        Some((pack, file)) => format!("{}\0{file}\0{esm}\0{}", pack.id, transform::REVISION),
        None => {
            let mut hash = Sha256::new();
            hash.update(path.as_bytes());
            hash.update([0, u8::from(esm), u8::from(user)]);
            hash.update(format!("{:?}", context.settings).as_bytes());
            hash.update(&bytes);
            base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash.finalize())
        }
    };
    let known = context.units.get(&key);
    let text = || {
        std::str::from_utf8(&bytes)
            .map(|text| text.trim_start_matches('\u{feff}'))
            .map_err(|_| vec![Diagnostic::file(path, "The file is not UTF-8 text")])
    };
    let unit = match known {
        Some(unit) => unit,
        None => {
            let language = match Language::of(path) {
                Some(language) => language,
                None if !user => Language {
                    typescript: false,
                    jsx: false,
                    json: false,
                },
                None => {
                    return Err(vec![Diagnostic::file(path, format!("Files of type .{extension} cannot be imported")).hint(
                        "code and JSON can be imported: .ts, .tsx, .mts, .cts, .js, .jsx, .mjs, .cjs, .json",
                    )]);
                }
            };
            let package_settings;
            let settings = if user {
                &context.settings
            } else {
                package_settings = Settings::default();
                &package_settings
            };
            let unit = Arc::new(transform::module(&Input {
                path,
                text: text()?,
                language,
                esm,
                user,
                comments: false,
                loops: false,
                settings,
            })?);
            context.units.put(key, Arc::clone(&unit), unit.weight());
            unit
        }
    };
    let outcomes = unit
        .deps
        .iter()
        .map(|dep| outcome(context, path, dep))
        .collect();
    Ok(Processed {
        unit,
        outcomes,
        text: if user { Some(text()?.to_owned()) } else { None },
        node_interop: esm,
        pure: !user && context.tree.is_pure(path),
    })
}

/// What is wrong with an import that leads nowhere; `None` when the code may be ready for that.
fn unresolved(
    context: &Context,
    path: &str,
    module: &Processed,
    dep: usize,
    outcome: &Outcome,
) -> Option<Diagnostic> {
    let dep = &module.unit.deps[dep];
    let user = module.text.is_some();
    // A package may try to load what only some have installed.
    if dep.optional || (!user && dep.kind != DepKind::Import) {
        return None;
    }
    let bytes = context.tree.read(path)?;
    let text = std::str::from_utf8(&bytes)
        .ok()?
        .trim_start_matches('\u{feff}');
    let (start, end) = dep.span;
    let specifier = &dep.specifier;
    let reason = match outcome {
        Outcome::Native(file) => {
            return Some(
                Diagnostic::at(path, text, start, end, format!("\"{specifier}\" is a compiled addon ({file})"))
                    .hint("addons are machine code and cannot run in the sandbox; use a package in JavaScript or WebAssembly"),
            );
        }
        Outcome::Missing(reason) => reason,
        _ => return None,
    };
    let message = match reason {
        Some(reason) => format!("Could not resolve \"{specifier}\": {reason}"),
        None => format!("Could not resolve \"{specifier}\""),
    };
    let diagnostic = Diagnostic::at(path, text, start, end, message);
    Some(match package_name(specifier) {
        None if specifier.starts_with('.') => match similar_file(context, path, specifier) {
            Some(near) => diagnostic.hint(format!("did you mean \"{near}\"?")),
            None => diagnostic.hint("the file is not in the upload"),
        },
        None => diagnostic,
        Some(_) if reason.is_some() => diagnostic,
        Some(name) => {
            let installed = context.tree.package_names();
            let known = installed
                .iter()
                .chain(&context.declared)
                .map(String::as_str)
                .chain(crate::resolve::BUILTINS.iter().copied());
            match nearest(name, known) {
                Some(near) if near != name => diagnostic.hint(format!("did you mean \"{near}\"?")),
                _ if context.declared.iter().any(|declared| declared == name) => {
                    diagnostic.hint(format!("`{name}` is declared in package.json, but the package has no such module"))
                }
                _ if user => diagnostic.hint(format!("add `{name}` to the dependencies in package.json")),
                _ => diagnostic.hint(format!("the package that imports it does not depend on `{name}`; add it to package.json")),
            }
        }
    })
}

/// A file of the upload whose path is nearly that of a relative import.
fn similar_file(context: &Context, path: &str, specifier: &str) -> Option<String> {
    let folder = crate::path::parent(path);
    let wanted = crate::path::join(folder, specifier)?;
    let stem = |path: &str| -> String {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        format!("{}/{stem}", crate::path::parent(path))
    };
    let files: Vec<(String, String)> = context
        .tree
        .source()
        .files()
        .filter(|(file, _)| is_user(file) && Language::of(file).is_some())
        .map(|(file, _)| (stem(file), file.to_owned()))
        .collect();
    let near = nearest(&stem(&wanted), files.iter().map(|(stem, _)| stem.as_str()))?;
    let (_, file) = files.iter().find(|(stem, _)| stem == near)?;
    let prefix = if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    };
    file.strip_prefix(&prefix).map(|rest| format!("./{rest}"))
}
