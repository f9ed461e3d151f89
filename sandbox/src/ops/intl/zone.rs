//! Time zones: names from the bundled database, and offsets at an instant.

use icu_time::zone::iana::IanaParserExtended;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

use crate::ops::{Answer, args, value};

/// A zone by name, `UTC`, or an offset such as `+05:30`.
pub(super) enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    Named {
        name: String,
        rules: TimeZone,
    },
}

impl Zone {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(seconds) = offset(text) {
            return Some(Self::Fixed(seconds));
        }
        let normal = IanaParserExtended::new();
        let parsed = normal.parse(text);
        let rules = TimeZoneDatabase::bundled().get(text).ok()?;
        // Spelled as the database spells it, aliases kept as they are.
        let name = if parsed.normalized.is_empty() || parsed.time_zone.is_unknown() {
            rules.iana_name().unwrap_or(text).to_owned()
        } else {
            parsed.normalized.to_owned()
        };
        let utc = [
            "Etc/UTC",
            "Etc/GMT",
            "GMT",
            "Etc/UCT",
            "Etc/Zulu",
            "Etc/Universal",
            "UTC",
            "UCT",
            "Zulu",
            "Universal",
        ];
        let name = if utc.contains(&name.as_str()) {
            "UTC".to_owned()
        } else {
            name
        };
        Some(Self::Named { name, rules })
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Fixed(seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                let minutes = seconds.abs() / 60;
                format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Self::Named { name, .. } => name.clone(),
        }
    }

    /// Seconds east of UTC at an instant in seconds since the epoch. Beyond
    /// the years the database covers, the nearest it has.
    pub(super) fn offset(&self, seconds: i64) -> i32 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Named { rules, .. } => {
                let bounded = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                Timestamp::from_second(bounded).map_or(0, |at| rules.to_offset(at).seconds())
            }
        }
    }
}

/// `±HH`, `±HHMM` or `±HH:MM` as seconds.
fn offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = match text.len() {
        3 | 5 => text[1..].to_owned(),
        6 if text.as_bytes()[3] == b':' => format!("{}{}", &text[1..3], &text[4..]),
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..4).map_or(Ok(0), str::parse).ok()?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

/// The name as `resolvedOptions().timeZone` shows it, or null.
pub(super) fn named(arg: &Value) -> Answer {
    let text: String = args(arg)?;
    value(Zone::parse(&text).map(|zone| zone.name()))
}

/// Every zone that has a region, by the names of the database.
pub(super) fn names() -> Answer {
    let names: Vec<String> = TimeZoneDatabase::bundled()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/"))
        .collect();
    value(names)
}
