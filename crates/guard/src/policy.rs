//! May they? The only maker of [`Permit`].
//!
//! `forward` takes a [`Permit`] by value and its field is private: a request that no decision was made about
//! cannot be sent, because that code does not compile.

use doorward_model::{Access, Allow, Caller, Issuer};

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
    /// The credential lacks a scope; the text names all scopes of the operation.
    Scope(String),
    /// The operator lets others in, not this caller: as if the server did not exist.
    NotAllowed,
}

/// Decides whether `caller` may use a virtual server with this `access`.
///
/// Takes the proof that what is asked for is exposed: the order of checks cannot be turned round. `issuer` is
/// the configuration of who vouched for the caller, when somebody did.
///
/// Without that proof there is no decision:
///
/// ```compile_fail
/// use doorward_guard::policy::decide;
/// let permit = decide((), &doorward_model::Caller::Anonymous, &doorward_model::Access::default(), None);
/// ```
pub fn decide(
    _exposed: Cleared,
    caller: &Caller,
    access: &Access,
    issuer: Option<&Issuer>,
) -> Result<Permit, Denied> {
    if let (Caller::Issued(identity), Some(issuer)) = (caller, issuer)
        && let Some(required) = &issuer.required_scope
        && !identity.scopes.contains(required)
    {
        return Err(Denied::Scope(required.clone()));
    }
    if !admits(caller, access, issuer) {
        return Err(Denied::NotAllowed);
    }
    Ok(Permit(()))
}

/// Whether the operator's `allow` lets the caller in at all. Not a decision: nothing can be sent for it.
pub fn admits(caller: &Caller, access: &Access, issuer: Option<&Issuer>) -> bool {
    access.allow.as_ref().is_none_or(|allow| allows(allow, caller, issuer))
}

/// Whether any of an operator's lists names the caller. Nobody is named when nobody was asked.
///
/// A user is named by subject, or by `<issuer name>:<subject>`, since a subject is unique at its issuer only.
fn allows(allow: &Allow, caller: &Caller, issuer: Option<&Issuer>) -> bool {
    let qualified = |subject: &str| issuer.map(|issuer| format!("{}:{subject}", issuer.name));
    caller.identity().is_some_and(|identity| {
        allow.users.contains(&identity.subject)
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

    fn decide(caller: &Caller, access: &Access, issuer: Option<&Issuer>) -> Result<Permit, Denied> {
        let exposure = Exposure::compile(&doorward_model::Curation::default()).expect("compiles");
        let cleared = exposure.clear(Asked::Nothing, &[]).expect("nothing is hidden");
        super::decide(cleared, caller, access, issuer)
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

    fn issuer(required: Option<&str>) -> Issuer {
        Issuer {
            name: Name::parse("corp").expect("a name"),
            issuer: "https://idp".into(),
            jwks_uri: None,
            algorithms: vec![Algorithm::Es256],
            required_scope: required.map(Into::into),
            id_jag: false,
        }
    }

    fn names(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    #[test]
    fn a_required_scope_must_be_there() {
        let access = Access::default();
        assert!(decide(&caller(), &access, Some(&issuer(Some("a")))).is_ok());
        let denied = decide(&caller(), &access, Some(&issuer(Some("b")))).map(|_| ());
        assert_eq!(denied, Err(Denied::Scope("b".into())));
    }

    #[test]
    fn any_list_lets_in_and_an_empty_allow_lets_nobody_in() {
        let allowed = |allow: Allow| {
            let access = Access { allow: Some(allow), ..Access::default() };
            decide(&caller(), &access, Some(&issuer(None))).is_ok()
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
        assert!(decide(&Caller::Anonymous, &access, None).is_err());
    }
}
