//! May they? The only maker of [`Permit`].
//!
//! `forward` takes a [`Permit`] by value and its field is private: a request that no decision was made about
//! cannot be sent, because that code does not compile.

use doorward_model::{Access, Allow, Caller, Identity, Issuer, Scope, Scopes, Voucher};

use crate::exposure::Cleared;

/// Proof that a caller may do what was asked of one virtual server, once.
///
/// Nobody else can make one:
///
/// ```compile_fail
/// let permit = doorward_guard::Permit(());
/// ```
///
/// and it is not handed on twice:
///
/// ```compile_fail
/// fn twice(permit: doorward_guard::Permit) -> (doorward_guard::Permit, doorward_guard::Permit) {
///     (permit.clone(), permit)
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit is what lets a request through"]
pub struct Permit(());

/// Why not. Private fields: only this module denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The credential lacks a scope; the text names every scope to ask for, those that it has already among them:
    /// clients that ask for no more than they are told would lose what they have.
    Scope(String),
    /// The operator lets others in, not this caller: as if the server did not exist.
    NotAllowed,
}

/// Decides whether `caller` may use a virtual server with this `access`.
///
/// Takes the proof that what is asked for is exposed: the order of checks cannot be turned round. `voucher` is
/// who vouched for the caller; `needed` is the scope of the operation, which only Doorward's own tokens have.
///
/// Without that proof there is no decision:
///
/// ```compile_fail
/// use doorward_guard::policy::decide;
/// use doorward_model::{Access, Caller, Voucher};
/// let permit = decide((), &Caller::Anonymous, &Access::default(), &Voucher::Nobody, None);
/// ```
pub fn decide(
    _exposed: Cleared,
    caller: &Caller,
    access: &Access,
    voucher: &Voucher,
    needed: Option<Scope>,
) -> Result<Permit, Denied> {
    if let Some(identity) = caller.identity() {
        match voucher {
            Voucher::Issuer(issuer) => has_required_scope(identity, issuer)?,
            Voucher::Doorward => has_own_scope(identity, needed)?,
            // What these open, they open wholly: nobody asks for scopes when such a credential is given.
            Voucher::ApiKey | Voucher::Certificate | Voucher::Nobody => {}
        }
    }
    if !admits(caller, access, voucher) {
        return Err(Denied::NotAllowed);
    }
    Ok(Permit(()))
}

/// The one scope that an issuer's tokens must have, where the operator asks for one.
fn has_required_scope(identity: &Identity, issuer: &Issuer) -> Result<(), Denied> {
    match &issuer.required_scope {
        Some(required) if !identity.scopes.contains(required) => Err(Denied::Scope(required.clone())),
        _ => Ok(()),
    }
}

/// The operation's scope, which a token of Doorward's must have.
fn has_own_scope(identity: &Identity, needed: Option<Scope>) -> Result<(), Denied> {
    let Some(needed) = needed else { return Ok(()) };
    if identity.scopes.iter().any(|scope| scope == needed.name()) {
        return Ok(());
    }
    let has = identity.scopes.join(" ").parse::<Scopes>().unwrap_or_default();
    Err(Denied::Scope(has.without(Scope::OfflineAccess).with(needed).to_string()))
}

/// Whether the operator's `allow` lets the caller in at all. Not a decision: nothing can be sent for it.
pub fn admits(caller: &Caller, access: &Access, voucher: &Voucher) -> bool {
    access.allow.as_ref().is_none_or(|allow| allows(allow, caller, voucher))
}

