//! The pool of processes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};

use crate::{
    diagnostic::Diagnostic,
    limits::Limits,
    process::{Launch, Process},
    project::{Documents, Folders},
};

/// What a [`Checker`] is made from.
#[derive(Debug, Clone)]
pub struct Options {
    /// The executable of TypeScript 7.0, with the declarations of the language beside it: see
    /// [`platform`](crate::platform).
    pub executable: PathBuf,
    /// The folder whose `node_modules` has what sources may import, and `@types/node` with
    /// `undici-types`. Links that lead out of `node_modules` are not followed. It is only read; a
    /// process may go on with packages as they were when it read them.
    pub workspace: PathBuf,
    /// At most this many processes, hence checks at the same time; at least one.
    pub processes: usize,
    /// The longest time of a check from its turn on, the start of a process included.
    pub timeout: Duration,
    /// Bytes of data that one process may hold. A check of some kilobytes needs 200 MiB.
    pub memory: u64,
    /// A process that had nothing to do for so long is ended.
    pub idle: Duration,
}

impl Options {
    /// Options with limits that fit the functions of a small server: two processes of 1 GiB, 20 s
    /// for a check, five idle minutes.
    #[must_use]
    pub fn new(executable: impl Into<PathBuf>, workspace: impl Into<PathBuf>) -> Self {
        Self {
            executable: executable.into(),
            workspace: workspace.into(),
            processes: 2,
            timeout: Duration::from_secs(20),
            memory: 1 << 30,
            idle: Duration::from_secs(300),
        }
    }

    /// Starts nothing yet, and looks at no file.
    #[must_use]
    pub fn build(self) -> Checker {
        self.with(true)
    }

    fn with(self, limited: bool) -> Checker {
        Checker(Arc::new(Pool {
            turns: Semaphore::new(self.processes.max(1)),
            options: self,
            limited,
            launch: OnceLock::new(),
            idle: Mutex::default(),
        }))
    }
}

/// Why a check has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The checker cannot be started here.
    #[error("the type checker cannot be started: {0}")]
    Unavailable(String),
    /// The check took longer than it may.
    #[error("the type check took longer than {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The process ended, or made no sense, twice in this check; with the last reason.
    #[error("the type checker failed: {0}")]
    Crashed(String),
    /// Not a relative path of a TypeScript file (`.ts`, `.tsx`, `.mts`, `.cts`) with `/` in it.
    #[error("`{0}` is not the path of a source")]
    Path(String),
}

/// Checks sources. A cheap handle; the processes are killed with the last clone.
#[derive(Clone)]
pub struct Checker(Arc<Pool>);

struct Pool {
    options: Options,
    limited: bool,
    launch: OnceLock<Launch>,
    turns: Semaphore,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Since when; the longest idle first.
    processes: Vec<(Instant, Process)>,
    sweeping: bool,
}

impl Checker {
    /// The errors of `files` (relative path, text), which may import one another, in the order of
    /// `tsc`. Each file is checked, whether imported or not. Nothing of them is kept.
    ///
    /// Waits for its turn without a limit. When the future is dropped, the check is given up.
    pub async fn check(&self, files: &[(String, String)]) -> Result<Vec<Diagnostic>, Error> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        // The semaphore is never closed.
        let _turn = self.0.turns.acquire().await.ok();
        let timeout = self.0.options.timeout;
        // A process that is still at work goes with the future.
        match tokio::time::timeout(timeout, self.run(files)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout(timeout)),
        }
    }

    async fn run(&self, files: &[(String, String)]) -> Result<Vec<Diagnostic>, Error> {
        let pool = &self.0;
        let launch = pool.launch()?;
        let mut process = match pool.take() {
            Some(process) => process,
            None => Process::start(launch).await?,
        };
        let mut again = true;
        loop {
            let documents = Documents::new(&launch.folders, files)?;
            match process.check(&launch.folders, documents).await {
                Ok(diagnostics) => {
                    pool.put(process);
                    return Ok(diagnostics);
                }
                Err(fault) => {
                    let reason = process.obituary(&fault).await;
                    tracing::debug!(reason, again, "a type checker ended during a check");
                    if !again {
                        return Err(Error::Crashed(reason));
                    }
                    again = false;
                    process = Process::start(launch).await?;
                }
            }
        }
    }
}

impl Pool {
    /// Made at the first check, so that what is missing then may still come.
    fn launch(&self) -> Result<&Launch, Error> {
        if let Some(launch) = self.launch.get() {
            return Ok(launch);
        }
        let executable = self.options.executable.clone();
        let folders = Folders::new(&executable, &self.options.workspace)
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let limits = self.limited.then(|| Limits {
            execute: vec![executable.clone()],
            read: folders.readable().into(),
            memory: self.options.memory,
        });
        Ok(self.launch.get_or_init(|| Launch {
            executable,
            folders,
            limits,
        }))
    }

