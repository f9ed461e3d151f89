//! How often a sync runs, in the words of the dialect.

/// Shortest time between two runs.
const SHORTEST: i64 = 30_000;

/// Milliseconds between two runs: `every hour`, `every half day`, `every 5 minutes`, `1d`. None:
/// the text says no time, or one below half a minute.
pub fn interval_ms(text: &str) -> Option<i64> {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let text = text
        .trim()
        .strip_prefix("every ")
        .unwrap_or(text.trim())
        .trim();
    let interval = match text {
        "month" => 30 * DAY,
        "week" => 7 * DAY,
        "half day" => DAY / 2,
        "half hour" => HOUR / 2,
        "quarter hour" => HOUR / 4,
        text => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit) = text.split_at(digits);
            let amount: i64 = if number.is_empty() {
                1
            } else {
                number.parse().ok()?
            };
            let unit = match unit.trim() {
                "s" | "sec" | "secs" | "second" | "seconds" => 1000,
                "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
                "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
                "d" | "day" | "days" => DAY,
                "w" | "week" | "weeks" => 7 * DAY,
                _ => return None,
            };
            amount.checked_mul(unit)?
        }
    };
    (interval >= SHORTEST).then_some(interval)
}

/// Whether a text names a frequency that a connection may be given.
pub fn is_frequency(text: &str) -> bool {
    interval_ms(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::interval_ms;

    #[test]
    fn words_and_numbers() {
        for (text, expected) in [
            ("every hour", Some(3_600_000)),
            ("every 5 minutes", Some(300_000)),
            ("5m", Some(300_000)),
            ("every day", Some(86_400_000)),
            ("every half hour", Some(1_800_000)),
            ("1d", Some(86_400_000)),
            ("30s", Some(30_000)),
            ("29s", None),
            ("every now", None),
            ("", None),
        ] {
            assert_eq!(interval_ms(text), expected, "{text}");
        }
    }
}
