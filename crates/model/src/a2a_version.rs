//! The versions of A2A that are spoken (A2A 1.0 section 3.6).

use std::fmt;

/// A version of the protocol. Patch numbers do not matter (section 3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum A2aVersion {
    /// 0.3.
    V0_3,
    /// 1.0.
    V1_0,
}

/// A version that is not spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this protocol version is not supported")]
pub struct UnsupportedVersion;

impl A2aVersion {
    /// The versions that are spoken, newest first.
    pub const ALL: [Self; 2] = [Self::V1_0, Self::V0_3];

    /// As `A2A-Version` carries it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V0_3 => "0.3",
            Self::V1_0 => "1.0",
        }
    }

    /// What `A2A-Version`, or a card's `protocolVersion`, says. An empty text is 0.3 (section 3.6.2).
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn parse(text: &str) -> Result<Self, UnsupportedVersion> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::V0_3);
        }
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.splitn(3, '.');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(major), Some(minor), patch) if patch.is_none_or(is_number) => {
                let named = |version: &Self| version.name().split_once('.') == Some((major, minor));
                Self::ALL.into_iter().find(named).ok_or(UnsupportedVersion)
            }
            _ => Err(UnsupportedVersion),
        }
    }
}

impl fmt::Display for A2aVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_numbers_do_not_matter_and_nothing_is_the_older_one() {
        for (text, version) in [
            ("1.0", A2aVersion::V1_0),
            ("1.0.7", A2aVersion::V1_0),
            ("0.3", A2aVersion::V0_3),
            ("0.3.0", A2aVersion::V0_3),
            ("", A2aVersion::V0_3),
            (" ", A2aVersion::V0_3),
        ] {
            assert_eq!(A2aVersion::parse(text), Ok(version), "{text:?}");
        }
        for text in ["1", "1.1", "2.0", "v1.0", "1.0.x", "1.0.", "0.2.5", "1.00", "1.0.0.0", "1,0"] {
            assert_eq!(A2aVersion::parse(text), Err(UnsupportedVersion), "{text:?}");
        }
    }
}
