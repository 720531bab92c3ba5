//! The page that says where a person is about to be sent, and sending them there.
//!
//! Whoever opens it must be signed in, and connects for themselves: an address that somebody else sends makes nobody connect
//! anything to another person. The `state` towards the other side is made only when the person has said yes; it is bound to
//! their browser and to who they are.

use std::sync::Arc;

use doorward_auth::{
    client::{
        authorization::{AuthorizationRequest, authorization_url},
        registration::OwnAddresses,
        scope::ScopeList,
    },
    keys::hash,
    server::{form::Parameters, pkce},
};
use doorward_model::{Connecting, Fault, Place, Timestamp};
use doorward_store::StoreError;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Authorized, ConnectError, Waiting, authority::authority_within, places};
use crate::{
    connections::ConnectionState,
    oauth::{Outcome, Web, read_form, reply},
    pages::{self, ConnectTrouble, Hidden, NotConnected},
    path::{Answer, OpenRecord, Visit},
    people::{session::Session, sign_in, ticket::Purpose},
    rates::Counted,
};

const FIELDS: [&str; 2] = ["request", "csrf"];
/// How old what is known of the other side may be when a person is sent there, in seconds.
const FRESH: i64 = 60;
/// What is asked anew.
const NOW: i64 = 0;

/// What the page's form carries.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    place: String,
    /// Who was asked.
    subject: String,
    /// Which authorization server it was.
    issuer: String,
    /// The origin that stood on the page.
    goes_to: String,
    waiting: Option<Waiting>,
}

/// What `state` carries to the other side and back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journey {
    pub(super) id: String,
    pub(super) place: String,
    /// Who went.
    pub(super) subject: String,
    /// Where to: what comes back must be from there (RFC 9700 section 4.4).
    pub(super) issuer: String,
    /// As which client.
    pub(super) client: String,
    pub(super) verifier: String,
    /// What was asked for.
    pub(super) scopes: String,
    pub(super) waiting: Option<Waiting>,
}

/// Shows the page, or sends the person to the other side.
pub(crate) async fn answer(web: &Web<'_>, place: &Place, visit: Visit, record: &mut OpenRecord) -> Outcome {
    record.connects(place);
    let session = Session::of(web.app, web.routes, &visit.headers).await?;
    if visit.method == Method::GET {
        let Some(session) = session else {
            let onward = format!("{}?{}", place.path(), visit.query);
            return Ok(sign_in::ask(web, onward.trim_end_matches('?'), None, None, record));
        };
        let Ok(query) = Parameters::parse(&visit.query, &["onward"]) else { return Ok(web.stale(record)) };
        let waiting = match query.get("onward").map(|ticket| Waiting::open_anyones(web, ticket)) {
            None => None,
            // Without it the client would wait for nothing, and nobody would know.
            Some(None) => return Ok(web.stale(record)),
            Some(Some(waiting)) if !waiting.is_of(&session) => {
                return Ok(reply::see_other(&waiting.asked_again(), record));
            }
            Some(waiting) => waiting,
        };
        return show(web, place, &session, waiting, record).await;
    }
    let fields = read_form(web, &visit.headers, visit.body).await;
    let fields = fields.ok().and_then(|text| Parameters::parse(&text, &FIELDS).ok());
    let (Some(fields), Some(session)) = (fields, session) else { return Ok(web.stale(record)) };
    let asked = asked(web, &fields, place, &session);
    match asked {
        Some(asked) => start(web, place, &session, asked, record).await,
        None => Ok(web.stale(record)),
    }
}

/// What the form was given out for, if it was to this person, in this browser, and for this place.
fn asked(web: &Web<'_>, fields: &Parameters, place: &Place, session: &Session) -> Option<Asked> {
    if !web.is_ours(fields.get("csrf")) {
        return None;
    }
    let asked: Asked =
        web.app.tickets().open(Purpose::Connect, fields.get("request")?, &web.browser, web.now())?;
    (asked.place == place.key() && asked.subject == session.person.subject).then_some(asked)
}

/// Where somebody goes who signs out on the page to sign in as somebody else: to the request of the client that waits, or
/// to the page.
pub(crate) fn asked_again(web: &Web<'_>, ticket: &str) -> Option<String> {
    let asked: Asked = web.app.tickets().open(Purpose::Connect, ticket, &web.browser, web.now())?;
    let waiting = asked.waiting.as_ref().map(Waiting::asked_again);
    waiting.or_else(|| places::parse(&asked.place).map(|place| place.path()))
}

