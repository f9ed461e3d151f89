//! A client that shows what is on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::server::{ROOT_KEY, Server, until};

/// Bytes of every chunk of an upload but the last.
pub const CHUNK: usize = 5 * 1024 * 1024;

/// Talks to the `default` project of a server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server: Option<Arc<Server>>,
    url: String,
    headers: Vec<(String, String)>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

/// A request that is not sent yet.
pub struct Ask {
    builder: reqwest::RequestBuilder,
}

impl Client {
    /// With the root key, to the shared server.
    pub fn new() -> Self {
        let server = Server::shared();
        let mut client = Self::to(&server);
        client.server = Some(server);
        client
    }

    /// With the root key.
    pub fn to(server: &Server) -> Self {
        // Already installed by another test is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            http: reqwest::Client::new(),
            server: None,
            url: server.url.clone(),
            headers: Vec::new(),
        }
        .with("x-appwrite-project", "default")
        .with("x-appwrite-key", ROOT_KEY)
    }

    /// The same with another header; an empty value removes it.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(have, _)| have != name);
        if !value.is_empty() {
            client.headers.push((name.to_owned(), value.to_owned()));
        }
        client
    }

    /// Without a key.
    pub fn guest(&self) -> Self {
        self.with("x-appwrite-key", "")
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask {
        let mut builder = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        Ask { builder }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path).json(body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path).json(body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path).json(body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path).json(json!({})).await
    }

    /// A list, filtered and sorted by queries.
    pub async fn list(&self, path: &str, queries: &[Value]) -> Answer {
        let pairs: Vec<String> = queries
            .iter()
            .enumerate()
            .map(|(index, query)| format!("queries%5B{index}%5D={}", encode(&query.to_string())))
            .collect();
        self.get(&format!("{path}?{}", pairs.join("&"))).await
    }

    /// A function that anybody may execute; its entry file is `main.js`.
    pub async fn function(&self, more: Value) -> String {
        let mut body = json!({
            "functionId": unique("fn"),
            "name": "test",
            "runtime": "node-22",
            "execute": ["any"],
            "entrypoint": "main.js",
        });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let made = self.post("/v1/functions", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.text("$id")
    }

    /// Uploads an archive, whole.
    pub async fn upload(&self, function: &str, archive: &[u8], activate: bool) -> Answer {
        let parts = [
            Part::field("activate", if activate { "true" } else { "false" }),
            Part::file("code", "code.tar.gz", archive),
        ];
        self.ask(
            Method::POST,
            &format!("/v1/functions/{function}/deployments"),
        )
        .multipart(&parts)
        .await
    }

    /// Uploads an archive, whole, to a server that may die before it answers.
    pub async fn upload_to_the_dying(&self, function: &str, archive: &[u8]) {
        let file = reqwest::multipart::Part::bytes(archive.to_vec()).file_name("code.tar.gz");
        let form = reqwest::multipart::Form::new()
            .text("activate", "true")
            .part("code", file);
        let path = format!("/v1/functions/{function}/deployments");
        let asked = self
            .ask(Method::POST, &path)
            .builder
            .multipart(form)
            .send()
            .await;
        if let Ok(answer) = asked {
            assert_eq!(answer.status(), 202);
        }
    }

    /// Deploys code as `main.js`, waits until it is active, and returns the id
    /// of the deployment.
    pub async fn deploy(&self, function: &str, code: &str) -> String {
        let archive = archive(&[("main.js", code.as_bytes())]);
        let made = self.upload(function, &archive, true).await;
        assert_eq!(made.status, 202, "{made:?}");
        let id = made.text("$id");
        let built = self.built(function, &id).await;
        assert_eq!(built["status"], "ready", "{built}");
        until("activation", async || {
            let function = self.get(&format!("/v1/functions/{function}")).await.json();
            (function["deploymentId"] == *id).then_some(())
        })
        .await;
        id
    }

    /// A deployment whose build has ended.
    pub async fn built(&self, function: &str, deployment: &str) -> Value {
        let path = format!("/v1/functions/{function}/deployments/{deployment}");
        until("a build", async || {
            let deployment = self.get(&path).await.json();
            let status = deployment["status"].as_str().unwrap_or_default();
            matches!(status, "ready" | "failed" | "canceled").then_some(deployment.clone())
        })
        .await
    }

    /// Executes a function and returns the answer's body.
    pub async fn execute(&self, function: &str, body: Value) -> Value {
        let ran = self
            .post(&format!("/v1/functions/{function}/executions"), body)
            .await;
        assert_eq!(ran.status, 201, "{ran:?}");
        ran.json()
    }
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.body(body);
        self
    }

    pub async fn json(self, body: Value) -> Answer {
        self.header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
    }

    pub async fn multipart(self, parts: &[Part<'_>]) -> Answer {
        let boundary = "8f1d3c7a5b";
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{boundary}\r\n{}\r\n\r\n", part.head).as_bytes());
            body.extend_from_slice(part.bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.header("content-type", &kind).body(body).send().await
    }

    /// Sends it and reads no body yet.
    pub async fn stream(self) -> reqwest::Response {
        self.builder.send().await.expect("an answer")
    }

    /// Sends it to a server that may die before it answers.
    pub async fn send_to_the_dying(self) {
        let _ = self.builder.send().await;
    }

    pub async fn send(self) -> Answer {
        let response = self.builder.send().await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            bytes: response.bytes().await.expect("a whole answer"),
        }
    }
}

/// A part of a multipart body.
pub struct Part<'a> {
    head: String,
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    pub fn field(name: &str, value: &'a str) -> Self {
        Self {
            head: format!("Content-Disposition: form-data; name=\"{name}\""),
            bytes: value.as_bytes(),
        }
    }

    pub fn file(name: &str, file_name: &str, bytes: &'a [u8]) -> Self {
        Self {
            head: format!(
                "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\nContent-Type: application/octet-stream"
            ),
            bytes,
        }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        let kind = self.header("content-type");
        assert!(kind.starts_with("application/json"), "{self:?}");
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    /// A text field of the JSON.
    pub fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }

    /// Status and type of an error, which must be a whole one.
    pub fn error(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body["code"], self.status, "{body}");
        assert_eq!(body["version"], "1.9.6", "{body}");
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        (self.status, self.text("type"))
    }

    #[track_caller]
    pub fn refused(&self, status: u16, kind: &str) -> String {
        assert_eq!(self.error(), (status, kind.to_owned()), "{:?}", self.bytes);
        self.text("message")
    }

    /// The position that a command's answer names.
    pub fn position(&self) -> u64 {
        self.header("strata-position").parse().expect("a position")
    }
}

/// A gzip-compressed tar.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *bytes).expect("it fits");
    }
    tar.into_inner()
        .and_then(GzEncoder::finish)
        .expect("it fits")
}

/// Bytes that do not compress.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    })
    .take(length)
    .collect()
}

/// An id that no other test has.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Percent-encodes.
pub fn encode(text: &str) -> String {
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    // A plus stands for a blank in a query only.
    form.replace('+', "%20")
}

/// The fields of a list's elements.
pub fn column<'a>(list: &'a Value, name: &str, field: &str) -> Vec<&'a str> {
    let rows = list[name].as_array().expect("a list");
    rows.iter()
        .map(|row| row[field].as_str().unwrap_or_default())
        .collect()
}
