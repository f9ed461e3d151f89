//! Every function of `tests/nango/functions` and every template: deployed, run against a stand-in
//! for its vendor, and what came of it compared with what its test says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::api::root;
use super::bed::{self, Bed};
use super::standin::StandIn;
use super::world::{World, expect};

/// One test of one function.
struct Case {
    /// The file of the test.
    file: PathBuf,
    source: String,
    name: String,
    test: Value,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

/// The tests below a folder, of functions below another.
fn cases(tests: &str, functions: &str) -> Vec<Case> {
    let mut found = Vec::new();
    files(Path::new(tests), &mut found);
    let is_test = |path: &PathBuf| path.to_string_lossy().ends_with(".test.json");
    found
        .into_iter()
        .filter(is_test)
        .map(|file| {
            let name = file.file_name().expect("a name").to_string_lossy();
            let name = name.split('.').next().expect("a part").to_owned();
            let below = file.parent().and_then(|at| at.strip_prefix(tests).ok());
            let below = below.expect("it is below").to_owned();
            let source = Path::new(functions).join(below).join(format!("{name}.ts"));
            let source = std::fs::read_to_string(source).expect("a source");
            let test = std::fs::read(&file).expect("a file");
            let test = serde_json::from_slice(&test).expect("JSON");
            Case {
                file,
                source,
                name,
                test,
            }
        })
        .collect()
}

/// With the address of the stand-in wherever a text asks for it.
fn filled(value: &Value, base: &str) -> Value {
    match value {
        Value::String(text) => text.replace("{{base}}", base).into(),
        Value::Array(list) => list.iter().map(|one| filled(one, base)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, base)))
            .collect(),
        other => other.clone(),
    }
}

/// A function that does nothing but leave what a run is to find.
fn seed(test: &Value) -> Option<String> {
    let mut models = String::new();
    let mut body = String::new();
    for (model, records) in test["stored"].as_object().into_iter().flatten() {
        models += &format!("{model}: z.object({{ id: z.string() }}), ");
        body += &format!("await nango.batchSave({records}, '{model}');\n");
    }
    let mut more = String::new();
    if let Some(checkpoint) = test["checkpoint"].as_object() {
        let kind = |value: &Value| match value {
            Value::String(_) => "string",
            Value::Number(_) => "number",
            _ => "boolean",
        };
        let fields = checkpoint
            .iter()
            .map(|(name, value)| format!("'{name}': z.{}(), ", kind(value)));
        more = format!(
            "checkpoint: z.object({{ {} }}),",
            fields.collect::<String>()
        );
        body += &format!("await nango.saveCheckpoint({});\n", test["checkpoint"]);
    }
    if body.is_empty() {
        return None;
    }
    if models.is_empty() {
        models = "Nothing: z.object({ id: z.string() })".to_owned();
    }
    Some(format!(
        "import {{ createSync }} from 'nango';\nimport {{ z }} from 'zod';\nexport default createSync({{ description: 'x', frequency: 'every day', models: {{ {models} }}, {more} exec: async (nango) => {{\n{body}}} }});\n"
    ))
}

/// An action that tells the stand-in what it was given and has an output that is known.
fn helper(base: &str, name: &str, output: &Value) -> String {
    format!(
        "import {{ createAction }} from 'nango';\nimport {{ z }} from 'zod';\nexport default createAction({{ description: 'x', input: z.any(), output: z.any(), exec: async (nango, input) => {{ await nango.post({{ baseUrlOverride: '{base}', endpoint: '/triggered', data: {{ action: '{name}', input }} }}); return {output}; }} }});\n"
    )
}

impl Case {
    fn integration(&self) -> &str {
        self.test["provider"].as_str().expect("a provider")
    }

    /// Why it cannot be run through the API: what the published API has no way for.
    fn is_out_of_reach(&self) -> bool {
        // What is experimental is compiled only.
        self.test["kind"] == "function"
            // The date of the last run is that of the last run.
            || self.test.get("last_sync_date").is_some()
            // Held by a run that does not end.
            || self.test.get("locked").is_some()
    }

