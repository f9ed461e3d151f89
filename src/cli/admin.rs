//! `strata projects`, `strata keys`, `strata keysets`, `strata projections`, `strata nodes`.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Server;

#[derive(Subcommand)]
pub(super) enum Projects {
    /// Create a project
    Create {
        /// Id, unique on this server
        id: String,
        /// Name to show [default: the id]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// List projects
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Delete a project and everything in it
    Delete {
        /// Which
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Args)]
pub(super) struct InProject {
    /// The project
    #[arg(long, default_value = "default")]
    project: String,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Create a key; its secret is shown once
    Create {
        /// Name to show
        #[arg(long, default_value = "")]
        name: String,
        /// What it may do, for example functions.read, or keyset:write@1001 for what is limited to
        /// one keyset [default: everything in the project]
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// When it ends, as an RFC 3339 time [default: never]
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        /// What the secret looks like: uuid for clients of Nango, which take no other
        #[arg(long, value_name = "FORMAT", value_parser = ["standard", "uuid"])]
        format: Option<String>,
        #[command(flatten)]
        within: InProject,
    },
    /// List keys
    List {
        #[command(flatten)]
        within: InProject,
    },
    /// Revoke a key
    Revoke {
        /// Id of the key
        id: String,
        #[command(flatten)]
        within: InProject,
    },
}

#[derive(Subcommand)]
pub(super) enum Keysets {
    /// Create a keyset and show its number and keys
    Create {
        /// Name to show [default: Keyset NUMBER]
        #[arg(long)]
        name: Option<String>,
        /// What becomes of a message when a function before it fails: block or pass
        /// [default: block]
        #[arg(long, value_name = "WORD")]
        on_function_error: Option<String>,
        /// How often a function after a message is tried again when it fails [default: 0]
        #[arg(long, value_name = "N")]
        after_retries: Option<u32>,
        /// Milliseconds before the first further try; each one after waits twice as long
        /// [default: 1000]
        #[arg(long, value_name = "MS")]
        retry_delay_ms: Option<u32>,
        #[command(flatten)]
        within: InProject,
    },
    /// List keysets
    List {
        #[command(flatten)]
        within: InProject,
    },
    /// Delete a keyset on which nothing runs, with what was stored for it
    Delete {
        /// Its number
        number: u64,
        #[command(flatten)]
        within: InProject,
    },
}

#[derive(Subcommand)]
pub(super) enum Projections {
    /// Show how far each read model is
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Build read models again beside the ones in use, then switch
    Rebuild {
        /// Which [default: all]
        name: Option<String>,
        #[command(flatten)]
        server: Server,
    },
}

#[derive(Args)]
pub(super) struct Nodes {
    #[command(flatten)]
    server: Server,
}

impl Nodes {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let answer = self.server.send(Method::GET, "/nodes", None).await?;
        println!("head {}", answer["head"]);
        let nodes = rows(&answer, "nodes");
        if nodes.is_empty() {
            println!("{} works alone", text(&answer["node"]));
        }
        for node in nodes {
            let leases: Vec<_> = rows(&node, "leases")
                .iter()
                .map(|lease| text(lease).to_owned())
                .collect();
            let (id, state) = (text(&node["id"]), text(&node["state"]));
            let (lag, address) = (&node["lag"], text(&node["address"]));
            println!(
                "{id:<32}  {state:<5}  lag {lag:<6}  {address:<28}  {}",
                leases.join(", ")
            );
        }
        Ok(())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn rows(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().cloned().unwrap_or_default()
}

impl Projects {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create { id, name, server } => {
                let body = json!({"id": id, "name": name});
                let made = server.send(Method::POST, "/projects", Some(body)).await?;
                println!("{}", text(&made["id"]));
            }
            Self::List { server } => {
                let answer = server
                    .send(Method::GET, "/projects?limit=1000", None)
                    .await?;
                for project in rows(&answer, "projects") {
                    let (id, name) = (text(&project["id"]), text(&project["name"]));
                    println!("{id:<36}  {}  {name}", text(&project["createdAt"]));
                }
            }
            Self::Delete { id, server } => {
                let path = format!("/projects/{id}");
                server.send(Method::DELETE, &path, None).await?;
            }
        }
        Ok(())
    }
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create {
                name,
                scopes,
                expires_at,
                format,
                within,
            } => {
                let mut body = json!({"name": name});
                if !scopes.is_empty() {
                    body["scopes"] = scopes.into();
                }
                if let Some(at) = expires_at {
                    body["expiresAt"] = at.into();
                }
                if let Some(format) = format {
                    body["format"] = format.into();
                }
                let path = format!("/projects/{}/keys", within.project);
                let made = within.server.send(Method::POST, &path, Some(body)).await?;
                println!("{}", text(&made["secret"]));
                eprintln!("key {} of {}", text(&made["id"]), within.project);
            }
            Self::List { within } => {
                let path = format!("/projects/{}/keys?limit=1000", within.project);
                let answer = within.server.send(Method::GET, &path, None).await?;
                for key in rows(&answer, "keys") {
                    let scopes = rows(&key, "scopes");
                    let scopes: Vec<_> = scopes.iter().map(text).collect();
                    let (id, name) = (text(&key["id"]), text(&key["name"]));
                    println!(
                        "{id:<36}  {}  expires {}  {name}  [{}]",
                        text(&key["createdAt"]),
                        key["expiresAt"].as_str().unwrap_or("never"),
                        scopes.join(" ")
                    );
                }
            }
            Self::Revoke { id, within } => {
                let path = format!("/projects/{}/keys/{id}", within.project);
                within.server.send(Method::DELETE, &path, None).await?;
            }
        }
        Ok(())
    }
}

