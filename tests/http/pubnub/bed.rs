//! An account of its own for each test: a project with keysets and packages.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client, unique};
use crate::server::{ROOT_KEY, Server, until};

/// A project on a server.
pub struct Bed {
    /// With the root key, for this project.
    pub client: Client,
    pub project: String,
}

/// A keyset.
#[derive(Clone)]
pub struct Keyset {
    pub number: u64,
    pub publish_key: String,
    pub subscribe_key: String,
}

/// A revision of a package.
#[derive(Clone)]
pub struct Revision {
    pub package: String,
    pub id: String,
    pub functions: Vec<Value>,
}

/// A path of the Admin API.
pub fn at(path: &str) -> String {
    format!("/v2/faas{path}")
}

/// A function that listens before messages of a channel.
pub fn before(name: &str, channel: &str, code: &str) -> Value {
    json!({
        "name": name,
        "type": "BEFORE_PUBLISH",
        "config": {"type": "BEFORE_PUBLISH", "inputChannel": channel},
        "code": code,
    })
}

/// A function that lets everything through.
pub const OK: &str = "export default (request) => request.ok();";

/// A function that takes about `seconds` to load.
pub fn slow(seconds: u32) -> String {
    format!(
        "const begun = Date.now();\nlet text = '';\n\
         for (let i = 0; i < 90000 && Date.now() - begun < {seconds}000; i++) {{\n\
           text = 'ab'.repeat(20000).split('').reverse().join('');\n\
         }}\nexport default (request) => request.ok();"
    )
}

impl Bed {
    /// On the server that tests share.
    pub async fn new() -> Self {
        Self::with(Client::new()).await
    }

    /// On a server of one's own.
    pub async fn on(server: &Server) -> Self {
        Self::with(Client::to(server)).await
    }

    async fn with(client: Client) -> Self {
        let project = unique("pubnub");
        let strata = bearer(&client, ROOT_KEY);
        let made = strata
            .post("/strata/v1/projects", json!({"id": project}))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        Self {
            client: Self::client_of(&client, &project),
            project,
        }
    }

    /// The same project, on a server that was started again.
    pub fn again(&self, server: &Server) -> Self {
        Self {
            client: Self::client_of(&Client::to(server), &self.project),
            project: self.project.clone(),
        }
    }

    fn client_of(client: &Client, project: &str) -> Client {
        client
            .with("x-appwrite-project", "")
            .with("x-appwrite-key", "")
            .with("authorization", ROOT_KEY)
            .with("pubnub-version", "2026-03-01")
            .with("strata-project", project)
    }

    /// For Strata's own API.
    pub fn strata(&self) -> Client {
        bearer(&self.client, ROOT_KEY)
    }