async fn show(
    web: &Web<'_>,
    place: &Place,
    session: &Session,
    waiting: Option<Waiting>,
    record: &mut OpenRecord,
) -> Outcome {
    record.person(&web.issuer(), &session.person.subject);
    let Some(connecting) = places::connecting_for(web.routes, place, &session.person) else {
        return Ok(unknown(web, record));
    };
    if connecting.shared && !session.person.administrator {
        record.failed("administrators_only", None, Fault::Caller);
        return Ok(not_connected(web, place, ConnectTrouble::Administrators, waiting, record));
    }
    let state =
        web.app.connections().state(&connecting, places::person_of(&connecting, &session.person)).await?;
    // Where a connection is of no use any more, another server may be in the place of the one that gave it.
    let age = if matches!(state, ConnectionState::Broken { .. }) { NOW } else { FRESH };
    let authorized = match found(web, &connecting, age, record).await {
        Ok(authorized) => authorized,
        Err(Unfound::TooOften(answer)) => return Ok(answer),
        Err(Unfound::Error(ConnectError::Store(error))) => return Err(error.into()),
        Err(Unfound::Error(error)) => return Ok(in_the_way(web, place, &error, waiting, record)),
    };
    let (to, wished) = match authorized.server.authorizes(&authorized.resource) {
        Ok(endpoint) => (endpoint.clone(), wished(web, &connecting, &authorized, session).await?),
        Err(error) => return Ok(in_the_way(web, place, &error.into(), waiting, record)),
    };
    record.allow();
    let asked = Asked {
        place: place.key(),
        subject: session.person.subject.clone(),
        issuer: authorized.server.issuer.clone(),
        goes_to: to.origin().ascii_serialization(),
        waiting,
    };
    let since = match state {
        ConnectionState::Live { since, .. } => Some(since),
        _ => None,
    };
    Ok(page(web, &connecting, session, &wished, since, asked))
}

fn page(
    web: &Web<'_>,
    connecting: &Connecting,
    session: &Session,
    scopes: &ScopeList,
    since: Option<Timestamp>,
    asked: Asked,
) -> Answer {
    let (person, place) = (&session.person, &connecting.place);
    let (csrf, ticket) =
        (web.csrf(), web.app.tickets().seal(Purpose::Connect, &asked, &web.browser, web.now()));
    let Asked { goes_to, waiting, .. } = asked;
    let waits = waiting.map(|waiting| Ready::new(web, &waiting.without(place)));
    let names = places::used_by(web.routes, place, person);
    let (behind, scopes): (Vec<_>, Vec<_>) =
        (names.iter().map(String::as_str).collect(), scopes.iter().collect());
    let page = pages::Connect {
        host: web.host(),
        person,
        place,
        behind: &behind,
        shared: connecting.shared,
        goes_to: &goes_to,
        scopes: &scopes,
        since,
        hidden: Hidden { request: Some(&ticket), csrf: &csrf },
        waiting: waits.as_ref().map(Ready::shown),
    };
    web.page(StatusCode::OK, &page.render())
}

/// Sends the person to the other side.
async fn start(
    web: &Web<'_>,
    place: &Place,
    session: &Session,
    asked: Asked,
    record: &mut OpenRecord,
) -> Outcome {
    record.person(&web.issuer(), &session.person.subject);
    let connecting = places::connecting_for(web.routes, place, &session.person);
    let connecting = connecting.filter(|connecting| !connecting.shared || session.person.administrator);
    let Some(connecting) = connecting else { return Ok(unknown(web, record)) };
    let authorized = match found(web, &connecting, FRESH, record).await {
        Ok(authorized) => authorized,
        Err(Unfound::TooOften(answer)) => return Ok(answer),
        Err(Unfound::Error(ConnectError::Store(error))) => return Err(error.into()),
        Err(Unfound::Error(error)) => return Ok(in_the_way(web, place, &error, asked.waiting, record)),
    };
    let Ok(endpoint) = authorized.server.authorizes(&authorized.resource) else {
        return Ok(web.stale(record));
    };
    // The person said yes to going to one server at one address, and to none that took its place meanwhile.
    let is_there = endpoint.origin().ascii_serialization() == asked.goes_to;
    if authorized.server.issuer != asked.issuer || !is_there {
        return Ok(web.stale(record));
    }
    let scopes = wished(web, &connecting, &authorized, session).await?;
    let verifier = pkce::new_verifier();
    let journey = Journey {
        id: hash::random_hex::<16>(),
        place: place.key(),
        subject: session.person.subject.clone(),
        issuer: asked.issuer,
        client: authorized.client.id.clone(),
        verifier: verifier.expose().to_owned(),
        scopes: scopes.to_string(),
        waiting: asked.waiting,
    };
    let request = AuthorizationRequest {
        client_id: &authorized.client.id,
        redirect_uri: &OwnAddresses::at(web.routes.origin()).redirect_uri,
        resource: &authorized.resource,
        scope: &scopes,
        state: &web.app.tickets().seal(Purpose::Connection, &journey, &web.browser, web.now()),
        challenge: &pkce::challenge(verifier.expose()),
    };
    Ok(reply::see_other(authorization_url(endpoint, &request).as_str(), record))
}

