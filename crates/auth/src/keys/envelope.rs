//! Secrets at rest: sealed with data keys, which are themselves sealed ("wrapped") with the master key.
//!
//! When the master key changes, only the data keys are wrapped anew; what they sealed stays as it is. Every
//! sealed text is bound to its place (table, row, column), and opens nowhere else. Where the wrapped keys are
//! kept is the store's business.
//!
//! Text: `dw1.<id of the key>.<nonce (12) ‖ ciphertext and tag (16) in base64url>`.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{
    KeyMaterial, MasterKey, SealError,
    aead::{Aead, bind},
    hash,
};

/// The form of the text, and its version.
const FORM: &str = "dw1";

/// A key that seals data, and is kept only wrapped; wiped when dropped, never printed.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// A new key.
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn generate() -> Self {
        Self(Zeroizing::new(hash::random()))
    }

    /// Eight hexadecimal digits that tell this key from others and reveal nothing of it.
    pub fn key_id(&self) -> String {
        hash::hex(&KeyMaterial::from(self).id())
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key sealed with the master key, to be stored under `name`.
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn wrap(&self, master: &MasterKey, name: &str) -> String {
        Key::wrapping(master).seal(&*self.0, &[name.as_bytes()])
    }

    /// Opens what [`DataKey::wrap`] wrote under that name with one of these master keys.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] when it was none of them: the master key was lost or changed.
    pub fn unwrap<'m>(
        masters: impl IntoIterator<Item = &'m MasterKey>,
        name: &str,
        text: &str,
    ) -> Result<Self, SealError> {
        let keys: Vec<_> = masters.into_iter().map(Key::wrapping).collect();
        let opened = open(&keys, text, &[name.as_bytes()])?;
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| SealError::Malformed)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.key_id())
    }
}

/// The id of the master key that wrapped a data key, or of the data key that sealed a text; as
/// [`MasterKey::key_id`] and [`DataKey::key_id`] say it.
pub fn key_id(text: &str) -> Option<&str> {
    split(text).map(|(id, _)| id)
}

/// Seals and opens with the data keys of one purpose.
pub struct Envelope {
    /// The first seals; all open.
    keys: Vec<Key>,
}

impl Envelope {
    /// Seals with `current`, and opens what it or one of `previous` sealed.
    pub fn new<'k>(current: &'k DataKey, previous: impl IntoIterator<Item = &'k DataKey>) -> Self {
        Self { keys: std::iter::once(current).chain(previous).map(Key::sealing).collect() }
    }

    /// Seals a secret to its place: table, row, column and whatever else it must not be moved from. Two seals
    /// of the same are different texts.
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn seal(&self, plaintext: &[u8], place: &[&[u8]]) -> String {
        self.keys[0].seal(plaintext, place)
    }

    /// Opens what [`Envelope::seal`] wrote for the same place.
    pub fn open(&self, text: &str, place: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        open(&self.keys, text, place)
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|key| &*key.id).collect();
        write!(f, "Envelope({})", ids.join(", "))
    }
}

struct Key {
    id: String,
    aead: Aead,
}

impl Key {
    fn wrapping(master: &MasterKey) -> Self {
        Self::derive(master.into(), b"wrap data keys")
    }

    fn sealing(key: &DataKey) -> Self {
        Self::derive(key.into(), b"seal data")
    }

    fn derive(material: KeyMaterial<'_>, purpose: &[u8]) -> Self {
        Self { id: hash::hex(&material.id()), aead: Aead::new(&material.derive(&[purpose])) }
    }

    fn seal(&self, plaintext: &[u8], place: &[&[u8]]) -> String {
        let sealed = self.aead.seal_onto(Vec::new(), hash::random(), &self.bind(place), plaintext);
        format!("{FORM}.{}.{}", self.id, URL_SAFE_NO_PAD.encode(sealed))
    }

    fn bind(&self, place: &[&[u8]]) -> Vec<u8> {
        bind([FORM, &self.id].concat().as_bytes(), place)
    }
}

fn open(keys: &[Key], text: &str, place: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (id, sealed) = split(text).ok_or(SealError::Malformed)?;
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::Malformed)?;
    // Ids are short: two keys may share one.
    let mut named = keys.iter().filter(|key| key.id == id).peekable();
    if named.peek().is_none() {
        return Err(SealError::UnknownKey);
    }
    let opened = named.find_map(|key| key.aead.open(&sealed, &key.bind(place)));
    opened.map(Zeroizing::new).ok_or(SealError::Refused)
}

/// Id and sealed part.
fn split(text: &str) -> Option<(&str, &str)> {
    let (id, sealed) = text.strip_prefix(FORM)?.strip_prefix('.')?.split_once('.')?;
    let hexadecimal = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (id.len() == 8 && hexadecimal).then_some((id, sealed))
}

#[cfg(test)]
mod tests;
