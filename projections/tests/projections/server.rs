//! A PostgreSQL server of our own: that of the journal's tests, with databases
//! whose texts compare in another way than byte by byte, where nothing else is
//! said.

#[path = "../../../journal/tests/journal/server.rs"]
#[expect(dead_code, reason = "the tests of the journal ask more of it")]
mod postgresql;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The one that the tests share.
pub static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// Runs until this process ends, however it does.
pub struct Server {
    server: postgresql::Server,
    databases: AtomicU32,
}

impl Server {
    pub fn start() -> Self {
        let settings = "-c fsync=off -c max_connections=200 -c shared_buffers=256MB";
        Self {
            server: postgresql::Server::start(settings),
            databases: AtomicU32::new(0),
        }
    }

    /// Stops the server in one of the ways of `pg_ctl`, or starts it again.
    pub fn stop(&self, how: &str) {
        self.server.control(&["-m", how, "stop"]);
    }

    pub fn start_again(&self) {
        self.server.start_again();
    }

    /// Makes a database and returns its address.
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
        self.server.url(&name)
    }

    /// Runs statements with `psql` and returns what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.server.psql(database, sql)
    }
}

/// The name of the database in an address.
pub fn name(url: &str) -> &str {
    let path = url.split("localhost/").nth(1).unwrap_or_default();
    path.split('?').next().unwrap_or(path)
}
