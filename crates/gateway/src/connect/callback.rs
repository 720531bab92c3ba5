//! What a person comes back with from the other side.
//!
//! It counts once, in the browser that was sent, for the person who went, and from the server that they were sent to; all
//! of that is checked before anything of it is looked at.

use doorward_auth::{
    client::{
        AnswerError, Grant, Granted,
        authorization::{Callback, CallbackError},
        registration::OwnAddresses,
    },
    server::token,
};
use doorward_model::{Connecting, Fault, Secret};
use http::StatusCode;

use super::{
    AskError, Authorized, ConnectError, ask_token, authority, lost,
    page::{Journey, in_the_way, not_connected},
    places,
};
use crate::{
    connections::Tokens,
    oauth::{Outcome, Web, reply},
    pages::ConnectTrouble,
    path::{OpenRecord, Visit},
    people::{session::Session, ticket::Purpose},
};

/// How long it is remembered that somebody came back, in seconds: longer than tickets live.
const REMEMBERED: i64 = 3_600;

/// Takes a person back, and hands over what was granted.
pub(crate) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let Ok(callback) = Callback::parse(&visit.query) else { return Ok(web.stale_connecting(record)) };
    let opened = web.app.tickets().open(Purpose::Connection, callback.state(), &web.browser, web.now());
    let Some(journey): Option<Journey> = opened else { return Ok(web.stale_connecting(record)) };
    let used = token::hash(&journey.id);
    if !web.app.store().use_once("connect", &used, web.now().plus_secs(REMEMBERED)).await? {
        return Ok(web.stale_connecting(record));
    }
    let Some(session) = Session::of(web.app, web.routes, &visit.headers).await? else {
        return Ok(web.stale_connecting(record));
    };
    record.person(&web.issuer(), &session.person.subject);
    if session.person.subject != journey.subject {
        return Ok(somebody_else(web, record));
    }
    let Some(place) = places::parse(&journey.place) else { return Ok(web.stale_connecting(record)) };
    record.connects(&place);
    let connecting = places::connecting_for(web.routes, &place, &session.person);
    let connecting = connecting.filter(|connecting| !connecting.shared || session.person.administrator);
    let Some(connecting) = connecting else { return Ok(web.stale_connecting(record)) };
    let authorized = match authority(web.app, &connecting).await {
        Ok(authorized) => authorized,
        Err(ConnectError::Store(error)) => return Err(error.into()),
        Err(error) => return Ok(in_the_way(web, &place, &error, journey.waiting, record)),
    };
    // A code is redeemed where the person went and nowhere else (RFC 9700 section 4.4).
    let same = authorized.server.issuer == journey.issuer && authorized.client.id == journey.client;
    if !same {
        return Ok(web.stale_connecting(record));
    }
    let code = match callback.code(&journey.issuer, authorized.server.names_issuer) {
        Ok(code) => code,
        Err(error) => return Ok(nothing(web, &connecting, error, journey, record)),
    };
    arrive(web, (&connecting, &authorized), &session, (code, journey), record).await
}

/// Redeems the code, and goes on with what came of it.
async fn arrive(
    web: &Web<'_>,
    (connecting, authorized): (&Connecting, &Authorized),
    session: &Session,
    (code, journey): (Secret, Journey),
    record: &mut OpenRecord,
) -> Outcome {
    let place = &connecting.place;
    let granted = match redeem(web, authorized, &code, &journey).await {
        Ok(granted) => granted,
        Err(error) => {
            let (trouble, reason) = match &error {
                AskError::Answer(answer) if answer.refuses_client() => {
                    let replaced = lost::is_replaced(web.app, connecting, &journey.client).await?;
                    let trouble = if replaced { ConnectTrouble::Forgotten } else { ConnectTrouble::Failed };
                    (trouble, "connect_failed")
                }
                AskError::Answer(answer) if !answer.is_passing() => {
                    (ConnectTrouble::Failed, "connect_failed")
                }
                _ => (ConnectTrouble::Away, "connect_away"),
            };
            tracing::warn!(place = place.key(), %error, "a code was not redeemed");
            record.failed(reason, Some(error.to_string()), Fault::Upstream);
            return Ok(not_connected(web, place, trouble, journey.waiting, record));
        }
    };
    let expires = granted.ends(web.now());
    let tokens = Tokens {
        access: granted.token,
        refresh: granted.refresh,
        expires,
        scopes: granted.scopes.map_or(journey.scopes, |scopes| scopes.to_string()),
    };
    let (person, issuer) = (places::person_of(connecting, &session.person), &journey.issuer);
    let by = (issuer.as_str(), journey.client.as_str());
    let whose = (person, session.hash());
    if !web.app.connections().connected(connecting, whose, by, &tokens).await? {
        return Ok(web.stale_connecting(record));
    }
    record.connected(place, issuer, person);
    Ok(match journey.waiting {
        Some(waiting) => reply::see_other(&waiting.address(web), record),
        None => reply::see_other(&format!("/console/connections?connected={}", place.key()), record),
    })
}

async fn redeem(
    web: &Web<'_>,
    authorized: &Authorized,
    code: &Secret,
    journey: &Journey,
) -> Result<Granted, AskError> {
    let verifier = Secret::new(journey.verifier.clone());
    let redirect_uri = OwnAddresses::at(web.routes.origin()).redirect_uri;
    let grant = Grant::Code { code, redirect_uri: &redirect_uri, verifier: &verifier };
    let granted = ask_token(web.app, authorized, grant).await?;
    if granted.usable <= 0 {
        return Err(AnswerError::Unusable("the token has expired already").into());
    }
    Ok(granted)
}

/// The person, or somebody in between, came back with nothing of use.
fn nothing(
    web: &Web<'_>,
    connecting: &Connecting,
    error: CallbackError,
    journey: Journey,
    record: &mut OpenRecord,
) -> crate::path::Answer {
    let place = &connecting.place;
    let (trouble, reason, fault) = match error {
        CallbackError::Refused(code) => (ConnectTrouble::Refused(code), "connect_refused", Fault::Caller),
        CallbackError::Issuer => {
            tracing::warn!(
                place = place.key(),
                "somebody came back from another server than they were sent to"
            );
            (ConnectTrouble::Mixed, "connect_mixed_up", Fault::Upstream)
        }
        CallbackError::Unreadable | CallbackError::NoState | CallbackError::Empty => {
            (ConnectTrouble::Failed, "connect_failed", Fault::Upstream)
        }
    };
    record.failed(reason, Some(error.to_string()), fault);
    not_connected(web, place, trouble, journey.waiting, record)
}

/// Another person is signed in now than the one who went.
fn somebody_else(web: &Web<'_>, record: &mut OpenRecord) -> crate::path::Answer {
    let text = "Somebody else is signed in here now than the one who went there. Nothing was connected. Begin again, and \
                stay signed in as the same person.";
    let title = ("This is not yours to connect", text);
    web.trouble_connecting(StatusCode::FORBIDDEN, title, "connect_other_person", record)
}
