//! Asymmetric keys and signatures: RSA (PKCS#1 v1.5, and PSS to verify), ECDSA
//! on P-256 and P-384 (deterministic, RFC 6979), Ed25519.
//!
//! Between here and the prelude a key travels as its parts: public bytes (an
//! RSAPublicKey structure, an uncompressed point, or 32 bytes) and private
//! bytes (an RSAPrivateKey structure, a scalar, or a seed). Signing with PSS
//! and making RSA keys need randomness of the library's own, and are left out.

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _};
use ed25519_dalek::{Signer as _, Verifier as _};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::DecodePublicKey as _;
use pkcs1::der::{Decode as _, Encode as _, asn1::BitStringRef, asn1::UintRef};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use ring::signature as rsa;
use serde::Deserialize;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Answer, args, bytes, split, value};

pub(super) fn dispatch(name: &str, arg: &Value, data: &[u8]) -> Option<Answer> {
    Some(match name {
        "keyImport" => import(arg, data),
        "keyExport" => export(arg, data),
        "keyGenerate" => generate(arg, data),
        "rsaKey" => rsa_from_parts(arg, data),
        "rsaParts" => rsa_parts(arg, data),
        "sign" => sign(arg, data),
        "verify" => verify(arg, data),
        _ => return None,
    })
}

/// What every key needs: its kind, and for EC its curve.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Kind {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "rsa" => Self::Rsa,
            "P-256" => Self::P256,
            "P-384" => Self::P384,
            "Ed25519" => Self::Ed25519,
            other => return Err(format!("Unsupported key type: {other}")),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
        }
    }
}

fn malformed(error: impl std::fmt::Display) -> String {
    format!("The key is malformed: {error}")
}

/// The answer that carries a key: lengths in the value, public then private
/// bytes in the data.
fn key(kind: Kind, public: &[u8], private: &[u8]) -> Answer {
    let shown = json!({ "kind": kind.name(), "public": public.len(), "private": private.len() });
    Ok((shown, [public, private].concat()))
}

fn p256_key(secret: &p256::SecretKey) -> Answer {
    let public = secret.public_key().to_encoded_point(false);
    key(Kind::P256, public.as_bytes(), &secret.to_bytes())
}

fn p384_key(secret: &p384::SecretKey) -> Answer {
    let public = secret.public_key().to_encoded_point(false);
    key(Kind::P384, public.as_bytes(), &secret.to_bytes())
}

fn ed_key(secret: &ed25519_dalek::SigningKey) -> Answer {
    key(
        Kind::Ed25519,
        secret.verifying_key().as_bytes(),
        &secret.to_bytes(),
    )
}

fn rsa_private(pkcs1: &[u8]) -> Answer {
    let private = pkcs1::RsaPrivateKey::from_der(pkcs1).map_err(malformed)?;
    let public = private.public_key().to_der().map_err(malformed)?;
    key(Kind::Rsa, &public, pkcs1)
}

#[derive(Deserialize)]
struct Import {
    /// `spki`, `pkcs8`, `pkcs1` (public), `pkcs1-private`, `sec1`, or `raw`
    /// bytes of the kind named.
    format: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    private: bool,
}

fn import(arg: &Value, data: &[u8]) -> Answer {
    let Import {
        format,
        kind,
        private,
    } = args(arg)?;
    match format.as_str() {
        "pkcs8" => {
            if let Ok(secret) = p256::SecretKey::from_pkcs8_der(data) {
                return p256_key(&secret);
            }
            if let Ok(secret) = p384::SecretKey::from_pkcs8_der(data) {
                return p384_key(&secret);
            }
            if let Ok(secret) = ed25519_dalek::SigningKey::from_pkcs8_der(data) {
                return ed_key(&secret);
            }
            let info = pkcs8::PrivateKeyInfo::try_from(data).map_err(malformed)?;
            if info.algorithm.oid != pkcs1::ALGORITHM_OID {
                return Err(format!("Unsupported key type: {}", info.algorithm.oid));
            }
            rsa_private(info.private_key)
        }
        "spki" => {
            if let Ok(public) = p256::PublicKey::from_public_key_der(data) {
                return key(Kind::P256, public.to_encoded_point(false).as_bytes(), &[]);
            }
            if let Ok(public) = p384::PublicKey::from_public_key_der(data) {
                return key(Kind::P384, public.to_encoded_point(false).as_bytes(), &[]);
            }
            if let Ok(public) = ed25519_dalek::VerifyingKey::from_public_key_der(data) {
                return key(Kind::Ed25519, public.as_bytes(), &[]);
            }
            let info = SubjectPublicKeyInfoRef::try_from(data).map_err(malformed)?;
            if info.algorithm.oid != pkcs1::ALGORITHM_OID {
                return Err(format!("Unsupported key type: {}", info.algorithm.oid));
            }
            key(Kind::Rsa, info.subject_public_key.raw_bytes(), &[])
        }
        "pkcs1" => {
            pkcs1::RsaPublicKey::from_der(data).map_err(malformed)?;
            key(Kind::Rsa, data, &[])
        }
        "pkcs1-private" => rsa_private(data),
        "sec1" => match p256::SecretKey::from_sec1_der(data) {
            Ok(secret) => p256_key(&secret),
            Err(_) => p384_key(&p384::SecretKey::from_sec1_der(data).map_err(malformed)?),
        },
        _ => raw(Kind::parse(&kind)?, private, data),
    }
}

