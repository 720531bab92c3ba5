//! Sealing: state that others keep for us (session ids, cursors, handles) and secrets at rest.
//!
//! AES-256-GCM-SIV (RFC 8452) under a key derived from the master key for one purpose. What is sealed says
//! nothing and cannot be changed; `aad` names the place where it belongs (table, row, caller), and only there
//! does it open. It does not expire by itself: whoever needs that puts the time inside.
//!
//! Text: base64url without padding of `version (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext and tag (16)`.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{MasterKey, broken, hash};

const VERSION: u8 = 1;
const ID_LEN: usize = 4;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const HEAD_LEN: usize = 1 + ID_LEN + NONCE_LEN;

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
    aead: LessSafeKey,
    /// Derives the nonces of [`Sealer::seal_deterministic`].
    nonces: hmac::Key,
}

/// Why a text does not open. Says nothing of its content; to an outsider all three should look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a text that any sealer wrote.
    #[error("this is not a sealed text")]
    Malformed,
    /// Sealed with a master key that is not, or no longer, configured.
    #[error("this was sealed with another master key")]
    UnknownKey,
    /// Changed, or sealed for another purpose or another place.
    #[error("this sealed text was changed, or belongs elsewhere")]
    Refused,
}

impl Sealer {
    /// The sealer for `purpose`: a fixed name in the program, such as `"mcp session"`.
    pub fn derive(master: &MasterKey, purpose: &str) -> Self {
        Self { purpose: purpose.to_owned(), current: Key::derive(master, purpose), previous: Vec::new() }
    }

    /// Opens what `master` sealed, too. For the time of a key's rotation; sealing stays with the current key.
    #[must_use]
    pub fn with_previous(mut self, master: &MasterKey) -> Self {
        self.previous.push(Key::derive(master, &self.purpose));
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
        let (head, ciphertext) = sealed.split_at_checked(HEAD_LEN).ok_or(SealError::Malformed)?;
        if head[0] != VERSION || ciphertext.len() < TAG_LEN {
            return Err(SealError::Malformed);
        }
        let (id, nonce) = head[1..].split_at(ID_LEN);
        // Ids are short: two keys may share one.
        let mut outcome = Err(SealError::UnknownKey);
        for key in self.keys().filter(|key| key.id == id) {
            outcome = key.open(nonce, ciphertext, &key.bind(aad));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
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
    fn derive(master: &MasterKey, purpose: &str) -> Self {
        let secret = master.derive(&[b"seal:", purpose.as_bytes()]);
        let Ok(unbound) = UnboundKey::new(&AES_256_GCM_SIV, &*secret) else { broken("take an AES key") };
        let nonces = master.derive(&[b"seal nonce:", purpose.as_bytes()]);
        Self {
            id: master.id(),
            aead: LessSafeKey::new(unbound),
            nonces: hmac::Key::new(hmac::HMAC_SHA256, &*nonces),
        }
    }

    /// What is authenticated beside the plaintext: version, key id, and the parts of `aad`, each behind its
    /// length.
    fn bind(&self, aad: &[&[u8]]) -> Vec<u8> {
        let mut bound = vec![VERSION];
        bound.extend_from_slice(&self.id);
        bound.extend_from_slice(&(aad.len() as u64).to_be_bytes());
        for part in aad {
            bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bound.extend_from_slice(part);
        }
        bound
    }

    fn seal(&self, plaintext: &[u8], bound: &[u8], nonce: [u8; NONCE_LEN]) -> String {
        let mut sealed = Vec::with_capacity(HEAD_LEN + plaintext.len() + TAG_LEN);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let body = &mut sealed[HEAD_LEN..];
        match self.aead.seal_in_place_separate_tag(nonce, Aad::from(bound), body) {
            Ok(tag) => sealed.extend_from_slice(tag.as_ref()),
            Err(_) => broken("seal"),
        }
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn open(&self, nonce: &[u8], ciphertext: &[u8], bound: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Malformed)?;
        let mut buffer = ciphertext.to_vec();
        let length = match self.aead.open_in_place(nonce, Aad::from(bound), &mut buffer) {
            Ok(plaintext) => plaintext.len(),
            Err(_) => return Err(SealError::Refused),
        };
        buffer.truncate(length);
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests;