/// Whether any of an operator's lists names the caller. Nobody is named when nobody was asked.
///
/// A user is named by subject, or by `<issuer name>:<subject>`, since a subject is unique at its issuer only.
/// Doorward's own subjects have that form already, and so have keys and certificates; another issuer's that look like it
/// do not count as one.
fn allows(allow: &Allow, caller: &Caller, voucher: &Voucher) -> bool {
    let qualified = |subject: &str| match voucher {
        Voucher::Issuer(issuer) => Some(format!("{}:{subject}", issuer.name)),
        Voucher::Doorward | Voucher::ApiKey | Voucher::Certificate | Voucher::Nobody => None,
    };
    caller.identity().is_some_and(|identity| {
        let is_plain = !matches!(voucher, Voucher::Issuer(_)) || !identity.subject.contains(':');
        (is_plain && allow.users.contains(&identity.subject))
            || qualified(&identity.subject).is_some_and(|name| allow.users.contains(&name))
            || identity.client.as_ref().is_some_and(|client| allow.clients.contains(client))
            || identity.groups.iter().any(|group| allow.groups.contains(group))
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use doorward_model::{Algorithm, Identity, Name};

    use super::*;
    use crate::exposure::{Asked, Exposure};

    fn decide(caller: &Caller, access: &Access, voucher: &Voucher) -> Result<Permit, Denied> {
        needing(caller, access, voucher, None)
    }

    fn needing(
        caller: &Caller,
        access: &Access,
        voucher: &Voucher,
        needed: Option<Scope>,
    ) -> Result<Permit, Denied> {
        let exposure = Exposure::compile(&doorward_model::Curation::default()).expect("compiles");
        let cleared = exposure.clear(Asked::Nothing, &[]).expect("nothing is hidden");
        super::decide(cleared, caller, access, voucher, needed)
    }

    fn caller() -> Caller {
        Caller::Issued(Arc::new(Identity {
            issuer: "https://idp".into(),
            subject: "alice".into(),
            client: Some("ci".into()),
            scopes: vec!["a".into()],
            groups: vec!["eng".into()],
            audiences: vec![],
        }))
    }

    fn issuer(required: Option<&str>) -> Voucher {
        Voucher::Issuer(Arc::new(Issuer {
            name: Name::parse("corp").expect("a name"),
            issuer: "https://idp".into(),
            jwks_uri: None,
            algorithms: vec![Algorithm::Es256],
            required_scope: required.map(Into::into),
            id_jag: false,
        }))
    }

    fn names(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    #[test]
    fn a_required_scope_must_be_there() {
        let access = Access::default();
        assert!(decide(&caller(), &access, &issuer(Some("a"))).is_ok());
        let denied = decide(&caller(), &access, &issuer(Some("b"))).map(|_| ());
        assert_eq!(denied, Err(Denied::Scope("b".into())));
    }

    #[test]
    fn any_list_lets_in_and_an_empty_allow_lets_nobody_in() {
        let allowed = |allow: Allow| {
            let access = Access { allow: Some(allow), ..Access::default() };
            decide(&caller(), &access, &issuer(None)).is_ok()
        };
        assert!(allowed(Allow { groups: names(&["eng"]), ..Allow::default() }));
        assert!(allowed(Allow { users: names(&["alice"]), ..Allow::default() }));
        assert!(allowed(Allow { users: names(&["corp:alice"]), ..Allow::default() }));
        assert!(!allowed(Allow { users: names(&["other:alice"]), ..Allow::default() }));
        assert!(allowed(Allow { clients: names(&["ci"]), ..Allow::default() }));
        assert!(!allowed(Allow { users: names(&["bob"]), ..Allow::default() }));
        assert!(!allowed(Allow::default()));
        let access =
            Access { allow: Some(Allow { users: names(&[""]), ..Allow::default() }), ..Access::default() };
        assert!(decide(&Caller::Anonymous, &access, &Voucher::Nobody).is_err());
    }

    #[test]
    fn an_issuer_cannot_name_somebody_of_another_one() {
        let Caller::Issued(identity) = caller() else { unreachable!("issued") };
        let forged = Identity { subject: "other:alice".into(), ..(*identity).clone() };
        let forged = Caller::Issued(Arc::new(forged));
        let allow = Allow { users: names(&["other:alice"]), ..Allow::default() };
        let access = Access { allow: Some(allow), ..Access::default() };
        assert!(decide(&forged, &access, &issuer(None)).is_err());
        assert!(decide(&forged, &access, &Voucher::Doorward).is_ok());
    }

    fn own(scopes: &[&str]) -> Caller {
        let Caller::Issued(identity) = caller() else { unreachable!("issued") };
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Caller::Issued(Arc::new(Identity { scopes, ..(*identity).clone() }))
    }

    #[test]
    fn own_tokens_need_the_scope_of_the_operation_and_are_told_all_of_them() {
        let outcome = |scopes: &[&str], needed| {
            needing(&own(scopes), &Access::default(), &Voucher::Doorward, needed).map(|_| ())
        };
        assert_eq!(outcome(&["mcp:call"], Some(Scope::McpCall)), Ok(()));
        assert_eq!(outcome(&[], None), Ok(()));
        assert_eq!(
            outcome(&["mcp:read", "offline_access"], Some(Scope::McpCall)),
            Err(Denied::Scope("mcp:read mcp:call".into()))
        );
        assert_eq!(outcome(&[], Some(Scope::McpRead)), Err(Denied::Scope("mcp:read".into())));
        // A foreign token has scopes of its own world, whatever they are called.
        let foreign = needing(&own(&[]), &Access::default(), &issuer(None), Some(Scope::McpCall));
        assert!(foreign.is_ok());
    }
}