fn raw(kind: Kind, private: bool, data: &[u8]) -> Answer {
    match (kind, private) {
        (Kind::P256, true) => p256_key(&p256::SecretKey::from_slice(data).map_err(malformed)?),
        (Kind::P384, true) => p384_key(&p384::SecretKey::from_slice(data).map_err(malformed)?),
        (Kind::P256, false) => {
            let public = p256::PublicKey::from_sec1_bytes(data).map_err(malformed)?;
            key(kind, public.to_encoded_point(false).as_bytes(), &[])
        }
        (Kind::P384, false) => {
            let public = p384::PublicKey::from_sec1_bytes(data).map_err(malformed)?;
            key(kind, public.to_encoded_point(false).as_bytes(), &[])
        }
        (Kind::Ed25519, true) => ed_key(&seed(data)?),
        (Kind::Ed25519, false) => {
            let point = data.try_into().map_err(malformed)?;
            ed25519_dalek::VerifyingKey::from_bytes(point).map_err(malformed)?;
            key(kind, data, &[])
        }
        (Kind::Rsa, _) => Err("An RSA key has no raw form".into()),
    }
}

fn seed(data: &[u8]) -> Result<ed25519_dalek::SigningKey, String> {
    Ok(ed25519_dalek::SigningKey::from_bytes(
        data.try_into().map_err(malformed)?,
    ))
}

#[derive(Deserialize)]
struct Export {
    kind: String,
    /// `spki` takes the public bytes; `pkcs8` and `sec1` the private ones.
    format: String,
}

fn export(arg: &Value, data: &[u8]) -> Answer {
    let Export { kind, format } = args(arg)?;
    let kind = Kind::parse(&kind)?;
    let null = pkcs1::ALGORITHM_ID;
    bytes(match (kind, format.as_str()) {
        (Kind::Rsa, "spki") => SubjectPublicKeyInfoRef {
            algorithm: AlgorithmIdentifierRef::from(null),
            subject_public_key: BitStringRef::from_bytes(data).map_err(malformed)?,
        }
        .to_der()
        .map_err(malformed)?,
        (Kind::Rsa, _) => pkcs8::PrivateKeyInfo::new(null, data)
            .to_der()
            .map_err(malformed)?,
        (Kind::P256, "spki") => document(
            p256::PublicKey::from_sec1_bytes(data)
                .map_err(malformed)?
                .to_public_key_der(),
        )?,
        (Kind::P384, "spki") => document(
            p384::PublicKey::from_sec1_bytes(data)
                .map_err(malformed)?
                .to_public_key_der(),
        )?,
        (Kind::P256, "sec1") => p256::SecretKey::from_slice(data)
            .map_err(malformed)?
            .to_sec1_der()
            .map_err(malformed)?
            .to_vec(),
        (Kind::P384, "sec1") => p384::SecretKey::from_slice(data)
            .map_err(malformed)?
            .to_sec1_der()
            .map_err(malformed)?
            .to_vec(),
        (Kind::P256, _) => secret(
            p256::SecretKey::from_slice(data)
                .map_err(malformed)?
                .to_pkcs8_der(),
        )?,
        (Kind::P384, _) => secret(
            p384::SecretKey::from_slice(data)
                .map_err(malformed)?
                .to_pkcs8_der(),
        )?,
        (Kind::Ed25519, "spki") => {
            let point = data.try_into().map_err(malformed)?;
            document(
                ed25519_dalek::VerifyingKey::from_bytes(point)
                    .map_err(malformed)?
                    .to_public_key_der(),
            )?
        }
        (Kind::Ed25519, _) => {
            // The short form, without the public key, as other tools write it.
            let octets = [&[0x04, 0x20], data].concat();
            let algorithm = AlgorithmIdentifierRef {
                oid: pkcs8::ObjectIdentifier::new_unwrap("1.3.101.112"),
                parameters: None,
            };
            pkcs8::PrivateKeyInfo::new(algorithm, &octets)
                .to_der()
                .map_err(malformed)?
        }
    })
}

fn document(document: pkcs8::spki::Result<pkcs8::Document>) -> Result<Vec<u8>, String> {
    document.map(pkcs8::Document::into_vec).map_err(malformed)
}

