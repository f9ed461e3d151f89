//! Where a test keeps read models: in a file, or in a database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::Journal;
use projections::{Location, Options};
use tempfile::TempDir;

use crate::server::{SERVER, name};

/// A place for read models, which nobody else uses.
pub enum Home {
    File(TempDir),
    Postgres(String),
}

impl Home {
    pub fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    pub fn postgres() -> Self {
        Self::Postgres(SERVER.database())
    }

    pub fn options(&self, journal: Arc<dyn Journal>) -> Options {
        self.named(journal, "reads")
    }

    /// Options for one of several read models.
    pub fn named(&self, journal: Arc<dyn Journal>, name: &str) -> Options {
        match self {
            Self::File(folder) => Options::new(journal, path(folder.path(), name)),
            Self::Postgres(url) => Options {
                location: Location::Postgres {
                    url: url.clone(),
                    schema: name.to_owned(),
                },
                ..Options::postgres(journal, url)
            },
        }
    }

    /// Runs statements behind the back of the read models.
    pub fn tamper(&self, sql: &str) -> String {
        match self {
            Self::File(folder) => {
                let path = path(folder.path(), "reads");
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.execute_batch(sql).unwrap();
                String::new()
            }
            Self::Postgres(url) => {
                SERVER.sql(name(url), &format!("SET search_path TO reads; {sql}"))
            }
        }
    }

    /// Bytes that everything takes.
    pub fn size(&self) -> u64 {
        match self {
            Self::File(folder) => {
                let files = std::fs::read_dir(folder.path()).unwrap();
                let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
                sizes.sum()
            }
            Self::Postgres(_) => {
                let size = self.tamper("SELECT pg_database_size(current_database())");
                size.trim().parse().unwrap()
            }
        }
    }

    /// How many tables there are whose name ends in this.
    pub fn tables(&self, end: &str) -> usize {
        match self {
            Self::File(folder) => {
                let path = path(folder.path(), "reads");
                let connection = rusqlite::Connection::open(path).unwrap();
                let mut names = connection
                    .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
                    .unwrap();
                let names = names.query_map([], |row| row.get(0)).unwrap();
                let names: Vec<String> = names.collect::<Result<_, _>>().unwrap();
                names.iter().filter(|name| name.ends_with(end)).count()
            }
            Self::Postgres(_) => {
                let sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'reads'";
                let names = self.tamper(sql);
                names.lines().filter(|name| name.ends_with(end)).count()
            }
        }
    }
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.db"))
}

/// Makes two tests of each function: one with a file, one with a database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name(&crate::home::Home::file());
            })+
        }

        mod postgres {
            $(#[test]
            fn $name() {
                super::$name(&crate::home::Home::postgres());
            })+
        }
    };
}

pub(crate) use on_both;
