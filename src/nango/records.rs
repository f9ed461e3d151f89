//! Records as clients and functions read them.

use records::{Action, Record};
use serde_json::{Value, json};

use super::shapes::time;

/// The stored object with `id` as a text and `_nango_metadata`. Of a pruned record only the id is
/// left.
pub fn shown(record: &Record) -> Value {
    let payload = record.payload.as_deref();
    let mut shown: Value = payload
        .and_then(|payload| serde_json::from_slice(payload).ok())
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    shown["id"] = record.id.as_str().into();
    let action = match record.last_action {
        Action::Added => "ADDED",
        Action::Updated => "UPDATED",
        Action::Deleted => "DELETED",
    };
    shown["_nango_metadata"] = json!({
        "first_seen_at": time(record.first_seen_at),
        "last_modified_at": time(record.last_modified_at),
        "last_action": action,
        "deleted_at": record.deleted_at.map(time),
        "pruned_at": record.pruned_at.map(time),
        "cursor": record.cursor().to_string(),
    });
    shown
}
