//! The client that waits while a person connects what it will need: between consent and code.
//!
//! What the person allowed travels in a ticket of this browser's, and is checked again before a code is made. The ticket
//! counts once. Nobody has to connect anything: the client gets its code without, too.

use std::sync::Arc;

use doorward_auth::{
    keys::hash,
    server::{form::Parameters, redirect_uri, token},
};
use doorward_model::{Connecting, Place, Timestamp};
use doorward_store::StoreError;
use http::Method;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::places;
use crate::{
    connections::ConnectionState,
    oauth::{self, Outcome, Question, Request, Web, read_form, reply},
    path::{OpenRecord, Visit},
    people::{admission, session::Session, ticket::Purpose},
    routes::Entrance,
};

const FIELDS: [&str; 3] = ["request", "csrf", "decision"];
/// How long a person may take from their yes to the code, in seconds, however many tickets carry them.
const LIFETIME: i64 = 600;
/// How long it is remembered that a ticket was used, in seconds: longer than tickets live.
const REMEMBERED: i64 = 3_600;

/// An authorization request that a person has said yes to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    id: String,
    question: Question,
    /// What the client calls itself.
    client: Option<String>,
    /// The places that the person does without.
    without: Vec<String>,
    /// When it counts no more, in seconds since the epoch. A ticket that is made anew lives no longer than the first.
    until: i64,
}

impl Waiting {
    /// Of a request that was allowed just now, or before.
    pub(crate) fn new(question: Question, request: &Request, now: Timestamp) -> Self {
        let (client, until) = (request.known.client.name.clone(), now.plus_secs(LIFETIME).as_secs());
        Self { id: hash::random_hex::<16>(), question, client, without: Vec::new(), until }
    }

    /// What the client calls itself.
    pub(super) fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// The same for somebody who does without a place.
    pub(super) fn without(mut self, place: &Place) -> Self {
        self.without.push(place.key());
        self
    }

    /// A ticket for a form or an address of this browser's.
    pub(super) fn ticket(&self, web: &Web<'_>) -> String {
        web.app.tickets().seal(Purpose::Waiting, self, &web.browser, web.now())
    }

    /// What a ticket says, if it is this browser's and this person's.
    pub(super) fn open(web: &Web<'_>, ticket: &str, session: &Session) -> Option<Self> {
        Self::open_anyones(web, ticket).filter(|waiting| waiting.is_of(session))
    }

    /// What a ticket says, if it is this browser's. Whoever is signed in may be another person than the one who said yes.
    pub(super) fn open_anyones(web: &Web<'_>, ticket: &str) -> Option<Self> {
        let waiting: Self = web.app.tickets().open(Purpose::Waiting, ticket, &web.browser, web.now())?;
        (web.now().as_secs() < waiting.until).then_some(waiting)
    }

    /// Whether it is this person who said yes.
    pub(super) fn is_of(&self, session: &Session) -> bool {
        self.question.subject == session.person.subject
    }

    /// Where another person is asked the same.
    pub(super) fn asked_again(&self) -> String {
        self.question.address()
    }

    /// Uses it up; false when it was used before.
    async fn use_up(&self, web: &Web<'_>) -> Result<bool, StoreError> {
        let (hash, until) = (token::hash(&self.id), web.now().plus_secs(REMEMBERED));
        web.app.store().use_once("waiting", &hash, until).await
    }

    /// Where the person goes on when a place is connected.
    pub(super) fn address(&self, web: &Web<'_>) -> String {
        with_ticket("/authorize/continue", "request", &self.ticket(web))
    }

    /// Where the person connects a place first.
    pub(super) fn detour(&self, web: &Web<'_>, place: &Place) -> String {
        with_ticket(&place.path(), "onward", &self.ticket(web))
    }

    /// The source of where the client waits, for the CSP directive `form-action`.
    pub(super) fn form_action(&self) -> String {
        let mut query = form_urlencoded::parse(self.question.query.as_bytes());
        let uri = query.find(|(name, _)| name == "redirect_uri").map(|(_, uri)| uri);
        redirect_uri::form_action_source(&uri.unwrap_or_default())
    }
}

/// Gives a client its code, or leads the person to what they have not connected yet.
pub(crate) async fn go_on(
    web: &Web<'_>,
    waiting: &Waiting,
    request: &Request,
    session: &Session,
    record: &mut OpenRecord,
) -> Outcome {
    match missing(web, waiting, &request.entrance).await? {
        Some(connecting) => Ok(reply::see_other(&waiting.detour(web, &connecting.place), record)),
        None => oauth::give(web, request, session, record).await,
    }
}

/// Takes a person back who was connecting something: `GET` when that is done, `POST` with what they decided instead.
pub(crate) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let session = Session::of(web.app, web.routes, &visit.headers).await?;
    let is_form = visit.method == Method::POST;
    let fields = if is_form {
        let fields = read_form(web, &visit.headers, visit.body).await;
        fields.ok().and_then(|text| Parameters::parse(&text, &FIELDS).ok())
    } else {
        Parameters::parse(&visit.query, &FIELDS[..1]).ok()
    };
    let (Some(fields), Some(session)) = (fields, session) else { return Ok(web.stale(record)) };
    let ours = !is_form || web.is_ours(fields.get("csrf"));
    let waiting = fields.get("request").and_then(|ticket| Waiting::open(web, ticket, &session));
    let Some(waiting) = waiting.filter(|_| ours) else { return Ok(web.stale(record)) };
    record.person(&web.issuer(), &session.person.subject);
    let request = match oauth::check(web, &waiting.question.query, record).await? {
        Ok(request) => request,
        Err(answer) => return Ok(answer),
    };
    if is_form && fields.get("decision") != Some("skip") {
        // Who says no takes the yes back: it is not to be had by another tab.
        let counts = waiting.use_up(web).await?;
        return Ok(if counts { oauth::deny(web, &request, record) } else { web.stale(record) });
    }
    // What the person said yes to must still be so, as after consent.
    let same = waiting.question.digest == request.known.digest;
    if !same || !admission::admits(&request.entrance, &session.person, &request.known.client.id) {
        return Ok(web.stale(record));
    }
    if missing(web, &waiting, &request.entrance).await?.is_none() && !waiting.use_up(web).await? {
        return Ok(web.stale(record));
    }
    go_on(web, &waiting, &request, &session, record).await
}

/// What the person would connect first, unless they do without.
async fn missing<'e>(
    web: &Web<'_>,
    waiting: &Waiting,
    entrance: &'e Entrance,
) -> Result<Option<&'e Arc<Connecting>>, StoreError> {
    // One for all is an administrator's business, and theirs in their own time.
    let Some(connecting) = places::behind(entrance).filter(|connecting| !connecting.shared) else {
        return Ok(None);
    };
    if waiting.without.contains(&connecting.place.key()) {
        return Ok(None);
    }
    let state = web.app.connections().state(connecting, &waiting.question.subject).await?;
    Ok((!matches!(state, ConnectionState::Live { .. })).then_some(connecting))
}

/// A path of ours with a ticket in its query.
fn with_ticket(path: &str, name: &str, ticket: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, ticket).finish();
    format!("{path}?{query}")
}
