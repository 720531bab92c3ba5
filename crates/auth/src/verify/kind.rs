//! Kinds of JWT, told apart by `typ` so that none can be presented as another (RFC 8725 section 3.11).

use serde_json::Value;

/// What a token is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A caller's access token: `at+jwt` (RFC 9068 section 2.1), `JWT` or no type.
    Access,
    /// A client's assertion of who it is: `client-authentication+jwt` (the update of RFC 7523), `JWT` or no
    /// type.
    ClientAssertion,
    /// Another authorization server's assertion about a person: `oauth-id-jag+jwt` and nothing else.
    IdJag,
    /// An OpenID provider's ID token, which has no type of its own: `JWT` or none.
    IdToken,
}

impl Kind {
    /// The type that only tokens of this kind have, and whether they may go without.
    const fn types(self) -> (Option<&'static str>, bool) {
        match self {
            Self::Access => (Some("at+jwt"), true),
            Self::ClientAssertion => (Some("client-authentication+jwt"), true),
            Self::IdJag => (Some("oauth-id-jag+jwt"), false),
            Self::IdToken => (None, true),
        }
    }

    /// Whether a token with this `typ` in its header may be of this kind. Types are compared in any case, with
    /// or without `application/` (RFC 7515 section 4.1.9).
    pub(super) fn accepts(self, typ: Option<&Value>) -> bool {
        let (own, may_be_plain) = self.types();
        let Some(typ) = typ else { return may_be_plain };
        let Some(typ) = typ.as_str().map(str::to_ascii_lowercase) else { return false };
        match typ.strip_prefix("application/").unwrap_or(&typ) {
            "jwt" => may_be_plain,
            other => own == Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_passes_for_another() {
        let kinds = [Kind::Access, Kind::ClientAssertion, Kind::IdJag, Kind::IdToken];
        for kind in kinds {
            for other in kinds {
                let own = other.types().0.map(Value::from);
                if own.is_some() {
                    assert_eq!(kind.accepts(own.as_ref()), kind == other, "{other:?} as {kind:?}");
                }
            }
            for odd in ["logout+jwt", "dpop+jwt", "secevent+jwt", "", "jwt ", "application/application/jwt"] {
                assert!(!kind.accepts(Some(&odd.into())), "{odd} as {kind:?}");
            }
            assert!(!kind.accepts(Some(&Value::Null)) && !kind.accepts(Some(&1.into())));
        }
    }

    #[test]
    fn types_are_compared_as_media_types_are() {
        for good in ["oauth-id-jag+jwt", "OAuth-ID-JAG+JWT", "application/oauth-id-jag+jwt"] {
            assert!(Kind::IdJag.accepts(Some(&good.into())), "{good}");
        }
        assert!(Kind::IdToken.accepts(None) && Kind::IdToken.accepts(Some(&"application/JWT".into())));
        assert!(!Kind::IdJag.accepts(None) && !Kind::IdJag.accepts(Some(&"JWT".into())));
    }
}
