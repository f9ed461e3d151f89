//! Functions made with the experimental `createFunction`, which the published command line compiles
//! on its own and deploys as a set.
//!
//! They are kept, versioned and listed as all functions. Nothing starts them: the dialect answers
//! 501 to every invocation of one (section 7.5 of its reference), and does not say on whose behalf a
//! schedule or an event would. What they ask for (`trigger`, `requires`, `limits`) is kept with the
//! definition, for when it does.

use std::sync::Arc;

use aggregates::deployment::{Artefact, ArtefactKind};
use aggregates::{Blob, ScriptArtefact};
use base64::Engine as _;
use sandbox::Program;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Shared;
use super::compile::runnable;
use crate::execution::{Made, NotMade};

/// What is deployed beside the TypeScript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The body of a CommonJS module, as the command line has made it.
    pub js: String,
    /// What it says about the function: everything of the entry but its two texts.
    pub artifact: Value,
    /// Names the content of the entry.
    pub version: String,
}

impl Bundle {
    /// Of one entry of a set: its two texts in `fileBody`, and what is said about it.
    pub fn of(entry: &Value) -> Self {
        let mut artifact = entry.clone();
        let body = artifact
            .as_object_mut()
            .and_then(|map| map.remove("fileBody"));
        let js = body.unwrap_or_default()["js"].take();
        Self {
            js: js.as_str().unwrap_or_default().to_owned(),
            artifact,
            version: version(entry),
        }
    }

    /// As lists read it.
    fn definition(&self) -> Value {
        let said = |name: &str| self.artifact.get(name).cloned().unwrap_or(Value::Null);
        let named = |name: &str| name_of(&said(name));
        let models = said("model_schema_refs");
        let models = models.as_array().into_iter().flatten().map(name_of);
        let returns: Vec<Value> = match said("output_schema_ref") {
            Value::Null => models.collect(),
            output => vec![name_of(&output)],
        };
        json!({
            "description": said("description"),
            "version": self.version,
            "input": named("input_schema_ref"),
            "returns": returns,
            "json_schema": said("json_schema"),
            "trigger": said("trigger"),
            "requires": said("requires"),
            "limits": said("limits"),
        })
    }
}

/// The name that a reference to a definition ends with.
fn name_of(reference: &Value) -> Value {
    let text = reference.as_str();
    text.and_then(|text| text.strip_prefix("#/definitions/"))
        .map_or(Value::Null, Value::from)
}

/// SHA-256 of the JSON with its keys in order.
fn version(entry: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Array(list) => list.iter().map(sorted).collect(),
            Value::Object(map) => {
                let mut pairs: Vec<_> = map.iter().collect();
                pairs.sort_by_key(|(key, _)| *key);
                let pairs = pairs.into_iter();
                Value::Object(pairs.map(|(key, one)| (key.clone(), sorted(one))).collect())
            }
            value => value.clone(),
        }
    }
    hex::encode(Sha256::digest(sorted(entry).to_string()))
}

/// The source map at the end of a text, if it is inside of it.
fn source_map(js: &str) -> Option<Vec<u8>> {
    let (_, url) = js.rsplit_once("//# sourceMappingURL=data:application/json")?;
    let (_, text) = url.split_once("base64,")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim());
    decoded.ok()
}

/// Builds: the text is checked as every script's, and stored.
pub(super) async fn build(shared: &Shared, bundle: &Bundle) -> Result<Made, NotMade> {
    let script = compiler::script::Script {
        files: Arc::new(vec![("bundle.js".to_owned(), bundle.js.clone())]),
    };
    let deep = shared.compiling.toolchain().compiler().too_deep(&script);
    let deep = deep
        .await
        .map_err(|error| NotMade::Broken(error.to_string()))?;
    if let Some(found) = deep {
        return Err(NotMade::Failed {
            code: "deployment_error",
            log: found.message,
        });
    }
    if compiler::script::calls_constructor(&bundle.js) {
        return Err(NotMade::Failed {
            code: "deployment_error",
            log: "deploy_script_security_rejected: the script cannot be read, or calls something \
                  named `constructor` with an argument"
                .to_owned(),
        });
    }
    let broken = |error: crate::blobs::Error| NotMade::Broken(error.to_string());
    let put = async |bytes: Vec<u8>| shared.blobs.put(bytes.into()).await.map_err(broken);
    let code = runnable(&bundle.js);
    let stored = put(code.clone().into_bytes()).await?;
    let map: Option<Blob> = match source_map(&bundle.js) {
        Some(map) => Some(put(map).await?),
        None => None,
    };
    let definition = shared.blobs.put_text(bundle.definition().to_string()).await;
    let script = ScriptArtefact {
        version: bundle.version.clone(),
        definition: definition.map_err(broken)?,
    };
    Ok(Made {
        artefact: Artefact {
            kind: ArtefactKind::JavaScript,
            code: stored,
            source_map: map,
            script: Some(script),
        },
        program: Program::javascript(code),
        log: "Successfully deployed the function".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{source_map, version};
    use serde_json::json;

    #[test]
    fn a_version_names_the_content_and_not_the_order_of_keys() {
        let one = version(&json!({"a": [1, {"b": 2, "c": 3}], "d": null}));
        assert_eq!(one.len(), 64);
        assert_eq!(
            one,
            version(&json!({"d": null, "a": [1, {"c": 3, "b": 2}]}))
        );
        assert_ne!(
            one,
            version(&json!({"a": [{"b": 2, "c": 3}, 1], "d": null}))
        );
    }

    #[test]
    fn source_maps_are_found_at_the_end() {
        let js = "x;\n//# sourceMappingURL=data:application/json;base64,e30=\n";
        assert_eq!(source_map(js), Some(b"{}".to_vec()));
        assert_eq!(source_map("x;\n//# sourceMappingURL=x.js.map"), None);
    }
}
