//! Rows of deployments.

use serde::{Deserialize, Serialize};

use crate::db::Value;
use crate::model::Deployment;
use crate::table::{Column, Table};
use crate::versions::Row;

/// The table of build logs, before the number of its generation.
pub(crate) const BUILD_LOGS: &str = "build_logs";

/// A deployment, and what the projection remembers of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeploymentRow {
    pub row: Deployment,
}

impl Row for DeploymentRow {
    const TABLE: &'static Table = &Table {
        name: "deployments",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::integer("build_size"),
            Column::integer("source_size"),
            Column::integer("total_size"),
            Column::integer("build_duration_ms"),
            Column::text("status").facet(),
            Column::integer("activate"),
            Column::text("type"),
        ],
        computed: &[("build_duration", "(v.\"build_duration_ms\" + 999) / 1000")],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Vec<Value>) {
        let row = &self.row;
        to.extend([
            row.id.as_str().into(),
            row.created_at.into(),
            row.updated_at.into(),
            row.build_size.into(),
            row.source_size.into(),
            (row.source_size + row.build_size).into(),
            row.build_duration_ms.into(),
            row.status.as_str().into(),
            row.activate.into(),
            row.plan.kind.as_str().into(),
        ]);
    }
}
