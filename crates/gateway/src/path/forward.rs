//! Stage 7: send it, with our credential, never theirs.

use std::time::Instant;

use doorward_egress::{EgressError, Outbound, Protocol, Trust};
use doorward_guard::Permit;
use doorward_model::Credential;
use http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, header};
use hyper::body::Incoming;

mod conversation;
mod transport;

pub(super) use conversation::Said;
pub(super) use transport::address;

use super::{
    Reason, Refusal,
    engine::{self, Asked, Exchange},
    record::OpenRecord,
    refusal::UpstreamFailure,
};
use crate::{App, routes::Published};

/// What an upstream began to answer, and what is needed to translate the rest.
pub(super) struct Reply {
    pub(super) voice: Voice,
    pub(super) exchange: Exchange,
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
    let Asked { outbound, exchange, .. } = asked;
    match transport::send(app, outbound, &exchange, record).await {
        Ok(voice) => Ok(Reply { voice, exchange }),
        Err(refusal) => Err(refusal.of(exchange.client_id())),
    }
}

async fn http(
    app: &App,
    uri: &Uri,
    outbound: engine::Outbound,
    exchange: &Exchange,
    record: &mut OpenRecord,
) -> Result<Response<Incoming>, Refusal> {
    let mut headers = outbound.headers;
    record.trace.write(&mut headers);
    let (method, body) = (outbound.verb, outbound.body);
    let (uri, trust, protocol) = (uri.clone(), Trust::Declared, Protocol::Http1OrAlpn);
    let outbound = Outbound { method, uri, headers, body, trust, protocol };
    ask(app, &exchange.published, outbound, record).await
}

/// Sends one request to a virtual server's upstream, with Doorward's credential.
pub(super) async fn ask(
    app: &App,
    published: &Published,
    mut outbound: Outbound,
    record: &mut OpenRecord,
) -> Result<Response<Incoming>, Refusal> {
    let upstream = &published.server.upstream;
    record.upstream(upstream.name.as_str());
    outbound.headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("doorward/", env!("CARGO_PKG_VERSION"))),
    );
    attach(&upstream.credential, &mut outbound.headers)
        .ok_or_else(|| Refusal::from(Reason::Internal).detail("the credential is not a header value"))?;
    let since = Instant::now();
    let answer = app.egress().send(outbound, upstream.timeout).await;
    record.waited(since);
    answer.map_err(|error| unreachable(published, &error))
}

/// Adds what Doorward presents there.
fn attach(credential: &Credential, headers: &mut HeaderMap) -> Option<()> {
    match credential {
        Credential::None => Some(()),
        Credential::Header { name, value } => {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            let mut value = HeaderValue::from_str(value.expose()).ok()?;
            value.set_sensitive(true);
            headers.insert(name, value);
            Some(())
        }
        // Cannot be configured yet.
        Credential::ClientCredentials(_) | Credential::TokenExchange(_) => None,
    }
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
