//! What lists of these rows may name.

use projections::model::{Connection, Integration, Sync};
use projections::query::Scalar;
use serde_json::Value;

use crate::lists::{Listed, number, text};

impl Listed for Integration {
    const COLUMNS: &'static [&'static str] =
        &["id", "created_at", "updated_at", "sequence", "provider"];

    fn id(&self) -> &str {
        &self.id
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(&self.id),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "provider" => text(&self.settings.provider),
            _ => unreachable!("{name}"),
        }
    }
}

impl Listed for Connection {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "connection_id",
        "integration",
        "provider",
    ];

    fn id(&self) -> &str {
        self.key.as_str()
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(self.key.as_str()),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "connection_id" => text(&self.connection_id),
            "integration" => text(&self.integration),
            "provider" => text(&self.provider),
            _ => unreachable!("{name}"),
        }
    }

    fn searchable(&self) -> String {
        fn add(value: &Value, to: &mut String) {
            match value {
                Value::String(text) => *to += &format!(" {text}"),
                Value::Array(items) => items.iter().for_each(|item| add(item, to)),
                Value::Object(fields) => fields.values().for_each(|field| add(field, to)),
                _ => {}
            }
        }
        let mut all = self.connection_id.clone();
        let end_user = self.settings.end_user.as_ref();
        add(end_user.unwrap_or(&Value::Null), &mut all);
        all
    }
}

impl Listed for Sync {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "name",
        "variant",
        "kind",
        "integration",
        "connection_id",
        "started",
    ];

    fn id(&self) -> &str {
        self.key.as_str()
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(self.key.as_str()),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "name" => text(&self.place.name),
            "variant" => text(&self.place.variant),
            "kind" => text(self.place.kind.as_str()),
            "integration" => text(self.place.integration.as_str()),
            "connection_id" => text(&self.place.connection_id),
            "started" => number(self.started),
            _ => unreachable!("{name}"),
        }
    }
}
