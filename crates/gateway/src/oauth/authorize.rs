//! The authorization endpoint (OAuth 2.1 section 4.1.1): checks, then a page, or a code where the person has said
//! yes before.
//!
//! It changes nothing: some clients fetch the address themselves before they send a person there. What must not
//! redirect is told on a page; what may is handed back to the client, by itself only where somebody vouches for where
//! that leads.

use std::{borrow::Cow, sync::Arc};

use doorward_auth::server::{
    authorize::{Asked, LocalError, Valid, error_redirect},
    error::{ErrorCode, OAuthError},
    form::Parameters,
    redirect_uri,
    resource::Offered,
};
use doorward_model::{Client, ClientKind, Fault};
use doorward_store::StoreError;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    Outcome, Web,
    clients::{ClientError, Known},
    consent, form,
    reply::{self, note, retry_after},
};
use crate::{
    connect::{self, Waiting},
    pages::{Asking, Consent, Hidden, NoAccess, Redirect, ReturnPage},
    path::{Answer, OpenRecord, Visit},
    people::{admission, session::Session, sign_in, ticket::Purpose},
    routes::{Entrance, Routes},
};

/// A request that passed every check that does not need a person.
pub(crate) struct Request {
    pub(crate) known: Known,
    pub(crate) valid: Valid,
    pub(crate) entrance: Arc<Entrance>,
}

/// What a consent page's form carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Question {
    /// The request as the client sent it; everything is checked again.
    pub(crate) query: String,
    /// Who was asked.
    pub(crate) subject: String,
    /// What the client was then.
    pub(crate) digest: String,
}

impl Question {
    /// Where the request is made anew, by whoever is signed in then.
    pub(crate) fn address(&self) -> String {
        format!("/authorize?{}", self.query)
    }
}

/// Answers an authorization request.
pub(super) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let session = Session::of(web.app, web.routes, &visit.headers).await?;
    let query = if visit.method == Method::POST {
        match form::read(web, &visit.headers, visit.body).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => return Ok(here(web, LocalError::Unreadable(error), record)),
        }
    } else {
        visit.query
    };
    let request = match check(web, &query, record).await? {
        Ok(request) => request,
        Err(answer) => return Ok(answer),
    };
    let Some(session) = session.filter(|_| !request.valid.prompt.login) else {
        return Ok(without_session(web, &query, &request, record));
    };
    record.person(&web.issuer(), &session.person.subject);
    if !admission::admits(&request.entrance, &session.person, &request.known.client.id) {
        return Ok(no_access(web, &query, &request, &session, record));
    }
    if !request.valid.prompt.consent && consent::is_remembered(web, &request, &session).await? {
        // Where nothing may be shown, the client gets what it can have.
        if request.valid.prompt.none {
            return consent::give(web, &request, &session, record).await;
        }
        let waiting = Waiting::new(question(&query, &request, &session), &request, web.now());
        return connect::go_on(web, &waiting, &request, &session, record).await;
    }
    if request.valid.prompt.none {
        let error = OAuthError::new(ErrorCode::ConsentRequired, "the person must be asked");
        return Ok(hand_back(
            web,
            &request.known.client,
            (request.valid.redirect_uri.as_str(), request.valid.state.as_deref()),
            &error,
            record,
        ));
    }
    record.allow();
    let page = consent_page(web, &query, &request, &session);
    Ok(web.page(StatusCode::OK, &page))
}

/// Nobody is signed in, or the client wants whoever is to show it again.
fn without_session(web: &Web<'_>, query: &str, request: &Request, record: &mut OpenRecord) -> Answer {
    if request.valid.prompt.none {
        let error = OAuthError::new(ErrorCode::LoginRequired, "nobody is signed in");
        let target = (request.valid.redirect_uri.as_str(), request.valid.state.as_deref());
        return hand_back(web, &request.known.client, target, &error, record);
    }
    let onward = format!("/authorize?{}", signed_in_once(query));
    sign_in::ask(web, &onward, Some(request), None, record)
}

/// The query without the wish for a new sign-in, which is fulfilled when the person comes back to it.
fn signed_in_once(query: &str) -> String {
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == "prompt" {
            let stays = |word: &&str| !matches!(*word, "login" | "select_account");
            kept.append_pair(&name, &value.split(' ').filter(stays).collect::<Vec<_>>().join(" "));
        } else {
            kept.append_pair(&name, &value);
        }
    }
    kept.finish()
}

