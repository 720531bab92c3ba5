//! The scopes of Doorward's own tokens.

use std::{fmt, str::FromStr};

/// What a token of Doorward's may do at its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `mcp:read`: lists, reads, prompts.
    McpRead,
    /// `mcp:call`: `tools/call`.
    McpCall,
    /// `a2a:read`: tasks and lists.
    A2aRead,
    /// `a2a:send`: messages, and what changes a task.
    A2aSend,
    /// `offline_access`: accepted, never needed.
    OfflineAccess,
}

impl Scope {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 5] =
        [Self::McpRead, Self::McpCall, Self::A2aRead, Self::A2aSend, Self::OfflineAccess];

    /// As it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::McpRead => "mcp:read",
            Self::McpCall => "mcp:call",
            Self::A2aRead => "a2a:read",
            Self::A2aSend => "a2a:send",
            Self::OfflineAccess => "offline_access",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes, written with spaces between them (RFC 6749 section 3.3).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

/// A text that names something that is no scope of Doorward's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such scope")]
pub struct UnknownScope;

impl Scopes {
    /// None.
    pub const NONE: Self = Self(0);
    /// What opens a virtual server wholly.
    pub const MCP: Self = Self(Scope::McpRead.bit() | Scope::McpCall.bit());
    /// What opens an agent wholly.
    pub const A2A: Self = Self(Scope::A2aRead.bit() | Scope::A2aSend.bit());

    /// Whether the set has it.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    /// The set with one less.
    #[must_use]
    pub const fn without(self, scope: Scope) -> Self {
        Self(self.0 & !scope.bit())
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of it is in `other`.
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split(' ').filter(|word| !word.is_empty()).try_fold(Self::NONE, |scopes, word| {
            let scope = Scope::ALL.into_iter().find(|scope| scope.name() == word).ok_or(UnknownScope)?;
            Ok(scopes.with(scope))
        })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_written_as_they_are_read() {
        for text in ["", "mcp:read", "mcp:read mcp:call", "a2a:read offline_access"] {
            assert_eq!(text.parse::<Scopes>().expect("known scopes").to_string(), text);
        }
        assert_eq!("mcp:call  mcp:read".parse::<Scopes>(), Ok(Scopes::MCP));
        for text in ["mcp:admin", "MCP:read", "mcp:read\tmcp:call", "*"] {
            assert_eq!(text.parse::<Scopes>(), Err(UnknownScope), "{text}");
        }
    }

    #[test]
    fn sets_compare_as_sets() {
        let read = Scopes::NONE.with(Scope::McpRead);
        assert!(read.within(Scopes::MCP) && !Scopes::MCP.within(read));
        assert_eq!(Scopes::MCP.and(read), read);
        assert_eq!(Scopes::MCP.without(Scope::McpCall), read);
        assert!(Scopes::A2A.and(Scopes::MCP).is_empty());
    }
}
