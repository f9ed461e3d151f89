//! What a failure of the database means for the appender.

use std::fmt;

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::Error;

/// A failed step of an attempt to append.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) reason: String,
}

/// What is to be done about a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The database holds something that memory did not know of: look again.
    Stale,
    /// Rolled back in favour of another transaction: try again.
    Busy,
    /// Waited too long for a lock that another program holds.
    Blocked,
    /// The connection is of no use any more. What was under way may have taken
    /// effect.
    Lost,
    /// The database answers but cannot do this now, for example as its disk is
    /// full. Nothing took effect.
    Unavailable,
    /// The database does not take these values and never will.
    Refused,
}

impl Fault {
    pub(super) fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    /// Whether one append of a batch may be the cause while the others are
    /// well.
    pub(super) fn may_concern_one(&self) -> bool {
        matches!(self.kind, Kind::Stale | Kind::Blocked | Kind::Refused)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL: {}", self.reason)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::new(kind(&error), error.to_string())
    }
}

impl From<&Fault> for Error {
    fn from(fault: &Fault) -> Self {
        match fault.kind {
            Kind::Refused => Self::Unstorable(fault.to_string()),
            _ => Self::Unavailable(fault.to_string()),
        }
    }
}

/// The error of a read.
pub(super) fn unavailable(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::PoolClosed => Error::Closed,
        error => Error::Unavailable(format!("PostgreSQL: {error}")),
    }
}

pub(super) fn kind(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(error) => {
            let error = error.try_downcast_ref::<PgDatabaseError>();
            error.map_or(Kind::Unavailable, |error| {
                of_code(error.code(), error.severity())
            })
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => Kind::Lost,
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => Kind::Refused,
        _ => Kind::Unavailable,
    }
}

/// The codes are those of appendix A of the PostgreSQL manual.
fn of_code(code: &str, severity: PgSeverity) -> Kind {
    if matches!(severity, PgSeverity::Fatal | PgSeverity::Panic) {
        return Kind::Lost;
    }
    match code {
        "23505" => Kind::Stale,
        "40001" | "40P01" => Kind::Busy,
        // No lock, or no end of the statement, within its time.
        "55P03" | "57014" => Kind::Blocked,
        // A standby: after a switch of servers the name leads to another one.
        "25006" => Kind::Lost,
        _ => match code.get(..2) {
            Some("08" | "57") => Kind::Lost,
            // Values out of range, constraints, and limits such as the depth of
            // a JSON text.
            Some("22" | "23" | "54") => Kind::Refused,
            _ => Kind::Unavailable,
        },
    }
}
