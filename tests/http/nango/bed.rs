//! A server whose providers are stand-ins, and what tests of deployed functions do again and again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::root;
use crate::client::{Answer, Client, unique};
use crate::server::{Server, until};

/// A server that reaches `http://127.0.0.1:<port>` for every provider that tests use; the port is
/// `standin` in the configuration of the connection.
pub struct Bed {
    /// The server.
    pub server: Server,
    /// With the root key, in the project `default`.
    pub client: Client,
    _dir: TempDir,
}

/// Providers of the catalogue that tests use.
fn providers() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["tests/nango/functions", "src/nango/templates"] {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                names.insert(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    names
}

/// Writes the file that puts stand-ins in the place of vendors.
pub fn providers_file(folder: &Path) -> String {
    let mut text = String::new();
    for name in providers() {
        let base = "http://127.0.0.1:${connectionConfig.standin}";
        text += &format!(
            "{name}:
  alias: {name}
  connection_config:
    standin:
      type: string
      title: Port of the stand-in
      pattern: ^[0-9]+$
      optional: true
  proxy:
    base_url: \"{base}\"
"
        );
    }
    let path = folder.join("providers.yaml");
    std::fs::write(&path, text).expect("a file");
    path.to_string_lossy().into_owned()
}

impl Bed {
    /// A server of its own.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let server = start_in(dir.path());
        Self {
            client: root(&server),
            server,
            _dir: dir,
        }
    }

    /// One that is shared by all tests that run at the same time.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Bed>> = Mutex::new(Weak::new());
        let mut shared = SHARED
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let bed = Arc::new(Self::start());
            *shared = Arc::downgrade(&bed);
            bed
        })
    }

    /// A new project, with the root key.
    pub async fn project(&self) -> Client {
        let id = unique("p");
        let made = self
            .client
            .post("/strata/v1/projects", json!({"id": id}))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        self.client.with("strata-project", &id)
    }
}

/// A server on a data directory, with stand-ins for vendors.
pub fn start_in(data: &Path) -> Server {
    let file = providers_file(data);
    let environment = [
        ("STRATA_PROVIDERS", &*file),
        ("STRATA_ALLOW_PRIVATE_NETWORK", "true"),
    ];
    Server::start_with(data, &environment)
}

/// Credentials of a connection that fit.
pub fn credentials(mode: &str) -> Value {
    match mode {
        "OAUTH2" => json!({"type": mode, "access_token": "tok-1"}),
        "OAUTH2_CC" => {
            json!({"type": mode, "token": "tok-1", "client_id": "id", "client_secret": "secret"})
        }
        "API_KEY" => json!({"type": mode, "apiKey": "key-1"}),
        "BASIC" => json!({"type": mode, "username": "user-1", "password": "password-1"}),
        _ => json!({"type": mode}),
    }
}

/// Makes an integration.
pub async fn integrate(client: &Client, provider: &str, key: &str) -> Answer {
    let mut body = json!({"provider": provider, "unique_key": key});
    let known = client.get(&format!("/providers/{provider}")).await.json();
    if known["data"]["auth_mode"] == "OAUTH2" {
        body["credentials"] =
            json!({"type": "OAUTH2", "client_id": "client-1", "client_secret": "client-secret-1"});
    }
    client.post("/integrations", body).await
}

/// Deploys a function and gives the deployment when it has ended.
pub async fn deploy(
    client: &Client,
    integration: &str,
    kind: &str,
    name: &str,
    code: &str,
) -> Value {
    let body = json!({"type": "function", "integration_id": integration, "function_type": kind, "function_name": name, "code": code});
    let made = client.post("/functions/deployments", body).await;
    if made.status != 202 {
        return json!({"status": made.status, "answer": made.json()});
    }
    ended(client, "deployments", &made.text("id")).await
}

/// A deployment or dry run that has ended.
pub async fn ended(client: &Client, what: &str, id: &str) -> Value {
    until(what, async || {
        let row = client.get(&format!("/functions/{what}/{id}")).await.json();
        matches!(row["status"].as_str(), Some("success" | "failed")).then_some(row)
    })
    .await
}