/// Every check that needs no person, in the order of OAuth 2.1: who asks, where the answer goes, then the rest.
pub(crate) async fn check(
    web: &Web<'_>,
    query: &str,
    record: &mut OpenRecord,
) -> Result<Result<Request, Answer>, StoreError> {
    let asked = match Asked::parse(query) {
        Ok(asked) => asked,
        Err(error) => return Ok(Err(here(web, error, record))),
    };
    record.client(asked.client_id());
    let known = match web.app.clients().find(web, asked.client_id()).await {
        Ok(known) => known,
        Err(ClientError::Store(error)) => return Err(error),
        Err(error) => return Ok(Err(unknown_client(web, &error, record))),
    };
    let redirectable = match asked.redirect(&known.client) {
        Ok(redirectable) => redirectable,
        Err(error) => return Ok(Err(here(web, error, record))),
    };
    let checked = redirectable.check(&|resource| offered(web.routes, resource)).and_then(|valid| {
        let nowhere = OAuthError::new(ErrorCode::InvalidTarget, "there is no such resource");
        Ok((resource(web.routes, &valid.resource).ok_or(nowhere)?, valid))
    });
    let (entrance, valid) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            let target = (redirectable.redirect_uri(), redirectable.state());
            return Ok(Err(hand_back(web, &known.client, target, &error, record)));
        }
    };
    record.opens(&entrance);
    Ok(Ok(Request { known, valid, entrance }))
}

/// The request behind a sign-in page that is shown once more. What is wrong with it was told before.
pub(crate) async fn recheck(
    web: &Web<'_>,
    query: &str,
    record: &mut OpenRecord,
) -> Result<Option<Request>, StoreError> {
    check(web, query, record).await.map(Result::ok)
}

/// Where somebody goes who signs out on a page to sign in as somebody else: to what the page was about.
pub(crate) fn asked_again(web: &Web<'_>, fields: &Parameters) -> Option<String> {
    let text = fields.get("request")?;
    let question = web.app.tickets().open(Purpose::Consent, text, &web.browser, web.now());
    question.map(|question: Question| question.address()).or_else(|| connect::asked_again(web, text))
}

/// The door that a resource stands for, if Doorward's tokens can open it.
pub(crate) fn resource(routes: &Routes, resource: &str) -> Option<Arc<Entrance>> {
    let entrance = routes.entrance_at(resource.strip_prefix(routes.origin())?.strip_prefix('/')?)?;
    entrance.access().oauth.then(|| Arc::clone(entrance))
}

/// What can be asked for at a resource.
pub(super) fn offered(routes: &Routes, canonical: &str) -> Option<Offered> {
    let entrance = resource(routes, canonical)?;
    Some(Offered { resource: entrance.to.resource().to_owned(), scopes: entrance.to.scopes() })
}

impl Request {
    /// The request in the words of the pages.
    pub(crate) fn asking<'a>(&'a self, shown: &'a Shown) -> Asking<'a> {
        Asking {
            client: &self.known.client,
            redirect: Redirect {
                shown: &shown.origin,
                loopback: shown.loopback,
                form_action: &shown.form_action,
            },
            destination: &self.entrance.to,
        }
    }

    /// Where the answer goes, for people and browsers.
    pub(crate) fn shown(&self) -> Shown {
        let uri = &self.valid.redirect_uri;
        Shown {
            origin: redirect_uri::origin_shown(uri),
            loopback: redirect_uri::is_loopback(uri),
            form_action: redirect_uri::form_action_source(uri),
        }
    }
}

/// Parts of a redirect URI.
pub(crate) struct Shown {
    origin: String,
    loopback: bool,
    form_action: String,
}

fn consent_page(web: &Web<'_>, query: &str, request: &Request, session: &Session) -> crate::pages::Page {
    let (shown, csrf) = (request.shown(), web.csrf());
    let ticket = ticket(web, query, request, session);
    Consent {
        host: web.host(),
        person: &session.person,
        asking: request.asking(&shown),
        scopes: request.valid.scopes,
        lasts: web.routes.snapshot.tokens.refresh_lifetime,
        may_remember: consent::may_remember(request),
        hidden: Hidden { request: Some(&ticket), csrf: &csrf },
    }
    .render()
}

