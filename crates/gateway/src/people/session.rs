//! Somebody is signed in: a random cookie here, its hash and the person in the store.

use doorward_auth::server::token::{self, TokenKind};
use doorward_model::Person;
use doorward_store::{NewBrowserSession, StoreError};
use http::{HeaderMap, HeaderValue};

use super::{
    admission::{self, Whom},
    cookie::Cookie,
};
use crate::{App, routes::Routes};

/// How long one is signed in at most, in seconds.
const LIFETIME: i64 = 7 * 24 * 3600;

/// A browser in which somebody is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) person: Person,
    hash: String,
}

impl Session {
    /// The hash of its cookie, which is what the store knows it by.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    /// Who is signed in, if somebody is whom the operator still lets in.
    pub(crate) async fn of(
        app: &App,
        routes: &Routes,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, StoreError> {
        let cookie = Cookie::Session.read(headers, routes.has_tls());
        let Some(cookie) = cookie.filter(|text| token::recognise(text) == Some(TokenKind::Session)) else {
            return Ok(None);
        };
        let hash = token::hash(cookie);
        let Some(stored) = app.store().browser_session(&hash, app.clock().now()).await? else {
            return Ok(None);
        };
        let person = stored.person;
        let admitted = admission::may_sign_in(&routes.snapshot, Whom::of_session(&person));
        Ok(admitted.then_some(Self { person, hash }))
    }

    /// Signs a person in: a new session with a new cookie, whatever was there before.
    pub(crate) async fn start(
        app: &App,
        routes: &Routes,
        person: &Person,
    ) -> Result<HeaderValue, StoreError> {
        let (cookie, now) = (token::mint(TokenKind::Session), app.clock().now());
        let session = NewBrowserSession {
            hash: token::hash(cookie.expose()),
            person: person.clone(),
            provider: person.subject.split_once(':').map(|(provider, _)| provider.to_owned()),
            created: now,
            expires: now.plus_secs(LIFETIME),
        };
        app.store().start_browser_session(&session).await?;
        Ok(Cookie::Session.set(cookie.expose(), routes.has_tls()))
    }

    /// Signs out here.
    pub(crate) async fn end(self, app: &App, routes: &Routes) -> Result<HeaderValue, StoreError> {
        app.store().end_browser_session(&self.hash).await?;
        Ok(Cookie::Session.set("", routes.has_tls()))
    }
}
