//! "My connections": which accounts elsewhere calls are made with, and the end of each, here and there. Administrators see
//! everybody's.

use std::sync::Arc;

use doorward_auth::{client::TokenKind, server::form::Parameters};
use doorward_model::{Connecting, Person, Place};
use doorward_store::{Connection, StoreError};
use http::StatusCode;
use url::form_urlencoded;

use super::{ask, authority, places};
use crate::{
    connections::{Revocable, elsewhere},
    oauth::{Outcome, Web, read_form},
    pages::{ConnectionDone, ConnectionRow, Hidden, MyConnections, RowState},
    path::{OpenRecord, Visit},
    people::{session::Session, sign_in, ticket::Purpose},
};

const FIELDS: [&str; 2] = ["csrf", "connection"];
/// Where the page is.
const HERE: &str = "/console/connections";
/// Connections of a page that an administrator sees.
const PAGE: u32 = 500;

/// What a page is about besides its rows.
#[derive(Default)]
struct Asked {
    /// The place that was just connected.
    connected: Option<Place>,
    /// The connection that the page goes on after.
    after: Option<(String, String)>,
}

/// A row before it is shown.
struct Row {
    place: Place,
    of: String,
    kept: Option<Connection>,
    connectable: bool,
}

/// Shows the connections.
pub(crate) async fn list(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let Some(session) = Session::of(web.app, web.routes, &visit.headers).await? else {
        return Ok(sign_in::ask(web, HERE, None, None, record));
    };
    record.person(&web.issuer(), &session.person.subject);
    let query = Parameters::parse(&visit.query, &["connected", "after", "of"]).ok();
    let asked = query.map(|query| {
        let text = |name| query.get(name).map(str::to_owned);
        Asked {
            connected: text("connected").and_then(|key| places::parse(&key)),
            after: text("after").zip(text("of")),
        }
    });
    let asked = asked.unwrap_or_default();
    show(web, &session.person, asked.after, asked.connected.as_ref().map(ConnectionDone::Connected), record)
        .await
}

/// Ends a connection: here at once, and at the other side as far as that listens.
pub(crate) async fn disconnect(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let session = Session::of(web.app, web.routes, &visit.headers).await?;
    let fields = read_form(web, &visit.headers, visit.body).await;
    let fields = fields.ok().and_then(|text| Parameters::parse(&text, &FIELDS).ok());
    let (Some(fields), Some(session)) = (fields, session) else { return Ok(web.stale(record)) };
    if !web.is_ours(fields.get("csrf")) {
        return Ok(web.stale(record));
    }
    record.person(&web.issuer(), &session.person.subject);
    let opened = fields
        .get("connection")
        .and_then(|ticket| web.app.tickets().open(Purpose::Disconnect, ticket, &web.browser, web.now()));
    let Some((key, of)): Option<(String, String)> = opened else { return Ok(web.stale(record)) };
    // Somebody else's connection is one that does not exist, whoever the page was made for.
    let may = of == session.person.subject || session.person.administrator;
    let Some(place) = places::parse(&key).filter(|_| may) else { return Ok(unknown(web, record)) };
    record.connects(&place);
    let Some(revocable) = web.app.connections().disconnect(&place, &of).await? else {
        return Ok(unknown(web, record));
    };
    let told = give_back(web, &place, &revocable).await;
    record.disconnected(&place, &revocable.issuer, &of, told);
    let done = if told { ConnectionDone::Disconnected(&place) } else { ConnectionDone::OnlyHere(&place) };
    show(web, &session.person, None, Some(done), record).await
}

fn unknown(web: &Web<'_>, record: &mut OpenRecord) -> crate::path::Answer {
    let title = ("There is no such connection", "It was ended already.");
    web.trouble_connecting(StatusCode::NOT_FOUND, title, "connection_unknown", record)
}

/// Tells the other side that its tokens are given back (RFC 7009). Only the server that gave them is told, and only as the
/// client that they were given to. False when it does not know of it now.
async fn give_back(web: &Web<'_>, place: &Place, revocable: &Revocable) -> bool {
    let Some(connecting) = places::connecting(web.routes, place) else { return false };
    let tokens = [(&revocable.refresh, TokenKind::Refresh), (&revocable.access, TokenKind::Access)];
    let tokens: Vec<_> =
        tokens.into_iter().filter_map(|(token, kind)| Some((token.as_ref()?, kind))).collect();
    let authorized = match authority(web.app, &connecting).await {
        Ok(authorized) => authorized,
        Err(error) => {
            tracing::warn!(place = place.key(), %error, "tokens cannot be given back");
            return false;
        }
    };
    if authorized.server.issuer != revocable.issuer || authorized.client.id != revocable.client {
        return false;
    }
    let mut told = !tokens.is_empty();
    for (token, kind) in tokens {
        match ask::revoke(web.app, &authorized, token, kind).await {
            Ok(taken) => told &= taken,
            Err(error) => {
                tracing::warn!(place = place.key(), %error, "a token could not be given back");
                told = false;
            }
        }
    }
    told
}

