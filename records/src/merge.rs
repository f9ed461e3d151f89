//! Updates of a part of a record.

use serde_json::Value;

/// Puts `patch` into `value`: objects member by member, at every depth; anything
/// else, arrays and null among it, takes the place of what was there.
pub fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(members), Value::Object(patch)) => {
            for (name, patch) in patch {
                match members.get_mut(&name) {
                    Some(member) => merge(member, patch),
                    None => {
                        members.insert(name, patch);
                    }
                }
            }
        }
        (value, patch) => *value = patch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_merged_and_everything_else_replaced() {
        let mut value = json!({ "a": { "b": 1, "c": [1, 2] }, "d": { "e": 1 }, "f": 1 });
        merge(
            &mut value,
            json!({ "a": { "c": [3] }, "d": null, "f": { "g": 1 }, "h": 2 }),
        );
        let expected = json!({ "a": { "b": 1, "c": [3] }, "d": null, "f": { "g": 1 }, "h": 2 });
        assert_eq!(value, expected);
    }
}
