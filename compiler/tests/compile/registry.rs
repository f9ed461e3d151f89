//! A registry on this machine, for packages that are made up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::Digest as _;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::harness::block_on;

#[derive(Default)]
struct State {
    documents: HashMap<String, Vec<u8>>,
    /// Path → answers of 503 that come first.
    failures: HashMap<String, u32>,
    requests: Vec<String>,
    tokens: Vec<String>,
}

pub struct Registry {
    pub url: String,
    state: Arc<Mutex<State>>,
    packages: Mutex<HashMap<String, Value>>,
}

/// A `tar.gz` with these files.
pub fn tarball(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, path, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

pub fn integrity(bytes: &[u8]) -> String {
    format!(
        "sha512-{}",
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha512::digest(bytes))
    )
}

impl Registry {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (listener, url) = block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            (listener, url)
        });
        let shared = Arc::clone(&state);
        block_on(async {
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        let mut request = Vec::new();
                        let mut chunk = [0; 4096];
                        loop {
                            let Ok(read) = stream.read(&mut chunk).await else {
                                return;
                            };
                            if read == 0 {
                                return;
                            }
                            request.extend_from_slice(&chunk[..read]);
                            if request.ends_with(b"\r\n\r\n") {
                                let answer = answer(&shared, &String::from_utf8_lossy(&request));
                                request.clear();
                                if stream.write_all(&answer).await.is_err() {
                                    return;
                                }
                            }
                        }
                    });
                }
            });
        });
        Self {
            url,
            state,
            packages: Mutex::default(),
        }
    }

    /// Publishes a version; `manifest` is what its package.json holds besides name and version.
    pub fn publish(
        &self,
        name: &str,
        version: &str,
        manifest: Value,
        files: &[(&str, &str)],
    ) -> Vec<u8> {
        let mut manifest = manifest;
        manifest["name"] = json!(name);
        manifest["version"] = json!(version);
        let text = manifest.to_string();
        let paths: Vec<(String, &[u8])> =
            std::iter::once(("package/package.json".to_owned(), text.as_bytes()))
                .chain(
                    files
                        .iter()
                        .map(|(path, content)| (format!("package/{path}"), content.as_bytes())),
                )
                .collect();
        let paths: Vec<(&str, &[u8])> = paths
            .iter()
            .map(|(path, content)| (path.as_str(), *content))
            .collect();
        let bytes = tarball(&paths);
        self.publish_tarball(name, version, manifest, bytes.clone());
        bytes
    }

    pub fn publish_tarball(&self, name: &str, version: &str, manifest: Value, bytes: Vec<u8>) {
        let path = format!("/{name}/-/{version}.tgz");
        let mut release = manifest;
        release["dist"] = json!({ "tarball": format!("{}{}", self.url, &path[1..]), "integrity": integrity(&bytes) });
        let mut packages = self.packages.lock().unwrap();
        let package = packages
            .entry(name.to_owned())
            .or_insert_with(|| json!({ "name": name, "versions": {}, "dist-tags": {} }));
        package["versions"][version] = release;
        package["dist-tags"]["latest"] = json!(version);
        let document = package.to_string().into_bytes();
        let mut state = self.state.lock().unwrap();
        state
            .documents
            .insert(format!("/{}", name.replace('/', "%2f")), document);
        state.documents.insert(path, bytes);
    }

    /// Replaces the tarball of a version, its metadata aside.
    pub fn tamper(&self, name: &str, version: &str, bytes: Vec<u8>) {
        self.state
            .lock()
            .unwrap()
            .documents
            .insert(format!("/{name}/-/{version}.tgz"), bytes);
    }

    pub fn fail(&self, path: &str, times: u32) {
        self.state
            .lock()
            .unwrap()
            .failures
            .insert(path.to_owned(), times);
    }

    /// Paths asked for since the last call.
    pub fn requests(&self) -> Vec<String> {
        let mut requests = std::mem::take(&mut self.state.lock().unwrap().requests);
        requests.sort();
        requests
    }

    pub fn tokens(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().tokens)
    }
}

fn answer(state: &Mutex<State>, request: &str) -> Vec<u8> {
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let header = |name: &str| {
        request
            .lines()
            .find_map(|line| {
                line.split_once(": ")
                    .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            })
            .map(|(_, value)| value.trim().to_owned())
    };
    let mut state = state.lock().unwrap();
    state.requests.push(path.clone());
    if let Some(token) = header("authorization") {
        state.tokens.push(token);
    }
    if let Some(left) = state.failures.get_mut(&path)
        && *left > 0
    {
        *left -= 1;
        return b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_vec();
    }
    let Some(body) = state.documents.get(&path) else {
        return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
    };
    let etag = format!("\"{}\"", &integrity(body)[7..20]);
    if header("if-none-match").as_deref() == Some(&etag) {
        return b"HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n".to_vec();
    }
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\netag: {etag}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}
