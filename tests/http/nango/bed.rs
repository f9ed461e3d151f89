//! A server whose providers are stand-ins, and what tests of deployed functions do again and again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{has_members, is_time, is_uuid, root};
use super::standin::StandIn;
use crate::client::{Answer, Client, unique};
use crate::server::{Server, until};

/// A server that reaches `http://127.0.0.1:<port>` for every provider that tests use; the port is
/// `standin` in the configuration of the connection.
pub struct Bed {
    /// The server.
    pub server: Server,
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
        if name == "salesforce" {
            text = text.replace(
                "salesforce:\n  alias: salesforce\n  connection_config:\n",
                "salesforce:\n  alias: salesforce\n  connection_config:\n    instance_url:\n      type: string\n      title: Stand-in\n      optional: true\n",
            );
        }
        if name == "gitlab" {
            // Without a limit: the tests of its functions have none.
            text += "    paginate:\n      type: link\n      link_rel_in_response_header: next\n";
        }
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
        Self { server, _dir: dir }
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

    /// With the root key, in the project `default`. Connections of a client end with the test that
    /// made it, so each has its own.
    pub fn client(&self) -> Client {
        root(&self.server)
    }

    /// A new project, with the root key.
    pub async fn project(&self) -> (String, Client) {
        let id = unique("p");
        let client = self.client();
        let made = client.post("/strata/v1/projects", json!({"id": id})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let client = client.with("strata-project", &id);
        (id, client)
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

/// Sends a body with some of its members replaced.
pub async fn post(place: &Place, path: &str, mut body: Value, more: Value) -> Answer {
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    place.client.post(path, body).await
}

/// A deployment or dry run that was accepted, when it has ended.
pub async fn done(place: &Place, what: &str, made: &Answer) -> Value {
    let answer = made.good(202);
    has_members(&answer, &["id", "status", "created_at"], &[]);
    is_uuid(&answer["id"]);
    is_time(&answer["created_at"]);
    assert!(
        ["waiting", "running"].contains(&answer["status"].as_str().expect("a text")),
        "{answer}"
    );
    ended(&place.client, what, &made.text("id")).await
}

/// A project of its own with the integration `github` and the connection `conn-1`.
pub struct Place {
    /// The server.
    pub bed: Arc<Bed>,
    /// With the root key, in the project.
    pub client: Client,
    /// The id of the project.
    pub project: String,
    /// What answers for GitHub.
    pub standin: StandIn,
}

impl Place {
    /// A new one.
    pub async fn new() -> Self {
        let bed = Bed::shared();
        let (project, client) = bed.project().await;
        Self::on(bed, project, client).await
    }

    async fn on(bed: Arc<Bed>, project: String, client: Client) -> Self {
        let place = Self {
            bed,
            client,
            project,
            standin: StandIn::start(),
        };
        integrate(&place.client, "github", "github").await.good(200);
        place.connect("conn-1").await;
        place
    }

    /// Makes a connection.
    pub async fn connect(&self, id: &str) -> Value {
        let body = json!({
            "provider_config_key": "github",
            "connection_id": id,
            "credentials": {"type": "OAUTH2", "access_token": "s3cret-token"},
            "connection_config": {"standin": self.standin.port.to_string()},
        });
        self.client.post("/connections", body).await.good(200)
    }

    /// On behalf of the connection.
    pub fn behalf(&self) -> Client {
        self.client
            .with("connection-id", "conn-1")
            .with("provider-config-key", "github")
    }

    /// With a key of these scopes.
    pub async fn keyed(&self, scopes: &[&str]) -> Client {
        let path = format!("/strata/v1/projects/{}/keys", self.project);
        let body = json!({"name": "a test's", "scopes": scopes});
        let made = self.client.post(&path, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        self.client
            .with("strata-project", "")
            .with("authorization", &super::api::bearer(&made.text("secret")))
    }

    /// Deploys a function, which must succeed.
    pub async fn deploy(&self, kind: &str, name: &str, code: &str) -> Value {
        let deployed = deploy(&self.client, "github", kind, name, code).await;
        assert_eq!(deployed["status"], "success", "{deployed}");
        deployed
    }

    /// Triggers an action.
    pub async fn act(&self, name: &str, input: Value) -> Answer {
        let body = json!({"action_name": name, "input": input});
        self.behalf().post("/action/trigger", body).await
    }

    /// How a sync of the connection is.
    pub async fn sync(&self, name: &str) -> Value {
        let path =
            format!("/sync/status?syncs={name}&provider_config_key=github&connection_id=conn-1");
        self.client.get(&path).await.good(200)["syncs"][0].clone()
    }

    /// Triggers a sync and waits for the end of the run.
    pub async fn run(&self, name: &str, more: Value) -> Value {
        let before = self.sync(name).await["finishedAt"].clone();
        let mut body =
            json!({"syncs": [name], "provider_config_key": "github", "connection_id": "conn-1"});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let answer = self.client.post("/sync/trigger", body).await;
        assert_eq!(answer.good(200), json!({"success": true}));
        until(name, async || {
            let status = self.sync(name).await;
            let ended = status["finishedAt"] != before && status["status"] != "RUNNING";
            ended.then_some(status)
        })
        .await
    }
}
