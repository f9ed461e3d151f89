//! Digests, HMAC, and key derivation.

use hmac::digest::core_api::BlockSizeUser;
use hmac::{Mac, SimpleHmac};
use md5::Md5;
use serde::Deserialize;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};

use super::{Answer, args, bytes, split, value};

/// More rounds than any published recommendation asks for, about ten seconds
/// of work.
const MAX_ITERATIONS: u64 = 10_000_000;
/// The most memory one scrypt call may take, in bytes.
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;
/// The longest key that is derived, in bytes.
const MAX_DERIVED: usize = 1 << 20;

/// The names `getHashes` lists.
const NAMES: &[&str] = &[
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha3-224",
    "sha3-256",
    "sha3-384",
    "sha3-512",
    "sha384",
    "sha512",
    "sha512-224",
    "sha512-256",
];

/// Runs `$work` with `$Hash` bound to the type of the hash called `$name`.
macro_rules! with_hash {
    ($name:expr, $Hash:ident => $work:expr) => {
        match $name {
            "md5" => {
                type $Hash = Md5;
                $work
            }
            "sha1" => {
                type $Hash = Sha1;
                $work
            }
            "sha224" => {
                type $Hash = Sha224;
                $work
            }
            "sha256" => {
                type $Hash = Sha256;
                $work
            }
            "sha384" => {
                type $Hash = Sha384;
                $work
            }
            "sha512" => {
                type $Hash = Sha512;
                $work
            }
            "sha512-224" => {
                type $Hash = Sha512_224;
                $work
            }
            "sha512-256" => {
                type $Hash = Sha512_256;
                $work
            }
            "sha3-224" => {
                type $Hash = Sha3_224;
                $work
            }
            "sha3-256" => {
                type $Hash = Sha3_256;
                $work
            }
            "sha3-384" => {
                type $Hash = Sha3_384;
                $work
            }
            "sha3-512" => {
                type $Hash = Sha3_512;
                $work
            }
            other => Err(format!("Digest method not supported: {other}")),
        }
    };
}

pub(super) fn dispatch(name: &str, arg: &Value, data: &[u8]) -> Option<Answer> {
    Some(match name {
        "hashes" => value(NAMES),
        "digest" => digest(arg, data),
        "hmac" => hmac(arg, data),
        "pbkdf2" => pbkdf2(arg, data),
        "hkdf" => hkdf(arg, data),
        "scrypt" => scrypt(arg, data),
        _ => return None,
    })
}

#[derive(Deserialize)]
struct Hash {
    hash: String,
    #[serde(default)]
    key: usize,
}

fn digest(arg: &Value, data: &[u8]) -> Answer {
    let Hash { hash, .. } = args(arg)?;
    with_hash!(hash.as_str(), H => bytes(H::digest(data).to_vec()))
}

/// `data` is the key followed by the message.
fn hmac(arg: &Value, data: &[u8]) -> Answer {
    let Hash { hash, key } = args(arg)?;
    let ([key], message) = split(data, [key])?;
    with_hash!(hash.as_str(), H => bytes(mac::<H>(key, message)))
}

