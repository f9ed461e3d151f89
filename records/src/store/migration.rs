//! The steps of the schema.

/// One step. A step only adds; what nothing needs any more is removed by a later
/// release, so that the release before still works on it.
pub(super) struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub sql: &'static str,
}

pub(super) const SQLITE: &[Migration] = &[Migration {
    version: 1,
    name: "records",
    sql: include_str!("../../../migrations/records/sqlite/0001_records.sql"),
}];

pub(super) const POSTGRES: &[Migration] = &[Migration {
    version: 1,
    name: "records",
    sql: include_str!("../../../migrations/records/postgres/0001_records.sql"),
}];

/// The steps that come after those that were taken.
pub(super) fn missing(
    all: &'static [Migration],
    applied: i64,
) -> impl Iterator<Item = &'static Migration> {
    if applied > all.last().map_or(0, |last| last.version) {
        tracing::warn!(applied, "the records were written by a newer release");
    }
    all.iter().filter(move |next| next.version > applied)
}
