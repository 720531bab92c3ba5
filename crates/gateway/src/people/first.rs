//! The first administrator: made by whoever holds the link that `serve` prints, once.

use std::sync::{Mutex, PoisonError};

use doorward_auth::{
    keys::{hash, password},
    server::{
        form::Parameters,
        token::{self, TokenKind},
    },
};
use doorward_model::{Name, Person, Secret};
use doorward_store::{FirstAdministrator as Made, StoreError, User};
use http::{Method, StatusCode};

use super::sign_in;
use crate::{
    App,
    oauth::{Outcome, Web, read_form, reply},
    pages::{FirstAdministrator, FirstTrouble, Hidden},
    path::{OpenRecord, Visit},
};

const FIELDS: [&str; 5] = ["csrf", "token", "username", "password", "password_again"];

/// The link's token, by its hash; gone once it was used.
pub(crate) struct FirstLink(Mutex<Option<String>>);

impl FirstLink {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// A link for the first administrator, where there is none yet. An older link of this process counts no more.
    pub(crate) async fn make(app: &App) -> Result<Option<String>, StoreError> {
        if app.store().has_administrator().await? {
            return Ok(None);
        }
        let made = token::mint(TokenKind::FirstAdministrator);
        *app.people().first.lock() = Some(token::hash(made.expose()));
        let origin = app.routes().snapshot.origin();
        Ok(Some(format!("{origin}/first-administrator?token={}", made.expose())))
    }

    fn opens(&self, text: &str) -> bool {
        let given = token::hash(text);
        self.lock().as_ref().is_some_and(|known| hash::same(known.as_bytes(), given.as_bytes()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the form, or makes the administrator.
pub(crate) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let is_post = visit.method == Method::POST;
    let fields = if is_post {
        let text = read_form(web, &visit.headers, visit.body).await;
        text.and_then(|text| Parameters::parse(&text, &FIELDS))
    } else {
        Parameters::parse(&visit.query, &FIELDS)
    };
    let Ok(fields) = fields else { return Ok(web.stale(record)) };
    let token = fields.get("token").unwrap_or_default();
    if !web.app.people().first.opens(token) {
        let text = if web.app.store().has_administrator().await? {
            "There is an administrator already. Sign in, or ask them for `doorward user add NAME --admin`."
        } else {
            "A newer link was printed. Use that one, or `doorward user add NAME --admin` on the machine itself."
        };
        let title = ("This link counts no more", text);
        return Ok(web.trouble(StatusCode::NOT_FOUND, title, "first_link_unknown", record));
    }
    if !is_post {
        return Ok(form(web, token, "", None, record));
    }
    if !web.is_ours(fields.get("csrf")) {
        return Ok(web.stale(record));
    }
    let name = fields.get("username").unwrap_or_default();
    match wish(&fields) {
        Ok(given) => make(web, token, name, given, record).await,
        Err(trouble) => Ok(form(web, token, name, Some(trouble), record)),
    }
}

/// What was typed, if it can be a user.
fn wish(fields: &Parameters) -> Result<Secret, FirstTrouble> {
    let given = Secret::new(fields.get("password").unwrap_or_default().to_owned());
    if Name::parse(fields.get("username").unwrap_or_default()).is_err() {
        Err(FirstTrouble::Name)
    } else if password::check(&given).is_err() {
        Err(FirstTrouble::Short)
    } else if fields.get("password_again") != Some(given.expose()) {
        Err(FirstTrouble::Different)
    } else {
        Ok(given)
    }
}

async fn make(web: &Web<'_>, token: &str, name: &str, given: Secret, record: &mut OpenRecord) -> Outcome {
    let hashed = web.app.people().passwords(move || password::hash(&given).unwrap_or_default()).await;
    if hashed.is_empty() {
        return Err(crate::path::Reason::Internal.into());
    }
    let user = User {
        name: name.to_owned(),
        password_hash: hashed,
        administrator: true,
        groups: Vec::new(),
        created: web.now(),
    };
    match web.app.store().add_first_administrator(&user).await? {
        Made::Added => {}
        Made::Taken => return Ok(form(web, token, name, Some(FirstTrouble::Taken), record)),
        Made::Exists => {
            *web.app.people().first.lock() = None;
            return Ok(reply::see_other("/sign-in", record));
        }
    }
    *web.app.people().first.lock() = None;
    tracing::info!(user = %user.name, "the first administrator was made");
    let person = Person {
        subject: user.name.clone(),
        name: user.name,
        groups: Vec::new(),
        domain: None,
        administrator: true,
    };
    sign_in::welcome(web, &person, sign_in::HOME, record).await
}

fn form(
    web: &Web<'_>,
    token: &str,
    username: &str,
    trouble: Option<FirstTrouble>,
    record: &mut OpenRecord,
) -> crate::path::Answer {
    record.allow();
    let csrf = web.csrf();
    let page = FirstAdministrator {
        host: web.host(),
        token,
        username,
        shortest: password::MIN_LENGTH,
        trouble,
        hidden: Hidden { request: None, csrf: &csrf },
    };
    let status = if trouble.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    web.page(status, &page.render())
}
