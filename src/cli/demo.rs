//! `strata serve --demo`: what a newcomer would do by hand, over HTTP.
//!
//! Each folder of the examples holds a `function.json` with the parameters of
//! the function, and its source. On a server that has functions already the
//! demo changes nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

struct Demo {
    client: reqwest::Client,
    address: String,
    key: String,
}

/// Longest wait for one build: the first may fetch packages.
const BUILD_WAIT: Duration = Duration::from_secs(120);

pub(super) async fn run(address: &str, key: &str, folder: &Path) -> anyhow::Result<()> {
    let demo = Demo {
        client: reqwest::Client::new(),
        address: address.to_owned(),
        key: key.to_owned(),
    };
    let present = demo.get("/v1/functions").await?;
    if present["total"].as_u64() != Some(0) {
        println!("This server has functions already; the demo leaves them alone.");
        demo.tell("hello");
        return Ok(());
    }
    let mut examples: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the examples in {}", folder.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("function.json").is_file())
        .collect();
    examples.sort();
    for example in &examples {
        demo.deploy(example).await?;
    }
    let body = json!({"path": "/greet?name=Ada", "method": "GET"});
    let path = "/v1/functions/hello/executions";
    let ran = demo
        .send(demo.request(Method::POST, path).json_body(&body))
        .await?;
    println!(
        "\nGET /greet?name=Ada on hello answered {}:",
        ran["responseStatusCode"]
    );
    println!("  {}", ran["responseBody"].as_str().unwrap_or_default());
    let micros = (ran["duration"].as_f64().unwrap_or(0.0) * 1e6).round();
    println!(
        "  in {micros} µs, as execution {}",
        ran["$id"].as_str().unwrap_or("?")
    );

    println!("\nWhat happened, from the audit log:");
    let audit = demo
        .get("/strata/v1/audit?stream=function-default:hello")
        .await?;
    for event in audit["events"].as_array().into_iter().flatten() {
        println!(
            "  {:>4}  {}  {:<20} {}",
            event["position"],
            event["recordedAt"].as_str().unwrap_or("?"),
            event["event"].as_str().unwrap_or("?"),
            event["actor"].as_str().unwrap_or("?"),
        );
    }
    demo.tell("hello");
    Ok(())
}

trait JsonBody {
    fn json_body(self, body: &Value) -> Self;
}

impl JsonBody for RequestBuilder {
    fn json_body(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }
}

impl Demo {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.address))
            .header("x-appwrite-project", "default")
            .header("x-appwrite-key", &self.key)
            .bearer_auth(&self.key)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!("the server answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.request(Method::GET, path)).await
    }

    async fn deploy(&self, example: &Path) -> anyhow::Result<()> {
        let file = example.join("function.json");
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let function: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", file.display()))?;
        let id = function["functionId"].as_str().unwrap_or_default();
        let create = self.request(Method::POST, "/v1/functions");
        self.send(create.json_body(&function)).await?;
        let begun = Instant::now();
        let path = format!("/v1/functions/{id}/deployments");
        let form = Form::new()
            .text("activate", "true")
            .part("code", Part::bytes(pack(example)?).file_name("code.tar.gz"));
        let deployment = self
            .send(self.request(Method::POST, &path).multipart(form))
            .await?;
        let path = format!("{path}/{}", deployment["$id"].as_str().unwrap_or_default());
        loop {
            let deployment = self.get(&path).await?;
            match deployment["status"].as_str() {
                Some("ready") => break,
                Some("failed" | "canceled") => {
                    let log = deployment["buildLogs"].as_str().unwrap_or_default();
                    bail!("the build of {id} failed:\n{log}");
                }
                _ if begun.elapsed() > BUILD_WAIT => bail!("the build of {id} takes too long"),
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
        let took = begun.elapsed().as_millis();
        println!("deployed {id:<12} ready {took} ms after the upload began");
        Ok(())
    }

    fn tell(&self, function: &str) {
        let (address, key) = (&self.address, &self.key);
        let auth = format!("-H 'X-Appwrite-Project: default' -H 'X-Appwrite-Key: {key}'");
        println!(
            "\nTry it:\n\
             \x20 curl -s {auth} -H 'Content-Type: application/json' \\\n\
             \x20   -d '{{\"path\":\"/greet?name=You\",\"method\":\"GET\"}}' \\\n\
             \x20   {address}/v1/functions/{function}/executions\n\
             \x20 curl -s {auth} {address}/v1/functions\n\
             \x20 curl -s {auth} '{address}/v1/functions?as_of=1'\n\
             \x20 curl -s -H 'Authorization: Bearer {key}' '{address}/strata/v1/audit?limit=20'\n\
             \nStrata answers at {address}; stop it with Ctrl-C."
        );
    }
}

fn pack(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    archive.append_dir_all(".", folder)?;
    Ok(archive.into_inner()?.finish()?)
}
