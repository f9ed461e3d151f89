//! `Range: bytes=…` of downloads.

use std::ops::Range;

use super::super::error::{Error, Kind};

/// Most bytes that answer a range without an end.
const OPEN: u64 = 10 * 1024 * 1024;

/// The bytes that a header asks for, of a file of `size` bytes; none: all.
pub fn read(header: Option<&str>, size: u64) -> Result<Option<Range<u64>>, Error> {
    let Some(text) = header else {
        return Ok(None);
    };
    let range = text.trim().strip_prefix("bytes=").and_then(|range| {
        let (start, end) = range.split_once('-')?;
        let number = |text: &str| {
            let text = text.trim();
            text.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| text.parse::<u64>().ok())?
        };
        let start = number(start)?;
        let end = match end.trim() {
            "" => start.saturating_add(OPEN - 1).min(size.saturating_sub(1)),
            end => number(end)?,
        };
        // A range of one byte is refused too, as upstream does.
        (start < end && end < size).then(|| start..end + 1)
    });
    range
        .map(Some)
        .ok_or_else(|| Error::new(Kind::InvalidRange))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let (small, large) = (100, 3 * OPEN);
        for (header, size, expected) in [
            ("bytes=0-9", small, Some(0..10)),
            ("bytes=0-99", small, Some(0..100)),
            ("bytes=90-", small, Some(90..100)),
            ("bytes=5-", large, Some(5..5 + OPEN)),
            ("bytes=0-100", small, None),
            ("bytes=5-5", small, None),
            ("bytes=6-5", small, None),
            ("bytes=99-", small, None),
            ("bytes=-5", small, None),
            ("items=0-9", small, None),
            ("bytes=0-9,20-29", small, None),
            ("bytes=0-99999999999999999999", small, None),
            ("bytes=18446744073709551615-", small, None),
        ] {
            assert_eq!(
                read(Some(header), size).ok().flatten(),
                expected,
                "{header}"
            );
        }
        assert_eq!(read(None, small), Ok(None));
    }
}
