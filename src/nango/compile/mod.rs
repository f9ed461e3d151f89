//! From the source of a function to its bundle and its definition, with the same verdict and the
//! same texts as the published command line.
//!
//! Three steps, each of which can refuse: types are checked, rules are checked while the bundle is
//! made, and the bundle is loaded in the sandbox to read its definition. They run side by side; what
//! the earliest step says counts.

mod report;

use std::sync::Arc;
use std::time::Duration;

use compiler::script::{Kind, Script};
use quick_cache::Weighter;
use sandbox::{Invocation, Limits, Program};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::toolchain::{CHECKER, Toolchain, Unavailable};

pub use report::Place;

/// Longest compilation; the dialect's own limit.
pub const TIME_LIMIT: Duration = Duration::from_secs(180);
/// For loading a bundle and reading its definition.
const LOAD: Duration = Duration::from_secs(10);
const LOAD_MEMORY: usize = 256 << 20;
/// Results that are kept, in bytes.
const CACHE: u64 = 32 << 20;

/// One message about one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Path of the file.
    pub file: String,
    /// 1-based; 0 when no place is meant.
    pub line: u32,
    /// 1-based; 0 when no place is meant.
    pub column: u32,
    /// `TS6133` for the type checker's, else the step: `bundle`, `definition`, `load`, `runtime`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A compiled function.
#[derive(Clone, Debug)]
pub struct Built {
    /// The body of a CommonJS module, with its source map inline.
    pub code: String,
    /// The source map, JSON.
    pub source_map: String,
    /// Action, sync, on-event or function.
    pub kind: Kind,
    /// What the definition says, with its schemas as JSON Schema where they were wanted.
    pub definition: Value,
    /// What compiles and cannot run.
    pub warnings: Vec<Diagnostic>,
    /// What checked the types; none: nothing did, and why.
    pub checked: Checked,
}

/// Whether types were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// By the type checker of this name and version.
    By(&'static str),
    /// Only what can be found without types was looked for. The reason.
    Without(String),
}

/// Why there is no bundle.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The source is at fault.
    Source(Broken),
    /// It took too long.
    Timeout,
    /// What compiles cannot be had right now.
    Unavailable(String),
    /// A fault of ours.
    Internal(String),
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable.0)
    }
}

/// What is wrong with a source.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Where it stopped.
    pub step: Step,
    /// Every message.
    pub diagnostics: Vec<Diagnostic>,
    /// The text that the command line would print.
    pub text: String,
    /// Whether types were checked.
    pub checked: Checked,
}

/// The steps of a compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Types.
    Check,
    /// Rules and bundle.
    Bundle,
    /// What the definition says.
    Definition,
    /// The top level of the module threw.
    Load,
}

type Outcome = Result<Arc<Built>, Failure>;

#[derive(Clone)]
struct Weight;

impl Weighter<[u8; 32], Outcome> for Weight {
    fn weight(&self, _: &[u8; 32], outcome: &Outcome) -> u64 {
        match outcome {
            Ok(built) => 1024 + (built.code.len() + built.source_map.len() * 2) as u64,
            Err(Failure::Source(broken)) => 1024 + 3 * broken.text.len() as u64,
            Err(_) => 1024,
        }
    }
}

/// Compiles functions. Cheap to clone.
#[derive(Clone)]
pub struct Compiling {
    toolchain: Toolchain,
    known: Arc<quick_cache::sync::Cache<[u8; 32], Outcome, Weight>>,
}

/// What to compile.
#[derive(Clone, Debug)]
pub struct Request {
    /// Path and text; the first is the entry.
    pub files: Arc<Vec<(String, String)>>,
    /// What the printed text calls things.
    pub place: Place,
    /// The number that names of schemas hold, see the dialect's section 9.7.
    pub integration: String,
    /// The name of the function.
    pub name: String,
    /// Whether the definition is to hold its schemas, as JSON Schema. They cannot fail: that a
    /// source compiles is known without them.
    pub schemas: bool,
}

impl Compiling {
    /// With these tools.
    pub fn new(toolchain: Toolchain) -> Self {
        let known = quick_cache::sync::Cache::with_weighter(4096, CACHE, Weight);
        Self {
            toolchain,
            known: Arc::new(known),
        }
    }

