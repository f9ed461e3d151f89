//! What tells whether content has changed.

use std::io::{self, Write};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of the canonical JSON: members sorted by the bytes of their names,
/// no white space, numbers and texts as `serde_json` writes them. So `1` and
/// `1.0` are different, and the order of members is not.
pub fn content_hash(value: &Value) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut out = io::BufWriter::with_capacity(1024, &mut hasher);
    // A hash takes every byte, and a value can always be written.
    let _ = write(value, &mut out).and_then(|()| out.flush());
    drop(out);
    hasher.finalize().into()
}

fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.write_all(b"{")?;
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.write_all(b",")?;
                }
                serde_json::to_writer(&mut *out, name)?;
                out.write_all(b":")?;
                write(value, out)?;
            }
            out.write_all(b"}")
        }
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.write_all(b",")?;
                }
                write(item, out)?;
            }
            out.write_all(b"]")
        }
        plain => Ok(serde_json::to_writer(out, plain)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn canonical(value: &Value) -> String {
        let mut text = Vec::new();
        write(value, &mut text).expect("memory");
        String::from_utf8(text).expect("JSON")
    }

    #[test]
    fn the_order_of_members_does_not_count() {
        let one: Value = serde_json::from_str(r#"{"b":[{"y":1,"x":"\n"}],"a":null}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a":null, "b":[{"x":"\n","y":1}]}"#).unwrap();
        assert_eq!(canonical(&one), r#"{"a":null,"b":[{"x":"\n","y":1}]}"#);
        assert_eq!(content_hash(&one), content_hash(&other));
        let known: [u8; 32] = Sha256::digest(canonical(&one)).into();
        assert_eq!(content_hash(&one), known);
    }

    #[test]
    fn the_order_of_items_and_the_kind_of_numbers_count() {
        assert_ne!(content_hash(&json!([1, 2])), content_hash(&json!([2, 1])));
        assert_ne!(content_hash(&json!(1)), content_hash(&json!(1.0)));
        assert_ne!(
            content_hash(&json!({})),
            content_hash(&json!({ "a": null }))
        );
    }
}
