//! Secret values as events carry them.

use serde::{Deserialize, Serialize};

/// A secret, encrypted with a project's data key. The clear text is never part
/// of an event; without the data key it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Which data key opens it.
    pub data_key: String,
    /// Base64 of nonce and ciphertext (XChaCha20-Poly1305).
    pub sealed: String,
}