    async fn run(&self, bed: &Bed) -> Result<(), String> {
        let standin = StandIn::start();
        let test = filled(&self.test, &standin.url);
        let compiled = bed
            .client()
            .post("/functions/compile", json!({"code": self.source}))
            .await;
        expect(compiled.status == 200, "it compiles", &compiled)?;
        if self.is_out_of_reach() {
            return Ok(());
        }
        let (_, client) = bed.project().await;
        let world = World {
            client: &client,
            integration: self.integration(),
            standin: &standin,
        };
        let kind = test["kind"].as_str().unwrap_or_default();
        world.integrate(&test).await?;
        if kind == "onEvent" {
            world.deploy(&self.name, "on-event", &self.source).await?;
            return world.event(&self.source, &test).await;
        }
        world.connect(&test).await?;
        if kind == "sync"
            && let Some(seed) = seed(&test)
        {
            world.deploy(&self.name, kind, &seed).await?;
            world.sync(&self.name).await?;
        }
        // Runs by itself are for other tests: here one run is compared.
        let source = self.source.replace("autoStart: true", "autoStart: false");
        world.deploy(&self.name, kind, &source).await?;
        let mut exchanges = test["exchanges"].as_array().cloned().unwrap_or_default();
        for (name, output) in test["actions"].as_object().into_iter().flatten() {
            world
                .deploy(name, "action", &helper(&standin.url, name, output))
                .await?;
        }
        for one in test["expect"]["triggered"].as_array().into_iter().flatten() {
            if let Some(sync) = one["sync"].as_str() {
                let code = super::sources::sync("", "");
                world.deploy(sync, "sync", &code).await?;
            }
            if one.get("action").is_some() {
                exchanges.push(json!({"method": "POST", "path": "/triggered", "body": one}));
            }
        }
        standin.expect(&exchanges, test["unordered"] == true);
        match kind {
            "action" => world.action(&self.name, &test).await?,
            _ if test.get("webhook").is_some() => {
                world.webhook(&test["webhook"]).await?;
            }
            _ => {
                let status = world.sync(&self.name).await?;
                failed_as(&status, &test["expect"]["error"])
                    .map_err(|told| format!("{} {told}", standin.faults().join("; ")))?;
            }
        }
        let faults = standin.faults();
        if !faults.is_empty() {
            return Err(faults.join("; "));
        }
        let mut compared = world.compare(&self.name, &test["expect"]).await;
        // Nothing says when a webhook is done with.
        for _ in 0..if test.get("webhook").is_some() {
            100
        } else {
            0
        } {
            if compared.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            compared = world.compare(&self.name, &test["expect"]).await;
        }
        compared
    }
}

/// Whether a run ended as it should: well, or with an error of this type.
fn failed_as(status: &Value, error: &Value) -> Result<(), String> {
    let told = status["error"].as_str().unwrap_or_default();
    let holds = match error["type"].as_str() {
        None => status["latestExecutionStatus"] == "SUCCESS",
        Some(kind) => status["latestExecutionStatus"] == "ERROR" && told.starts_with(kind),
    };
    if holds {
        Ok(())
    } else {
        Err(status.to_string())
    }
}

async fn all(cases: Vec<Case>) {
    assert!(cases.len() > 10, "the tests are not there");
    let bed = Bed::start();
    let only = std::env::var("STRATA_TEST_CASE").unwrap_or_default();
    let chosen = cases
        .iter()
        .filter(|case| case.file.to_string_lossy().contains(&only));
    let ran = stream::iter(chosen).map(async |case| (case, case.run(&bed).await));
    let failed: Vec<String> = ran
        .buffer_unordered(6)
        .filter_map(async |(case, result)| {
            let told = result.err()?;
            Some(format!("{}: {told}", case.file.display()))
        })
        .collect()
        .await;
    assert!(
        failed.is_empty(),
        "{} fail:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[tokio::test]
async fn functions_do_what_their_tests_say() {
    all(cases("tests/nango/functions", "tests/nango/functions")).await;
}

#[tokio::test]
async fn templates_do_what_their_tests_say() {
    all(cases("tests/nango/templates", "src/nango/templates")).await;
}

/// Every template, as such.
#[tokio::test]
async fn templates_are_deployed_by_name() {
    let bed = Bed::start();
    let client = root(&bed.server);
    let mut found = Vec::new();
    files(Path::new("src/nango/templates"), &mut found);
    assert!(found.len() > 10, "the templates are not there");
    for file in found {
        let parts: Vec<_> = file
            .iter()
            .rev()
            .map(|part| part.to_string_lossy())
            .collect();
        let (name, kind, provider) = (
            parts[0].trim_end_matches(".ts"),
            parts[1].trim_end_matches('s'),
            &*parts[2],
        );
        let key = crate::client::unique(provider);
        bed::integrate(&client, provider, &key).await.good(200);
        let body = json!({"type": "template", "integration_id": key, "template": name, "function_type": kind});
        let made = client.post("/functions/deployments", body).await;
        assert_eq!(made.good(202)["status"], "success", "{}", file.display());
        let path = format!("/integrations/{key}/functions/{name}");
        let entry = client.get(&format!("{path}?type={kind}")).await.good(200)["data"].clone();
        assert_eq!(
            (&entry["source"], &entry["enabled"]),
            (&json!("catalog"), &json!(true)),
            "{entry}"
        );
        let code = client
            .get(&format!("{path}/code?type={kind}"))
            .await
            .good(200);
        let source = std::fs::read_to_string(&file).expect("a source");
        assert_eq!(code, json!({"type": kind, "code": source}));
    }
}
