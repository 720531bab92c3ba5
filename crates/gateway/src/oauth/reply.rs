//! What goes back from an endpoint: JSON for programs, pages for people, redirects for both.

use std::sync::Arc;

use bytes::Bytes;
use doorward_auth::server::error::OAuthError;
use doorward_model::{ClientGrant, Fault, Timestamp, TooOften};
use doorward_store::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::{
    App,
    api::Problem,
    endpoint::{Endpoint, Origins},
    pages::{self, ErrorPage, Page},
    path::{self, Answer, Content, OpenRecord, Reason, Refusal, Visit},
    people::ticket::{Browser, Purpose},
    rates::address_key,
    routes::Routes,
};

/// What every handler needs of its request's surroundings.
pub(crate) struct Web<'a> {
    pub(crate) app: &'a Arc<App>,
    pub(crate) routes: &'a Arc<Routes>,
    pub(crate) browser: Browser,
    /// Where the request comes from, as it is counted.
    pub(crate) address: String,
    origins: Origins,
    shared: bool,
}

/// What a handler ends with. Only a broken store ends in a refusal; everything else is an answer.
pub(crate) type Outcome = Result<Answer, Refusal>;

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::from(Reason::Internal).detail(error.to_string())
    }
}

/// What is said of a form or an address that does not count, or not any more.
const STALE: (&str, &str) = (
    "Please begin again",
    "This page was open for too long, was used already, or was opened in another browser or in one that keeps no cookies. Go \
     back to where you came from and begin again.",
);

impl<'a> Web<'a> {
    pub(super) fn new(app: &'a Arc<App>, routes: &'a Arc<Routes>, visit: &Visit) -> Self {
        let browser = Browser::of(&visit.headers, routes.has_tls());
        let shared = matches!(visit.endpoint, Endpoint::Asset(_)) || visit.endpoint.is_api();
        let address = address_key(visit.address);
        Self { app, routes, browser, address, origins: visit.endpoint.origins(), shared }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock().now()
    }

    /// Doorward's issuer: the origin of the public URL.
    pub(crate) fn issuer(&self) -> String {
        self.routes.snapshot.origin()
    }

    /// The host that people see in their browser's address line.
    pub(crate) fn host(&self) -> &'a str {
        self.routes.snapshot.public_url.host_str().unwrap_or_default()
    }

    /// A page, with every protection that there is.
    pub(crate) fn page(&self, status: StatusCode, page: &Page) -> Answer {
        let mut answer = Answer::empty(status);
        answer.headers = pages::headers(page, self.routes.has_tls());
        answer.content = Content::Whole(page.body.clone().into());
        answer
    }

    /// A page for something that went wrong, where a redirect would be wrong too.
    pub(crate) fn trouble(
        &self,
        status: StatusCode,
        title: (&str, &str),
        reason: &'static str,
        record: &mut OpenRecord,
    ) -> Answer {
        self.error_page(status, title, false, reason, record)
    }

    /// The same where the way out is "My connections".
    pub(crate) fn trouble_connecting(
        &self,
        status: StatusCode,
        title: (&str, &str),
        reason: &'static str,
        record: &mut OpenRecord,
    ) -> Answer {
        self.error_page(status, title, true, reason, record)
    }

    fn error_page(
        &self,
        status: StatusCode,
        (title, text): (&str, &str),
        connections: bool,
        reason: &'static str,
        record: &mut OpenRecord,
    ) -> Answer {
        if !record.has_failed() {
            record.failed(reason, None, Fault::Caller);
        }
        let id = record.id();
        let page = ErrorPage { host: self.host(), title, text, connections, request_id: &id };
        self.page(status, &page.render())
    }

    /// A form that is not one of ours, or not any more.
    pub(crate) fn stale(&self, record: &mut OpenRecord) -> Answer {
        self.trouble(StatusCode::BAD_REQUEST, STALE, "form_stale", record)
    }

    /// The same for somebody who comes back from connecting something.
    pub(crate) fn stale_connecting(&self, record: &mut OpenRecord) -> Answer {
        self.trouble_connecting(StatusCode::BAD_REQUEST, STALE, "form_stale", record)
    }

    /// 429, in the words of whoever asks.
    pub(super) fn too_often(
        &self,
        endpoint: &Endpoint,
        too_often: TooOften,
        record: &mut OpenRecord,
    ) -> Answer {
        if endpoint.origins() == Origins::Any {
            return too_often_in_json(too_often, record);
        }
        if endpoint.is_api() {
            let mut answer = Problem::TooOften.answer(record);
            answer.headers.insert(header::RETRY_AFTER, retry_after(too_often));
            return self.finish(answer);
        }
        let answer = self.wait_a_moment(too_often, record);
        self.finish(answer)
    }

    /// 429, in words for people.
    pub(crate) fn wait_a_moment(&self, too_often: TooOften, record: &mut OpenRecord) -> Answer {
        let text = "Too many requests came from where you are. Wait a moment, then load this page again.";
        let title = ("Please wait a moment", text);
        let mut answer = self.trouble(StatusCode::TOO_MANY_REQUESTS, title, "too_often", record);
        answer.headers.insert(header::RETRY_AFTER, retry_after(too_often));
        answer
    }

    /// Takes a client grant back: at once here, and everywhere when the store has it. The client must ask again.
    pub(super) async fn take_back(&self, grant: &ClientGrant) -> Result<(), StoreError> {
        self.app.store().forget_consents(&grant.subject, &grant.client).await?;
        self.app.store().revoke_client_grant(&grant.id, self.now()).await?;
        self.app.own_tokens().forget([grant.id.clone()]);
        Ok(())
    }

    /// A ticket against forged forms.
    pub(crate) fn csrf(&self) -> String {
        self.app.tickets().seal(Purpose::Form, &(), &self.browser, self.now())
    }

    /// Whether a form was given out by us to this browser.
    pub(crate) fn is_ours(&self, csrf: Option<&str>) -> bool {
        let open = |text| self.app.tickets().open::<()>(Purpose::Form, text, &self.browser, self.now());
        csrf.and_then(open).is_some()
    }

    /// What belongs on every answer of an endpoint: the browser is known again, and only what is meant for every page
    /// can be read by every page.
    pub(super) fn finish(&self, mut answer: Answer) -> Answer {
        if self.origins != Origins::Any {
            path::hide_from_other_origins(&mut answer);
            // What others may keep is the same for every browser, and programs are no browsers.
            if !self.shared
                && let Some(cookie) = self.browser.cookie()
            {
                answer.headers.append(header::SET_COOKIE, cookie);
            }
        }
        answer
    }
}

