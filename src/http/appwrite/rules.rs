//! The rules of single values: ids, roles, events, scopes, schedules.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// What a custom id is refused with.
pub const CUSTOM_ID: &str = "Parameter must contain at most 36 chars. Valid chars are a-z, A-Z, 0-9, period, hyphen, and underscore. Can't start with a special char";
/// What an id in a path is refused with.
pub const PATH_ID: &str = "UID must contain at most 36 chars. Valid chars are a-z, A-Z, 0-9, and underscore. Can't start with a leading underscore";
/// What a schedule is refused with.
pub const CRON: &str = "String must be a valid cron expression";

const LONGEST_ID: usize = 36;

/// An id that a client may choose.
pub fn is_custom_id(id: &str) -> bool {
    is_path_id(id) && id.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// An id that may stand in a path.
pub fn is_path_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && !id.starts_with('_')
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// A role that may be allowed to execute.
pub fn is_role(role: &str) -> bool {
    let (kind, rest) = match role.split_once(':') {
        Some((kind, rest)) => (kind, Some(rest)),
        None => (role, None),
    };
    let Some(rest) = rest else {
        return matches!(
            kind,
            "any" | "guests" | "users" | "users/verified" | "users/unverified"
        );
    };
    let (id, dimension) = match rest.split_once('/') {
        Some((id, dimension)) => (id, Some(dimension)),
        None => (rest, None),
    };
    match (kind, dimension) {
        ("user", None | Some("verified" | "unverified")) | ("team" | "member", None) => {
            is_path_id(id)
        }
        ("team", Some(role)) => is_path_id(id) && is_path_id(role),
        ("label", None) => {
            (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
        }
        _ => false,
    }
}

/// Checks a pattern of events; the error is what it is refused with.
pub fn check_event(pattern: &str) -> Result<(), &'static str> {
    const SERVICES: &[&str] = &[
        "users",
        "databases",
        "tablesdb",
        "documentsdb",
        "vectorsdb",
        "buckets",
        "teams",
        "sites",
        "messages",
        "topics",
        "providers",
        "schedules",
        "rules",
        "reports",
    ];
    let parts: Vec<&str> = pattern.split('.').collect();
    if parts[0] == "functions" {
        return Err("Triggering a function on a function event is not allowed.");
    }
    let well_formed = (2..=7).contains(&parts.len())
        && SERVICES.contains(&parts[0])
        && parts[1..]
            .iter()
            .all(|part| *part == "*" || is_path_id(part));
    if well_formed {
        Ok(())
    } else {
        Err("Event is not valid.")
    }
}

/// A scope that a function may be given.
pub fn is_scope(scope: &str) -> bool {
    const BOTH: &[&str] = &[
        "project",
        "keys",
        "platforms",
        "mocks",
        "policies",
        "project.policies",
        "templates",
        "stages",
        "users",
        "sessions",
        "teams",
        "databases",
        "tables",
        "columns",
        "indexes",
        "rows",
        "collections",
        "attributes",
        "documents",
        "buckets",
        "files",
        "tokens",
        "functions",
        "executions",
        "execution",
        "sites",
        "log",
        "providers",
        "topics",
        "subscribers",
        "targets",
        "messages",
        "rules",
        "webhooks",
        "migrations",
        "schedules",
        "vcs",
        "insights",
        "reports",
        "presences",
    ];
    match scope {
        "embeddings.write" | "locale.read" | "avatars.read" | "health.read" | "assistant.read" => {
            true
        }
        scope => scope
            .strip_suffix(".read")
            .or_else(|| scope.strip_suffix(".write"))
            .is_some_and(|noun| BOTH.contains(&noun)),
    }
}

/// A five-field schedule in UTC that can occur.
pub fn is_schedule(text: &str) -> bool {
    let Some(cron) = schedule(text) else {
        return false;
    };
    let start = jiff::civil::date(2024, 1, 1).at(0, 0, 0, 0);
    cron.find_next_occurrence(&start, true).is_ok()
}

/// Reads a schedule.
pub fn schedule(text: &str) -> Option<Cron> {
    let text = text.trim();
    let text = match text.to_ascii_lowercase().as_str() {
        "@midnight" => "@daily",
        _ => text,
    };
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(rule(text), "{text:?} is good");
        }
        for text in bad {
            assert!(!rule(text), "{text:?} is bad");
        }
    }

    #[test]
    fn ids() {
        let (long, longer) = ("a".repeat(36), "a".repeat(37));
        check(
            is_custom_id,
            &["a", "65f0c0ffee0123456789", "My.Fn-1_x", &long],
            &["", "-a", ".a", "_a", "a b", "a/b", "é", &longer],
        );
        check(is_path_id, &["-a", ".a", "a_"], &["", "_a", "a:b", &longer]);
    }

    #[test]
    fn roles() {
        check(
            is_role,
            &[
                "any",
                "guests",
                "users",
                "users/verified",
                "user:u1",
                "user:u1/unverified",
                "team:t",
                "team:t/owner",
                "member:m",
                "label:vip1",
            ],
            &[
                "",
                "*",
                "some-random-string",
                "role:all",
                "any/x",
                "users/x",
                "user:",
                "user:u/x",
                "member:m/x",
                "label:a-b",
                "guests:x",
            ],
        );
    }

    #[test]
    fn events() {
        check(
            |pattern| check_event(pattern).is_ok(),
            &[
                "users.*.create",
                "users.*.update.email",
                "users.*",
                "databases.*.collections.*.documents.*.update",
            ],
            &[
                "",
                "users",
                "users..create",
                "nothing.*.create",
                "functions.*.create",
                "a.b.c.d.e.f.g.h",
            ],
        );
    }

    #[test]
    fn scopes() {
        check(
            is_scope,
            &[
                "users.read",
                "execution.write",
                "project.policies.read",
                "locale.read",
            ],
            &[
                "",
                "users",
                "users.delete",
                "locale.write",
                "*",
                "garbage.read",
            ],
        );
    }

    #[test]
    fn schedules() {
        check(
            is_schedule,
            &[
                "* * * * *",
                "*/15 * * * *",
                "1-30/5 0 * * MON-FRI",
                "0 0 29 2 *",
                "@midnight",
                "@yearly",
                "@Hourly",
                "0 0 L * ?",
                "0 0 15W * *",
                "0 0 * * 5#2",
                "0 0 * * 7",
            ],
            &[
                "",
                "* * * *",
                "* * * * * *",
                "0 0 31 2 *",
                "60 * * * *",
                "hello",
                "@never",
            ],
        );
    }
}