    /// The tools.
    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    /// Compiles, or answers what came of the same source before.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn compile(&self, request: Request) -> Outcome {
        let key = key(&request);
        if let Some(known) = self.known.get(&key) {
            return known;
        }
        let work = self.compile_now(&request);
        let outcome = tokio::time::timeout(TIME_LIMIT, work).await;
        let outcome = outcome.unwrap_or(Err(Failure::Timeout)).map(Arc::new);
        // What was not checked because the checker was away may be checked the next time.
        let checks = self.toolchain.checks();
        let stands = match &outcome {
            Ok(built) => !checks || matches!(built.checked, Checked::By(_)),
            Err(Failure::Source(broken)) => !checks || matches!(broken.checked, Checked::By(_)),
            Err(_) => false,
        };
        if stands {
            self.known.insert(key, outcome.clone());
        }
        outcome
    }

    async fn compile_now(&self, request: &Request) -> Result<Built, Failure> {
        let script = Script {
            files: request.files.clone(),
        };
        let deep = self.toolchain.compiler().too_deep(&script).await;
        if let Some(found) = deep.map_err(|failure| Failure::Internal(failure.to_string()))? {
            let found = vec![plain(&found, "check")];
            return Err(Failure::Source(Broken {
                step: Step::Check,
                text: report::check(&found),
                diagnostics: found,
                checked: Checked::Without("the code is nested too deeply".to_owned()),
            }));
        }
        let (checked, built) = tokio::join!(self.check(&script), self.bundle(request, &script));
        let (found, checked) = checked?;
        let broken = |step, diagnostics: Vec<Diagnostic>, text| {
            Failure::Source(Broken {
                step,
                text,
                diagnostics,
                checked: checked.clone(),
            })
        };
        if !found.is_empty() {
            let text = report::check(&found);
            return Err(broken(Step::Check, found, text));
        }
        match built {
            Ok(built) => Ok(Built { checked, ..built }),
            Err(Stop::Broken(step, found, text)) => Err(broken(step, found, text)),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    /// Messages about types, and what they come from.
    async fn check(&self, script: &Script) -> Result<(Vec<Diagnostic>, Checked), Failure> {
        let reason = match self.toolchain.checker().await {
            Ok(checker) => match checker.check(&script.files).await {
                Ok(found) => {
                    let found = found
                        .into_iter()
                        .map(|found| typed(found, script))
                        .collect();
                    return Ok((found, Checked::By(CHECKER)));
                }
                Err(typecheck::Error::Timeout(_)) => return Err(Failure::Timeout),
                Err(error) => {
                    tracing::warn!(%error, "the type checker failed");
                    error.to_string()
                }
            },
            Err(unavailable) => unavailable.0,
        };
        let found = self.toolchain.compiler().check_script(script).await;
        let found = found.map_err(|failure| Failure::Internal(failure.to_string()))?;
        let found = found.iter().map(|found| plain(found, "check")).collect();
        Ok((found, Checked::Without(reason)))
    }

    async fn bundle(&self, request: &Request, script: &Script) -> Result<Built, Stop> {
        let compiler = self.toolchain.compiler();
        let compiled = match compiler.compile_script(script).await {
            Ok(compiled) => compiled,
            Err(compiler::Failure::Diagnostics(found)) => {
                let found: Vec<_> = found.iter().map(|found| plain(found, "bundle")).collect();
                let text = report::bundle(&request.place, &found);
                return Err(Stop::Broken(Step::Bundle, found, text));
            }
            Err(failure) => return Err(Stop::Failed(Failure::Internal(failure.to_string()))),
        };
        let code = readable(&compiled.code);
        let definition = self
            .definition(request, &code, &compiled.source_map)
            .await?;
        let Some(kind) = compiled.kind else {
            let text = report::no_default(&request.place);
            let found = vec![whole(
                request,
                "definition",
                "Script should have a default export",
            )];
            return Err(Stop::Broken(Step::Definition, found, text));
        };
        let warnings = compiled.warnings.iter();
        Ok(Built {
            warnings: warnings.map(|found| plain(found, "runtime")).collect(),
            code: compiled.code,
            source_map: compiled.source_map,
            kind,
            definition: with_features(definition, compiled.checkpoints),
            checked: Checked::Without(String::new()),
        })
    }

    /// Loads a bundle and reads its definition.
    async fn definition(&self, request: &Request, code: &str, map: &str) -> Result<Value, Stop> {
        let image = self.toolchain.image().await.map_err(Failure::from)?;
        let ask = json!({
            "file": request.place.source,
            "integration": request.integration,
            "name": request.name,
            "schemas": request.schemas,
        });
        let mut invocation = Invocation::new("nango-definition", ask, "");
        invocation.image = Some(image);
        invocation.limits = Limits {
            wall: LOAD,
            memory: LOAD_MEMORY,
            output: 8 << 20,
            logs: 10_000,
            ..Limits::default()
        };
        let program = Program::javascript(code);
        let outcome = self.toolchain.sandbox().execute(&program, invocation).await;
        let place = &request.place;
        let answer = match outcome.result {
            Ok(response) => response.value,
            Err(sandbox::Failure::Internal(cause)) => {
                return Err(Stop::Failed(Failure::Internal(cause)));
            }
            Err(sandbox::Failure::Concurrency { .. }) => {
                let text = "all instances are busy".to_owned();
                return Err(Stop::Failed(Failure::Unavailable(text)));
            }
            Err(failure) => {
                let told = compiler::StackMapper::parse(map).map(&failure.to_string());
                let found = vec![whole(
                    request,
                    "load",
                    told.lines().next().unwrap_or_default(),
                )];
                return Err(Stop::Broken(Step::Load, found, report::load(place, &told)));
            }
        };
        if answer["ok"] == true {
            return Ok(answer["definition"].clone());
        }
        let message = answer["message"].as_str().unwrap_or_default();
        let found = vec![whole(request, "definition", message)];
        let text = match answer["kind"].as_str() {
            Some("no-default") => report::no_default(place),
            _ => report::definition(place, message),
        };
        Err(Stop::Broken(Step::Definition, found, text))
    }
}

/// Why there is no bundle, before it is known what the type checker says.
enum Stop {
    Broken(Step, Vec<Diagnostic>, String),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The text of a module without its source map, as the sandbox takes programs: an expression, a
/// function that takes the platform and gives the exports. Lines stay where they are.
pub fn runnable(code: &str) -> String {
    wrapped(code, "__platform.require")
}

/// The same for reading its definition, which upstream does in a host that knows the modules under
/// both of their names.
fn readable(code: &str) -> String {
    let require = "((name) => __platform.require(name.replace(/^node:/, \"\")))";
    wrapped(code, require)
}

fn wrapped(code: &str, require: &str) -> String {
    let end = code
        .rfind("//# sourceMappingURL=")
        .map_or(code, |at| &code[..at]);
    format!(
        "(function (__platform) {{ var __module = {{ exports: {{}} }}; (function (module, exports, require) {{ {end}\n}})(__module, __module.exports, {require}); return __module.exports; }})"
    )
}

fn key(request: &Request) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    add(&request.place.source);
    add(&request.integration);
    add(&request.name);
    add(if request.schemas { "schemas" } else { "" });
    for (path, text) in request.files.iter() {
        add(path);
        add(text);
    }
    hash.finalize().into()
}

fn typed(found: typecheck::Diagnostic, script: &Script) -> Diagnostic {
    let column = match found.code {
        // An import that is unused as a whole: upstream's release of the checker names the place of
        // the declaration, this one that of the binding.
        6133 => import_column(&found, script).unwrap_or(found.column),
        _ => found.column,
    };
    Diagnostic {
        file: found.file,
        line: found.line,
        column,
        code: format!("TS{}", found.code),
        message: found.message,
        hint: None,
    }
}

/// Where the import declaration begins that is on this line and has one binding only.
fn import_column(found: &typecheck::Diagnostic, script: &Script) -> Option<u32> {
    let (_, text) = script.files.iter().find(|(path, _)| *path == found.file)?;
    let line = text.lines().nth(found.line.checked_sub(1)? as usize)?;
    let declaration = line.trim_start();
    let (clause, _) = declaration.strip_prefix("import ")?.split_once(" from ")?;
    let indent = line.len() - declaration.len();
    (!clause.contains(',')).then(|| u32::try_from(indent + 1).unwrap_or(1))
}

fn plain(found: &compiler::Diagnostic, code: &str) -> Diagnostic {
    Diagnostic {
        file: found.file.clone(),
        line: found.line,
        column: found.column,
        code: code.to_owned(),
        message: found.message.clone(),
        hint: found.hint.clone(),
    }
}

/// A message about a file as a whole.
fn whole(request: &Request, code: &str, message: &str) -> Diagnostic {
    Diagnostic {
        file: request.place.source.clone(),
        line: 0,
        column: 0,
        code: code.to_owned(),
        message: message.to_owned(),
        hint: None,
    }
}

fn with_features(mut definition: Value, checkpoints: bool) -> Value {
    let features: &[&str] = if checkpoints { &["checkpoints"] } else { &[] };
    definition["features"] = json!(features);
    definition
}
