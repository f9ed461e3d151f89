//! Times and generated ids as the wire format writes them.

use jiff::Timestamp;

/// `YYYY-MM-DDTHH:MM:SS.mmm+00:00` of milliseconds since the Unix epoch.
pub fn date(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(time) => format!(
            "{}.{:03}+00:00",
            time.strftime("%Y-%m-%dT%H:%M:%S"),
            milliseconds.rem_euclid(1000)
        ),
        Err(_) => String::new(),
    }
}

/// As [`date`]; empty when there is none.
pub fn date_or_empty(milliseconds: Option<i64>) -> String {
    milliseconds.map(date).unwrap_or_default()
}

/// Milliseconds since the Unix epoch of an ISO 8601 date; a date without an
/// offset is in UTC, one without a time is its midnight.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// Milliseconds since the Unix epoch.
pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `[HH:MM:SS]`, as build logs begin their lines.
pub fn clock() -> String {
    format!("[{}]", Timestamp::now().strftime("%H:%M:%S"))
}

/// A new id: 8 hex digits of seconds, 5 of microseconds, 7 random.
pub fn new_id() -> String {
    let micros = Timestamp::now().as_microsecond();
    let random = uuid::Uuid::new_v4().as_u128() as u32 & 0x0fff_ffff;
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    format!("{seconds:08x}{micros:05x}{random:07x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_milliseconds_and_a_literal_offset() {
        assert_eq!(date(1_762_161_164_120), "2025-11-03T09:12:44.120+00:00");
        assert_eq!(date(-1), "1969-12-31T23:59:59.999+00:00");
        for text in [
            "2025-11-03T09:12:44.120+00:00",
            "2025-11-03T09:12:44.120Z",
            "2025-11-03T10:12:44.120+01:00",
            "2025-11-03 09:12:44.120",
        ] {
            assert_eq!(parse(text), Some(1_762_161_164_120), "{text}");
        }
        assert_eq!(parse("2025-11-03"), Some(1_762_128_000_000));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn ids_have_the_shape_that_clients_make() {
        let id = new_id();
        assert_eq!(id.len(), 20);
        assert!(id.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(new_id(), id);
    }
}
