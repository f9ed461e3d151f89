//! Handlers: single files in the form of PubNub functions, one default export that the sandbox's
//! driver `pubnub` calls.
//!
//! [`Compiler::compile_handler`] checks the rules that such a file obeys (`checks`), and prints it as
//! a bundle (`emit`) in which `require` is a call at run time and every loop counts its iterations.
//! Rules: section 11.1 of the reference, `pubnub-functions.md`; the bound of loops is in section 14.

mod checks;
mod emit;

use crate::{
    Compiler,
    failure::Failure,
    graph,
    transform::{self, Input, Language},
    tsconfig::Settings,
};

/// A compiled handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// A JavaScript expression, a bundle as in [`crate::Bundle::code`] that never waits. Its platform
    /// must provide `strata:pubnub`, as the sandbox does; the exports have `default` alone.
    pub code: String,
    /// The source map of `code`, version 3, JSON.
    pub source_map: String,
}

impl Compiler {
    /// Compiles one file. `path` is the name that diagnostics and stack traces show; its extension
    /// tells TypeScript from JavaScript, which any other one stands for.
    ///
    /// That the default export can be called is known at run time only, except for literals.
    ///
    /// # Errors
    /// [`Failure::Diagnostics`] with every rule that is broken, in the order of the source: lines and
    /// columns count from 1, columns in characters.
    pub async fn compile_handler(&self, path: &str, text: &str) -> Result<Compiled, Failure> {
        let (path, text) = (path.to_owned(), text.to_owned());
        let work = move || {
            let settings = Settings::default();
            let input = Input {
                path: &path,
                text: &text,
                language: language(&path),
                esm: true,
                user: true,
                comments: false,
                loops: true,
                settings: &settings,
            };
            checks::check(&input)?;
            Ok(emit::emit(&path, &text, &transform::module(&input)?))
        };
        graph::on_pool(self.pool()?, work)
            .await?
            .map_err(Failure::Diagnostics)
    }
}

fn language(path: &str) -> Language {
    let javascript = Language {
        typescript: false,
        jsx: false,
        json: false,
    };
    Language::of(path)
        .filter(|language| language.typescript && !language.jsx)
        .unwrap_or(javascript)
}