fn secret(document: pkcs8::Result<pkcs8::SecretDocument>) -> Result<Vec<u8>, String> {
    document
        .map(|document| document.as_bytes().to_vec())
        .map_err(malformed)
}

/// A key from random bytes: 32 for Ed25519, the size of the scalar for EC.
fn generate(arg: &Value, data: &[u8]) -> Answer {
    let Export { kind, .. } = args(arg)?;
    raw(Kind::parse(&kind)?, true, data)
}

/// `lengths` of n, e, and for a private key d, p, q, dp, dq, qi in the data.
#[derive(Deserialize)]
struct Parts {
    lengths: Vec<usize>,
}

fn rsa_from_parts(arg: &Value, data: &[u8]) -> Answer {
    let Parts { lengths } = args(arg)?;
    let mut rest = data;
    let mut parts = Vec::new();
    for length in lengths {
        let ([part], more) = split(rest, [length])?;
        parts.push(UintRef::new(part).map_err(malformed)?);
        rest = more;
    }
    match parts[..] {
        [modulus, public_exponent] => {
            let public = pkcs1::RsaPublicKey {
                modulus,
                public_exponent,
            };
            key(Kind::Rsa, &public.to_der().map_err(malformed)?, &[])
        }
        [
            modulus,
            public_exponent,
            private_exponent,
            prime1,
            prime2,
            exponent1,
            exponent2,
            coefficient,
        ] => {
            let private = pkcs1::RsaPrivateKey {
                modulus,
                public_exponent,
                private_exponent,
                prime1,
                prime2,
                exponent1,
                exponent2,
                coefficient,
                other_prime_infos: None,
            };
            rsa_private(&private.to_der().map_err(malformed)?)
        }
        _ => Err("The RSA key lacks some of its numbers".into()),
    }
}

#[derive(Deserialize)]
struct Which {
    private: bool,
}

/// The numbers of an RSA key, for a JSON Web Key.
fn rsa_parts(arg: &Value, data: &[u8]) -> Answer {
    let Which { private } = args(arg)?;
    let list: Vec<UintRef<'_>> = if private {
        let k = pkcs1::RsaPrivateKey::from_der(data).map_err(malformed)?;
        vec![
            k.modulus,
            k.public_exponent,
            k.private_exponent,
            k.prime1,
            k.prime2,
            k.exponent1,
            k.exponent2,
            k.coefficient,
        ]
    } else {
        let k = pkcs1::RsaPublicKey::from_der(data).map_err(malformed)?;
        vec![k.modulus, k.public_exponent]
    };
    let lengths: Vec<usize> = list.iter().map(|n| n.as_bytes().len()).collect();
    Ok((
        json!(lengths),
        list.iter().flat_map(|n| n.as_bytes()).copied().collect(),
    ))
}

#[derive(Deserialize)]
struct Signature {
    kind: String,
    /// Of the message; Ed25519 has its own.
    #[serde(default)]
    hash: String,
    #[serde(default)]
    pss: bool,
    /// ECDSA signatures as DER instead of the two numbers.
    #[serde(default)]
    der: bool,
    /// Lengths of what stands before the message.
    key: usize,
    #[serde(default)]
    signature: usize,
}

fn hashed(hash: &str, message: &[u8]) -> Result<Vec<u8>, String> {
    Ok(match hash {
        "sha1" => Sha1::digest(message).to_vec(),
        "sha256" => Sha256::digest(message).to_vec(),
        "sha384" => Sha384::digest(message).to_vec(),
        "sha512" => Sha512::digest(message).to_vec(),
        other => return Err(format!("Digest method not supported: {other}")),
    })
}

/// `data` is the private key and the message.
fn sign(arg: &Value, data: &[u8]) -> Answer {
    let s: Signature = args(arg)?;
    let ([key], message) = split(data, [s.key])?;
    bytes(match Kind::parse(&s.kind)? {
        Kind::Rsa => {
            let scheme: &dyn rsa::RsaEncoding = match (s.pss, s.hash.as_str()) {
                (false, "sha256") => &rsa::RSA_PKCS1_SHA256,
                (false, "sha384") => &rsa::RSA_PKCS1_SHA384,
                (false, "sha512") => &rsa::RSA_PKCS1_SHA512,
                (true, _) => {
                    return Err("Signing with RSA-PSS is not available in Strata functions".into());
                }
                (_, other) => return Err(format!("Digest method not supported: {other}")),
            };
            let pair = rsa::RsaKeyPair::from_der(key).map_err(malformed)?;
            let mut out = vec![0; pair.public().modulus_len()];
            // The generator only blinds the computation; the result is the
            // same for the same message.
            pair.sign(scheme, &ring::rand::SystemRandom::new(), message, &mut out)
                .map_err(|e| e.to_string())?;
            out
        }
        Kind::P256 => {
            use p256::ecdsa::signature::hazmat::PrehashSigner as _;
            let secret = p256::ecdsa::SigningKey::from_slice(key).map_err(malformed)?;
            let made: p256::ecdsa::Signature = secret
                .sign_prehash(&hashed(&s.hash, message)?)
                .map_err(|e| e.to_string())?;
            if s.der {
                made.to_der().as_bytes().to_vec()
            } else {
                made.to_bytes().to_vec()
            }
        }
        Kind::P384 => {
            use p384::ecdsa::signature::hazmat::PrehashSigner as _;
            let secret = p384::ecdsa::SigningKey::from_slice(key).map_err(malformed)?;
            let made: p384::ecdsa::Signature = secret
                .sign_prehash(&hashed(&s.hash, message)?)
                .map_err(|e| e.to_string())?;
            if s.der {
                made.to_der().as_bytes().to_vec()
            } else {
                made.to_bytes().to_vec()
            }
        }
        Kind::Ed25519 => seed(key)?.sign(message).to_bytes().to_vec(),
    })
}

