//! The ids under which the core keeps things of this dialect. What people call them may hold
//! characters that part stream keys, so that they are hashed; what is a function is readable.

use aggregates::{ConnectionKey, FunctionId, ScriptKind, SyncKey};
use sha2::{Digest, Sha256};

fn hashed(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

/// Of a connection: integration and connection id.
pub fn connection(integration: &str, id: &str) -> ConnectionKey {
    hashed(&[integration, id]).into()
}

/// Of the state of a script on a connection.
pub fn sync(
    integration: &str,
    connection: &str,
    kind: ScriptKind,
    name: &str,
    variant: &str,
) -> SyncKey {
    hashed(&[integration, connection, kind.as_str(), name, variant]).into()
}

/// Of a script. An integration id holds no `/`.
pub fn function(integration: &str, kind: ScriptKind, name: &str) -> FunctionId {
    format!("{integration}/{kind}/{name}").into()
}

/// Of what holds the variables of a project.
pub fn environment() -> FunctionId {
    "/environment".into()
}