fn mac<H: Digest + BlockSizeUser>(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = <SimpleHmac<H> as Mac>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[derive(Deserialize)]
struct Pbkdf2 {
    hash: String,
    iterations: u32,
    length: usize,
    password: usize,
}

/// `data` is the password followed by the salt.
fn pbkdf2(arg: &Value, data: &[u8]) -> Answer {
    let Pbkdf2 {
        hash,
        iterations,
        length,
        password,
    } = args(arg)?;
    let ([password], salt) = split(data, [password])?;
    let blocks = length.div_ceil(20).max(1) as u64;
    if length > MAX_DERIVED || u64::from(iterations).saturating_mul(blocks) > MAX_ITERATIONS {
        return Err("RangeError: the key derivation asks for too much work".into());
    }
    with_hash!(hash.as_str(), H => {
        let mut out = vec![0; length];
        ::pbkdf2::pbkdf2::<SimpleHmac<H>>(password, salt, iterations, &mut out).map_err(|e| e.to_string())?;
        bytes(out)
    })
}

#[derive(Deserialize)]
struct Hkdf {
    hash: String,
    length: usize,
    key: usize,
    salt: usize,
}

/// `data` is the key, the salt and the info.
fn hkdf(arg: &Value, data: &[u8]) -> Answer {
    let Hkdf {
        hash,
        length,
        key,
        salt,
    } = args(arg)?;
    let ([key, salt], info) = split(data, [key, salt])?;
    if length > MAX_DERIVED {
        return Err("RangeError: the derived key is too long".into());
    }
    with_hash!(hash.as_str(), H => {
        let mut out = vec![0; length];
        ::hkdf::SimpleHkdf::<H>::new(Some(salt), key).expand(info, &mut out).map_err(|e| e.to_string())?;
        bytes(out)
    })
}

#[derive(Deserialize)]
struct Scrypt {
    n: u64,
    r: u32,
    p: u32,
    length: usize,
    password: usize,
}

/// `data` is the password followed by the salt.
fn scrypt(arg: &Value, data: &[u8]) -> Answer {
    let Scrypt {
        n,
        r,
        p,
        length,
        password,
    } = args(arg)?;
    let ([password], salt) = split(data, [password])?;
    if n < 2 || !n.is_power_of_two() || length == 0 || length > MAX_DERIVED {
        return Err("RangeError: Invalid scrypt params".into());
    }
    let memory = n.saturating_mul(u64::from(r)).saturating_mul(128);
    if memory > MAX_SCRYPT_MEMORY || memory.saturating_mul(u64::from(p)) > 8 * MAX_SCRYPT_MEMORY {
        return Err("RangeError: Invalid scrypt params: memory limit exceeded".into());
    }
    let params =
        ::scrypt::Params::new(n.ilog2() as u8, r, p, 32).map_err(|e| format!("RangeError: {e}"))?;
    let mut out = vec![0; length];
    ::scrypt::scrypt(password, salt, &params, &mut out).map_err(|e| format!("RangeError: {e}"))?;
    bytes(out)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::ops::dispatch;

    fn hexed(op: &str, arg: Value, data: &[u8]) -> String {
        let (_, out) = dispatch(op, &arg, data).unwrap().unwrap();
        out.iter().map(|b| format!("{b:02x}")).collect()
    }

    // Vectors of RFC 1321, FIPS 180, RFC 4231, RFC 6070, RFC 5869 and RFC 7914.
    #[test]
    fn matches_published_vectors() {
        assert_eq!(
            hexed("crypto.digest", json!({ "hash": "md5" }), b"abc"),
            "900150983cd24fb0d6963f7d28e17f72"
        );
        assert_eq!(
            hexed("crypto.digest", json!({ "hash": "sha256" }), b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hexed(
                "crypto.hmac",
                json!({ "hash": "sha256", "key": 4 }),
                b"Jefewhat do ya want for nothing?"
            ),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hexed(
                "crypto.scrypt",
                json!({ "n": 1024, "r": 8, "p": 16, "length": 16, "password": 8 }),
                b"passwordNaCl"
            ),
            "fdbabe1c9d3472007856e7190d01e9fe"
        );
        let hkdf = [
            &[0x0b; 22][..],
            &(0..=0x0c).collect::<Vec<u8>>(),
            &(0xf0..=0xf9).collect::<Vec<u8>>(),
        ]
        .concat();
        assert_eq!(
            hexed(
                "crypto.hkdf",
                json!({ "hash": "sha256", "length": 16, "key": 22, "salt": 13 }),
                &hkdf
            ),
            "3cb25f25faacd57a90434f64d0362f2a"
        );
        assert_eq!(
            hexed(
                "crypto.pbkdf2",
                json!({ "hash": "sha1", "iterations": 2, "length": 20, "password": 8 }),
                b"passwordsalt"
            ),
            "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"
        );
    }
}