/// `data` is the public key, the signature and the message.
fn verify(arg: &Value, data: &[u8]) -> Answer {
    let s: Signature = args(arg)?;
    let ([key, signature], message) = split(data, [s.key, s.signature])?;
    value(match Kind::parse(&s.kind)? {
        Kind::Rsa => {
            let scheme: &dyn rsa::VerificationAlgorithm = match (s.pss, s.hash.as_str()) {
                (false, "sha1") => &rsa::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                (false, "sha256") => &rsa::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                (false, "sha384") => &rsa::RSA_PKCS1_2048_8192_SHA384,
                (false, "sha512") => &rsa::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                (true, "sha256") => &rsa::RSA_PSS_2048_8192_SHA256,
                (true, "sha384") => &rsa::RSA_PSS_2048_8192_SHA384,
                (true, "sha512") => &rsa::RSA_PSS_2048_8192_SHA512,
                (_, other) => return Err(format!("Digest method not supported: {other}")),
            };
            rsa::UnparsedPublicKey::new(scheme, key)
                .verify(message, signature)
                .is_ok()
        }
        Kind::P256 => {
            use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
            let public = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(malformed)?;
            let given = if s.der {
                p256::ecdsa::Signature::from_der(signature)
            } else {
                p256::ecdsa::Signature::from_slice(signature)
            };
            let hash = hashed(&s.hash, message)?;
            given.is_ok_and(|given| public.verify_prehash(&hash, &given).is_ok())
        }
        Kind::P384 => {
            use p384::ecdsa::signature::hazmat::PrehashVerifier as _;
            let public = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(malformed)?;
            let given = if s.der {
                p384::ecdsa::Signature::from_der(signature)
            } else {
                p384::ecdsa::Signature::from_slice(signature)
            };
            let hash = hashed(&s.hash, message)?;
            given.is_ok_and(|given| public.verify_prehash(&hash, &given).is_ok())
        }
        Kind::Ed25519 => {
            let point = key.try_into().map_err(malformed)?;
            let public = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(malformed)?;
            ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|given| public.verify(message, &given).is_ok())
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::ops::dispatch;

    #[test]
    fn signatures_hold_for_their_message_only() {
        for (kind, length, hash) in [
            ("P-256", 32, "sha256"),
            ("P-384", 48, "sha384"),
            ("Ed25519", 32, ""),
        ] {
            let made = dispatch(
                "crypto.keyGenerate",
                &json!({ "kind": kind, "format": "" }),
                &vec![7; length],
            );
            let (value, key) = made.unwrap().unwrap();
            let (public, private) = key.split_at(value["public"].as_u64().unwrap() as usize);
            let arg = json!({ "kind": kind, "hash": hash, "key": private.len() });
            let (_, signature) = dispatch("crypto.sign", &arg, &[private, b"a message"].concat())
                .unwrap()
                .unwrap();
            let holds = |message: &[u8]| {
                let arg = json!({ "kind": kind, "hash": hash, "key": public.len(), "signature": signature.len() });
                dispatch(
                    "crypto.verify",
                    &arg,
                    &[public, &signature, message].concat(),
                )
                .unwrap()
                .unwrap()
                .0
            };
            assert_eq!(holds(b"a message"), json!(true), "{kind}");
            assert_eq!(holds(b"another"), json!(false), "{kind}");

            let der = json!({ "kind": kind, "format": "pkcs8" });
            let (_, exported) = dispatch("crypto.keyExport", &der, private)
                .unwrap()
                .unwrap();
            let (_, again) = dispatch("crypto.keyImport", &json!({ "format": "pkcs8" }), &exported)
                .unwrap()
                .unwrap();
            assert_eq!(again, key, "{kind}");
        }
    }
}
