//! The master key: the one secret from which every key that seals something is derived.
//!
//! It is never used itself, only as [`KeyMaterial`]. Reading and writing its file is the caller's business.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use doorward_model::Secret;
use zeroize::Zeroizing;

use super::{KeyMaterial, hash};

const LEN: usize = 32;
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING),
    GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING),
];

/// 256 secret bits; wiped when dropped, never printed.
pub struct MasterKey(Zeroizing<[u8; LEN]>);

/// Why a text is not a [`MasterKey`]. Never repeats any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Neither 64 hexadecimal digits nor base64 of 32 bytes.
    #[error("a master key is 64 hexadecimal digits, or base64 of exactly 32 bytes")]
    Form,
    /// All bytes are the same: a placeholder.
    #[error("this master key is a placeholder: all of its bytes are the same")]
    Placeholder,
}

impl MasterKey {
    /// Reads a key: 64 hexadecimal digits, or base64 (either alphabet, padded or not) of exactly 32 bytes.
    /// White space around it does not count.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let bytes = from_hex(text).or_else(|| from_base64(text)).ok_or(MasterKeyError::Form)?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(MasterKeyError::Placeholder);
        }
        Ok(Self(bytes))
    }

    /// A new key, and the text to keep (one line that [`MasterKey::parse`] reads).
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn generate() -> (Self, Secret) {
        let key = Self(Zeroizing::new(hash::random()));
        let digits = Zeroizing::new(hash::hex(&*key.0));
        let text = [digits.as_str(), "\n"].concat();
        (key, Secret::new(text))
    }

    /// Eight hexadecimal digits that tell this key from others and reveal nothing of it; for logs and
    /// messages.
    pub fn key_id(&self) -> String {
        hash::hex(&KeyMaterial::from(self).id())
    }

    pub(super) fn bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.key_id())
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; LEN]>> {
    if text.len() != 2 * LEN {
        return None;
    }
    let mut out = Zeroizing::new([0; LEN]);
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn from_base64(text: &str) -> Option<Zeroizing<[u8; LEN]>> {
    // 43 digits and at most one sign of padding. Anything longer is not worth decoding.
    if text.len() > 44 {
        return None;
    }
    let bytes = BASE64.iter().find_map(|engine| engine.decode(text).ok().map(Zeroizing::new))?;
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

    fn id_of(text: &str) -> Result<String, MasterKeyError> {
        MasterKey::parse(text).map(|key| key.key_id())
    }

    #[test]
    fn one_key_in_every_spelling() {
        let id = id_of(HEX).unwrap();
        for same in [
            HEX.to_uppercase().as_str(),
            &format!(" \t{HEX}\r\n"),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8",
            "\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=\n",
        ] {
            assert_eq!(id_of(same).as_ref(), Ok(&id), "{same}");
        }
        let both_alphabets = ["-_".repeat(21) + "8", "+/".repeat(21) + "8"].map(|text| id_of(&text).unwrap());
        assert_eq!(both_alphabets[0], both_alphabets[1]);
    }

    #[test]
    fn what_is_not_a_key() {
        for bad in [
            "",
            "secret",
            &HEX[2..],
            &HEX[1..],
            &format!("{HEX}00"),
            &format!("0x{}", &HEX[2..]),
            &HEX.replacen("00", "0g", 1),
            &HEX.replacen("01", "é", 1),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8AAA==",
            "AAECAwQFBgcICQoLDA0ODxAREhMU FRYXGBkaGxwdHv8",
            &"A".repeat(100_000),
        ] {
            assert_eq!(id_of(bad), Err(MasterKeyError::Form), "{bad:.80}");
        }
        for placeholder in ["0".repeat(64), "ff".repeat(32), "A".repeat(43)] {
            assert_eq!(id_of(&placeholder), Err(MasterKeyError::Placeholder), "{placeholder}");
        }
    }

    #[test]
    fn a_generated_key_is_read_back_and_no_two_are_alike() {
        let (key, text) = MasterKey::generate();
        assert_eq!(id_of(text.expose()), Ok(key.key_id()));
        assert_ne!(MasterKey::generate().0.key_id(), key.key_id());
    }

    #[test]
    fn what_is_printed_says_nothing_of_the_key() {
        let key = MasterKey::parse(HEX).unwrap();
        let printed = format!("{key:?}");
        assert_eq!(printed, format!("MasterKey({})", key.key_id()));
        assert_eq!(key.key_id().len(), 8);
        assert!(!HEX.contains(&key.key_id()));
    }

    #[test]
    fn purposes_have_unrelated_keys() {
        let key = MasterKey::parse(HEX).unwrap();
        let derive = |key: &MasterKey, info: &[&[u8]]| KeyMaterial::from(key).derive(info);
        assert_ne!(*derive(&key, &[b"a"]), *derive(&key, &[b"b"]));
        assert_eq!(*derive(&key, &[b"a"]), *derive(&MasterKey::parse(HEX).unwrap(), &[b"a"]));
    }
}
