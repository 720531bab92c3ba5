//! What keys are derived from: HKDF-SHA256 (RFC 5869) with a purpose, so that one purpose's key says nothing
//! about another's. Roots of different kinds never give the same key.

use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::{DataKey, MasterKey, broken};

/// The root of derived keys: a [`MasterKey`] or a [`DataKey`].
#[derive(Clone, Copy)]
pub struct KeyMaterial<'k> {
    salt: &'static [u8],
    bytes: &'k [u8; 32],
}

impl<'k> From<&'k MasterKey> for KeyMaterial<'k> {
    fn from(key: &'k MasterKey) -> Self {
        Self { salt: b"doorward master key, version 1", bytes: key.bytes() }
    }
}

impl<'k> From<&'k DataKey> for KeyMaterial<'k> {
    fn from(key: &'k DataKey) -> Self {
        Self { salt: b"doorward data key, version 1", bytes: key.bytes() }
    }
}

impl KeyMaterial<'_> {
    /// The key for one purpose. The parts of `info` are joined without a separator (RFC 5869 section 3.2).
    pub(super) fn derive(self, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, self.salt).extract(self.bytes);
        let filled = root.expand(info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut *out));
        if filled.is_err() {
            broken("derive a key");
        }
        out
    }

    /// Four bytes that tell this root from others and reveal nothing of it.
    pub(super) fn id(self) -> [u8; 4] {
        let derived = self.derive(&[b"key id"]);
        [derived[0], derived[1], derived[2], derived[3]]
    }
}
