//! API keys: what a secret is good for.
//!
//! Only hashes are stored. The root key holds every scope on every project; it
//! comes from the configuration or from a file that only its owner may read.

use std::path::Path;
use std::sync::Arc;

use aggregates::ProjectId;
use projections::ReadModels;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What the holder of a secret may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `root`, or the id of the key.
    pub key_id: String,
    /// The project it is for; none: every project.
    pub project: Option<ProjectId>,
    /// Scopes by name; `*` for all.
    pub scopes: Vec<String>,
    /// The key's time is over; it allows nothing.
    pub expired: bool,
}

impl Grant {
    /// Whether it allows something that needs `scope`.
    pub fn allows(&self, scope: &str) -> bool {
        !self.expired && self.scopes.iter().any(|have| have == "*" || have == scope)
    }

    /// Whether it allows something on one keyset of its project: by a scope of the project, or by
    /// one that is limited to this keyset, `<permission>@<number>`.
    pub fn allows_on(&self, permission: &str, keyset: u64) -> bool {
        self.allows(permission) || self.allows(&format!("{permission}@{keyset}"))
    }

    /// The keysets that it allows something on; none: all.
    pub fn keysets(&self, permission: &str) -> Option<Vec<u64>> {
        if self.allows(permission) {
            return None;
        }
        let scopes = self.scopes.iter().filter(|_| !self.expired);
        let limited = scopes.filter_map(|scope| {
            let (have, keyset) = scope.split_once('@')?;
            (have == permission).then(|| keyset.parse().ok()).flatten()
        });
        Some(limited.collect())
    }

    /// Whether its holder may hand a scope on: nobody gives more than they have.
    pub fn may_give(&self, scope: &str) -> bool {
        let permission = scope.split_once('@').map(|(permission, _)| permission);
        self.allows(scope) || permission.is_some_and(|permission| self.allows(permission))
    }

    /// Whether it is the root key.
    pub fn is_root(&self) -> bool {
        self.project.is_none()
    }

    /// How audit names the holder.
    pub fn actor(&self) -> String {
        if self.is_root() {
            "root".to_owned()
        } else {
            format!("key:{}", self.key_id)
        }
    }
}

/// Looks secrets up. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    root: Arc<[u8; 32]>,
    reads: ReadModels,
}

/// SHA-256 of a secret in lower-case hexadecimal, as stored with a key.
pub fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A new random secret: 256 bits in hexadecimal.
pub fn new_secret() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    hex::encode(bytes)
}

impl Keys {
    /// With this root key.
    pub fn new(root: &str, reads: ReadModels) -> Self {
        Self {
            root: Arc::new(Sha256::digest(root.as_bytes()).into()),
            reads,
        }
    }

    /// What a secret allows; none: it is nobody's.
    pub async fn find(&self, secret: &str) -> Result<Option<Grant>, projections::Error> {
        let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        if bool::from(digest.ct_eq(&*self.root)) {
            return Ok(Some(Grant {
                key_id: "root".to_owned(),
                project: None,
                scopes: vec!["*".to_owned()],
                expired: false,
            }));
        }
        let key = self
            .reads
            .view(None)
            .key_by_hash(&hex::encode(digest))
            .await?;
        Ok(key.map(|key| Grant {
            expired: key.expires_at.is_some_and(|at| at <= now_ms()),
            key_id: key.id,
            project: Some(key.project_id.as_str().into()),
            scopes: key.scopes,
        }))
    }
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The root key: the configured one, else the stored one, else a new one that
/// is stored and told once through `tell`.
pub fn root_key(
    configured: Option<&str>,
    data_dir: &Path,
    tell: impl FnOnce(&str),
) -> std::io::Result<String> {
    if let Some(key) = configured {
        return Ok(key.to_owned());
    }
    let path = data_dir.join("root.key");
    match std::fs::read_to_string(&path) {
        Ok(key) => Ok(key.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = new_secret();
            crate::vault::write_private(&path, key.as_bytes())?;
            tell(&key);
            Ok(key)
        }
        Err(error) => Err(error),
    }
}
