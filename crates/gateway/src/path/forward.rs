//! Stage 7: send it, with our credential, never theirs.

use std::time::Instant;

use doorward_egress::{EgressError, Outbound, Trust};
use doorward_guard::Permit;
use doorward_model::Credential;
use http::{HeaderName, HeaderValue, Response, header};
use hyper::body::Incoming;

use super::{
    Reason, Refusal,
    engine::{Asked, Exchange},
    record::OpenRecord,
    refusal::UpstreamFailure,
};
use crate::{App, routes::Published};

/// The head of an upstream's answer, and what is needed to translate the rest.
pub(super) struct Reply {
    pub(super) answer: Response<Incoming>,
    pub(super) exchange: Exchange,
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
    let mut headers = outbound.headers;
    record.trace.write(&mut headers);
    let published = &exchange.published;
    let outbound = Outbound {
        method: outbound.verb,
        uri: published.uri.clone(),
        headers,
        body: outbound.body,
        trust: Trust::Declared,
    };
    match ask(app, published, outbound, record).await {
        Ok(answer) => Ok(Reply { answer, exchange }),
        Err(refusal) => Err(refusal.of(exchange.client_id())),
    }
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
fn attach(credential: &Credential, headers: &mut http::HeaderMap) -> Option<()> {
    match credential {
        Credential::None => Some(()),
        Credential::Header { name, value } => {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            let mut value = HeaderValue::from_str(value.expose()).ok()?;
            value.set_sensitive(true);
            headers.insert(name, value);
            Some(())
        }
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