impl Keysets {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let show = |keyset: &Value| {
            let (publish, subscribe) = (text(&keyset["publishKey"]), text(&keyset["subscribeKey"]));
            let name = text(&keyset["name"]);
            println!("{:<8}  {publish}  {subscribe}  {name}", keyset["id"]);
        };
        match self {
            Self::Create {
                name,
                on_function_error,
                after_retries,
                retry_delay_ms,
                within,
            } => {
                let body = json!({
                    "name": name,
                    "onFunctionError": on_function_error,
                    "afterRetries": after_retries,
                    "retryDelayMs": retry_delay_ms,
                });
                let path = format!("/keysets?project={}", within.project);
                show(&within.server.send(Method::POST, &path, Some(body)).await?);
            }
            Self::List { within } => {
                let path = format!("/keysets?project={}&limit=1000", within.project);
                let answer = within.server.send(Method::GET, &path, None).await?;
                rows(&answer, "keysets").iter().for_each(show);
            }
            Self::Delete { number, within } => {
                let path = format!("/keysets/{number}?project={}", within.project);
                within.server.send(Method::DELETE, &path, None).await?;
            }
        }
        Ok(())
    }
}

impl Projections {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { server } => {
                let answer = server.send(Method::GET, "/projections", None).await?;
                println!("head {}", answer["head"]);
                for projection in rows(&answer, "projections") {
                    let state = match &projection["parked"] {
                        Value::String(reason) => format!("parked: {reason}"),
                        _ => format!("lag {}", projection["lag"]),
                    };
                    let name = text(&projection["name"]);
                    println!("{name:<16} at {:<12} {state}", projection["checkpoint"]);
                }
            }
            Self::Rebuild { name, server } => {
                let names = match name {
                    Some(name) => vec![name],
                    None => {
                        let answer = server.send(Method::GET, "/projections", None).await?;
                        let all = rows(&answer, "projections");
                        all.iter()
                            .map(|one| text(&one["name"]).to_owned())
                            .collect()
                    }
                };
                for name in names {
                    rebuild(&server, &name).await?;
                }
            }
        }
        Ok(())
    }
}

async fn rebuild(server: &Server, name: &str) -> anyhow::Result<()> {
    let path = format!("/projections/{name}/rebuild");
    let begun = server.send(Method::POST, &path, None).await?;
    let total = begun["head"].as_u64().unwrap_or(0);
    let bar = ProgressBar::new(total).with_style(ProgressStyle::with_template(
        "{msg:16} {bar:40} {pos}/{len} events  {elapsed}",
    )?);
    bar.set_message(name.to_owned());
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer = server.send(Method::GET, "/projections", None).await?;
        let all = rows(&answer, "projections");
        let Some(status) = all.iter().find(|one| text(&one["name"]) == name) else {
            bail!("the projection {name} is gone");
        };
        if let Value::String(reason) = &status["parked"] {
            bail!("{name} is parked: {reason}");
        }
        match status["rebuild"]["done"].as_u64() {
            Some(done) => bar.set_position(done),
            None => break,
        }
    }
    bar.finish();
    if bar.is_hidden() {
        println!("{name}: rebuilt");
    }
    Ok(())
}