/// The scopes to ask for: the usual ones, and what turned out to be needed since.
async fn wished(
    web: &Web<'_>,
    connecting: &Connecting,
    authorized: &Authorized,
    session: &Session,
) -> Result<ScopeList, StoreError> {
    let person = places::person_of(connecting, &session.person);
    let wished = web.app.connections().wished(connecting, person).await?;
    Ok(authorized.scopes.union(&wished))
}

/// Why it is not known where to send the person.
enum Unfound {
    TooOften(Answer),
    Error(ConnectError),
}

/// Where the person would be sent, as it is now. Asking is counted: nobody uses Doorward to flood somebody else.
async fn found(
    web: &Web<'_>,
    connecting: &Arc<Connecting>,
    age: i64,
    record: &mut OpenRecord,
) -> Result<Arc<Authorized>, Unfound> {
    if let Err(too_often) = web.app.rates().admit(Counted::Connecting, &web.address, web.now()) {
        return Err(Unfound::TooOften(web.wait_a_moment(too_often, record)));
    }
    authority_within(web.app, connecting, age).await.map_err(Unfound::Error)
}

/// A page for what is in the way, before anybody was sent anywhere.
pub(super) fn in_the_way(
    web: &Web<'_>,
    place: &Place,
    error: &ConnectError,
    waiting: Option<Waiting>,
    record: &mut OpenRecord,
) -> Answer {
    let (trouble, reason) = match error {
        ConnectError::Changed { approved, found } => {
            (ConnectTrouble::Changed { approved, found }, "authorization_server_changed")
        }
        error if error.is_passing() => (ConnectTrouble::Away, "connect_away"),
        _ => (ConnectTrouble::Unusable, "connect_unusable"),
    };
    tracing::warn!(place = place.key(), %error, "nobody can connect there");
    record.failed(reason, Some(error.to_string()), Fault::Upstream);
    not_connected(web, place, trouble, waiting, record)
}

/// The page of somebody who connected nothing.
pub(super) fn not_connected(
    web: &Web<'_>,
    place: &Place,
    trouble: ConnectTrouble<'_>,
    waiting: Option<Waiting>,
    record: &mut OpenRecord,
) -> Answer {
    let status = match trouble {
        ConnectTrouble::Administrators => StatusCode::FORBIDDEN,
        ConnectTrouble::Changed { .. } => StatusCode::CONFLICT,
        ConnectTrouble::Refused(_) | ConnectTrouble::Mixed => StatusCode::BAD_REQUEST,
        ConnectTrouble::Away
        | ConnectTrouble::Unusable
        | ConnectTrouble::Failed
        | ConnectTrouble::Forgotten => StatusCode::BAD_GATEWAY,
    };
    let again = waiting.as_ref().map_or_else(|| place.path(), |waiting| waiting.detour(web, place));
    let waits = waiting.map(|waiting| Ready::new(web, &waiting.without(place)));
    let page = NotConnected {
        host: web.host(),
        place,
        trouble,
        again: &again,
        request_id: &record.id(),
        waiting: waits.as_ref().map(Ready::shown),
    };
    web.page(status, &page.render())
}

/// A place that is not there, for this person.
fn unknown(web: &Web<'_>, record: &mut OpenRecord) -> Answer {
    let text = "There is nothing of that name that an account of yours can be connected for, or you have no access to it.";
    web.trouble_connecting(StatusCode::NOT_FOUND, ("Nothing to connect", text), "place_unknown", record)
}

/// Whoever waits, as a form needs it that goes on without the place.
struct Ready {
    ticket: String,
    csrf: String,
    form_action: String,
    client: Option<String>,
}

impl Ready {
    fn new(web: &Web<'_>, waiting: &Waiting) -> Self {
        let client = waiting.client().map(str::to_owned);
        Self { ticket: waiting.ticket(web), csrf: web.csrf(), form_action: waiting.form_action(), client }
    }

    fn shown(&self) -> pages::Waiting<'_> {
        let hidden = Hidden { request: Some(&self.ticket), csrf: &self.csrf };
        pages::Waiting { hidden, form_action: &self.form_action, client: self.client.as_deref() }
    }
}
