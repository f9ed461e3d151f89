//! Rows of variables.

use crate::db::Buffer;
use crate::model::Variable;
use crate::table::{Column, Table};
use crate::versions::Row;

impl Row for Variable {
    const TABLE: &'static Table = &Table {
        name: "variables",
        columns: &[
            Column::text("id"),
            Column::text("function_id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("key").facet(),
            Column::integer("secret"),
        ],
        // The column is never asked: it lends its order, byte by byte.
        computed: &[("resource_type", "coalesce('function', v.\"id\")")],
        ids_in_parent: true,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.id);
        to.text(&self.function_id);
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.key);
        to.flag(self.value.is_secret());
    }
}