    /// With a key that has these scopes.
    pub async fn key(&self, scopes: &[&str]) -> String {
        let path = format!("/strata/v1/projects/{}/keys", self.project);
        let body = json!({"name": "test", "scopes": scopes});
        let made = self.strata().post(&path, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.text("secret")
    }

    /// A client of the Admin API with a key that has these scopes.
    pub async fn limited(&self, scopes: &[&str]) -> Client {
        let secret = self.key(scopes).await;
        self.client
            .with("strata-project", "")
            .with("authorization", &secret)
    }

    pub async fn keyset(&self) -> Keyset {
        let body = json!({"name": unique("keyset")});
        let path = format!("/strata/v1/keysets?project={}", self.project);
        let made = self.strata().post(&path, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let shown = made.json();
        Keyset {
            number: shown["id"].as_u64().expect("a number"),
            publish_key: made.text("publishKey"),
            subscribe_key: made.text("subscribeKey"),
        }
    }

    /// A package with its first revision.
    pub async fn package(&self, functions: &[Value]) -> Revision {
        let body = json!({
            "name": unique("package"),
            "revisionName": "first",
            "functions": functions,
        });
        let made = self.client.post(&at("/packages"), body).await;
        let package = made.data(201)["id"].as_str().expect("an id").to_owned();
        let revisions = self
            .client
            .get(&at(&format!("/packages/{package}/package-revisions")))
            .await;
        Self::revision_of(&revisions.data(200)[0])
    }

    /// Another revision of a package.
    pub async fn revision(&self, package: &str, functions: &[Value]) -> Revision {
        let body = json!({"packageId": package, "functions": functions});
        let made = self.client.post(&at("/package-revisions"), body).await;
        Self::revision_of(&made.data(201))
    }

    fn revision_of(shown: &Value) -> Revision {
        let text = |name: &str| shown[name].as_str().expect("a text").to_owned();
        Revision {
            package: text("packageId"),
            id: text("id"),
            functions: shown["functions"].as_array().expect("a list").clone(),
        }
    }

    /// Assigns a revision to a keyset; gives the id of the deployment.
    pub async fn assign(&self, revision: &Revision, keyset: &Keyset) -> String {
        let made = self.try_assign(revision, keyset).await;
        made.data(201)["id"].as_str().expect("an id").to_owned()
    }

    pub async fn try_assign(&self, revision: &Revision, keyset: &Keyset) -> Answer {
        let body = json!({"packageRevisionId": revision.id, "keysetId": keyset.number});
        self.client.post(&at("/package-deployments"), body).await
    }

    /// A deployment that runs.
    pub async fn running(&self, revision: &Revision, keyset: &Keyset) -> String {
        let id = self.assign(revision, keyset).await;
        assert_eq!(self.start(&id).await.data(200)["state"], "RUNNING");
        id
    }

    pub async fn get(&self, id: &str) -> Value {
        let path = at(&format!("/package-deployments/{id}"));
        self.client.get(&path).await.data(200)
    }

    pub async fn state(&self, id: &str) -> String {
        self.get(id).await["state"]
            .as_str()
            .expect("a state")
            .to_owned()
    }

    /// Waits for a state.
    pub async fn reaches(&self, id: &str, state: &str) {
        let what = format!("{state} of a deployment");
        until(&what, async || {
            (self.state(id).await == state).then_some(())
        })
        .await;
    }

    pub async fn start(&self, id: &str) -> Answer {
        self.client.ask(Method::POST, &functions(id)).send().await
    }

    /// Starts it and does not wait.
    pub async fn begin(&self, id: &str) -> Answer {
        let ask = self.client.ask(Method::POST, &functions(id));
        ask.header("prefer", "respond-async").send().await
    }

    pub async fn stop(&self, id: &str, query: &str) -> Answer {
        let path = format!("{}{query}", functions(id));
        self.client.ask(Method::DELETE, &path).send().await
    }

    pub async fn roll(&self, old: &str, new: &str) -> Answer {
        let body = json!({"newPackageDeploymentId": new});
        self.client.put(&functions(old), body).await
    }

    pub async fn remove(&self, id: &str) -> Answer {
        let path = at(&format!("/package-deployments/{id}"));
        self.client.ask(Method::DELETE, &path).send().await
    }
}

fn functions(id: &str) -> String {
    at(&format!("/package-deployments/{id}/function-deployments"))
}

/// A client of Strata's own API.
pub fn bearer(client: &Client, secret: &str) -> Client {
    client
        .with("x-appwrite-project", "")
        .with("x-appwrite-key", "")
        .with("authorization", &format!("Bearer {secret}"))
}

/// What an envelope holds.
pub trait Enveloped {
    /// The data of a good answer.
    fn data(&self, status: u16) -> Value;
    /// Status and code of an error with one entry.
    fn fault(&self) -> (u16, String);
}

impl Enveloped for Answer {
    #[track_caller]
    fn data(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!(body["errors"], json!([]), "{body}");
        assert!(body["meta"]["timestamp"].is_string(), "{body}");
        body["data"].clone()
    }

    #[track_caller]
    fn fault(&self) -> (u16, String) {
        let body = self.json();
        assert!(body.get("data").is_none(), "{body}");
        let errors = body["errors"].as_array().expect("errors");
        assert_eq!(errors.len(), 1, "{body}");
        let code = errors[0]["code"].as_str().expect("a code").to_owned();
        (self.status, code)
    }
}

/// Fails unless an answer is this error.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.fault(), (status, code.to_owned()), "{answer:?}");
}

impl Bed {
    /// Starts it on a server that may die before it answers.
    pub async fn try_to_begin(&self, id: &str) {
        let ask = self.client.ask(Method::POST, &functions(id));
        ask.header("prefer", "respond-async")
            .send_to_the_dying()
            .await;
    }

    /// Stops it on a server that may die before it answers.
    pub async fn try_to_stop(&self, id: &str) {
        let ask = self.client.ask(Method::DELETE, &functions(id));
        ask.send_to_the_dying().await;
    }
}
