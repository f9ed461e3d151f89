//! One process of the checker.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
};

use crate::{
    checker::Error,
    connection::{Connection, Fault},
    diagnostic::{Diagnostic, Found},
    limits::Limits,
    project::{Documents, Folders, QUESTIONS},
};

/// Of what a process says before it dies, this many bytes are told.
const LAST_WORDS: usize = 1024;

/// How processes are started.
pub struct Launch {
    pub executable: PathBuf,
    pub folders: Folders,
    /// `None` in tests with a program that stands in for the checker.
    pub limits: Option<Limits>,
}

/// A running checker. It is killed when this is dropped.
pub struct Process {
    child: Child,
    connection: Connection<ChildStdout, ChildStdin>,
    said: Said,
    /// The check before: what the checker still holds.
    documents: Documents,
    snapshot: Option<u64>,
}

struct Said {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Snapshot {
    snapshot: u64,
    projects: Vec<Project>,
}

#[derive(Deserialize)]
struct Project {
    id: String,
}

impl Process {
    pub async fn start(launch: &Launch) -> Result<Self, Error> {
        let mut command = Command::new(&launch.executable);
        command
            .args(["--api", "--async", "--callbacks", QUESTIONS])
            .args(["--cwd", &launch.folders.root])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let spawned = match &launch.limits {
            Some(limits) => limits.apply(&mut command).and_then(|()| command.spawn()),
            None => command.spawn(),
        };
        let mut child = spawned.map_err(|error| Error::Unavailable(error.to_string()))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::Unavailable("it has no pipes".to_owned()));
        };
        let mut process = Self {
            child,
            connection: Connection::new(stdout, stdin),
            said: Said::listen(stderr),
            documents: Documents::default(),
            snapshot: None,
        };
        let greeted: Result<IgnoredAny, Fault> = process
            .connection
            .request("initialize", Value::Null, |_, _| Value::Null)
            .await;
        match greeted {
            Ok(_) => Ok(process),
            Err(fault) => Err(Error::Unavailable(process.obituary(&fault).await)),
        }
    }

    /// Checks `documents`. After a fault the process is of no use.
    pub async fn check(
        &mut self,
        folders: &Folders,
        documents: Documents,
    ) -> Result<Vec<Diagnostic>, Fault> {
        let changes = match self.snapshot {
            None => json!({ "openProjects": [folders.settings()] }),
            Some(_) => json!({ "fileChanges": documents.changes(&self.documents) }),
        };
        self.documents = documents;
        let made: Snapshot = self.ask(folders, "updateSnapshot", &changes).await?;
        let project = made.projects.first().ok_or_else(|| {
            Fault::Malformed("the project with the sources is missing".to_owned())
        })?;
        let of = json!({ "snapshot": made.snapshot, "project": project.id });
        let diagnostics = self.diagnostics(folders, &of).await?;
        // The new one shares with the one before what did not change, so that goes last.
        if let Some(old) = self.snapshot.replace(made.snapshot) {
            let _: IgnoredAny = self
                .ask(folders, "release", &json!({ "snapshot": old }))
                .await?;
        }
        Ok(diagnostics)
    }

    /// In the order and with the omissions of `tsc`: types are only looked at when the syntax and
    /// what belongs to no file are without error.
    async fn diagnostics(
        &mut self,
        folders: &Folders,
        of: &Value,
    ) -> Result<Vec<Diagnostic>, Fault> {
        const STAGES: &[&[&str]] = &[
            &[
                "getConfigFileParsingDiagnostics",
                "getSyntacticDiagnostics",
                "getProgramDiagnostics",
            ],
            &["getGlobalDiagnostics"],
            &["getSemanticDiagnostics"],
        ];
        let mut diagnostics = Vec::new();
        for stage in STAGES {
            for &method in *stage {
                let found: Option<Vec<Found>> = self.ask(folders, method, of).await?;
                let ours = found.iter().flatten();
                diagnostics.extend(ours.filter_map(|one| self.documents.diagnostic(folders, one)));
            }
            if !diagnostics.is_empty() {
                break;
            }
        }
        Ok(diagnostics)
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &mut self,
        folders: &Folders,
        method: &'static str,
        params: &Value,
    ) -> Result<T, Fault> {
        let documents = &self.documents;
        let answer = |question: &str, path: &str| documents.answer(folders, question, path);
        self.connection.request(method, params, answer).await
    }

    /// Ends the process; says why it could not go on.
    pub async fn obituary(mut self, fault: &Fault) -> String {
        let _ = self.child.start_kill();
        let status = self.child.wait().await;
        let said = self.said.text().await;
        match (said.is_empty(), status) {
            (false, _) => format!("{fault}: {said}"),
            (true, Ok(status)) => format!("{fault} ({status})"),
            (true, Err(_)) => fault.to_string(),
        }
    }
}

impl Said {
    fn listen(mut stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&text);
        let reader = tokio::spawn(async move {
            let mut buffer = [0; 512];
            // What is more than we keep is read all the same: a full pipe would stop the process.
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = LAST_WORDS - kept.len();
                kept.extend_from_slice(&buffer[..read.min(room)]);
            }
        });
        Self { text, reader }
    }

    /// The first line that says something. The process has ended.
    async fn text(self) -> String {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.reader).await;
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&text);
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default()
            .to_owned()
    }
}
