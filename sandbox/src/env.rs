//! The variables of a function.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

/// Variables a function sees in `process.env`.
///
/// Plain ones may end up in a snapshot of the program; secret ones never do:
/// a program whose top level looks at a secret stays on tier 0.
#[derive(Clone, Default)]
pub struct Env {
    vars: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    digest: [u8; 32],
}

impl Env {
    /// Variables from the plain and the secret ones. A secret hides a plain
    /// variable of the same name.
    pub fn new(mut vars: BTreeMap<String, String>, secrets: BTreeMap<String, String>) -> Self {
        vars.retain(|name, _| !secrets.contains_key(name));
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        for (name, value) in &vars {
            add(name);
            add(value);
        }
        add("secrets");
        for name in secrets.keys() {
            add(name);
        }
        let digest = hash.finalize().into();
        Self {
            vars,
            secrets,
            digest,
        }
    }

    /// Identifies what a snapshot may have seen: the plain variables and the
    /// names of the secret ones.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// All variables with their values, secrets included.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.vars.iter().chain(&self.secrets)
    }

    /// What a running instance sees, as JSON.
    pub(crate) fn open(&self) -> String {
        let vars: BTreeMap<&String, &String> = self.iter().collect();
        serde_json::json!({ "vars": vars, "secrets": [] }).to_string()
    }

    /// What an instance that is about to be snapshotted sees, as JSON.
    pub(crate) fn guarded(&self) -> String {
        let secrets: Vec<&String> = self.secrets.keys().collect();
        serde_json::json!({ "vars": self.vars, "secrets": secrets }).to_string()
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("vars", &self.vars.keys())
            .field("secrets", &self.secrets.keys())
            .finish()
    }
}
