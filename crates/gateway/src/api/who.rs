//! The administrator that asks: by a token that is bound to the API, or by the session of a browser.
//!
//! A browser sends its cookie whoever makes it ask. So a session counts only with a header that no page of others can
//! add without being asked about it first (there is no CORS here), and with the origin of Doorward's own pages.

use doorward_auth::server::token::{self, TokenKind};
use http::{HeaderMap, HeaderName, Method, header};

use super::{Problem, resource};
use crate::{
    oauth::Web,
    path::{OpenRecord, Refusal, Visit},
    people::session::Session,
};

/// What only Doorward's own pages send.
const OWN_REQUEST: HeaderName = HeaderName::from_static("x-doorward-request");

/// Finds out who asks, and names them in the record; that they may is all that the caller needs to know.
pub(super) async fn administrator(
    web: &Web<'_>,
    visit: &Visit,
    record: &mut OpenRecord,
) -> Result<Result<(), Problem>, Refusal> {
    if visit.headers.contains_key(header::AUTHORIZATION) {
        return by_token(web, &visit.headers, record).await;
    }
    let Some(session) = Session::of(web.app, web.routes, &visit.headers).await? else {
        return Ok(Err(Problem::CredentialMissing));
    };
    record.person(&web.issuer(), &session.person.subject);
    Ok(if !is_of_own_page(web, visit) {
        Err(Problem::RequestNotOurs)
    } else if !session.person.administrator {
        Err(Problem::AdministratorRequired)
    } else {
        Ok(())
    })
}

async fn by_token(
    web: &Web<'_>,
    headers: &HeaderMap,
    record: &mut OpenRecord,
) -> Result<Result<(), Problem>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Ok(Err(Problem::CredentialAmbiguous));
    };
    let presented = value.to_str().ok().and_then(|text| text.split_once(' '));
    let presented = presented.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    let presented =
        presented.map(|(_, text)| text).filter(|text| token::recognise(text) == Some(TokenKind::Access));
    let Some(text) = presented else { return Ok(Err(Problem::TokenUnknown)) };
    let Some(own) = web.app.own_tokens().look_up(text, web.routes.origin()).await? else {
        return Ok(Err(Problem::TokenUnknown));
    };
    let subject = &own.identity.subject;
    record.person(&web.issuer(), subject);
    if !own.opens(&resource(&web.routes.snapshot)) {
        return Ok(Err(Problem::TokenAudience));
    }
    // Now, not when the token was issued.
    let user = web.app.store().user(subject).await?;
    let is_administrator = user.is_some_and(|user| user.administrator);
    Ok(if is_administrator { Ok(()) } else { Err(Problem::AdministratorRequired) })
}

/// Whether a page of Doorward's own sent the request. Browsers leave the origin out where a page only reads from its own.
fn is_of_own_page(web: &Web<'_>, visit: &Visit) -> bool {
    let own_request = visit.headers.get(&OWN_REQUEST).is_some_and(|value| value == "1");
    let own_origin = match visit.headers.get(header::ORIGIN) {
        Some(origin) => origin.as_bytes() == web.routes.origin().as_bytes(),
        None => visit.method == Method::GET,
    };
    own_request && own_origin
}
