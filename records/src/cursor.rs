//! Places between records.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::Error;

/// The place of a record in the order that records are listed in.
///
/// As text it is base64 of `<time of the last modification>||<uuid>`, the time
/// in RFC 3339 with milliseconds (reference, section 8.7). It is read again
/// with any offset from UTC; what is below a millisecond is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Milliseconds since the Unix epoch.
    pub modified_at: i64,
    /// The record.
    pub uuid: Uuid,
}

impl Cursor {
    /// Before all records.
    pub(crate) const START: Self = Self {
        modified_at: i64::MIN,
        uuid: Uuid::nil(),
    };
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A clock beyond the year 9999 is as good as one at its end.
        let time = Timestamp::from_millisecond(self.modified_at).unwrap_or(Timestamp::MAX);
        let text = format!("{time:.3}||{}", self.uuid);
        f.write_str(&STANDARD.encode(text))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let read = || {
            let bytes = STANDARD.decode(text).ok()?;
            let (time, uuid) = std::str::from_utf8(&bytes).ok()?.split_once("||")?;
            Some(Self {
                modified_at: time.parse::<Timestamp>().ok()?.as_millisecond(),
                uuid: Uuid::try_parse(uuid).ok()?,
            })
        };
        read().ok_or_else(|| Error::Cursor(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0195e6a8-1f2b-7000-8000-000000000001";

    #[test]
    fn a_cursor_is_a_time_and_a_uuid() {
        let cursor = Cursor {
            modified_at: 1_767_225_600_120,
            uuid: UUID.parse().unwrap(),
        };
        let text = cursor.to_string();
        let inner = String::from_utf8(STANDARD.decode(&text).unwrap()).unwrap();
        assert_eq!(inner, format!("2026-01-01T00:00:00.120Z||{UUID}"));
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
        let other = STANDARD.encode(format!("2026-01-01T02:00:00.120999+02:00||{UUID}"));
        assert_eq!(other.parse::<Cursor>().unwrap(), cursor);
    }

    #[test]
    fn anything_else_is_refused() {
        for inner in [
            "",
            "||",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z||x",
            "yesterday||0195e6a8-1f2b-7000-8000-000000000001",
            "2026-01-01T00:00:00||0195e6a8-1f2b-7000-8000-000000000001",
        ] {
            let error = STANDARD.encode(inner).parse::<Cursor>();
            assert!(matches!(error, Err(Error::Cursor(_))), "{inner}");
        }
        for text in ["é", "%%%", "YQ", "gICA"] {
            assert!(
                matches!(text.parse::<Cursor>(), Err(Error::Cursor(_))),
                "{text}"
            );
        }
    }
}
