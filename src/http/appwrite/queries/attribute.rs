//! The attributes that each list may be filtered and sorted by.

use super::super::error::Error;
use super::super::format::Format;
use super::super::model;
use super::refused;

/// What an attribute's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Integer,
    Boolean,
    /// Seconds on the wire, microseconds inside.
    Seconds,
    /// Whole seconds, rounded up, on the wire; milliseconds inside.
    SecondsRoundedUp,
    /// An ISO date on the wire, milliseconds since the Unix epoch inside.
    Date,
}

/// An attribute and the column behind it.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// On the wire.
    pub name: &'static str,
    /// In the read model.
    pub column: &'static str,
    /// Of its values.
    pub kind: Type,
    /// The value that it has in every row: then there is no column.
    pub constant: Option<&'static str>,
}

/// What a list can be asked.
#[derive(Debug)]
pub struct Schema {
    /// Beside those that every list has.
    attributes: &'static [Attribute],
    /// Whether `search` works; none: the list has no such parameter.
    pub search: Option<bool>,
    /// What `select` may name; empty: it is refused.
    pub selectable: model::Fields,
}

const fn attribute(name: &'static str, column: &'static str, kind: Type) -> Attribute {
    Attribute {
        name,
        column,
        kind,
        constant: None,
    }
}

const fn constant(name: &'static str, value: &'static str) -> Attribute {
    Attribute {
        name,
        column: "id",
        kind: Type::Text,
        constant: Some(value),
    }
}

/// A column that no read model has: `schedules` turns conditions on it into
/// conditions on ids.
pub const SCHEDULE_NEXT: &str = "schedule_next";
/// See [`SCHEDULE_NEXT`].
pub const SCHEDULE_PREVIOUS: &str = "schedule_previous";

const COMMON: &[Attribute] = &[
    attribute("$id", "id", Type::Text),
    attribute("$createdAt", "created_at", Type::Date),
    attribute("$updatedAt", "updated_at", Type::Date),
    attribute("$sequence", "sequence", Type::Integer),
];

/// Functions.
pub const FUNCTIONS: Schema = Schema {
    attributes: &[
        attribute("name", "name", Type::Text),
        attribute("enabled", "enabled", Type::Boolean),
        attribute("runtime", "runtime", Type::Text),
        attribute("deploymentId", "deployment_id", Type::Text),
        attribute("schedule", "schedule", Type::Text),
        attribute("scheduleNext", SCHEDULE_NEXT, Type::Date),
        attribute("schedulePrevious", SCHEDULE_PREVIOUS, Type::Date),
        attribute("timeout", "timeout", Type::Integer),
        attribute("entrypoint", "entrypoint", Type::Text),
        attribute("commands", "commands", Type::Text),
        attribute("installationId", "installation_id", Type::Text),
    ],
    search: Some(true),
    selectable: &[],
};

/// Deployments of a function.
pub const DEPLOYMENTS: Schema = Schema {
    attributes: &[
        attribute("buildSize", "build_size", Type::Integer),
        attribute("sourceSize", "source_size", Type::Integer),
        attribute("totalSize", "total_size", Type::Integer),
        attribute("buildDuration", "build_duration_ms", Type::SecondsRoundedUp),
        attribute("status", "status", Type::Text),
        attribute("activate", "activate", Type::Boolean),
        attribute("type", "type", Type::Text),
    ],
    search: Some(false),
    selectable: model::DEPLOYMENT,
};

/// Executions of a function.
pub const EXECUTIONS: Schema = Schema {
    attributes: &[
        attribute("trigger", "trigger", Type::Text),
        attribute("status", "status", Type::Text),
        attribute("responseStatusCode", "response_status_code", Type::Integer),
        attribute("duration", "duration_us", Type::Seconds),
        attribute("requestMethod", "method", Type::Text),
        attribute("requestPath", "path", Type::Text),
        attribute("deploymentId", "deployment_id", Type::Text),
    ],
    search: None,
    selectable: &[],
};

/// Variables of a function.
pub const VARIABLES: Schema = Schema {
    attributes: &[
        attribute("key", "key", Type::Text),
        constant("resourceType", "function"),
        attribute("resourceId", "function_id", Type::Text),
        attribute("secret", "secret", Type::Boolean),
    ],
    search: None,
    selectable: &[],
};

impl Schema {
    /// Finds an attribute by its name on the wire.
    pub fn attribute(&self, name: &str, format: Format) -> Result<&'static Attribute, Error> {
        let name = match name {
            "deployment" if format.before(1, 7, 0) => "deploymentId",
            name => name,
        };
        self.attributes
            .iter()
            .chain(COMMON)
            .find(|attribute| attribute.name == name)
            .ok_or_else(|| refused(format_args!("Attribute not found in schema: {name}")))
    }
}
