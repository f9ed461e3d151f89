//! Text encodings: UTF-8 both ways for long strings, and the legacy encodings
//! of the Encoding Standard for `TextDecoder`.

use encoding_rs::Encoding;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, args, bytes, value};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decode {
    label: String,
    #[serde(default)]
    fatal: bool,
    #[serde(default, rename = "ignoreBOM")]
    ignore_bom: bool,
}

pub(super) fn dispatch(name: &str, arg: &Value, data: &[u8]) -> Option<Answer> {
    Some(match name {
        "encode" => encode(arg),
        "decode" => decode(arg, data),
        "label" => label(arg),
        _ => return None,
    })
}

fn encode(arg: &Value) -> Answer {
    bytes(args::<&str>(arg)?)
}

/// The text, or null when `fatal` is set and the bytes are malformed.
fn decode(arg: &Value, data: &[u8]) -> Answer {
    let Decode {
        label,
        fatal,
        ignore_bom,
    } = args(arg)?;
    let encoding = Encoding::for_label(label.as_bytes())
        .ok_or_else(|| format!("RangeError: The \"{label}\" encoding is not supported"))?;
    let (text, malformed) = if ignore_bom {
        encoding.decode_without_bom_handling(data)
    } else {
        encoding.decode_with_bom_removal(data)
    };
    if fatal && malformed {
        return value(Value::Null);
    }
    value(text.into_owned())
}

/// The name `TextDecoder.encoding` shows for a label, or null.
fn label(arg: &Value) -> Answer {
    let label: &str = args(arg)?;
    value(
        Encoding::for_label_no_replacement(label.as_bytes()).map(|e| e.name().to_ascii_lowercase()),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::ops::dispatch;

    #[test]
    fn decodes_by_label() {
        for (label, data, text) in [
            (
                "utf-8",
                &b"\xef\xbb\xbfa\xff"[..],
                json!("\u{feff}a\u{fffd}"),
            ),
            ("latin1", b"\x80\xe9", json!("\u{20ac}\u{e9}")),
            (
                "shift_jis",
                b"\x83e\x83X\x83g",
                json!("\u{30c6}\u{30b9}\u{30c8}"),
            ),
            ("gbk", b"\xc4\xe3", json!("\u{4f60}")),
        ] {
            let arg = json!({ "label": label, "ignoreBOM": true });
            let (value, _) = dispatch("text.decode", &arg, data).unwrap().unwrap();
            assert_eq!(value, text, "{label}");
        }
        let fatal = json!({ "label": "utf-8", "fatal": true });
        assert!(
            dispatch("text.decode", &fatal, b"\xff")
                .unwrap()
                .unwrap()
                .0
                .is_null()
        );
    }

    #[test]
    fn names_labels() {
        let name = |label: &str| {
            dispatch("text.label", &json!(label), &[])
                .unwrap()
                .unwrap()
                .0
        };
        assert_eq!(name("iso-8859-1"), json!("windows-1252"));
        assert_eq!(name("sjis"), json!("shift_jis"));
        assert!(name("nonsense").is_null());
    }
}
