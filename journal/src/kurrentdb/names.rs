//! The names of the streams on the server.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{Error, StreamId};

/// The names of everything that one journal keeps on a server. Streams of
/// events, and only they, have a dot behind the prefix: a filter by prefix
/// finds them and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: Arc<str>,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Result<Self, Error> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if prefix.is_empty() || !prefix.chars().all(is_plain) {
            return Err(Error::Unsupported(format!(
                "KurrentDB: the prefix {prefix:?} may have letters, digits and _ only"
            )));
        }
        Ok(Self {
            prefix: prefix.into(),
        })
    }

    /// What the names of all streams of events begin with.
    pub(super) fn filter(&self) -> String {
        format!("{}.", self.prefix)
    }

    /// The stream of events of `stream`.
    pub(super) fn events(&self, stream: &StreamId) -> String {
        format!("{}.{stream}", self.prefix)
    }

    /// Which stream a stream of events is; `None` when no journal named it.
    pub(super) fn parse(&self, name: &str) -> Option<StreamId> {
        let name = name.strip_prefix(&*self.prefix)?.strip_prefix('.')?;
        let (kind, key) = name.split_once('-')?;
        Some(StreamId::new(kind, key))
    }

    /// The stream of the claims of a command id, which may be long and have
    /// any characters.
    pub(super) fn claims(&self, command_id: &str) -> String {
        let mut name = format!("{}-command-", self.prefix);
        for byte in Sha256::digest(command_id.as_bytes()) {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    /// The stream of stored marks.
    pub(super) fn index(&self) -> String {
        format!("{}-index", self.prefix)
    }

    /// The stream of the snapshot of `stream`.
    pub(super) fn snapshot(&self, stream: &StreamId, fold_version: u32) -> String {
        format!("{}-snapshot-{fold_version}-{stream}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_known_by_its_name() {
        let names = Names::new("strata").expect("a prefix");
        for (kind, key) in [("function", "default:hello"), ("a", "ä-'x"), ("b", "")] {
            let stream = StreamId::new(kind, key);
            let name = names.events(&stream);
            assert!(name.starts_with(&names.filter()));
            assert_eq!(names.parse(&name), Some(stream.clone()));
            for other in [
                names.claims(&name),
                names.index(),
                names.snapshot(&stream, 1),
            ] {
                assert!(!other.starts_with(&names.filter()), "{other}");
                assert_eq!(names.parse(&other), None);
            }
        }
        assert_eq!(names.parse("strata.function"), None);
        for prefix in ["", "a.b", "a-b", "$a"] {
            assert!(Names::new(prefix).is_err(), "{prefix}");
        }
    }
}