/// A JSON answer that nobody keeps and every page may read.
pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Answer::json(status, body.to_string());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ] {
        answer.headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// An OAuth error in JSON (RFC 6749 section 5.2).
pub(super) fn error(error: &OAuthError, record: &mut OpenRecord) -> Answer {
    note(error, record);
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = json(status, &error.document());
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static(r#"Basic realm="doorward", charset="UTF-8""#);
        answer.headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// 303: whatever was sent stays here.
pub(crate) fn see_other(location: &str, record: &mut OpenRecord) -> Answer {
    if !record.has_failed() {
        record.allow();
    }
    let mut answer = Answer::empty(StatusCode::SEE_OTHER);
    // Everything that gets here is a URL that was parsed, or one of our own paths.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    answer.headers.insert(header::LOCATION, location);
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// A file that pages refer to.
pub(super) fn asset(name: &str, visit: &Visit, record: &mut OpenRecord) -> Outcome {
    let asset = pages::assets(&format!("/console/assets/{name}")).ok_or(Reason::NotFound)?;
    record.allow();
    let known = visit.headers.get(header::IF_NONE_MATCH).is_some_and(|etag| *etag == *asset.etag);
    let mut answer = Answer::empty(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    answer.headers = asset.headers();
    answer.content = Content::Whole(if known { Bytes::new() } else { Bytes::from_static(asset.bytes) });
    Ok(answer)
}

/// 429 for programs.
pub(super) fn too_often_in_json(too_often: TooOften, record: &mut OpenRecord) -> Answer {
    record.failed("too_often", None, Fault::Caller);
    let body = serde_json::json!({
        "error": "temporarily_unavailable",
        "error_description": "too many requests; Retry-After says when to come again",
    });
    let mut answer = json(StatusCode::TOO_MANY_REQUESTS, &body);
    answer.headers.insert(header::RETRY_AFTER, retry_after(too_often));
    answer
}

/// 200, and nothing to say.
pub(super) fn nothing() -> Answer {
    let mut answer = Answer::empty(StatusCode::OK);
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}

/// Notes an OAuth error in the record, unless that knows better already.
pub(super) fn note(error: &OAuthError, record: &mut OpenRecord) {
    if record.has_failed() {
        return;
    }
    record.failed(error.code.as_str(), Some(error.description.to_owned()), Fault::Caller);
}

/// Whole seconds, rounded up, at least one.
pub(crate) fn retry_after(too_often: TooOften) -> HeaderValue {
    let wait = too_often.retry_after;
    HeaderValue::from(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
}
