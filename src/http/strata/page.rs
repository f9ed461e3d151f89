//! Paging of this API's lists: `limit` and `after` (an id or a position).

use projections::query::{Cursor, List};
use serde::Deserialize;

use super::Error;

const DEFAULT: u32 = 100;
const MOST: u32 = 1000;

/// The query parameters of a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Page {
    limit: Option<u32>,
    after: Option<String>,
}

impl Page {
    pub(super) fn limit(limit: Option<u32>) -> Result<u32, Error> {
        match limit.unwrap_or(DEFAULT) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(Error::Invalid(format!("limit must be 1 to {MOST}"))),
        }
    }

    pub(super) fn list(self) -> Result<List, Error> {
        Ok(List {
            limit: Self::limit(self.limit)?,
            cursor: self.after.map(Cursor::After),
            count_up_to: Some(5000),
            ..List::default()
        })
    }
}
