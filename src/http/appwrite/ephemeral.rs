//! Short-lived keys that executions are given: a JSON Web Token, signed with
//! HMAC-SHA-256 under a key of this installation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::vault::Vault;

/// `{"alg":"HS256","typ":"JWT"}`; no other header is accepted.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// The project it is for.
    pub project_id: String,
    /// The function it was made for.
    pub function_id: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// Seconds since the Unix epoch after which it allows nothing.
    pub exp: i64,
}

/// A token for these claims.
pub fn mint(vault: &Vault, claims: &Claims) -> String {
    let payload = serde_json::to_vec(claims).unwrap_or_default();
    let signed = format!("{HEADER}.{}", BASE64URL.encode(payload));
    let signature = mac(vault, &signed).finalize().into_bytes();
    format!("{signed}.{}", BASE64URL.encode(signature))
}

/// The claims of a token that was minted here and is still valid at `now`
/// (milliseconds since the Unix epoch).
pub fn verify(vault: &Vault, token: &str, now: i64) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    if header != HEADER {
        return None;
    }
    let signature = BASE64URL.decode(signature).ok()?;
    mac(vault, signed).verify_slice(&signature).ok()?;
    let claims: Claims = serde_json::from_slice(&BASE64URL.decode(payload).ok()?).ok()?;
    (claims.exp > now / 1000).then_some(claims)
}

fn mac(vault: &Vault, signed: &str) -> Hmac<Sha256> {
    let key = vault.derive("appwrite/ephemeral-keys");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unchanged_unexpired_tokens_of_this_installation_hold() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open_folder(folder.path()).unwrap();
        let claims = Claims {
            project_id: "p".to_owned(),
            function_id: "f".to_owned(),
            scopes: vec!["functions.read".to_owned()],
            exp: 1000,
        };
        let token = mint(&vault, &claims);
        assert_eq!(verify(&vault, &token, 999_999), Some(claims.clone()));
        assert_eq!(verify(&vault, &token, 1_000_000), None);

        let more = Claims {
            scopes: vec!["functions.write".to_owned()],
            ..claims
        };
        let signature = token.rsplit_once('.').unwrap().1;
        let payload = BASE64URL.encode(serde_json::to_vec(&more).unwrap());
        let forged = format!("{HEADER}.{payload}.{signature}");
        assert_eq!(verify(&vault, &forged, 0), None);
        let unsigned = BASE64URL.encode(r#"{"alg":"none","typ":"JWT"}"#);
        assert_eq!(verify(&vault, &format!("{unsigned}.{payload}."), 0), None);

        let other = tempfile::tempdir().unwrap();
        let other = Vault::open_folder(other.path()).unwrap();
        assert_eq!(verify(&other, &token, 0), None);
        for garbage in ["", ".", "..", "a.b.c"] {
            assert_eq!(verify(&vault, garbage, 0), None, "{garbage}");
        }
    }
}
