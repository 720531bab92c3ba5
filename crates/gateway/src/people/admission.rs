//! Whom the operator lets in. Asked when somebody signs in, before consent is shown, and again on every call: an
//! account somewhere opens nothing by itself, and what the operator takes back counts at once.

use std::sync::Arc;

use doorward_auth::sign_in;
use doorward_guard::policy;
use doorward_model::{Access, Caller, ClientGrant, Identity, Person, Snapshot, Voucher};
use doorward_store::StoreError;

use crate::{
    App, oauth,
    own_tokens::OwnToken,
    routes::{Entrance, Routes},
};

/// Somebody, as a session, a grant or a token remembers them.
#[derive(Clone, Copy)]
pub(crate) struct Whom<'a> {
    pub(crate) subject: &'a str,
    pub(crate) groups: &'a [String],
    /// The domain of their verified address.
    pub(crate) domain: Option<&'a str>,
    /// Whether they signed in here; else an issuer's assertion named them.
    pub(crate) in_person: bool,
}

/// Proof that tokens of a grant may be issued now. Tokens are made of nothing else.
pub(crate) struct Admitted(ClientGrant);

impl Admitted {
    /// What was admitted.
    pub(crate) fn grant(&self) -> &ClientGrant {
        &self.0
    }

    /// The same, for those who are done.
    pub(crate) fn into_grant(self) -> ClientGrant {
        self.0
    }
}

impl<'a> Whom<'a> {
    /// Whom a grant is for. What came without a browser has no redirect.
    pub(crate) fn of_grant(grant: &'a ClientGrant) -> Self {
        Self {
            subject: &grant.subject,
            groups: &grant.groups,
            domain: grant.domain.as_deref(),
            in_person: grant.redirect.is_some(),
        }
    }

    /// Whom a session is for.
    pub(crate) fn of_session(person: &'a Person) -> Self {
        let Person { subject, groups, domain, .. } = person;
        Self { subject, groups, domain: domain.as_deref(), in_person: true }
    }
}

/// Whether whoever vouched for somebody may still do so.
///
/// A local user is let in by existing, and a client without a person by being registered: both are revoked when they
/// go. Others stand by what the first part of the subject names: the sign-in provider that they came by, or the issuer
/// of the assertion. One does not stand in for the other.
pub(crate) fn may_sign_in(snapshot: &Snapshot, whom: Whom<'_>) -> bool {
    let Some((by, sub)) = whom.subject.split_once(':') else { return true };
    if by == "client" {
        return true;
    }
    if whom.in_person {
        let provider = snapshot.sign_in.iter().find(|(name, _)| name.as_str() == by);
        provider.is_some_and(|(_, it)| sign_in::allows(&it.allow, sub, whom.groups, whom.domain))
    } else {
        snapshot.issuers.iter().any(|(name, issuer)| name.as_str() == by && issuer.id_jag)
    }
}

/// Whether whoever a token is for may still sign in.
pub(crate) fn vouches_for(snapshot: &Snapshot, token: &OwnToken) -> bool {
    let Identity { subject, groups, .. } = &*token.identity;
    let whom = Whom { subject, groups, domain: token.domain.as_deref(), in_person: token.in_person };
    may_sign_in(snapshot, whom)
}

/// Whether the virtual server lets a person in, with this client.
pub(crate) fn admits(entrance: &Entrance, person: &Person, client: &str) -> bool {
    lets_in(entrance.access(), &person.subject, &person.groups, client)
}

/// Whether a person may come in at all, with some client or other: what they are told of goes no further.
pub(crate) fn may_use(entrance: &Entrance, person: &Person) -> bool {
    let access = entrance.access();
    let by_client = access.allow.as_ref().is_some_and(|allow| !allow.clients.is_empty());
    by_client || lets_in(access, &person.subject, &person.groups, "")
}

/// Admits a grant for tokens to be issued: its resource is there, and lets in whom it is for.
pub(crate) fn admit(routes: &Routes, grant: ClientGrant) -> Option<Admitted> {
    let entrance = oauth::resource(routes, &grant.resource)?;
    let access = entrance.access();
    let admitted = may_sign_in(&routes.snapshot, Whom::of_grant(&grant))
        && lets_in(access, &grant.subject, &grant.groups, &grant.client);
    admitted.then_some(Admitted(grant))
}

fn lets_in(access: &Access, subject: &str, groups: &[String], client: &str) -> bool {
    let caller = Caller::Issued(Arc::new(Identity {
        issuer: String::new(),
        subject: subject.to_owned(),
        client: Some(client.to_owned()),
        scopes: Vec::new(),
        groups: groups.to_vec(),
        audiences: Vec::new(),
    }));
    policy::admits(&caller, access, &Voucher::Doorward)
}

/// The groups of whom a grant is for, as they are now: a local user's from the store, anybody else's as their
/// sign-in provider gave them. None when the local user is gone.
pub(crate) async fn present_groups(
    app: &App,
    grant: &ClientGrant,
) -> Result<Option<Vec<String>>, StoreError> {
    if grant.subject.contains(':') {
        return Ok(Some(grant.groups.clone()));
    }
    Ok(app.store().user(&grant.subject).await?.map(|user| user.groups))
}
