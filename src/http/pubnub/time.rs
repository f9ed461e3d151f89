//! Times on the wire: ISO 8601 in UTC with exactly three digits of a second (section 2).

/// `2026-03-10T12:00:00.000Z`, from milliseconds since the Unix epoch.
pub fn format(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
        .to_string()
}

/// Whether a text is a calendar date `YYYY-MM-DD`.
pub fn date(text: &str) -> Option<jiff::civil::Date> {
    let form = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let formed = text.len() == 10 && text.bytes().enumerate().all(form);
    formed.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{date, format};

    #[test]
    fn times_and_dates() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(1_773_144_000_120), "2026-03-10T12:00:00.120Z");
        assert!(date("2026-02-28").is_some());
        for text in [
            "2026-02-30",
            "2026-2-3",
            "20260203",
            "2026-02-03T00",
            "",
            "tomorrow!!",
        ] {
            assert!(date(text).is_none(), "{text}");
        }
    }
}
