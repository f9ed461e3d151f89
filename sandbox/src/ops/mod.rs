//! Pure operations the JavaScript prelude leans on: text encodings, URLs,
//! hashes, ciphers, compression and locale data.
//!
//! Every operation is a function of its argument and bytes alone: no clock, no
//! randomness, no network, no state. That is why recorded executions need not
//! keep their answers. A new family is a file here and one arm in [`dispatch`].

use serde::Deserialize;
use serde_json::Value;

mod asymmetric;
mod cipher;
mod compress;
mod hash;
mod intl;
mod text;
mod url;

/// What an operation gives back: a JSON value and bytes, or a text that the
/// prelude throws. A text that starts with `TypeError: ` or `RangeError: `
/// names the class of the JavaScript error.
pub type Answer = Result<(Value, Vec<u8>), String>;

/// The most bytes one operation may produce.
const MAX_OUTPUT: usize = 64 << 20;

/// Answers the operation `op`, or gives `None` when no pure operation has that
/// name. Work and output are bounded, so that a function cannot hold up the
/// host with one call.
pub fn dispatch(op: &str, arg: &Value, data: &[u8]) -> Option<Answer> {
    let (family, name) = op.split_once('.')?;
    match family {
        "text" => text::dispatch(name, arg, data),
        "url" => url::dispatch(name, arg),
        "crypto" => hash::dispatch(name, arg, data)
            .or_else(|| cipher::dispatch(name, arg, data))
            .or_else(|| asymmetric::dispatch(name, arg, data)),
        "intl" => intl::dispatch(name, arg),
        "zlib" => compress::dispatch(name, arg, data),
        _ => None,
    }
}

/// Reads the JSON argument of an operation.
fn args<'a, T: Deserialize<'a>>(arg: &'a Value) -> Result<T, String> {
    T::deserialize(arg).map_err(|error| format!("TypeError: {error}"))
}

/// Cuts `lengths` off the front of `data`; the last part is what remains.
fn split<const N: usize>(data: &[u8], lengths: [usize; N]) -> Result<([&[u8]; N], &[u8]), String> {
    let mut rest = data;
    let mut parts = [&data[..0]; N];
    for (part, length) in parts.iter_mut().zip(lengths) {
        if length > rest.len() {
            return Err("TypeError: the lengths do not fit the data".into());
        }
        (*part, rest) = rest.split_at(length);
    }
    Ok((parts, rest))
}

fn value(value: impl Into<Value>) -> Answer {
    Ok((value.into(), Vec::new()))
}

fn bytes(bytes: impl Into<Vec<u8>>) -> Answer {
    Ok((Value::Null, bytes.into()))
}
