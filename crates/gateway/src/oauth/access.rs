//! "My access": which clients hold grants, and taking them back. Administrators see everybody's.

use doorward_auth::server::form::Parameters;
use doorward_model::{Person, Timestamp};
use doorward_store::{GrantSeen, StoreError};
use http::StatusCode;

use super::{Outcome, Web, form};
use crate::{
    pages::{GrantRow, Hidden, MyAccess},
    path::{Answer, OpenRecord, Visit},
    people::{session::Session, sign_in},
};

const FIELDS: [&str; 2] = ["csrf", "grant"];
/// Grants of a page that an administrator sees, the newest first.
const PAGE: u32 = 500;

/// Where a page of grants goes on: before the one that was the last.
struct Before {
    created: Timestamp,
    id: String,
}

impl Before {
    fn read(text: &str) -> Option<Self> {
        let (created, id) = text.split_once('-')?;
        Some(Self { created: Timestamp::from_micros(created.parse().ok()?), id: id.to_owned() })
    }

    fn after(seen: &GrantSeen) -> Self {
        Self { created: seen.grant.created, id: seen.grant.id.clone() }
    }

    fn address(&self) -> String {
        format!("/console/access?before={}-{}", self.created.as_micros(), self.id)
    }
}

/// Shows the grants.
pub(super) async fn list(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let Some(session) = Session::of(web.app, web.routes, &visit.headers).await? else {
        return Ok(sign_in::ask(web, "/console/access", None, None, record));
    };
    record.person(&web.issuer(), &session.person.subject);
    let before = Parameters::parse(&visit.query, &["before"])
        .ok()
        .and_then(|query| Before::read(query.get("before")?));
    show(web, &session.person, before, None, record).await
}

/// Takes a grant back: at once, everywhere.
pub(super) async fn revoke(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let session = Session::of(web.app, web.routes, &visit.headers).await?;
    let fields = form::read(web, &visit.headers, visit.body).await;
    let fields = fields.and_then(|text| Parameters::parse(&text, &FIELDS));
    let (Ok(fields), Some(session)) = (fields, session) else { return Ok(web.stale(record)) };
    if !web.is_ours(fields.get("csrf")) {
        return Ok(web.stale(record));
    }
    record.person(&web.issuer(), &session.person.subject);
    let id = fields.get("grant").unwrap_or_default();
    let found = web.app.store().client_grant(id).await?;
    // Somebody else's grant is one that does not exist.
    let Some(grant) =
        found.filter(|grant| grant.subject == session.person.subject || session.person.administrator)
    else {
        let text = "It was taken back already, or it has ended.";
        let title = ("There is no such access", text);
        return Ok(web.trouble(StatusCode::NOT_FOUND, title, "grant_unknown", record));
    };
    web.take_back(&grant).await?;
    record.took_back(&grant);
    let name = grant.client_name.as_deref().unwrap_or(&grant.client);
    show(web, &session.person, None, Some(name), record).await
}

async fn show(
    web: &Web<'_>,
    person: &Person,
    before: Option<Before>,
    revoked: Option<&str>,
    record: &mut OpenRecord,
) -> Outcome {
    let grants = grants(web, person, before).await?;
    record.allow();
    Ok(page(web, person, &grants, revoked))
}

async fn grants(
    web: &Web<'_>,
    person: &Person,
    before: Option<Before>,
) -> Result<Vec<GrantSeen>, StoreError> {
    if person.administrator {
        let before = before.as_ref().map(|before| (before.created, before.id.as_str()));
        web.app.store().client_grants(before, PAGE, web.now()).await
    } else {
        web.app.store().client_grants_of(&person.subject, web.now()).await
    }
}

fn page(web: &Web<'_>, person: &Person, grants: &[GrantSeen], revoked: Option<&str>) -> Answer {
    let rows: Vec<_> =
        grants.iter().map(|seen| GrantRow { grant: &seen.grant, last_used: seen.last_used }).collect();
    let csrf = web.csrf();
    let is_full = person.administrator && grants.len() >= PAGE as usize;
    let next = grants.last().filter(|_| is_full).map(|last| Before::after(last).address());
    let page = MyAccess {
        host: web.host(),
        person,
        rows: &rows,
        revoked,
        next: next.as_deref(),
        hidden: Hidden { request: None, csrf: &csrf },
    };
    web.page(StatusCode::OK, &page.render())
}
