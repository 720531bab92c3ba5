//! Stage 7: send it, with our credential, never theirs.

use std::time::Instant;

use doorward_egress::{EgressError, Outbound, Protocol, Trust};
use doorward_guard::Permit;
use doorward_model::Caller;
use http::{HeaderValue, Response, Uri, header};
use hyper::body::Incoming;

mod conversation;
mod transport;

pub(super) use conversation::{Said, held};
pub(super) use transport::address;

use super::{
    Reason, Refusal,
    engine::{self, Asked, Exchange},
    record::OpenRecord,
    refusal::UpstreamFailure,
};
use crate::{
    App,
    connections::Presented,
    credentials::{self, CredentialError, connection::Heard},
    handles::Session,
    routes::Published,
};

/// What an upstream began to answer, and what is needed to translate the rest.
pub(super) struct Reply {
    pub(super) voice: Voice,
    pub(super) exchange: Box<Exchange>,
}

/// How an upstream answers.
pub(super) enum Voice {
    /// By HTTP: the head is here, the body follows.
    Http(Response<Incoming>),
    /// In a conversation.
    Conversation(Said),
}

/// Sends what was asked. The permit is used up: one decision, one request.
pub(super) async fn send(
    app: &App,
    asked: Asked,
    _permit: Permit,
    record: &mut OpenRecord,
) -> Result<Reply, Refusal> {
    record.allow();
    let Asked { outbound, mut exchange, .. } = asked;
    match transport::send(app, outbound, &mut exchange, record).await {
        Ok(voice) => Ok(Reply { voice, exchange }),
        Err(refusal) => Err(refusal.of(exchange.client_id()).told(exchange.manner())),
    }
}

async fn http(
    app: &App,
    uri: &Uri,
    outbound: engine::Outbound,
    exchange: &mut Exchange,
    record: &mut OpenRecord,
) -> Result<Response<Incoming>, Refusal> {
    let mut headers = outbound.headers;
    record.trace.write(&mut headers);
    let (method, body) = (outbound.verb, outbound.body);
    let (uri, trust, protocol) = (uri.clone(), Trust::Declared, Protocol::Http1OrAlpn);
    let outbound = Outbound { method, uri, headers, body, trust, protocol };
    let session = exchange.session.as_ref().map(|session| &session.handle);
    let asked = ask(app, (&exchange.published, &exchange.on_behalf, session), outbound, record).await;
    let (answer, presented) = asked?;
    exchange.presents(presented);
    Ok(answer)
}

/// Sends one request to a virtual server's upstream, with Doorward's credential, which may be one for the caller. Says
/// with whose account, where each caller may have their own.
///
/// A connection's token that is refused is renewed, and the request sent once more: refused means not acted on.
pub(super) async fn ask(
    app: &App,
    (published, caller, session): (&Published, &Caller, Option<&Session>),
    mut outbound: Outbound,
    record: &mut OpenRecord,
) -> Result<(Response<Incoming>, Option<Presented>), Refusal> {
    let upstream = &published.server.upstream;
    record.upstream(upstream.name.as_str());
    outbound.headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("doorward/", env!("CARGO_PKG_VERSION"))),
    );
    let mut is_last = false;
    loop {
        let presented = credentials::attach(app, &upstream.credential, caller, &mut outbound.headers).await;
        let presented = presented.map_err(|error| no_credential(published, &error))?;
        belongs(session, presented.as_ref())?;
        // Only where there may be something else to present.
        let again = presented.is_some().then(|| outbound.clone());
        let since = Instant::now();
        let answer = app.egress().send(outbound, upstream.timeout).await;
        record.waited(since);
        let answer = answer.map_err(|error| unreachable(published, &error))?;
        let said = (answer.status(), answer.headers());
        let heard = credentials::connection::heard(
            app,
            (&upstream.credential, caller),
            presented.as_ref(),
            said,
            is_last,
        );
        match (heard.await.map_err(|error| no_credential(published, &error))?, again) {
            (Heard::Again, Some(again)) => (outbound, is_last) = (again, true),
            _ => return Ok((answer, presented)),
        }
    }
}

/// Whether it is the account that the session began with. With another one there is no such session, and none that waits
/// for an account goes on when there is one.
fn belongs(session: Option<&Session>, presented: Option<&Presented>) -> Result<(), Refusal> {
    let connection = presented.map(|presented| presented.held.id);
    match session {
        Some(session) if session.connection != connection => Err(Reason::SessionUnknown.into()),
        _ => Ok(()),
    }
}

/// There is nothing to present to a virtual server's upstream.
pub(super) fn no_credential(published: &Published, error: &CredentialError) -> Refusal {
    let refusal = match error {
        CredentialError::NotConnected(missing) => Reason::NotConnected(missing.clone()).into(),
        CredentialError::Missing(_) => failed(published, UpstreamFailure::NoCredential),
        error if error.is_ours() => Refusal::from(Reason::Internal),
        error if error.is_passing() => failed(published, UpstreamFailure::Unreachable),
        _ => failed(published, UpstreamFailure::Unauthorized),
    };
    refusal.detail(error.to_string())
}

fn unreachable(published: &Published, error: &EgressError) -> Refusal {
    let failure = match error {
        EgressError::Timeout(_) => UpstreamFailure::Timeout,
        EgressError::Broken(_) => UpstreamFailure::Broken,
        _ => UpstreamFailure::Unreachable,
    };
    failed(published, failure).detail(error.to_string())
}

/// A refusal in the name of a virtual server's upstream.
pub(super) fn failed(published: &Published, failure: UpstreamFailure) -> Refusal {
    Reason::Upstream(failure, published.server.upstream.name.to_string()).into()
}

/// The upstream sent something that is not a valid answer.
pub(super) fn invalid(published: &Published, detail: impl Into<String>) -> Refusal {
    failed(published, UpstreamFailure::Invalid).detail(detail)
}