    /// The process that was used last: the others can become idle for long.
    fn take(&self) -> Option<Process> {
        self.idle().processes.pop().map(|(_, process)| process)
    }

    fn put(self: &Arc<Self>, process: Process) {
        let mut idle = self.idle();
        idle.processes.push((Instant::now(), process));
        if !idle.sweeping {
            idle.sweeping = true;
            tokio::spawn(sweep(Arc::downgrade(self), self.options.idle));
        }
    }

    /// Ends what was idle for long. Says when to look again, if anything is left.
    fn expire(&self) -> Option<Duration> {
        let allowed = self.options.idle;
        let mut idle = self.idle();
        idle.processes
            .retain(|(since, _)| since.elapsed() < allowed);
        let next = idle.processes.first();
        let next = next.map(|(since, _)| allowed.saturating_sub(since.elapsed()));
        idle.sweeping = next.is_some();
        next
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does not keep the pool alive.
async fn sweep(pool: Weak<Pool>, first: Duration) {
    let mut next = Some(first);
    while let Some(wait) = next {
        tokio::time::sleep(wait).await;
        next = pool.upgrade().and_then(|pool| pool.expire());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::*;

    const GREET: &str = r#"answer '{"id":1,"result":{}}'"#;
    /// All that a first check hears.
    const SERVE: &str = r#"
        answer '{"id":1,"result":{}}'
        answer '{"id":2,"result":{"snapshot":1,"projects":[{"id":"p"}]}}'
        for id in 3 4 5 6; do answer "{\"id\":$id,\"result\":null}"; done
        answer '{"id":7,"result":[{"pos":0,"code":7,"category":1,"text":"found"}]}'
        cat > /dev/null
    "#;
    /// Waits for the head of the second request. (A body has no end of line.)
    const HEAR: &str = "read -r a; read -r b; read -r c";
    const DIE: &str = "echo >&2; echo 'fatal error: stack overflow' >&2; exit 2";

    /// A checker whose n-th process does `starts[n]`; the folder remembers how many there were.
    fn scripted(starts: &[String]) -> (Checker, tempfile::TempDir) {
        let workspace = tempfile::tempdir().unwrap();
        std::fs::create_dir(workspace.path().join("node_modules")).unwrap();
        for (number, start) in (1..).zip(starts) {
            let file = workspace.path().join(format!("start-{number}"));
            std::fs::write(file, start).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripted.sh");
        let mut options = Options::new(script, workspace.path());
        options.timeout = Duration::from_secs(60);
        (options.with(false), workspace)
    }

    fn started(workspace: &tempfile::TempDir) -> usize {
        (1..)
            .take_while(|n| workspace.path().join(format!("started-{n}")).exists())
            .count()
    }

    async fn check(checker: &Checker) -> Result<Vec<Diagnostic>, Error> {
        checker.check(&[("a.ts".to_owned(), String::new())]).await
    }

    #[tokio::test]
    async fn a_check_that_loses_its_process_is_made_again() {
        let (checker, workspace) = scripted(&[format!("{GREET}; {HEAR}; {DIE}"), SERVE.to_owned()]);
        assert_eq!(check(&checker).await.unwrap()[0].message, "found");
        assert_eq!(started(&workspace), 2);
    }

    #[tokio::test]
    async fn but_only_once() {
        let dying = format!("{GREET}; {HEAR}; {DIE}");
        let (checker, workspace) = scripted(&[dying.clone(), dying, SERVE.to_owned()]);
        let error = check(&checker).await.unwrap_err();
        assert!(matches!(error, Error::Crashed(_)));
        assert!(error.to_string().ends_with("fatal error: stack overflow"));
        assert_eq!(started(&workspace), 2);
        assert_eq!(check(&checker).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_process_that_makes_no_sense_is_not_used_again() {
        let nonsense = format!("{GREET}; answer '{{'; cat > /dev/null");
        let (checker, workspace) = scripted(&[nonsense, SERVE.to_owned()]);
        assert_eq!(check(&checker).await.unwrap().len(), 1);
        assert_eq!(started(&workspace), 2);
    }

    #[tokio::test]
    async fn what_does_not_greet_is_unavailable() {
        let (checker, workspace) = scripted(&[DIE.to_owned(), SERVE.to_owned()]);
        let error = check(&checker).await.unwrap_err();
        assert!(matches!(&error, Error::Unavailable(why) if why.contains("stack overflow")));
        assert_eq!(started(&workspace), 1);
    }

    #[tokio::test]
    async fn a_check_that_was_given_up_leaves_no_process() {
        let hanging = format!("{GREET}; cat > /dev/null");
        let (checker, workspace) = scripted(&[hanging, SERVE.to_owned()]);
        let given_up = tokio::spawn({
            let checker = checker.clone();
            async move { check(&checker).await }
        });
        while started(&workspace) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        assert!(checker.0.idle().processes.is_empty());
        assert_eq!(check(&checker).await.unwrap().len(), 1);
        assert_eq!(started(&workspace), 2);
    }
}
