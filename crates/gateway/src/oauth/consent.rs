//! What a person decided about a client: asked once where the client can be told apart, else each time.

use std::time::Duration;

use doorward_auth::{
    keys::hash,
    server::{
        authorize::{error_redirect, success_redirect},
        error::{ErrorCode, OAuthError},
        form::Parameters,
        redirect_uri,
        token::{self, TokenKind},
    },
};
use doorward_model::{ClientGrant, ClientKind, Person};
use doorward_store::{Consent, NewCode, StoreError};

use super::{
    Outcome, Web,
    authorize::{Question, Request, check},
    form,
    reply::{self, note},
};
use crate::{
    connect::{self, Waiting},
    path::{OpenRecord, Visit},
    people::{admission, session::Session, ticket::Purpose},
};

/// How long a code waits to be redeemed, in seconds (OAuth 2.1 section 4.1.2 allows ten minutes).
const CODE_LIFETIME: i64 = 60;

const FIELDS: [&str; 4] = ["request", "csrf", "decision", "remember"];

/// Takes a decision.
pub(super) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let session = Session::of(web.app, web.routes, &visit.headers).await?;
    let fields = form::read(web, &visit.headers, visit.body).await;
    let fields = fields.and_then(|text| Parameters::parse(&text, &FIELDS));
    let (Ok(fields), Some(session)) = (fields, session) else { return Ok(web.stale(record)) };
    let Some(question) = question(web, &fields, &session) else { return Ok(web.stale(record)) };
    record.person(&web.issuer(), &session.person.subject);
    let request = match check(web, &question.query, record).await? {
        Ok(request) => request,
        Err(answer) => return Ok(answer),
    };
    if fields.get("decision") != Some("approve") {
        return Ok(deny(web, &request, record));
    }
    // The person said yes to what the client was, and to what they had access to.
    let same = question.digest == request.known.digest;
    if !same || !admission::admits(&request.entrance, &session.person, &request.known.client.id) {
        return Ok(web.stale(record));
    }
    if fields.get("remember") == Some("yes") && may_remember(&request) {
        remember(web, &request, &session).await?;
    }
    let waiting = Waiting::new(question, &request, web.now());
    connect::go_on(web, &waiting, &request, &session, record).await
}

/// What was asked, if this form was given out for it, to this person, in this browser.
fn question(web: &Web<'_>, fields: &Parameters, session: &Session) -> Option<Question> {
    if !web.is_ours(fields.get("csrf")) {
        return None;
    }
    let question: Question =
        web.app.tickets().open(Purpose::Consent, fields.get("request")?, &web.browser, web.now())?;
    (question.subject == session.person.subject).then_some(question)
}

/// Tells the client that it gets nothing.
pub(crate) fn deny(web: &Web<'_>, request: &Request, record: &mut OpenRecord) -> crate::path::Answer {
    let error = OAuthError::new(ErrorCode::AccessDenied, "the person did not allow it");
    let valid = &request.valid;
    let location = error_redirect(&valid.redirect_uri, &error, valid.state.as_deref(), &web.issuer());
    note(&error, record);
    reply::see_other(&location, record)
}

/// Makes a code, and sends it to the client.
pub(crate) async fn give(
    web: &Web<'_>,
    request: &Request,
    session: &Session,
    record: &mut OpenRecord,
) -> Outcome {
    let (valid, now) = (&request.valid, web.now());
    let code = token::mint(TokenKind::Code);
    let code_row = NewCode {
        hash: token::hash(code.expose()),
        grant: grant(web, request, &session.person),
        redirect_uri: valid.redirect_uri.clone(),
        challenge: valid.challenge.clone(),
        expires: now.plus_secs(CODE_LIFETIME),
    };
    web.app.store().put_code(&code_row).await?;
    let location = success_redirect(&valid.redirect_uri, &code, valid.state.as_deref(), &web.issuer());
    Ok(reply::see_other(location.expose(), record))
}

fn grant(web: &Web<'_>, request: &Request, person: &Person) -> ClientGrant {
    let (client, now) = (&request.known.client, web.now());
    ClientGrant {
        id: hash::random_hex::<16>(),
        subject: person.subject.clone(),
        groups: person.groups.clone(),
        domain: person.domain.clone(),
        client: client.id.clone(),
        client_name: client.name.clone(),
        redirect: Some(redirect_uri::origin_shown(&request.valid.redirect_uri)),
        resource: request.entrance.to.resource().to_owned(),
        scopes: request.valid.scopes,
        created: now,
        expires: now.plus_secs(seconds(web.routes.snapshot.tokens.refresh_lifetime)),
    }
}

/// Whether the client can be told apart from others, so that a yes to it is not a yes to somebody else: it proves who
/// it is, or its answers go to a host that is its own.
pub(super) fn may_remember(request: &Request) -> bool {
    let (client, uri) = (&request.known.client, &request.valid.redirect_uri);
    !redirect_uri::is_loopback(uri)
        && (request.known.always_proves()
            || (uri.starts_with("https://") && client.kind != ClientKind::Dynamic))
}

/// Whether this person has said yes to all of this before, to the client as it is now.
pub(super) async fn is_remembered(
    web: &Web<'_>,
    request: &Request,
    session: &Session,
) -> Result<bool, StoreError> {
    if !may_remember(request) {
        return Ok(false);
    }
    let (client, valid) = (&request.known.client.id, &request.valid);
    let found = web
        .app
        .store()
        .consent(&session.person.subject, client, &valid.redirect_uri, request.entrance.to.resource())
        .await?;
    Ok(found.is_some_and(|consent| {
        consent.client_digest == request.known.digest && valid.scopes.within(consent.scopes)
    }))
}

async fn remember(web: &Web<'_>, request: &Request, session: &Session) -> Result<(), StoreError> {
    let consent = Consent {
        subject: session.person.subject.clone(),
        client: request.known.client.id.clone(),
        redirect_uri: request.valid.redirect_uri.clone(),
        resource: request.entrance.to.resource().to_owned(),
        scopes: request.valid.scopes,
        client_digest: request.known.digest.clone(),
        created: web.now(),
    };
    web.app.store().remember_consent(&consent).await
}

/// Whole seconds of a duration.
pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
