//! Channels and patterns of channels.
//!
//! A period separates segments. `a.*` and `a.b.*` stand for exactly one further
//! segment that is not empty, `*` for every channel.

/// Longest channel or pattern, in characters.
pub const LONGEST: usize = 92;

/// Ends the name of a channel's presence channel.
pub const PRESENCE: &str = "-pnpres";

/// Whether a text names one channel.
pub fn is_name(text: &str) -> bool {
    let forbidden = |c: char| matches!(c, ',' | '/' | '\\' | ':' | '*') || c.is_control();
    (1..=LONGEST).contains(&text.chars().count()) && !text.chars().any(forbidden)
}

/// Whether a text names one channel or stands for several.
pub fn is_pattern(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let Some(base) = text.strip_suffix(".*") else {
        return is_name(text);
    };
    let segments = base.split('.');
    text.chars().count() <= LONGEST
        && is_name(base)
        && segments.clone().count() <= 2
        && segments.clone().all(|segment| !segment.is_empty())
}

/// Whether a channel is meant by a pattern.
pub fn matches(pattern: &str, channel: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    match pattern.strip_suffix('*') {
        Some(start) => channel
            .strip_prefix(start)
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('.')),
        None => pattern == channel,
    }
}

/// Whether there is a channel that both patterns mean.
pub fn intersect(one: &str, other: &str) -> bool {
    if one == "*" || other == "*" {
        return true;
    }
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (Some(one), Some(other)) => one == other,
        (Some(_), None) => matches(one, other),
        (None, _) => matches(other, one),
    }
}