fn no_access(
    web: &Web<'_>,
    query: &str,
    request: &Request,
    session: &Session,
    record: &mut OpenRecord,
) -> Answer {
    let detail = format!("`allow` of {} does not name this person", request.entrance.to.name());
    record.failed("no_access", Some(detail), Fault::Caller);
    let (shown, csrf) = (request.shown(), web.csrf());
    let ticket = ticket(web, query, request, session);
    let page = NoAccess {
        host: web.host(),
        person: &session.person,
        asking: request.asking(&shown),
        hidden: Hidden { request: Some(&ticket), csrf: &csrf },
    };
    web.page(StatusCode::FORBIDDEN, &page.render())
}

fn question(query: &str, request: &Request, session: &Session) -> Question {
    Question {
        query: query.to_owned(),
        subject: session.person.subject.clone(),
        digest: request.known.digest.clone(),
    }
}

fn ticket(web: &Web<'_>, query: &str, request: &Request, session: &Session) -> String {
    let question = question(query, request, session);
    web.app.tickets().seal(Purpose::Consent, &question, &web.browser, web.now())
}

/// An error that stays here: nobody knows yet whether it could safely go anywhere else.
fn here(web: &Web<'_>, error: LocalError, record: &mut OpenRecord) -> Answer {
    let text = format!(
        "The program that sent you here asked for something that cannot be answered: {error}. You did nothing wrong."
    );
    let title = ("This request cannot be answered", &*text);
    web.trouble(StatusCode::BAD_REQUEST, title, "authorization_malformed", record)
}

fn unknown_client(web: &Web<'_>, error: &ClientError, record: &mut OpenRecord) -> Answer {
    let text: Cow<'_, str> = match error {
        ClientError::Unknown => {
            "The program that sent you here is not registered, or not any more. Connect it anew from its settings.".into()
        }
        // Why, only the operator learns: the reasons would tell anybody what is in the network around Doorward.
        ClientError::Document(_) => {
            "The program that sent you here describes itself at an address where nothing usable was found.".into()
        }
        ClientError::TooOften(_) | ClientError::Store(_) => {
            "Too many programs were looked up from where you are. Wait a moment, then load this page again.".into()
        }
    };
    let (status, wait) = match error {
        ClientError::TooOften(too_often) => (StatusCode::TOO_MANY_REQUESTS, Some(*too_often)),
        _ => (StatusCode::BAD_REQUEST, None),
    };
    record.failed("client_unknown", Some(error.to_string()), Fault::Caller);
    let mut answer = web.trouble(status, ("This program is not known here", &text), "client_unknown", record);
    if let Some(too_often) = wait {
        answer.headers.insert(http::header::RETRY_AFTER, retry_after(too_often));
    }
    answer
}

/// Hands an error back to the client (RFC 6749 section 4.1.2.1). By itself only to the operator's clients and to this
/// computer: whoever registers anything could else use Doorward's address to send people anywhere (RFC 9700 section
/// 4.11).
pub(super) fn hand_back(
    web: &Web<'_>,
    client: &Client,
    (uri, state): (&str, Option<&str>),
    error: &OAuthError,
    record: &mut OpenRecord,
) -> Answer {
    note(error, record);
    let location = error_redirect(uri, error, state, &web.issuer());
    if client.kind == ClientKind::Registered || redirect_uri::is_loopback(uri) {
        return reply::see_other(&location, record);
    }
    let shown = redirect_uri::origin_shown(uri);
    let page = ReturnPage { host: web.host(), shown: &shown, url: &location, text: error.description };
    web.page(StatusCode::BAD_REQUEST, &page.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sign_in_is_asked_for_once() {
        let query = "state=a%26b&prompt=login+consent&resource=http%3A%2F%2Fx";
        assert_eq!(signed_in_once(query), "state=a%26b&prompt=consent&resource=http%3A%2F%2Fx");
        assert_eq!(signed_in_once("prompt=select_account"), "prompt=");
        assert_eq!(signed_in_once("a=1&a=2"), "a=1&a=2");
    }
}
