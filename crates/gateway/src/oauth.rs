//! The authorization server, endpoint by endpoint: thin handlers around the pure core in `doorward_auth::server`.
//!
//! | module | what |
//! |---|---|
//! | `metadata` | what clients discover (RFC 8414) |
//! | `clients` | who a client id stands for: the store, or its own document, fetched and kept |
//! | `register` | clients that register themselves (RFC 7591) |
//! | `authorize` | the front door: checks, then a page or a code |
//! | `consent` | what a person decided |
//! | `token` | codes, refresh tokens, client credentials and assertions become access tokens |
//! | `revoke` | tokens given back, and asked about (RFC 7009, RFC 7662) |
//! | `access` | which clients hold grants, and taking them back |
//! | `form` | reading what is posted |
//! | `reply` | answering with JSON, a page or a redirect |

mod access;
mod authorize;
mod clients;
mod consent;
mod form;
mod metadata;
mod register;
pub(crate) mod reply;
mod revoke;
mod token;

use std::sync::Arc;

pub(crate) use authorize::{Question, Request, asked_again, check, recheck, resource};
pub(crate) use clients::Clients;
pub(crate) use consent::{deny, give};
pub(crate) use form::{read as read_form, read_json};
pub(crate) use metadata::document;
pub(crate) use reply::{Outcome, Web, retry_after};

use crate::{
    App, api, connect,
    endpoint::Endpoint,
    path::{Answer, OpenRecord, Refusal, Visit},
    people,
    rates::{Counted, address_key},
    routes::Routes,
};

/// Answers a request to an endpoint of the authorization server, or to a page.
pub(crate) async fn answer(
    app: &Arc<App>,
    routes: &Arc<Routes>,
    visit: Visit,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let web = Web::new(app, routes, &visit);
    record.received(visit.announced_bytes());
    if let Some(counted) = counted(&visit.endpoint)
        && let Err(too_often) = app.rates().admit(counted, &address_key(visit.address), app.clock().now())
    {
        return Ok(web.too_often(&visit.endpoint, too_often, record));
    }
    let outcome = match visit.endpoint.clone() {
        Endpoint::Authorize => authorize::answer(&web, visit, record).await,
        Endpoint::Consent => consent::answer(&web, visit, record).await,
        Endpoint::Token => token::answer(&web, visit, record).await,
        Endpoint::Register => register::answer(&web, visit, record).await,
        Endpoint::Revoke => revoke::answer(&web, visit, record).await,
        Endpoint::Introspect => revoke::introspect(&web, visit, record).await,
        Endpoint::SignIn => people::sign_in::answer(&web, visit, record).await,
        Endpoint::SignInWith(name) => people::provider::go(&web, &name, visit, record).await,
        Endpoint::SignedInBy(name) => people::provider::back(&web, &name, visit, record).await,
        Endpoint::SignOut => people::sign_in::out(&web, visit, record).await,
        Endpoint::FirstAdministrator => people::first::answer(&web, visit, record).await,
        Endpoint::Console => Ok(reply::see_other("/console/access", record)),
        Endpoint::Access => access::list(&web, visit, record).await,
        Endpoint::RevokeAccess => access::revoke(&web, visit, record).await,
        // Boxed, so that all other requests do not carry the room for these.
        Endpoint::Continue => Box::pin(connect::go_on_with(&web, visit, record)).await,
        Endpoint::Connect(place) => Box::pin(connect::page(&web, &place, visit, record)).await,
        Endpoint::Connected => Box::pin(connect::callback(&web, visit, record)).await,
        Endpoint::Connections => Box::pin(connect::list(&web, visit, record)).await,
        Endpoint::Disconnect => Box::pin(connect::disconnect(&web, visit, record)).await,
        Endpoint::Asset(name) => reply::asset(&name, &visit, record),
        Endpoint::ApiDescription | Endpoint::ApiSecrets | Endpoint::ApiSecret(_) => {
            api::answer(&web, visit, record).await
        }
    };
    outcome.map(|answer| web.finish(answer))
}

/// How often an address may come here.
fn counted(endpoint: &Endpoint) -> Option<Counted> {
    match endpoint {
        Endpoint::Register => Some(Counted::Registration),
        Endpoint::Token | Endpoint::Revoke | Endpoint::Introspect => Some(Counted::Token),
        Endpoint::Asset(_) => None,
        _ => Some(Counted::Page),
    }
}
