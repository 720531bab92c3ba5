//! AES-256-GCM-SIV (RFC 8452), the one cipher: random nonces may even meet. What seals and opens with it, and
//! in which form of text, is decided elsewhere.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};

use super::broken;

pub(super) const NONCE_LEN: usize = 12;
pub(super) const TAG_LEN: usize = 16;

/// A key of the cipher.
pub(super) struct Aead(LessSafeKey);

impl Aead {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let Ok(unbound) = UnboundKey::new(&AES_256_GCM_SIV, key) else { broken("take an AES key") };
        Self(LessSafeKey::new(unbound))
    }

    /// Appends nonce, ciphertext and tag to `out`.
    pub(super) fn seal_onto(
        &self,
        mut out: Vec<u8>,
        nonce: [u8; NONCE_LEN],
        bound: &[u8],
        text: &[u8],
    ) -> Vec<u8> {
        out.reserve(NONCE_LEN + text.len() + TAG_LEN);
        out.extend_from_slice(&nonce);
        let begin = out.len();
        out.extend_from_slice(text);
        let nonce = Nonce::assume_unique_for_key(nonce);
        match self.0.seal_in_place_separate_tag(nonce, Aad::from(bound), &mut out[begin..]) {
            Ok(tag) => out.extend_from_slice(tag.as_ref()),
            Err(_) => broken("seal"),
        }
        out
    }

    /// Opens nonce, ciphertext and tag; `None` when they were changed or are bound to something else.
    pub(super) fn open(&self, sealed: &[u8], bound: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = ciphertext.to_vec();
        let length = self.0.open_in_place(nonce, Aad::from(bound), &mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }
}

/// What is authenticated beside the plaintext: a head of a fixed length, and the parts of a place, each behind
/// its length.
pub(super) fn bind(head: &[u8], place: &[&[u8]]) -> Vec<u8> {
    let mut bound = head.to_vec();
    bound.extend_from_slice(&(place.len() as u64).to_be_bytes());
    for part in place {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part);
    }
    bound
}
