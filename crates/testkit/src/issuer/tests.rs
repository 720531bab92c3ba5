use http_body_util::Limited;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

use super::*;

#[expect(clippy::disallowed_methods, reason = "the body is limited")]
async fn get(url: &str) -> Result<(u16, Vec<u8>), Box<dyn std::error::Error + Send + Sync>> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.get(url.parse()?).await?;
    let status = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(Limited::new(response.into_body(), 1 << 20)).await?;
    Ok((status, body.to_bytes().to_vec()))
}

async fn get_json(url: &str) -> Value {
    let (status, body) = get(url).await.unwrap();
    assert_eq!(status, 200);
    serde_json::from_slice(&body).unwrap()
}

/// What an independent verifier makes of a token with the keys that are published now.
async fn verify(issuer: &TestIssuer, token: &str, algorithm: Algorithm) -> Result<Value, String> {
    let keys: JwkSet = serde_json::from_value(get_json(&issuer.jwks_uri()).await).unwrap();
    let kid = decode_header(token).unwrap().kid.unwrap();
    let key = keys.find(&kid).ok_or_else(|| "unknown key".to_owned())?;
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&["https://gateway.example/mcp/demo"]);
    validation.set_issuer(&[issuer.url()]);
    let key = DecodingKey::from_jwk(key).unwrap();
    decode(token, &key, &validation).map(|token| token.claims).map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_kind_of_key_signs_what_others_verify() {
    let kinds = [
        (KeyKind::Es256, Algorithm::ES256),
        (KeyKind::Rs256, Algorithm::RS256),
        (KeyKind::EdDsa, Algorithm::EdDSA),
    ];
    for (kind, algorithm) in kinds {
        let issuer = TestIssuer::start_with(kind).await.unwrap();
        let claims = issuer.claims("alice", "https://gateway.example/mcp/demo");
        let token = issuer.mint(claims.clone()).unwrap();
        assert_eq!(verify(&issuer, &token, algorithm).await, Ok(claims));
        assert_eq!(decode_header(&token).unwrap().typ.as_deref(), Some("at+jwt"));
    }
}

#[tokio::test]
async fn metadata_names_the_issuer_and_every_fetch_is_counted() {
    let issuer = TestIssuer::start().await.unwrap();
    for path in ["openid-configuration", "oauth-authorization-server"] {
        let metadata = get_json(&format!("{}/.well-known/{path}", issuer.url())).await;
        assert_eq!(metadata["issuer"], issuer.url());
        assert_eq!(metadata["jwks_uri"], issuer.jwks_uri());
    }
    get_json(&issuer.jwks_uri()).await;
    assert_eq!(get(&format!("{}/nothing", issuer.url())).await.unwrap().0, 404);
    let expected = Fetches { openid_configuration: 1, authorization_server: 1, jwks: 1, other: 1 };
    assert_eq!(issuer.fetches(), expected);
    assert_eq!(issuer.fetches().metadata(), 2);
}

#[tokio::test]
async fn rotation_forgets_and_addition_keeps_the_old_key() {
    let issuer = TestIssuer::start().await.unwrap();
    let claims = || issuer.claims("alice", "https://gateway.example/mcp/demo");
    let first = issuer.mint(claims()).unwrap();
    issuer.add_key().unwrap();
    let second = issuer.mint(claims()).unwrap();
    assert!(verify(&issuer, &first, Algorithm::ES256).await.is_ok());
    assert!(verify(&issuer, &second, Algorithm::ES256).await.is_ok());
    issuer.rotate().unwrap();
    assert_eq!(verify(&issuer, &second, Algorithm::ES256).await, Err("unknown key".to_owned()));
    let third = issuer.mint(claims()).unwrap();
    assert!(verify(&issuer, &third, Algorithm::ES256).await.is_ok());
}

#[tokio::test]
async fn a_header_may_lie() {
    let issuer = TestIssuer::start().await.unwrap();
    let token =
        issuer.mint_with(&json!({"alg": "HS256", "kid": "other"}), &json!({"sub": "mallory"})).unwrap();
    let header = decode_header(&token).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::HS256, Some("other")));
}

#[tokio::test]
async fn every_switch_breaks_it_and_none_repairs_it() {
    let issuer = TestIssuer::start().await.unwrap();
    let jwks = issuer.jwks_uri();
    issuer.fail(Failure::Down);
    assert!(get(&jwks).await.is_err());
    issuer.fail(Failure::Garbage);
    assert!(serde_json::from_slice::<Value>(&get(&jwks).await.unwrap().1).is_err());
    issuer.fail(Failure::Unauthorized);
    assert_eq!(get(&jwks).await.unwrap().0, 401);
    issuer.fail(Failure::Huge(100_000));
    assert_eq!(get(&jwks).await.unwrap().1.len(), 100_000);
    issuer.fail(Failure::Redirect("http://169.254.169.254/".to_owned()));
    assert_eq!(get(&jwks).await.unwrap().0, 302);
    issuer.fail(Failure::WrongIssuer("https://evil.example".to_owned()));
    let metadata = get_json(&format!("{}/.well-known/openid-configuration", issuer.url())).await;
    assert_eq!(metadata["issuer"], "https://evil.example");
    issuer.fail(Failure::Slow(Duration::from_millis(1)));
    assert_eq!(get(&jwks).await.unwrap().0, 200);
    issuer.fail(None);
    assert_eq!(get_json(&jwks).await["keys"][0]["kid"], issuer.key_id());
    assert!(issuer.fetches().jwks >= 7, "failures count too");
}

#[tokio::test]
async fn a_dropped_issuer_is_gone() {
    let issuer = TestIssuer::start().await.unwrap();
    let jwks = issuer.jwks_uri();
    assert!(get(&jwks).await.is_ok());
    drop(issuer);
    // The task ends at its next await; a few turns of the scheduler are enough.
    for _ in 0..1_000 {
        if get(&jwks).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("still answers");
}
