//! Requests to the token and revocation endpoints of an authorization server, as Doorward's client there.

use std::time::Duration;

use bytes::Bytes;
use doorward_auth::client::{
    AnswerError, Grant, Granted, MAX_ANSWER, Target, TokenKind, TokenRequest, registration::ClientMethod,
    revoked,
};
use doorward_egress::{Outbound, Phase, read_capped};
use doorward_model::Secret;
use url::Url;

use super::authority::Authorized;
use crate::{App, token_endpoint};

/// How long a server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why nothing was granted. Says nothing that the other side wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    /// The server answered, and that was no.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The request never left.
    #[error("{0}")]
    Unsent(String),
    /// The request may have arrived, and its answer is lost.
    #[error("{0}")]
    Lost(String),
}

/// Asks the token endpoint.
///
/// # Errors
/// [`AskError`]; the client may be another one now ([`AnswerError::refuses_client`]).
pub(crate) async fn ask_token(
    app: &App,
    authorized: &Authorized,
    grant: Grant<'_>,
) -> Result<Granted, AskError> {
    let (client, server) = (&authorized.client, &authorized.server);
    let target = Target { client_id: &client.id, resource: Some(&authorized.resource), ..Target::default() };
    let word = word(app, authorized);
    let proof = client.proof(word.as_ref()).ok_or_else(no_proof)?;
    let request = TokenRequest::new(&target, grant, proof);
    let (status, body) = post(app, authorized, &server.token, &request).await?;
    Ok(Granted::read(status, &body, grant)?)
}

/// Gives a token back (RFC 7009). False where the server has no way for that.
///
/// # Errors
/// [`AskError`].
pub(super) async fn revoke(
    app: &App,
    authorized: &Authorized,
    token: &Secret,
    kind: TokenKind,
) -> Result<bool, AskError> {
    let client = &authorized.client;
    let Some(endpoint) = &authorized.server.revocation else { return Ok(false) };
    let word = word(app, authorized);
    let proof = client.proof(word.as_ref()).ok_or_else(no_proof)?;
    let request = TokenRequest::revocation(&client.id, token, kind, proof);
    let (status, body) = post(app, authorized, endpoint, &request).await?;
    revoked(status, &body)?;
    Ok(true)
}

/// Sends a request, and reads its answer whole.
pub(super) async fn send(app: &App, outbound: Outbound) -> Result<(u16, Bytes), AskError> {
    let server = outbound.uri.authority().map(ToString::to_string).unwrap_or_default();
    let turn = app.authorities().turn(&server).await;
    let _turn = turn.ok_or_else(|| AskError::Unsent("too many others are asked".to_owned()))?;
    let answer = app.egress().send(outbound, PATIENCE).await.map_err(|error| match error.phase() {
        Phase::BeforeSending => AskError::Unsent(error.to_string()),
        Phase::AfterSending => AskError::Lost(error.to_string()),
    })?;
    let status = answer.status().as_u16();
    let body = tokio::time::timeout(PATIENCE, read_capped(answer.into_body(), MAX_ANSWER)).await;
    let body = body.map_err(|_| AskError::Lost("it is too slow".to_owned()))?;
    Ok((status, body.map_err(|error| AskError::Lost(error.to_string()))?))
}

/// Doorward's own word about who it is, where the server wants that as a proof.
fn word(app: &App, authorized: &Authorized) -> Option<Secret> {
    let (client, now) = (&authorized.client, app.clock().now());
    (client.method == ClientMethod::PrivateKeyJwt)
        .then(|| app.signer().client_assertion(&client.id, &authorized.server.issuer, now))
}

fn no_proof() -> AskError {
    AskError::Unsent("the client has no secret".to_owned())
}

async fn post(
    app: &App,
    authorized: &Authorized,
    endpoint: &Url,
    request: &TokenRequest,
) -> Result<(u16, Bytes), AskError> {
    let outbound = token_endpoint::outbound(endpoint, request, authorized.trust(endpoint));
    send(app, outbound.map_err(|why| AskError::Unsent(why.to_string()))?).await
}
