//! Times of this dialect: RFC 3339 in UTC with milliseconds.

/// From milliseconds since the Unix epoch.
pub use crate::nango::shapes::time as text;

/// Now.
pub fn now() -> String {
    text(crate::auth::now_ms())
}

#[cfg(test)]
mod tests {
    #[test]
    fn milliseconds_are_always_shown() {
        assert_eq!(super::text(1_767_225_600_000), "2026-01-01T00:00:00.000Z");
        assert_eq!(super::text(1_767_225_600_007), "2026-01-01T00:00:00.007Z");
    }
}
