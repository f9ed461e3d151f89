//! What lists of these rows may name.

use projections::model::{
    Counter, Entry, Execution, HandlerRow, Keyset, Package, PackageDeployment, PackageRevision,
    ScheduledEvent, TestInput,
};
use projections::query::Scalar;

use crate::lists::{Listed, number, text};

/// Rows that are listed by the columns that are named, of which each has an id,
/// a time of creation and of the last change, and a sequence.
macro_rules! listed {
    ($row:ty, $id:expr, $($name:literal => $value:expr),+ $(,)?) => {
        impl Listed for $row {
            const COLUMNS: &'static [&'static str] =
                &["id", "created_at", "updated_at", "sequence", $($name),+];

            fn id(&self) -> &str {
                let id: fn(&Self) -> &str = $id;
                id(self)
            }

            fn column(&self, name: &str) -> Scalar {
                match name {
                    "created_at" => number(self.created_at),
                    "updated_at" => number(self.updated_at),
                    "sequence" => number(self.sequence),
                    $($name => {
                        let value: fn(&Self) -> Scalar = $value;
                        value(self)
                    })+
                    "id" => text(self.id()),
                    _ => unreachable!("{name}"),
                }
            }
        }
    };
}

listed!(Package, |row| row.id.as_str(),
    "name" => |row| text(&row.settings.name));

listed!(PackageRevision, |row| row.id.as_str(),
    "name" => |row| text(&row.name));

// The id of a function is the same in all revisions.
listed!(HandlerRow, |row| row.handler.id.as_str(),
    "name" => |row| text(&row.handler.name),
    "kind" => |row| text(row.handler.trigger.kind.as_str()),
    "sort_order" => |row| number(row.handler.sort_order));

listed!(TestInput, |row| row.id.as_str(),
    "description" => |row| text(row.input.description.as_deref().unwrap_or("")));

listed!(Keyset, |row| &row.id,
    "name" => |row| text(&row.name),
    "number" => |row| number(row.number));

listed!(ScheduledEvent, |row| row.id.as_str(),
    "begin" => |row| number(row.event.begin),
    "end" => |row| number(row.event.end),
    "description" => |row| text(row.event.description.as_deref().unwrap_or("")),
    "state" => |row| text(row.event.state().as_str()),
    "deployment" => |row| text(row.deployment.as_str()),
    "revision" => |row| text(row.revision.as_str()),
    "keyset" => |row| number(row.keyset));

listed!(Entry, |row| row.id.as_str(),
    "key" => |row| text(&row.key),
    "kind" => |row| text(row.value.kind.as_str()),
    "expires_at" => |row| number(row.value.expires_at));

listed!(Counter, |row| row.id.as_str(),
    "key" => |row| text(&row.key),
    "value" => |row| number(row.value));

impl Listed for PackageDeployment {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "package",
        "revision",
        "keyset",
        "status",
    ];

    /// What a cursor would name, which is not what clients call it.
    fn id(&self) -> &str {
        self.key.as_str()
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(self.id.as_str()),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "package" => text(self.package.as_str()),
            "revision" => text(self.revision.as_str()),
            "keyset" => number(self.keyset),
            "status" => text(self.status.as_str()),
            _ => unreachable!("{name}"),
        }
    }
}

/// An execution as a dead letter.
#[derive(Clone, Debug)]
pub struct Letter {
    pub row: Execution,
    /// Where it was given up, which its row does not tell.
    pub position: u64,
}

impl PartialEq for Letter {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row
    }
}

impl Listed for Letter {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "handler",
        "handler_kind",
        "channel",
        "deployment_id",
    ];

    fn id(&self) -> &str {
        &self.row.id
    }

    fn column(&self, name: &str) -> Scalar {
        let row = &self.row;
        let handler = row.handler.as_ref().unwrap();
        match name {
            "id" => text(&row.id),
            // It is one from its end on.
            "created_at" | "updated_at" => number(row.updated_at),
            "sequence" => number(self.position),
            "handler" => text(handler.handler.as_str()),
            "handler_kind" => text(handler.kind.as_str()),
            "channel" => text(&handler.channel),
            "deployment_id" => text(&row.deployment_id),
            _ => unreachable!("{name}"),
        }
    }
}
