//! A world moves from SQLite to PostgreSQL and back.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use http::Method;
use serde_json::json;

use crate::client::Client;
use crate::postgresql;
use crate::server::Server;

/// Where a world is kept.
pub struct Home {
    /// Its data directory.
    pub data: PathBuf,
    /// The address of its database, if it is on one.
    pub database: Option<String>,
}

impl Home {
    fn strata(&self, command: &str, file: &Path) -> Output {
        let mut strata = Command::new(env!("CARGO_BIN_EXE_strata"));
        strata.arg(command).arg("--data-dir").arg(&self.data);
        match command {
            "export" => strata.arg("--output").arg(file),
            "import" => strata.arg("--input").arg(file),
            _ => &mut strata,
        };
        strata.env_remove("STRATA_CONFIG");
        if let Some(url) = &self.database {
            strata.env("STRATA_DATABASE_URL", url);
        }
        strata.output().unwrap()
    }

    /// Exports to, or imports from a file; gives what is said.
    pub fn succeed(&self, command: &str, file: &Path) -> String {
        let ended = self.strata(command, file);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success(), "{command}: {said}");
        said
    }

    /// The same where it must fail.
    pub fn fail(&self, command: &str, file: &Path) -> String {
        let ended = self.strata(command, file);
        assert!(!ended.status.success(), "{command} succeeded");
        String::from_utf8(ended.stderr).unwrap()
    }

    fn server(&self, blobs: &Path) -> Server {
        self.server_with(blobs, &[])
    }

    /// A server on it.
    pub fn server_with(&self, blobs: &Path, more: &[(&str, &str)]) -> Server {
        let mut environment = vec![("STRATA_BLOBS", blobs.to_str().unwrap())];
        environment.extend(more);
        if let Some(url) = &self.database {
            environment.push(("STRATA_DATABASE_URL", url));
        }
        Server::start_with(&self.data, &environment)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_moves_from_store_to_store_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let blobs = at("blobs");
    let database = postgresql::shared();
    let on_files = Home {
        data: at("one"),
        database: None,
    };
    let on_database = Home {
        data: at("two"),
        database: Some(database.url(&database.create_database())),
    };

    let mut server = on_files.server(&blobs);
    let client = Client::to(&server);
    let function = client.function(json!({"execute": ["any"]})).await;
    let path = format!("/v1/functions/{function}");
    let variable = json!({"variableId": "v", "key": "K", "value": "secret", "secret": true});
    let set = client.post(&format!("{path}/variables"), variable).await;
    let before_code = set.position();
    let code = "export default ({ res }) => res.text('kept by ' + process.env.K.length);";
    client.deploy(&function, code).await;
    client.execute(&function, json!({})).await;
    let once = |client: &Client| {
        let body = json!({"functionId": "once", "name": "o", "runtime": "node-22"});
        let ask = client.ask(Method::POST, "/v1/functions");
        ask.header("idempotency-key", "the-same").json(body)
    };
    let first = once(&client).await;
    let paths = [
        "/v1/functions".to_owned(),
        format!("{path}?as_of={before_code}"),
        format!("{path}/deployments"),
        format!("{path}/executions"),
        format!("{path}/variables"),
    ];
    let mut answers = Vec::new();
    for path in &paths {
        answers.push(client.get(path).await.json());
    }
    // A server may be running meanwhile.
    let exported = on_files.succeed("export", &at("first.jsonl"));
    server.stop();

    let imported = on_database.succeed("import", &at("first.jsonl"));
    let head = |said: &str| {
        let line = said.lines().find(|line| line.starts_with("head "));
        line.expect("a head").to_owned()
    };
    assert_eq!(head(&exported), head(&imported));
    on_database.succeed("export", &at("second.jsonl"));
    let texts = ["first.jsonl", "second.jsonl"].map(|name| std::fs::read(at(name)).unwrap());
    assert!(texts[0] == texts[1], "the second file differs");
    let verified = on_database.strata("verify", Path::new(""));
    assert!(verified.status.success(), "{verified:?}");
    // Again is harmless; something else is refused.
    on_database.succeed("import", &at("first.jsonl"));

    let mut server = on_database.server(&blobs);
    let client = Client::to(&server);
    for (path, answer) in paths.iter().zip(&answers) {
        assert_eq!(client.get(path).await.json(), *answer, "{path}");
    }
    let again = once(&client).await;
    assert_eq!((again.status, again.position()), (201, first.position()));
    let ran = client.execute(&function, json!({})).await;
    assert_eq!(ran["responseBody"], "kept by 6");
    server.stop();
    let said = on_database.fail("import", &at("first.jsonl"));
    assert!(said.contains("holds more than the file"), "{said}");

    // And back, with what came since.
    on_database.succeed("export", &at("third.jsonl"));
    let back = Home {
        data: at("three"),
        database: None,
    };
    back.succeed("import", &at("third.jsonl"));
    let server = back.server(&blobs);
    let client = Client::to(&server);
    let executions = client.get(&format!("{path}/executions")).await.json();
    assert_eq!(executions["total"], 2);
    let ran = client.execute(&function, json!({})).await;
    assert_eq!(ran["responseBody"], "kept by 6");
    drop(server);

    // A file that is not whole, or was changed, says so.
    let text = String::from_utf8(texts[0].clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let broken = Home {
        data: at("four"),
        database: None,
    };
    let try_one = |lines: Vec<String>, expected: &str| {
        std::fs::write(at("broken.jsonl"), lines.join("\n")).unwrap();
        let said = broken.fail("import", &at("broken.jsonl"));
        assert!(said.contains(expected), "{said}");
    };
    let whole: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let cut = whole[..whole.len() - 2].to_vec();
    try_one(cut, "cut short");
    let mut changed = whole.clone();
    changed[2] = changed[2].replace("test", "tost");
    try_one(changed, "its content is not what its hash says");
    try_one(whole[1..].to_vec(), "this is no export");
    let mut missing = whole.clone();
    missing.remove(3);
    try_one(missing, "the event before it is at");
}
