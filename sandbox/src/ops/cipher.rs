//! AES in the modes Web Crypto and node:crypto share: GCM, CBC and CTR.

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit, StreamCipher};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::generic_array::typenum::{U12, U16};
use aes_gcm::aes::cipher::{BlockCipher, BlockEncrypt, BlockSizeUser, KeyInit};
use aes_gcm::{AeadInPlace, AesGcm};
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, args, bytes, split};

#[derive(Deserialize)]
struct Cipher {
    mode: String,
    encrypt: bool,
    /// Lengths of the parts in front of the payload.
    key: usize,
    iv: usize,
    #[serde(default)]
    aad: usize,
    /// Length of the tag at the end of a GCM ciphertext.
    #[serde(default)]
    tag: usize,
    /// Unset when the caller pads the last block itself.
    #[serde(default = "yes")]
    padding: bool,
}

fn yes() -> bool {
    true
}

pub(super) fn dispatch(name: &str, arg: &Value, data: &[u8]) -> Option<Answer> {
    (name == "cipher").then(|| cipher(arg, data))
}

/// `data` is key, initialisation vector, additional data and payload.
fn cipher(arg: &Value, data: &[u8]) -> Answer {
    let c: Cipher = args(arg)?;
    let ([key, iv, aad], payload) = split(data, [c.key, c.iv, c.aad])?;
    let out = match key.len() {
        16 => run::<Aes128>(&c, key, iv, aad, payload),
        24 => run::<Aes192>(&c, key, iv, aad, payload),
        32 => run::<Aes256>(&c, key, iv, aad, payload),
        _ => Err("RangeError: Invalid key length".into()),
    }?;
    bytes(out)
}

fn run<A>(c: &Cipher, key: &[u8], iv: &[u8], aad: &[u8], payload: &[u8]) -> Result<Vec<u8>, String>
where
    A: BlockCipher
        + BlockEncrypt
        + BlockSizeUser<BlockSize = U16>
        + KeyInit
        + BlockEncryptMut
        + BlockDecryptMut,
{
    let bad_iv = || "TypeError: Invalid initialization vector".to_owned();
    match c.mode.as_str() {
        "gcm" => {
            let key = A::new_from_slice(key).map_err(|e| e.to_string())?;
            if iv.len() == 12 {
                gcm(
                    AesGcm::<A, U12>::from(key),
                    GenericArray::from_slice(iv),
                    c,
                    aad,
                    payload,
                )
            } else if iv.len() == 16 {
                gcm(
                    AesGcm::<A, U16>::from(key),
                    GenericArray::from_slice(iv),
                    c,
                    aad,
                    payload,
                )
            } else {
                Err("TypeError: Invalid initialization vector: 12 or 16 bytes are supported".into())
            }
        }
        "cbc" if c.encrypt => {
            let cbc = cbc::Encryptor::<A>::new_from_slices(key, iv).map_err(|_| bad_iv())?;
            if c.padding {
                Ok(cbc.encrypt_padded_vec_mut::<Pkcs7>(payload))
            } else if payload.len().is_multiple_of(16) {
                Ok(cbc.encrypt_padded_vec_mut::<NoPadding>(payload))
            } else {
                Err("wrong final block length".into())
            }
        }
        "cbc" => {
            let cbc = cbc::Decryptor::<A>::new_from_slices(key, iv).map_err(|_| bad_iv())?;
            if c.padding {
                cbc.decrypt_padded_vec_mut::<Pkcs7>(payload)
            } else {
                cbc.decrypt_padded_vec_mut::<NoPadding>(payload)
            }
            .map_err(|_| "bad decrypt".to_owned())
        }
        "ctr" => {
            let mut ctr = ctr::Ctr128BE::<A>::new_from_slices(key, iv).map_err(|_| bad_iv())?;
            let mut out = payload.to_vec();
            ctr.try_apply_keystream(&mut out)
                .map_err(|e| e.to_string())?;
            Ok(out)
        }
        other => Err(format!("Unknown cipher mode: {other}")),
    }
}

/// The ciphertext ends in its tag. A tag shorter than 16 bytes is checked by
/// its leading bytes, as the standard defines it.
fn gcm<A, N>(
    gcm: AesGcm<A, N>,
    nonce: &GenericArray<u8, N>,
    c: &Cipher,
    aad: &[u8],
    payload: &[u8],
) -> Result<Vec<u8>, String>
where
    A: BlockCipher + BlockEncrypt + BlockSizeUser<BlockSize = U16>,
    N: aes_gcm::aead::generic_array::ArrayLength<u8>,
{
    if !matches!(c.tag, 4 | 8 | 12..=16) {
        return Err("RangeError: Invalid authentication tag length".into());
    }
    let failed = || "Unsupported state or unable to authenticate data".to_owned();
    if c.encrypt {
        let mut out = payload.to_vec();
        let tag = gcm
            .encrypt_in_place_detached(nonce, aad, &mut out)
            .map_err(|e| e.to_string())?;
        out.extend_from_slice(&tag[..c.tag]);
        return Ok(out);
    }
    let at = payload.len().checked_sub(c.tag).ok_or_else(failed)?;
    let (sealed, tag) = payload.split_at(at);
    let mut out = sealed.to_vec();
    if c.tag == 16 {
        gcm.decrypt_in_place_detached(nonce, aad, &mut out, GenericArray::from_slice(tag))
            .map_err(|_| failed())?;
        return Ok(out);
    }
    // Encrypting is its own inverse here: the first pass gives the plaintext,
    // the second the whole tag to compare with.
    gcm.encrypt_in_place_detached(nonce, aad, &mut out)
        .map_err(|e| e.to_string())?;
    let mut again = out.clone();
    let whole = gcm
        .encrypt_in_place_detached(nonce, aad, &mut again)
        .map_err(|e| e.to_string())?;
    let differing = whole.iter().zip(tag).fold(0, |sum, (a, b)| sum | (a ^ b));
    if differing == 0 {
        Ok(out)
    } else {
        Err(failed())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::ops::dispatch;

    #[test]
    fn every_mode_reverses_itself() {
        for mode in ["gcm", "cbc", "ctr"] {
            for key in [16, 24, 32] {
                for tag in if mode == "gcm" {
                    vec![16, 12, 4]
                } else {
                    vec![0]
                } {
                    let iv = if mode == "gcm" { 12 } else { 16 };
                    let arg = |encrypt: bool| json!({ "mode": mode, "encrypt": encrypt, "key": key, "iv": iv, "aad": 2, "tag": tag });
                    let front = vec![7; key + iv + 2];
                    let (_, sealed) = dispatch(
                        "crypto.cipher",
                        &arg(true),
                        &[&front[..], b"a message"].concat(),
                    )
                    .unwrap()
                    .unwrap();
                    assert!(!sealed.starts_with(b"a message"));
                    let (_, open) = dispatch(
                        "crypto.cipher",
                        &arg(false),
                        &[&front[..], &sealed].concat(),
                    )
                    .unwrap()
                    .unwrap();
                    assert_eq!(open, b"a message", "{mode} {key} {tag}");
                    if mode == "gcm" {
                        let mut broken = [&front[..], &sealed].concat();
                        *broken.last_mut().unwrap() ^= 1;
                        assert!(
                            dispatch("crypto.cipher", &arg(false), &broken)
                                .unwrap()
                                .is_err()
                        );
                    }
                }
            }
        }
    }
}