async fn show(
    web: &Web<'_>,
    person: &Person,
    after: Option<(String, String)>,
    done: Option<ConnectionDone<'_>>,
    record: &mut OpenRecord,
) -> Outcome {
    let (mut rows, next) = (own(web, person).await?, others(web, person, after).await?);
    let (others, next) = next;
    // Anybody can write an address that says something was connected.
    let claimed = |done: &ConnectionDone<'_>| match done {
        ConnectionDone::Connected(place) => rows.iter().any(|row| row.is_live_at(place)),
        ConnectionDone::Disconnected(_) | ConnectionDone::OnlyHere(_) => true,
    };
    let done = done.filter(claimed);
    rows.extend(others);
    record.allow();
    let csrf = web.csrf();
    let ticket = |row: &Row| {
        let connection = (row.place.key(), &row.of);
        web.app.tickets().seal(Purpose::Disconnect, &connection, &web.browser, web.now())
    };
    let tickets: Vec<_> = rows.iter().map(ticket).collect();
    let shown: Vec<_> = rows.iter().zip(&tickets).map(|(row, ticket)| row.shown(ticket)).collect();
    let page = MyConnections {
        host: web.host(),
        person,
        rows: &shown,
        done,
        next: next.as_deref(),
        hidden: Hidden { request: None, csrf: &csrf },
    };
    Ok(web.page(StatusCode::OK, &page.render()))
}

/// What the person has connected, or can; an administrator also what serves everybody.
async fn own(web: &Web<'_>, person: &Person) -> Result<Vec<Row>, StoreError> {
    let mut kept = web.app.store().connections_of(&person.subject).await?;
    let mut rows = Vec::new();
    for connecting in all(web, person) {
        let (place, of) = (connecting.place.clone(), places::person_of(&connecting, person).to_owned());
        let key = place.key();
        let found = if connecting.shared {
            web.app.store().connection(&key, "").await?
        } else {
            let at = kept.iter().position(|kept| kept.place == key);
            at.map(|at| kept.swap_remove(at))
        };
        let found = found.map(|mut kept| {
            kept.broken = kept.broken.or_else(|| elsewhere(&connecting, &kept.resource, &kept.issuer));
            kept
        });
        rows.push(Row { place, of, kept: found, connectable: true });
    }
    // What was connected once, where nothing can be connected any more.
    rows.extend(kept.into_iter().filter_map(Row::left));
    Ok(rows)
}

/// What there is to connect for a person: what is shared is the administrators' own.
fn all(web: &Web<'_>, person: &Person) -> Vec<Arc<Connecting>> {
    let mut all = places::all_for(web.routes, person);
    all.retain(|connecting| !connecting.shared || person.administrator);
    all
}

/// Everybody else's, for administrators, and the address of those that come after them.
async fn others(
    web: &Web<'_>,
    person: &Person,
    after: Option<(String, String)>,
) -> Result<(Vec<Row>, Option<String>), StoreError> {
    if !person.administrator {
        return Ok((Vec::new(), None));
    }
    let after = after.as_ref().map(|(place, of)| (place.as_str(), of.as_str()));
    let kept = web.app.store().connections(after, PAGE).await?;
    let last = kept.last().filter(|_| kept.len() >= PAGE as usize);
    let next = last.map(|last| {
        let pairs = [("after", &last.place), ("of", &last.person)];
        format!("{HERE}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    });
    let others = kept.into_iter().filter(|kept| {
        let shown = kept.person == person.subject || kept.person.is_empty();
        let here = places::parse(&kept.place).and_then(|place| places::connecting(web.routes, &place));
        // Those that are shown already; one for all that is left over is shown here.
        !(shown && (kept.person == person.subject || here.is_some_and(|here| here.shared)))
    });
    Ok((others.filter_map(Row::left).collect(), next))
}

impl Row {
    fn left(kept: Connection) -> Option<Self> {
        let place = places::parse(&kept.place)?;
        Some(Self { place, of: kept.person.clone(), kept: Some(kept), connectable: false })
    }

    fn is_live_at(&self, place: &Place) -> bool {
        self.place == *place && self.kept.as_ref().is_some_and(|kept| kept.broken.is_none())
    }

    fn shown<'r>(&'r self, ticket: &'r str) -> ConnectionRow<'r> {
        let kept = self.kept.as_ref();
        let state = match kept.map(|kept| (kept, kept.broken.as_deref())) {
            None => RowState::None,
            Some((kept, Some(reason))) => RowState::Broken { reason, since: kept.refreshed },
            Some((kept, None)) => RowState::Live {
                issuer: &kept.issuer,
                scopes: &kept.scopes,
                since: kept.created,
                refreshed: kept.refreshed,
            },
        };
        ConnectionRow { place: &self.place, of: &self.of, ticket, state, connectable: self.connectable }
    }
}
