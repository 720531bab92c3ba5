//! The opaque values that Doorward gives out: tokens, codes, client secrets, cookies.
//!
//! Each is a prefix that tells its kind, 256 random bits, and a checksum, so that scanners for leaked secrets
//! recognise it and garbage is refused without asking the store. Only its digest is ever stored. What a value
//! opens, and for how long, stands there and not in the value.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::Secret;
use zeroize::Zeroizing;

use crate::keys::hash;

/// What all prefixes have: `dw`, two letters, and an underscore.
const PREFIX_LEN: usize = 5;
/// 32 bytes in base64url.
const RANDOM_LEN: usize = 43;
/// The first characters of the SHA-256 digest, in base64url, of all that precedes them.
const CHECKSUM_LEN: usize = 6;

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `dwat_`: an access token.
    Access,
    /// `dwrt_`: a refresh token.
    Refresh,
    /// `dwac_`: an authorization code.
    Code,
    /// `dwcs_`: a client's secret.
    ClientSecret,
    /// `dwss_`: the cookie of a browser that somebody signed in with.
    Session,
    /// `dwfa_`: the link that makes the first administrator.
    FirstAdministrator,
}

impl TokenKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Access,
        Self::Refresh,
        Self::Code,
        Self::ClientSecret,
        Self::Session,
        Self::FirstAdministrator,
    ];

    /// What every value of this kind begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "dwat_",
            Self::Refresh => "dwrt_",
            Self::Code => "dwac_",
            Self::ClientSecret => "dwcs_",
            Self::Session => "dwss_",
            Self::FirstAdministrator => "dwfa_",
        }
    }
}

/// A new value of that kind.
///
/// # Panics
/// When the operating system has no entropy to give.
pub fn mint(kind: TokenKind) -> Secret {
    let random = Zeroizing::new(hash::random::<32>());
    let mut text = String::with_capacity(PREFIX_LEN + RANDOM_LEN + CHECKSUM_LEN);
    text.push_str(kind.prefix());
    URL_SAFE_NO_PAD.encode_string(random.as_slice(), &mut text);
    let checksum = checksum(&text);
    text.push_str(&checksum);
    Secret::new(text)
}

/// The kind of a text that [`mint`] may have made: its prefix, length and checksum are right. Anybody can make
/// such a text; only the store knows whether Doorward did.
pub fn recognise(text: &str) -> Option<TokenKind> {
    let kind = TokenKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
    let (value, given) = text.split_at_checked(PREFIX_LEN + RANDOM_LEN)?;
    (checksum(value) == given).then_some(kind)
}

/// What is stored of a value: its SHA-256 digest in hexadecimal digits.
pub fn hash(text: &str) -> String {
    hash::hex(&hash::sha256(text.as_bytes()))
}

fn checksum(value: &str) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(hash::sha256(value.as_bytes()));
    text.truncate(CHECKSUM_LEN);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_minted_is_recognised_and_never_the_same_twice() {
        for kind in TokenKind::ALL {
            let token = mint(kind);
            assert_eq!(recognise(token.expose()), Some(kind));
            assert_eq!(token.expose().len(), 54);
            assert_eq!(kind.prefix().len(), PREFIX_LEN);
            assert_ne!(token.expose(), mint(kind).expose());
        }
    }

    #[test]
    fn a_changed_token_is_garbage() {
        let token = mint(TokenKind::Access).expose().to_owned();
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(recognise(&changed), None, "{changed}");
        }
        let refresh = token.replacen("dwat_", "dwrt_", 1);
        for bad in ["", "dwat_", &token[..53], &format!("{token}A"), &format!(" {token}"), &refresh] {
            assert_eq!(recognise(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_digest_is_sha_256() {
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "(dw[a-z]{2}_)?.{0,60}") {
            prop_assert_eq!(recognise(&text), None);
        }
    }
}
