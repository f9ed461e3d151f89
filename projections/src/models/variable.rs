//! Rows of variables.

use crate::db::Value;
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
        computed: &[("resource_type", "'function'")],
        ids_in_parent: true,
    };

    fn columns(&self, to: &mut Vec<Value>) {
        to.extend([
            self.id.as_str().into(),
            self.function_id.as_str().into(),
            self.created_at.into(),
            self.updated_at.into(),
            self.key.as_str().into(),
            self.value.is_secret().into(),
        ]);
    }
}
