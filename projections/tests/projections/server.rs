//! A PostgreSQL server of our own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The one that the tests share.
pub static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

const MISSING: &str = "no PostgreSQL was found: install the package `postgresql` \
                       (its programs are looked for in /usr/lib/postgresql/*/bin and in PATH)";

/// Runs until this process ends, however it does.
pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU32,
    /// Waits for the end of this process, then stops the server and deletes
    /// its folder.
    _warden: Child,
}

impl Server {
    pub fn start() -> Self {
        let programs = programs();
        let made = output(&mut unprivileged(
            "mktemp",
            &["-d", "/tmp/projections.XXXXXX"],
        ));
        let folder = PathBuf::from(made.trim());
        let data = folder.join("data");
        let mut make = unprivileged(programs.join("initdb"), &["-U", "postgres", "-A", "trust"]);
        output(
            make.args(["-E", "UTF8", "--no-locale", "-N", "-D"])
                .arg(&data),
        );
        let settings = format!(
            "unix_socket_directories = '{}'\nlisten_addresses = ''\nfsync = off\n\
             max_connections = 200\nshared_buffers = 256MB\n",
            folder.display()
        );
        let mut configure = unprivileged("tee", &["-a"]);
        let mut configure = configure
            .arg(data.join("postgresql.conf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = configure.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, settings.as_bytes()).unwrap();
        drop(input);
        assert!(configure.wait().unwrap().success());
        let stop = format!(
            "trap '' INT TERM; cat >/dev/null; \
             {0}/pg_ctl -D {1}/data -m immediate stop >/dev/null 2>&1; rm -rf {1}",
            programs.display(),
            folder.display()
        );
        let warden = unprivileged("sh", &["-c", &stop])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Self {
            folder,
            programs,
            databases: AtomicU32::new(0),
            _warden: warden,
        };
        server.control("start", &[]);
        server
    }

    /// Starts or stops the server.
    pub fn control(&self, what: &str, how: &[&str]) {
        let mut control = unprivileged(self.programs.join("pg_ctl"), &["-w", "-D"]);
        control.arg(self.folder.join("data"));
        control.arg("-l").arg(self.folder.join("log"));
        let status = control.arg(what).args(how).stdout(Stdio::null()).status();
        assert!(status.unwrap().success(), "pg_ctl {what} failed");
    }

    /// Makes a database and returns its address. Its texts compare in another
    /// way than byte by byte, where nothing else is said.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test{number}");
        self.sql(
            "postgres",
            &format!(
                "CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu \
                 ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'"
            ),
        );
        format!(
            "postgres:///{name}?host={}&user=postgres",
            self.folder.display()
        )
    }

    /// Runs statements with `psql` and returns what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]);
        output(psql.arg(&self.folder).args(["-d", database, "-c", sql]))
    }
}

/// The name of the database in an address.
pub fn name(url: &str) -> &str {
    let path = url.trim_start_matches("postgres:///");
    path.split('?').next().unwrap_or(path)
}

fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| {
            versions
                .flatten()
                .map(|one| one.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    found.sort();
    found.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&path));
    let needed = ["initdb", "pg_ctl", "psql"];
    let whole = |folder: &PathBuf| needed.iter().all(|one| folder.join(one).exists());
    found.into_iter().find(whole).expect(MISSING)
}

/// A command that is not run as root, which the server refuses to be.
fn unprivileged(program: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let root = output(Command::new("id").arg("-u")).trim() == "0";
    let mut command = match root {
        true => {
            let known = Command::new("id")
                .args(["-u", "postgres"])
                .output()
                .unwrap();
            let user = if known.status.success() {
                "postgres"
            } else {
                "nobody"
            };
            let mut command = Command::new("setpriv");
            command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]);
            command.arg(program.as_ref());
            command
        }
        false => Command::new(program.as_ref()),
    };
    command.args(arguments).current_dir("/");
    command
}

fn output(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}
