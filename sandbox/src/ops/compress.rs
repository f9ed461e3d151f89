//! Compression for node:zlib and the compression streams.

use std::io::{self, Read};

use flate2::Compression;
use flate2::read::{
    DeflateDecoder, DeflateEncoder, GzEncoder, MultiGzDecoder, ZlibDecoder, ZlibEncoder,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, MAX_OUTPUT, args, bytes, value};

#[derive(Deserialize)]
struct Compress {
    format: String,
    level: Option<u32>,
}

pub(super) fn dispatch(name: &str, arg: &Value, data: &[u8]) -> Option<Answer> {
    Some(match name {
        "deflate" => deflate(arg, data),
        "inflate" => inflate(arg, data),
        "crc32" => crc32(arg, data),
        _ => return None,
    })
}

fn deflate(arg: &Value, data: &[u8]) -> Answer {
    let Compress { format, level } = args(arg)?;
    let level = level
        .map(|level| Compression::new(level.min(9)))
        .unwrap_or_default();
    match format.as_str() {
        "gzip" => read(GzEncoder::new(data, level)),
        "zlib" => read(ZlibEncoder::new(data, level)),
        "raw" => read(DeflateEncoder::new(data, level)),
        "brotli" => read(brotli::CompressorReader::new(
            data,
            4096,
            level.level().min(11),
            22,
        )),
        other => Err(format!("TypeError: unknown compression format {other}")),
    }
}

/// `auto` tells gzip from zlib by the first bytes.
fn inflate(arg: &Value, data: &[u8]) -> Answer {
    let Compress { format, .. } = args(arg)?;
    match format.as_str() {
        "gzip" => read(MultiGzDecoder::new(data)),
        "zlib" => read(ZlibDecoder::new(data)),
        "raw" => read(DeflateDecoder::new(data)),
        "auto" if data.starts_with(&[0x1f, 0x8b]) => read(MultiGzDecoder::new(data)),
        "auto" => read(ZlibDecoder::new(data)),
        "brotli" => read(brotli::Decompressor::new(data, 4096)),
        other => Err(format!("TypeError: unknown compression format {other}")),
    }
}

#[derive(Deserialize)]
struct Crc {
    #[serde(default)]
    value: u32,
}

fn crc32(arg: &Value, data: &[u8]) -> Answer {
    let Crc { value: seed } = args(arg)?;
    let mut crc = !seed;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    value(!crc)
}

/// Reads to the end, refusing output beyond the limit: a small archive can
/// hold a very large one.
fn read(source: impl Read) -> Answer {
    let mut out = Vec::new();
    let limit = MAX_OUTPUT as u64 + 1;
    match source.take(limit).read_to_end(&mut out) {
        Ok(_) if out.len() > MAX_OUTPUT => Err(format!(
            "RangeError: the result is larger than {MAX_OUTPUT} bytes"
        )),
        Ok(_) => bytes(out),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err("unexpected end of file".into())
        }
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::ops::dispatch;

    #[test]
    fn formats_reverse_themselves() {
        let text = b"strata ".repeat(100);
        for format in ["gzip", "zlib", "raw", "brotli"] {
            let arg = json!({ "format": format });
            let (_, small) = dispatch("zlib.deflate", &arg, &text).unwrap().unwrap();
            assert!(small.len() < 60, "{format}");
            let (_, back) = dispatch("zlib.inflate", &arg, &small).unwrap().unwrap();
            assert_eq!(back, text, "{format}");
            assert!(
                dispatch("zlib.inflate", &arg, &small[..small.len() / 2])
                    .unwrap()
                    .is_err(),
                "{format}"
            );
        }
    }

    #[test]
    fn refuses_a_bomb() {
        let (_, bomb) = dispatch(
            "zlib.deflate",
            &json!({ "format": "gzip" }),
            &vec![0; 65 << 20],
        )
        .unwrap()
        .unwrap();
        let refused = dispatch("zlib.inflate", &json!({ "format": "gzip" }), &bomb)
            .unwrap()
            .unwrap_err();
        assert!(refused.starts_with("RangeError"), "{refused}");
    }

    #[test]
    fn sums() {
        let sum = dispatch("zlib.crc32", &json!({}), b"123456789")
            .unwrap()
            .unwrap()
            .0;
        assert_eq!(sum, json!(0xcbf4_3926_u32));
    }
}
