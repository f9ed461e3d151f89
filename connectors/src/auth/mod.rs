//! Ways to show who is calling.

pub(crate) mod jwt;
pub(crate) mod oauth1;
pub(crate) mod sigv4;

use sha1::{Digest as _, Sha1};

use crate::encoding;
use crate::request::Stamp;

/// The `Authorization` header of HTTP Basic (RFC 7617).
pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", encoding::base64(format!("{name}:{password}")))
}

/// The `X-WSSE` header: the digest is the Base64 of a hexadecimal SHA-1, as the API of SAP
/// Emarsys documents it.
pub(crate) fn wsse(name: &str, secret: &str, stamp: &Stamp) -> String {
    let created = format!("{:.0}", stamp.now);
    let nonce = &stamp.nonce;
    let digest = Sha1::digest(format!("{nonce}{created}{secret}"));
    let digest = encoding::base64(hex::encode(digest));
    format!(
        "UsernameToken Username=\"{name}\", PasswordDigest=\"{digest}\", Nonce=\"{nonce}\", Created=\"{created}\""
    )
}
