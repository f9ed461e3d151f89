//! Reading what the functions of a keyset share.

use aggregates::entry::Kind;

use crate::Error;
use crate::model::{Counter, Entry};
use crate::models::{ENTRIES, end_of, place};
use crate::query::{Filter, List, Operator, Order, OrderBy, Page, Scalar};
use crate::view::View;

impl View {
    /// A value, by the id of its stream. It may have expired.
    pub async fn entry(&self, project: &str, id: &str) -> Result<Option<Entry>, Error> {
        self.get(ENTRIES, project, "", id).await
    }

    /// The values of a keyset, with those that have expired. Filters and sort
    /// keys: `id` (of the stream), `created_at`, `updated_at`, `sequence`,
    /// `key`, `kind` (`string` or `json`), `expires_at`.
    ///
    /// A page by key costs a look at every value; see [`View::entries_by_key`].
    pub async fn entries(
        &self,
        project: &str,
        keyset: u64,
        list: &List,
    ) -> Result<Page<Entry>, Error> {
        self.list(ENTRIES, project, &*keyset.to_string(), list)
            .await
    }

    /// The values of one kind that have not expired at a time, by key, byte by
    /// byte, from right after a key on (none: from the first on). A page costs
    /// as much as what it shows and passes over, however much there is.
    pub async fn entries_by_key(
        &self,
        project: &str,
        keyset: u64,
        kind: Kind,
        (after, now): (Option<&str>, i64),
        limit: u32,
    ) -> Result<Vec<Entry>, Error> {
        let list = List {
            filters: vec![
                from("place", place(kind, after.unwrap_or_default())),
                compare("place", Operator::Less, Scalar::Text(end_of(kind))),
                compare("expires_at", Operator::Greater, Scalar::Integer(now)),
            ],
            order: ascending("place"),
            limit,
            ..List::default()
        };
        Ok(self.entries(project, keyset, &list).await?.rows)
    }

    /// A counter, by the id of its stream.
    pub async fn counter(&self, project: &str, id: &str) -> Result<Option<Counter>, Error> {
        self.get(ENTRIES, project, "", id).await
    }

    /// The counters of a keyset. Filters and sort keys: `id` (of the stream),
    /// `created_at`, `updated_at`, `sequence`, `key`, `value`.
    pub async fn counters(
        &self,
        project: &str,
        keyset: u64,
        list: &List,
    ) -> Result<Page<Counter>, Error> {
        self.list(ENTRIES, project, &*keyset.to_string(), list)
            .await
    }

    /// The counters of a keyset by key, as [`View::entries_by_key`].
    pub async fn counters_by_key(
        &self,
        project: &str,
        keyset: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Counter>, Error> {
        let list = List {
            filters: vec![from("key", after.unwrap_or_default().to_owned())],
            order: ascending("key"),
            limit,
            ..List::default()
        };
        Ok(self.counters(project, keyset, &list).await?.rows)
    }
}

/// From right after a text on; no key is empty.
fn from(column: &'static str, after: String) -> Filter {
    compare(column, Operator::Greater, Scalar::Text(after))
}

fn compare(column: &'static str, operator: Operator, value: Scalar) -> Filter {
    Filter::Compare {
        column,
        operator,
        values: vec![value],
    }
}

fn ascending(column: &'static str) -> Vec<Order> {
    vec![Order {
        by: OrderBy::Column(column),
        descending: false,
    }]
}
