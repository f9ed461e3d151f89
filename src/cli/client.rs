//! Talks to a running server.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::Value;

/// Which server, and with which key.
#[derive(clap::Args)]
pub(super) struct Server {
    /// Address of the server
    #[arg(
        long,
        env = "STRATA_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8787"
    )]
    server: String,
    /// API key [default: STRATA_ROOT_KEY, else the one in the data directory]
    #[arg(
        long,
        env = "STRATA_ROOT_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    key: Option<String>,
    /// Data directory to take the root key from
    #[arg(
        long,
        env = "STRATA_DATA_DIR",
        value_name = "DIR",
        default_value = "strata-data"
    )]
    data_dir: PathBuf,
}

impl Server {
    /// Sends a request to `/strata/v1{path}`.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let key = match &self.key {
            Some(key) => key.clone(),
            None => {
                let path = self.data_dir.join("root.key");
                std::fs::read_to_string(&path).with_context(|| {
                    let path = path.display();
                    format!("no --key was given and {path} cannot be read")
                })?
            }
        };
        let url = format!("{}/strata/v1{path}", self.server.trim_end_matches('/'));
        let mut request = reqwest::Client::new()
            .request(method, &url)
            .bearer_auth(key.trim());
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("no server answers at {}", self.server))?;
        let status = response.status();
        let text = response.text().await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !status.is_success() {
            let message = answer["error"]["message"].as_str().unwrap_or(&text);
            bail!("{message} ({status})");
        }
        Ok(answer)
    }
}
