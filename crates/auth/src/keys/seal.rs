//! Sealing: state that others keep for us (session ids, cursors, handles) and secrets at rest.
//!
//! AES-256-GCM-SIV (RFC 8452) under a key derived from the master key for one purpose. What is sealed says
//! nothing and cannot be changed; `aad` names the place where it belongs (table, row, caller), and only there
//! does it open. It does not expire by itself: whoever needs that puts the time inside.
//!
//! Text: base64url without padding of `version (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext and tag (16)`.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    KeyMaterial,
    aead::{Aead, NONCE_LEN, TAG_LEN, bind},
    hash,
};

const VERSION: u8 = 1;
const ID_LEN: usize = 4;
const HEAD_LEN: usize = 1 + ID_LEN;

/// Seals and opens for one purpose.
pub struct Sealer {
    purpose: String,
    /// Seals and opens.
    current: Key,
    /// Only open.
    previous: Vec<Key>,
}

struct Key {
    id: [u8; ID_LEN],
    aead: Aead,
    /// Derives the nonces of [`Sealer::seal_deterministic`].
    nonces: hmac::Key,
}

/// Why a text does not open. Says nothing of its content; to an outsider all three should look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a text that any sealer wrote.
    #[error("this is not a sealed text")]
    Malformed,
    /// Sealed with a key that is not here, or no longer.
    #[error("this was sealed with another key")]
    UnknownKey,
    /// Changed, or sealed for another purpose or another place.
    #[error("this sealed text was changed, or belongs elsewhere")]
    Refused,
}

impl Sealer {
    /// The sealer for `purpose`: a fixed name in the program, such as `"mcp session"`.
    pub fn derive<'k>(key: impl Into<KeyMaterial<'k>>, purpose: &str) -> Self {
        let current = Key::derive(key.into(), purpose);
        Self { purpose: purpose.to_owned(), current, previous: Vec::new() }
    }

    /// Opens what `key` sealed, too. For the time of a key's rotation; sealing stays with the current key.
    #[must_use]
    pub fn with_previous<'k>(mut self, key: impl Into<KeyMaterial<'k>>) -> Self {
        self.previous.push(Key::derive(key.into(), &self.purpose));
        self
    }

    /// Seals `plaintext` to the place that the parts of `aad` name. Two seals of the same are different
    /// texts.
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn seal(&self, plaintext: &[u8], aad: &[&[u8]]) -> String {
        self.current.seal(plaintext, &self.current.bind(aad), hash::random())
    }

    /// Seals such that the same plaintext at the same place is the same text, for handles that are compared.
    ///
    /// That it is the same is the one thing it reveals. After a rotation of the master key the text is
    /// another.
    pub fn seal_deterministic(&self, plaintext: &[u8], aad: &[&[u8]]) -> String {
        let key = &self.current;
        let bound = key.bind(aad);
        // `bound` states the length of each of its parts, so that no two pairs give the same input.
        let mut context = hmac::Context::with_key(&key.nonces);
        context.update(&bound);
        context.update(plaintext);
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&context.sign().as_ref()[..NONCE_LEN]);
        key.seal(plaintext, &bound, nonce)
    }

    /// Opens what [`Sealer::seal`] or [`Sealer::seal_deterministic`] wrote for the same purpose and the same
    /// `aad`.
    pub fn open(&self, text: &str, aad: &[&[u8]]) -> Result<Vec<u8>, SealError> {
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed)?;
        let (head, sealed) = sealed.split_at_checked(HEAD_LEN).ok_or(SealError::Malformed)?;
        if head[0] != VERSION || sealed.len() < NONCE_LEN + TAG_LEN {
            return Err(SealError::Malformed);
        }
        // Ids are short: two keys may share one.
        let mut named = self.keys().filter(|key| key.id == head[1..]).peekable();
        if named.peek().is_none() {
            return Err(SealError::UnknownKey);
        }
        named.find_map(|key| key.aead.open(sealed, &key.bind(aad))).ok_or(SealError::Refused)
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys().map(|key| hash::hex(&key.id)).collect();
        write!(f, "Sealer({:?} with {})", self.purpose, ids.join(", "))
    }
}

impl Key {
    fn derive(material: KeyMaterial<'_>, purpose: &str) -> Self {
        let secret = material.derive(&[b"seal:", purpose.as_bytes()]);
        let nonces = material.derive(&[b"seal nonce:", purpose.as_bytes()]);
        Self {
            id: material.id(),
            aead: Aead::new(&secret),
            nonces: hmac::Key::new(hmac::HMAC_SHA256, &*nonces),
        }
    }

    /// Version and key id: what stands before what is sealed, and is authenticated with it.
    fn head(&self) -> Vec<u8> {
        [&[VERSION][..], &self.id].concat()
    }

    fn bind(&self, aad: &[&[u8]]) -> Vec<u8> {
        bind(&self.head(), aad)
    }

    fn seal(&self, plaintext: &[u8], bound: &[u8], nonce: [u8; NONCE_LEN]) -> String {
        URL_SAFE_NO_PAD.encode(self.aead.seal_onto(self.head(), nonce, bound, plaintext))
    }
}

#[cfg(test)]
mod tests;
