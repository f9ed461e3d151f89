//! References to bytes that are kept outside of events.

use serde::{Deserialize, Serialize};

/// Names a stored blob by its content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Blob {
    /// Lower-case hexadecimal SHA-256 of the bytes.
    pub sha256: String,
    /// Length in bytes.
    pub size: u64,
}

/// A text that is part of an event when it is short and a blob when it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Text {
    /// At most [`Text::INLINE_LIMIT`] bytes.
    Inline(String),
    /// Longer, stored under its hash.
    Stored(Blob),
}

impl Text {
    /// Longest text, in bytes, that is kept inside an event.
    pub const INLINE_LIMIT: usize = 4096;

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Inline(text) => text.len() as u64,
            Self::Stored(blob) => blob.size,
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Inline(String::new())
    }
}
