//! One delivery on its way: the caller's own words about the task, with what the caller wants it to carry, and a
//! signature of Doorward's.
//!
//! The signature is a JWT (the asymmetric pattern of A2A's push notifications). It names the receiver, lives for minutes,
//! and covers the body by its digest, so that nothing that was overheard can be sent elsewhere, later, or changed. Its
//! `jti` is the delivery's and stays the same over attempts: who has seen it has seen the delivery.

use std::time::Duration;

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_egress::{Outbound, Protocol, Trust};
use doorward_protocol::a2a::Dialect;
use doorward_store::Claimed;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use url::Url;

use super::{Secrets, verdict::Verdict};
use crate::App;

/// How long a receiver may take to answer (A2A 1.0.1 section 4.3.3: 10 to 30 seconds).
const LIMIT: Duration = Duration::from_secs(20);
/// For how long a signature is good, in seconds.
const GOOD_FOR: i64 = 300;
/// What carries the signature.
const SIGNATURE: HeaderName = HeaderName::from_static("doorward-signature");
/// What carries the caller's token.
const TOKEN: HeaderName = HeaderName::from_static("x-a2a-notification-token");
/// The `typ` of the signature.
const TYPE: &str = "doorward-push+jwt";

/// Attempts a delivery.
pub(super) async fn attempt(app: &App, claimed: &Claimed) -> Verdict {
    let Some(outbound) = outbound(app, claimed) else {
        return Verdict::GiveUp("what the webhook wants to be told cannot be read".to_owned());
    };
    match app.egress().send(outbound, LIMIT).await {
        Ok(answer) => Verdict::of(answer.status(), answer.headers()),
        Err(error) => Verdict::of_error(&error),
    }
}

/// The request. None when the row is not one that Doorward wrote.
fn outbound(app: &App, claimed: &Claimed) -> Option<Outbound> {
    let push = &claimed.push.config;
    let secrets = Secrets::open(app.envelope(), push)?;
    let url = Url::parse(&push.url).ok()?;
    let claims = claims(app, claimed, &url);
    let signature = app.signer().jwt(TYPE, &claims);
    Some(Outbound {
        method: Method::POST,
        uri: push.url.parse().ok()?,
        headers: headers(&secrets, super::dialect(&push.dialect), &signature)?,
        body: Bytes::from(claimed.body.clone()),
        trust: Trust::Guarded,
        protocol: Protocol::Http1OrAlpn,
    })
}

fn claims(app: &App, claimed: &Claimed, url: &Url) -> Value {
    let (push, now) = (&claimed.push.config, app.clock().now().as_secs());
    let delivery = format!("{}/{}", push.callback_hash, claimed.id);
    json!({
        "iss": app.routes().origin(),
        "aud": url.origin().ascii_serialization(),
        "iat": now,
        "exp": now + GOOD_FOR,
        "jti": &hash::hex(&hash::sha256(delivery.as_bytes()))[..32],
        "taskId": push.task,
        "request_body_sha256": hash::hex(&hash::sha256(claimed.body.as_bytes())),
    })
}

fn headers(secrets: &Secrets, dialect: Dialect, signature: &str) -> Option<HeaderMap> {
    let media = if dialect == Dialect::V1 { "application/a2a+json" } else { "application/json" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    let own = HeaderValue::from_static(concat!("doorward/", env!("CARGO_PKG_VERSION")));
    headers.insert(header::USER_AGENT, own);
    headers.insert(SIGNATURE, sensitive(signature)?);
    if let Some(token) = &secrets.token {
        headers.insert(TOKEN, sensitive(token.expose())?);
    }
    let authorization = match &secrets.credentials {
        Some(credentials) => {
            format!("{} {}", secrets.scheme.as_deref().unwrap_or("Bearer"), credentials.expose())
        }
        // Where the caller names nothing, receivers of the asymmetric pattern look here.
        None => format!("Bearer {signature}"),
    };
    headers.insert(header::AUTHORIZATION, sensitive(&authorization)?);
    Some(headers)
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use doorward_model::Secret;

    use super::*;

    fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        headers.get(name).map(|value| value.to_str().expect("text"))
    }

    #[test]
    fn a_delivery_carries_what_its_webhook_wants() {
        let secrets = Secrets {
            token: Some(Secret::new("t".to_owned())),
            scheme: Some("Basic".to_owned()),
            credentials: Some(Secret::new("YTpi".to_owned())),
        };
        let sent = headers(&secrets, Dialect::V1, "jwt").expect("headers");
        assert_eq!(value(&sent, "content-type"), Some("application/a2a+json"));
        assert_eq!(value(&sent, "authorization"), Some("Basic YTpi"));
        assert_eq!(value(&sent, "x-a2a-notification-token"), Some("t"));
        assert_eq!(value(&sent, "doorward-signature"), Some("jwt"));
        assert!(sent["authorization"].is_sensitive());
        let sent = headers(&Secrets::default(), Dialect::V03Rpc, "jwt").expect("headers");
        assert_eq!(value(&sent, "content-type"), Some("application/json"));
        assert_eq!(value(&sent, "authorization"), Some("Bearer jwt"));
        assert_eq!(value(&sent, "x-a2a-notification-token"), None);
    }
}
