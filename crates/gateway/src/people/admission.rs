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
    routes::{Published, Routes},
};

/// Whether whoever vouched for a subject may still do so.
///
/// A local user is let in by existing, and a client without a person by being registered: both are revoked when they
/// go. Others stand by the sign-in provider, or the issuer of their assertion, that the first part of the subject
/// names.
pub(crate) fn may_sign_in(
    snapshot: &Snapshot,
    subject: &str,
    groups: &[String],
    domain: Option<&str>,
) -> bool {
    let Some((by, at_provider)) = subject.split_once(':') else { return true };
    if by == "client" {
        return true;
    }
    let provider = snapshot.sign_in.iter().find(|(name, _)| name.as_str() == by);
    let by_provider =
        provider.is_some_and(|(_, provider)| sign_in::allows(&provider.allow, at_provider, groups, domain));
    by_provider || snapshot.issuers.iter().any(|(name, issuer)| name.as_str() == by && issuer.id_jag)
}

/// Whether whoever a token is for may still sign in.
pub(crate) fn vouches_for(snapshot: &Snapshot, token: &OwnToken) -> bool {
    let who = &token.identity;
    may_sign_in(snapshot, &who.subject, &who.groups, token.domain.as_deref())
}

/// Whether the virtual server lets a person in, with this client.
pub(crate) fn admits(published: &Published, person: &Person, client: &str) -> bool {
    lets_in(&published.server.access, &person.subject, &person.groups, client)
}

/// Whether tokens of a grant may be issued now: its resource is there, and lets in whom it is for.
pub(crate) fn admits_grant(routes: &Routes, grant: &ClientGrant) -> bool {
    let admitted = may_sign_in(&routes.snapshot, &grant.subject, &grant.groups, grant.domain.as_deref());
    let published = oauth::resource(routes, &grant.resource).filter(|_| admitted);
    published.is_some_and(|published| {
        lets_in(&published.server.access, &grant.subject, &grant.groups, &grant.client)
    })
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
