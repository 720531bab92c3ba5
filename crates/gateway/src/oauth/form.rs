//! Reading what is posted to an endpoint: one content type, bounded in size and time.

use bytes::Bytes;
use doorward_auth::server::{
    error::{ErrorCode, OAuthError},
    form,
};
use doorward_egress::read_capped;
use http::{HeaderMap, header};
use hyper::body::Incoming;

use super::Web;

/// The text of a form.
pub(crate) async fn read(web: &Web<'_>, headers: &HeaderMap, body: Incoming) -> Result<Bytes, OAuthError> {
    if !has_type(headers, "application/x-www-form-urlencoded") {
        return Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "Content-Type must be application/x-www-form-urlencoded",
        ));
    }
    capped(web, body, form::MAX_BYTES).await
}

/// A JSON text of at most so many bytes.
pub(crate) async fn read_json(
    web: &Web<'_>,
    headers: &HeaderMap,
    body: Incoming,
    limit: usize,
) -> Result<Bytes, OAuthError> {
    if !has_type(headers, "application/json") {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "Content-Type must be application/json"));
    }
    capped(web, body, limit).await
}

async fn capped(web: &Web<'_>, body: Incoming, limit: usize) -> Result<Bytes, OAuthError> {
    let time = web.routes.snapshot.limits.request_time;
    match tokio::time::timeout(time, read_capped(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            Err(OAuthError::new(ErrorCode::InvalidRequest, "the body is too large, or it broke off"))
        }
        Err(_) => Err(OAuthError::new(ErrorCode::InvalidRequest, "the body took too long")),
    }
}

/// Whether the one Content-Type is this one, whatever its parameters.
fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().ok().and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}
