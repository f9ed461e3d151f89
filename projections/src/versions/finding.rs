//! Finding rows by what they have.

use super::{Row, Store, Versions};
use crate::Error;
use crate::db::OPEN_SQL;
use crate::projection::Part;
use crate::table::Index;

impl<R: Row> Versions<R> {
    /// The ids of all rows without a parent that have this value of a facet, or
    /// this word, oldest first.
    pub(crate) fn having(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        column: &str,
        value: &str,
    ) -> Result<Vec<String>, Error> {
        Part::flush(self, store)?;
        self.need(store, Index::FacetsNow)?;
        let facet = R::TABLE.facet(column)?;
        let sql = format!(
            "SELECT l.id FROM {} AS d CROSS JOIN {} AS l WHERE d.facet = {facet} \
             AND d.project = ?1 AND d.parent = '' AND d.value = ?2 \
             AND d.valid_to = {OPEN_SQL} AND l.sequence = d.sequence ORDER BY d.sequence",
            self.names.facets, self.names.lives,
        );
        let mut found = Vec::new();
        let values = [project.into(), value.into()];
        store.db.query(&sql, &values, &mut |record| {
            found.push(record.text(0)?.to_owned());
            Ok(true)
        })?;
        Ok(found)
    }
}
