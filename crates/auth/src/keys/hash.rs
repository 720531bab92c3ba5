//! Digests, random values and comparisons that do not leak by their duration.
//!
//! What Doorward issues (tokens, codes, client secrets) is random and stored as its digest only: a digest
//! suffices because the values are not guessable. Passwords are, and do not belong here.

use aws_lc_rs::{digest, rand};
use subtle::ConstantTimeEq;

use super::broken;

/// The SHA-256 digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// `bytes` as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
        text
    })
}

/// Whether two secrets are the same; takes the same time wherever they differ. Their lengths are not hidden.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// `N` unpredictable bytes.
///
/// # Panics
/// When the operating system has no entropy to give.
pub fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    if rand::fill(&mut out).is_err() {
        broken("draw random bytes");
    }
    out
}

/// `N` unpredictable bytes as `2 * N` hexadecimal digits.
pub fn random_hex<const N: usize>() -> String {
    hex(&random::<N>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_the_published_example() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn same_is_equality() {
        assert!(same(b"", b""));
        assert!(same(b"abc", b"abc"));
        for other in [&b""[..], b"ab", b"abd", b"abcd", b"Abc"] {
            assert!(!same(b"abc", other), "{other:?}");
        }
    }

    #[test]
    fn random_values_differ_and_have_their_length() {
        assert_ne!(random::<16>(), random::<16>());
        let text = random_hex::<16>();
        assert_eq!(text.len(), 32);
        assert!(text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{text}");
    }
}
