//! Signing JSON Web Tokens (RFC 7519).

use hmac::{Hmac, Mac as _};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::encoding::base64_url;
use crate::provider::JwtAlgorithm;

/// A key, ready to sign.
pub(crate) enum Key {
    Hmac(Vec<u8>),
    Rsa(Box<RsaKeyPair>),
    P256(Box<EcdsaKeyPair>),
}

/// Why a text is not a key for an algorithm. The text itself is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not PEM, or not a private key.
    #[error("the key is not a private key in PEM")]
    Pem,
    /// A key of another kind, or one that is too weak.
    #[error("the key does not fit {algorithm}: {reason}")]
    Unfit {
        /// The algorithm.
        algorithm: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Key {
    /// Reads a key: bytes for HS256, PEM (PKCS #8; PKCS #1 for RSA) for the others.
    pub(crate) fn read(algorithm: JwtAlgorithm, text: &[u8]) -> Result<Self, KeyError> {
        let unfit = |algorithm, reason: &dyn std::fmt::Display| KeyError::Unfit {
            algorithm,
            reason: reason.to_string(),
        };
        match algorithm {
            JwtAlgorithm::HS256 => Ok(Self::Hmac(text.to_vec())),
            JwtAlgorithm::RS256 => match pem(text)? {
                PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                _ => return Err(unfit("RS256", &"not an RSA key")),
            }
            .map(|key| Self::Rsa(Box::new(key)))
            .map_err(|reason| unfit("RS256", &reason)),
            JwtAlgorithm::ES256 => match pem(text)? {
                PrivateKeyDer::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    der.secret_pkcs8_der(),
                    &SystemRandom::new(),
                )
                .map(|key| Self::P256(Box::new(key)))
                .map_err(|reason| unfit("ES256", &reason)),
                _ => Err(unfit("ES256", &"not PKCS #8")),
            },
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "HS256",
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = || KeyError::Unfit {
            algorithm: self.algorithm(),
            reason: "signing failed".to_owned(),
        };
        match self {
            Self::Hmac(key) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| failed())?;
                mac.update(message);
                Ok(mac.finalize().into_bytes().to_vec())
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .map_err(|_| failed())?;
                Ok(signature)
            }
            Self::P256(key) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| failed()),
        }
    }

    /// A token with these claims; `headers` come beside `alg` and `typ`.
    pub(crate) fn token(
        &self,
        mut headers: Map<String, Value>,
        claims: &Map<String, Value>,
    ) -> Result<String, KeyError> {
        headers.insert("alg".to_owned(), self.algorithm().into());
        headers.insert("typ".to_owned(), "JWT".into());
        let text = |map: &Map<String, Value>| base64_url(Value::Object(map.clone()).to_string());
        let message = format!("{}.{}", text(&headers), text(claims));
        let signature = base64_url(self.sign(message.as_bytes())?);
        Ok(format!("{message}.{signature}"))
    }
}

fn pem(text: &[u8]) -> Result<PrivateKeyDer<'static>, KeyError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|_| KeyError::Pem)
}
