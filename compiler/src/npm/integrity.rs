//! Subresource integrity: `sha512-…` and, for what is old, `sha1-…`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// `shasum` of old metadata as an integrity.
pub(super) fn from_shasum(shasum: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = (0..shasum.len() / 2)
        .map(|at| {
            shasum
                .get(at * 2..at * 2 + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect();
    bytes
        .filter(|bytes| bytes.len() == 20)
        .map(|bytes| format!("sha1-{}", STANDARD.encode(bytes)))
}

/// The strongest hash of an integrity, which may list several.
pub(super) fn strongest(integrity: &str) -> Option<&str> {
    ["sha512-", "sha384-", "sha256-", "sha1-"]
        .iter()
        .find_map(|prefix| {
            integrity
                .split_whitespace()
                .find(|hash| hash.starts_with(prefix))
        })
}

/// The hash of `bytes` with the algorithm of `expected`.
pub(super) fn of(bytes: &[u8], expected: &str) -> Option<String> {
    let (algorithm, _) = expected.split_once('-')?;
    let digest = match algorithm {
        "sha512" => STANDARD.encode(Sha512::digest(bytes)),
        "sha384" => STANDARD.encode(Sha384::digest(bytes)),
        "sha256" => STANDARD.encode(Sha256::digest(bytes)),
        "sha1" => STANDARD.encode(Sha1::digest(bytes)),
        _ => return None,
    };
    Some(format!("{algorithm}-{digest}"))
}
