//! Rows of deployments.

use serde::{Deserialize, Serialize};

use crate::append::Shape;
use crate::db::Buffer;
use crate::model::Deployment;
use crate::table::{Column, Table};
use crate::versions::Row;

/// Build logs: chunks of text, in the order of their positions.
pub(crate) const BUILD_LOGS: Shape = Shape {
    name: "build_logs",
    columns: &[
        Column::text("project"),
        Column::text("deployment"),
        Column::integer("position"),
        Column::text("text"),
    ],
    key: 3,
    indexed: &[],
};

/// What deployments whose build has not ended are looked for by.
pub(crate) const UNFINISHED: &str = "unfinished";
/// What deployments that are to become active, and were not yet, are looked
/// for by.
pub(crate) const UNACTIVATED: &str = "unactivated";

/// A deployment, and what the projection remembers of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeploymentRow {
    pub row: Deployment,
    /// It was the active one at some time.
    pub activated: bool,
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

    fn columns(&self, to: &mut Buffer) {
        let row = &self.row;
        to.text(&row.id);
        to.integer(row.created_at);
        to.integer(row.updated_at);
        to.number(row.build_size);
        to.number(row.source_size);
        to.number(row.source_size + row.build_size);
        to.number(row.build_duration_ms);
        to.text(&row.status);
        to.flag(row.activate);
        to.text(&row.plan.kind);
    }

    fn global(&self) -> Option<&str> {
        match self.row.status.as_str() {
            "waiting" | "building" => Some(UNFINISHED),
            "ready" if self.row.activate && !self.activated => Some(UNACTIVATED),
            _ => None,
        }
    }
}
