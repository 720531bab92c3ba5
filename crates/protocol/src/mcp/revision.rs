//! Protocol revisions and the two eras that they fall into.

use crate::json::Object;

/// A revision that Doorward speaks, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// Batches, sessions, no version header.
    V2025_03_26,
    /// Version header, elicitation.
    V2025_06_18,
    /// URL elicitation, event stream polling.
    V2025_11_25,
    /// Stateless.
    V2026_07_28,
}

/// How a message is carried: in a session, or complete in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2025-11-25 and before: `initialize`, sessions, a GET stream, requests from the server.
    Legacy,
    /// 2026-07-28 and later: every request says all that it needs.
    Modern,
}

impl Revision {
    /// All that Doorward speaks.
    pub const ALL: [Self; 4] = [Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// Its date, as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that date.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == text)
    }

    /// The revision that the parameters or the result of an `initialize` name.
    pub fn named_by(object: Option<Object<'_>>) -> Option<Self> {
        let version = object?.get("protocolVersion")?.as_str()?;
        Self::parse(&version)
    }

    /// Its era.
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }
}

/// Whether a version text belongs to the legacy era; 2024-11-05 does, though Doorward does not speak it.
pub fn is_legacy_version(text: &str) -> bool {
    text == "2024-11-05" || Revision::parse(text).is_some_and(|revision| revision.era() == Era::Legacy)
}
