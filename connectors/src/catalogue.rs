//! The providers that are known.
//!
//! The built-in file is `providers.yaml` of this crate; an operator adds a file of the same form.
//! YAML is read with `serde-saphyr`: of the successors of `serde_yaml` it is the one that is kept
//! up, has no unsafe code (the others wrap a C library turned into Rust), refuses duplicate keys,
//! bounds what a document may expand to, and knows the line of an error.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use serde_saphyr::Spanned;

use crate::provider::{self, AuthMode, Provider};

/// What an entry looks like before it has inherited.
type Entry = Provider<Option<AuthMode>>;

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::default()
        .with_file(include_str!("../providers.yaml"))
        .expect("the built-in catalogue is checked by a test")
});

/// Providers by name. A clone is cheap.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    providers: Arc<BTreeMap<String, Arc<Provider>>>,
}

/// Why a catalogue file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML, or not of the right form.
    #[error("{}{path}: {message}", line_text(*line))]
    Form {
        /// The line, from 1; 0 where it is not known.
        line: u64,
        /// Where in the file: the provider's name and the path of the field.
        path: String,
        /// What is wrong there.
        message: String,
    },
    /// An entry does not hold together.
    #[error("line {line}: provider {provider}: {field} {message}")]
    Provider {
        /// The line at which the entry starts, from 1.
        line: u64,
        /// The provider.
        provider: String,
        /// The path of the field.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

fn line_text(line: u64) -> String {
    if line == 0 {
        String::new()
    } else {
        format!("line {line}: ")
    }
}

impl Catalogue {
    /// The built-in catalogue, read at the first call.
    #[must_use]
    pub fn built_in() -> Self {
        BUILT_IN.clone()
    }

    /// This catalogue with the entries of `text`. A provider of the same name is replaced. An
    /// entry with `alias` starts from that provider, of this file or of the catalogue, and says
    /// what differs: maps are merged unless they say their own `type` (a field, a kind of
    /// pagination), everything else is replaced.
    ///
    /// # Errors
    ///
    /// An [`Error`] for the first thing that is wrong, with the provider, the field and the line.
    pub fn with_file(&self, text: &str) -> Result<Self, Error> {
        let entries = read(text)?;
        let mut providers = (*self.providers).clone();
        for name in entries.keys() {
            let mut chain = Vec::new();
            let provider = self.finish(name, &entries, &mut chain)?;
            providers.insert(name.clone(), Arc::new(provider));
        }
        Ok(Self {
            providers: Arc::new(providers),
        })
    }

    /// The provider of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.get(name)
    }

    /// All providers in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Provider>)> {
        self.providers
            .iter()
            .map(|(name, provider)| (name.as_str(), provider))
    }

    /// An entry with all that it inherits, checked.
    fn finish(
        &self,
        name: &str,
        entries: &BTreeMap<String, Spanned<Entry>>,
        chain: &mut Vec<String>,
    ) -> Result<Provider, Error> {
        let entry = &entries[name];
        let fault = |field: &str, message: String| Error::Provider {
            line: entry.defined.line(),
            provider: name.to_owned(),
            field: field.to_owned(),
            message,
        };
        let mut value = serde_json::to_value(&entry.value).map_err(|e| fault("", e.to_string()))?;
        if let Some(parent) = &entry.value.alias {
            chain.push(name.to_owned());
            // An entry that replaces the one of its own name may build on it.
            let base = if entries.contains_key(parent) && parent != name {
                if chain.contains(parent) {
                    return Err(fault("alias", "leads back to itself".to_owned()));
                }
                self.finish(parent, entries, chain)?
            } else {
                let known = self.get(parent);
                let known = known.ok_or_else(|| {
                    fault("alias", format!("names `{parent}`, which is not known"))
                })?;
                Provider::clone(known)
            };
            let mut whole = serde_json::to_value(&base).map_err(|e| fault("", e.to_string()))?;
            overlay(&mut whole, value);
            value = whole;
        }
        if value.get("auth_mode").is_none_or(Value::is_null) {
            return Err(fault("auth_mode", "is missing".to_owned()));
        }
        let provider: Provider = serde_path_to_error::deserialize(value)
            .map_err(|e| fault(&e.path().to_string(), e.inner().to_string()))?;
        provider::check(&provider).map_err(|(field, message)| fault(&field, message))?;
        Ok(provider)
    }
}

fn read(text: &str) -> Result<BTreeMap<String, Spanned<Entry>>, Error> {
    let mut place = None;
    let read = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            place = Some(error.path().to_string());
            error.into_inner()
        })
    });
    read.map_err(|error| {
        let error = error.without_snippet();
        let message = error.to_string();
        // The line goes to the front.
        let message = message
            .rsplit_once(" at line ")
            .map_or(&*message, |(text, _)| text);
        Error::Form {
            line: error.location().map_or(0, |location| location.line()),
            // The wrapper that knows lines is no part of the file.
            path: place.map_or_else(|| "the file".to_owned(), |p| p.replacen(".value", "", 1)),
            message: message.to_owned(),
        }
    })
}

/// Lays `over` on `base`: maps are merged unless `over` says its own `type`, everything else is
/// replaced. A null says nothing.
fn overlay(base: &mut Value, over: Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(over)) if !over.contains_key("type") => {
            for (key, value) in over {
                overlay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}
