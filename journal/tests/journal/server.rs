//! A PostgreSQL server of the tests' own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A server on a socket in a temporary folder.
///
/// A shell beside the tests waits for its input to end, and then stops the
/// server and removes the folder: however the tests end, nothing is left.
pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    options: String,
    guard: Child,
}

/// With the programs' folder, the server's folder and its options.
const GUARD: &str = r#"
trap '' INT TERM HUP
cd "$2" || exit 1
"$1/initdb" -D data -U strata -A trust -E UTF8 --locale=C --no-sync >log 2>&1 &&
"$1/pg_ctl" -D data -l log -w -o "$3" start >started 2>&1 &&
echo ready || tail -n 20 log started
read -r end
"$1/pg_ctl" -D data -m immediate stop >stopped 2>&1
cd / && rm -rf "$2"
"#;

/// The one that all tests share which do not stop it.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start("-c fsync=off -c max_connections=400"))
}

impl Server {
    /// Starts a server with these settings (`-c name=value`).
    pub fn start(settings: &str) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("strata-pg-")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        let options = format!("-k {} -c listen_addresses= {settings}", folder.display());
        let mut guard = as_user(&folder, "sh");
        let mut guard = guard
            .args(["-c", GUARD, "guard"])
            .args([&programs, &folder])
            .arg(&options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut said = BufReader::new(guard.stdout.take().expect("piped")).lines();
        let first = said.next().expect("the guard speaks").expect("text");
        assert_eq!(first, "ready", "PostgreSQL does not start");
        Self {
            folder,
            programs,
            options,
            guard,
        }
    }

    /// The address of a database on this server.
    pub fn url(&self, database: &str) -> String {
        Self::url_at(&self.folder, database)
    }

    /// The address of a database on the server that has its socket in `folder`.
    pub fn url_at(folder: &Path, database: &str) -> String {
        format!(
            "postgres://strata@localhost/{database}?host={}",
            folder.display()
        )
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Makes an empty database and returns its name.
    pub fn create_database(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let create = AssertSqlSafe(format!("CREATE DATABASE {name} STRATEGY file_copy"));
        let url = self.url("postgres");
        // Those who call are within a runtime or without one.
        let created = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await.expect("connect");
                let created = sqlx::raw_sql(create).execute(&mut connection).await;
                created.expect("created");
            });
        });
        created.join().expect("a database");
        name
    }

    /// As if the machine had lost its power, and come back.
    pub fn crash_and_restart(&self) {
        self.control(&["-m", "immediate", "restart"]);
    }

    pub fn stop(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    pub fn start_again(&self) {
        self.control(&["-o", &self.options, "start"]);
    }

    /// Runs statements with `psql` and returns what it prints.
    #[allow(dead_code, reason = "the tests of the read models ask for it")]
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let beside = self.programs.join("psql");
        let mut psql = match beside.exists() {
            true => Command::new(beside),
            false => Command::new("psql"),
        };
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "strata", "-h"]);
        psql.arg(&self.folder).args(["-d", database, "-c", sql]);
        let done = psql.output().expect("psql");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{sql}: {said}");
        String::from_utf8(done.stdout).expect("text")
    }

    /// Runs `pg_ctl`.
    pub fn control(&self, arguments: &[&str]) {
        let done = as_user(&self.folder, self.programs.join("pg_ctl"))
            .current_dir(&self.folder)
            .args(["-D", "data", "-l", "log", "-w"])
            .args(arguments)
            .stdout(Stdio::null())
            .status();
        assert!(done.expect("pg_ctl").success(), "{arguments:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The newest installed server.
fn programs() -> PathBuf {
    let of = |folder: PathBuf| folder.join("initdb").exists().then_some(folder);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).find_map(of);
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.flatten().filter_map(|version| {
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        Some((number, of(version.path().join("bin"))?))
    });
    let packaged = versions.max().map(|(_, folder)| folder);
    in_path.or(packaged).expect(
        "these tests need a PostgreSQL server; on Debian and Ubuntu it is the package `postgresql`",
    )
}

/// A command as someone whom the server accepts, who then owns `folder`: root
/// is not accepted.
fn as_user(folder: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let own = |path: &str| fs::metadata(path).map(|about| (about.uid(), about.gid()));
    let (uid, _) = own("/proc/self").expect("/proc");
    if uid != 0 {
        return Command::new(program);
    }
    let id = |user: &str, which: &str| {
        let said = Command::new("id").args([which, user]).output().ok()?;
        String::from_utf8(said.stdout)
            .ok()?
            .trim()
            .parse::<u32>()
            .ok()
    };
    let user = ["postgres", "nobody"]
        .into_iter()
        .find_map(|user| Some((id(user, "-u")?, id(user, "-g")?)));
    let (uid, gid) = user.expect("a user postgres or nobody");
    chown(folder, Some(uid), Some(gid)).expect("chown");
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={uid}"))
        .arg(format!("--regid={gid}"))
        .arg("--clear-groups")
        .arg(program.as_ref());
    command
}
