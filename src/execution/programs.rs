//! Artefacts in memory, ready for the sandbox.

use std::sync::Arc;

use aggregates::deployment::{Artefact, ArtefactKind};
use quick_cache::Weighter;
use sandbox::Program;
use serde_json::Value;

use super::Refused;
use crate::blobs::Blobs;

#[derive(Clone)]
struct Weight;

impl Weighter<String, Program> for Weight {
    fn weight(&self, _: &String, program: &Program) -> u64 {
        512 + match program.kind() {
            sandbox::Kind::JavaScript(code) => code.len() as u64,
            sandbox::Kind::Component(wasm) => wasm.len() as u64,
        }
    }
}

/// Programs by the hash of their code, up to a number of bytes; the least used
/// are fetched again when they are needed. Cheap to clone.
#[derive(Clone)]
pub struct Programs {
    blobs: Blobs,
    cache: Arc<quick_cache::sync::Cache<String, Program, Weight>>,
}

impl Programs {
    /// At most about `bytes` of code in memory.
    pub fn new(blobs: Blobs, bytes: u64) -> Self {
        let cache = quick_cache::sync::Cache::with_weighter(1024, bytes, Weight);
        Self {
            blobs,
            cache: Arc::new(cache),
        }
    }

    /// The program of an artefact.
    pub async fn of(&self, artefact: &Artefact) -> Result<Program, Refused> {
        if let Some(program) = self.cache.get(&artefact.code.sha256) {
            return Ok(program);
        }
        let code = self.blobs.get(&artefact.code).await?;
        let program = match artefact.kind {
            ArtefactKind::Component => Program::component(code),
            ArtefactKind::JavaScript => {
                let text = String::from_utf8(code.into())
                    .map_err(|_| Refused::Internal("a stored bundle is damaged".to_owned()))?;
                Program::javascript(text)
            }
        };
        self.cache
            .insert(artefact.code.sha256.clone(), program.clone());
        Ok(program)
    }

    /// A stack trace of the engine with the user's own lines in it.
    pub async fn map_stack(&self, artefact: &Artefact, text: &str) -> String {
        if !text.contains("bundle.js:") {
            return text.to_owned();
        }
        match self.mapper(artefact).await {
            Some(mapper) => mapper.map(text),
            None => text.to_owned(),
        }
    }

    /// The same for every text in an answer that is JSON.
    pub async fn map_answer(&self, artefact: &Artefact, answer: &mut Value) {
        if let Some(mapper) = self.mapper(artefact).await {
            mapper.map_json(answer);
        }
    }

    async fn mapper(&self, artefact: &Artefact) -> Option<compiler::StackMapper> {
        let map = self.blobs.get(artefact.source_map.as_ref()?).await.ok()?;
        let map = std::str::from_utf8(&map).ok()?;
        Some(compiler::StackMapper::parse(map))
    }
}
