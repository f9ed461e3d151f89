//! A running `strata serve` with a data directory of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The root key of every server that tests start.
pub const ROOT_KEY: &str = "root-key-of-the-tests";

/// The master key of every server that is given no other.
pub const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The compiled engine, which costs seconds to make: kept from server to server
/// and from run to run. It is authenticated with the master key; where it does
/// not fit, a server makes its own.
struct Engine;

impl Engine {
    const KEPT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/engine");

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let of = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("shared-") && name.ends_with(".bin")
        };
        entries.map(|entry| entry.path()).filter(of).collect()
    }

    /// Where a server with this data directory has it.
    fn place(data: &Path) -> PathBuf {
        data.join("cache/sandbox")
    }

    fn give(data: &Path) {
        let place = Self::place(data);
        if !Self::files(&place).is_empty() {
            return;
        }
        std::fs::create_dir_all(&place).expect("a folder");
        for file in Self::files(Path::new(Self::KEPT)) {
            // One that is gone meanwhile is done without.
            let _ = std::fs::copy(&file, place.join(file.file_name().expect("a name")));
        }
    }

    fn keep(data: &Path) {
        let made = Self::files(&Self::place(data));
        let names = |files: &[PathBuf]| -> Vec<_> {
            let names = files.iter().filter_map(|file| file.file_name());
            names.map(ToOwned::to_owned).collect()
        };
        let kept = Self::files(Path::new(Self::KEPT));
        if names(&kept) == names(&made) {
            return;
        }
        std::fs::create_dir_all(Self::KEPT).expect("a folder");
        for file in &kept {
            let _ = std::fs::remove_file(file);
        }
        for file in made {
            let name = file.file_name().expect("a name").to_string_lossy();
            let beside = Path::new(Self::KEPT).join(format!("{}.{name}", std::process::id()));
            if std::fs::copy(&file, &beside).is_ok() {
                let _ = std::fs::rename(&beside, Path::new(Self::KEPT).join(&*name));
            }
        }
    }
}

/// Ends when it is dropped.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    dir: Option<TempDir>,
}

impl Server {
    /// A new one.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::start_in(dir.path());
        server.dir = Some(dir);
        server
    }

    /// One on a data directory that may hold data.
    pub fn start_in(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// One with more in its environment.
    pub fn start_with(data: &Path, environment: &[(&str, &str)]) -> Self {
        Engine::give(data);
        let mut child = Command::new(env!("CARGO_BIN_EXE_strata"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"])
            .args(["--root-key", ROOT_KEY, "--data-dir"])
            .arg(data)
            .env_remove("STRATA_CONFIG")
            .env("STRATA_MASTER_KEY", MASTER_KEY)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = child.stdout.take().expect("its output is piped");
        let mut url = None;
        for line in BufReader::new(out).lines() {
            let line = line.expect("its output is text");
            if let Some(at) = line.strip_prefix("listening on ") {
                url = Some(at.trim().to_owned());
                break;
            }
        }
        let url = url.expect("it says where it listens");
        Engine::keep(data);
        Self {
            child,
            url,
            dir: None,
        }
    }

    /// One that is shared by all tests that run at the same time.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Stops it where it stands (`STOP`), or lets it go on (`CONT`).
    pub fn signal(&self, signal: &str) {
        let (id, signal) = (self.child.id().to_string(), format!("-{signal}"));
        let sent = Command::new("kill").args([&signal, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "it is running");
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let ended = self.child.wait().expect("it was started here");
        assert!(ended.success(), "it ends in good order: {ended}");
    }

    /// Waits until it has died by itself; says how.
    pub async fn wait_for_death(&mut self) -> std::process::ExitStatus {
        until("its death", async || {
            self.child.try_wait().expect("it was started here")
        })
        .await
    }

    /// Ends it without warning, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again and again until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{what} takes too long"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
