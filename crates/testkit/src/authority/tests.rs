use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::*;

const HOME: &str = "http://127.0.0.1:9/callback";
/// A verifier and its challenge, from RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn send(request: Request<Full<Bytes>>) -> Response<Incoming> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    client.request(request).await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the body is limited")]
async fn json_of(response: Response<Incoming>) -> Value {
    let body = Limited::new(response.into_body(), 1 << 20).collect().await.unwrap();
    serde_json::from_slice(&body.to_bytes()).unwrap_or_default()
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn post(url: String, kind: &str, body: String) -> (u16, Value) {
    let request = Request::post(url).header(header::CONTENT_TYPE, kind).body(Full::from(body)).unwrap();
    let response = send(request).await;
    (response.status().as_u16(), json_of(response).await)
}

async fn token(authority: &ScriptedAuthority, fields: &[(&str, &str)]) -> (u16, Value) {
    post(format!("{}/token", authority.url()), "application/x-www-form-urlencoded", form(fields)).await
}

/// A code for `client` at `resource`, or the parameters that came in its place.
async fn ask(authority: &ScriptedAuthority, client: &str, resource: &str) -> Vec<(String, String)> {
    let query = form(&[
        ("client_id", client),
        ("redirect_uri", HOME),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", resource),
        ("state", "s"),
    ]);
    let request =
        Request::get(format!("{}/authorize?{query}", authority.url())).body(Full::default()).unwrap();
    let answer = send(request).await;
    assert_eq!(answer.status(), 302);
    let location = answer.headers()[header::LOCATION].to_str().unwrap().parse::<url::Url>().unwrap();
    location.query_pairs().into_owned().collect()
}

fn value<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Tokens of a public client.
async fn tokens(authority: &ScriptedAuthority, resource: &str) -> Value {
    authority.register("public", None);
    let answer = ask(authority, "public", resource).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", value(&answer, "code").unwrap()),
        ("code_verifier", VERIFIER),
        ("redirect_uri", HOME),
        ("resource", resource),
    ];
    let (status, answer) = token(authority, &fields).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(token(authority, &fields).await.0, 400, "a code counts once");
    answer
}

async fn knock(url: &str, token: Option<&str>) -> (u16, String) {
    let mut request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let parameters = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {} });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters });
    let answer = send(request.body(Full::from(hello.to_string())).unwrap()).await;
    let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), challenge)
}

#[tokio::test]
async fn a_token_opens_what_the_authority_protects_until_it_is_taken_back() {
    let (authority, upstream) = (ScriptedAuthority::start().await.unwrap(), Recorder::start().await.unwrap());
    authority.protect(&upstream);
    let (status, challenge) = knock(upstream.url(), None).await;
    assert_eq!(status, 401);
    let metadata = upstream.url().replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
    assert_eq!(challenge, format!("Bearer resource_metadata=\"{metadata}\""));
    let request = Request::get(metadata).body(Full::default()).unwrap();
    let document = json_of(send(request).await).await;
    assert_eq!(document["authorization_servers"], json!([authority.url()]));
    assert_eq!(document["resource"], upstream.url());
    let answer = tokens(&authority, upstream.url()).await;
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(knock(upstream.url(), Some(access)).await.0, 200);
    let refresh = answer["refresh_token"].as_str().unwrap();
    let revoke = format!("{}/revoke", authority.url());
    post(revoke, "application/x-www-form-urlencoded", form(&[("token", refresh)])).await;
    let (status, challenge) = knock(upstream.url(), Some(access)).await;
    assert_eq!(status, 401);
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(authority.secrets().iter().any(|secret| secret == access));
}

#[tokio::test]
async fn a_refresh_token_counts_once_where_it_rotates() {
    let authority = ScriptedAuthority::start().await.unwrap();
    authority.set(|manners| manners.punishes_reuse = true);
    let first = tokens(&authority, "http://x/mcp").await;
    let refresh = |token: &Value| {
        let token = token["refresh_token"].as_str().unwrap().to_owned();
        let authority = &authority;
        async move {
            let fields =
                [("grant_type", "refresh_token"), ("client_id", "public"), ("refresh_token", &*token)];
            self::token(authority, &fields).await
        }
    };
    let (status, second) = refresh(&first).await;
    assert_eq!((status, authority.is_live(second["access_token"].as_str().unwrap())), (200, true));
    assert_eq!(refresh(&first).await, (400, json!({ "error": "invalid_grant" })));
    assert!(!authority.is_live(second["access_token"].as_str().unwrap()), "reuse ends the line");
    assert_eq!(authority.token_requests("refresh_token").len(), 2);
}

#[tokio::test]
async fn a_registered_client_must_show_its_secret_and_come_back_to_its_own_address() {
    let authority = ScriptedAuthority::start().await.unwrap();
    let body = json!({ "redirect_uris": [HOME], "client_name": "x" }).to_string();
    let url = format!("{}/register", authority.url());
    let (status, client) = post(url, "application/json", body).await;
    assert_eq!(status, 201);
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let answer = ask(&authority, id, "http://x/mcp").await;
    assert_eq!((value(&answer, "state"), value(&answer, "iss")), (Some("s"), Some(authority.url())));
    let fields = [("grant_type", "authorization_code"), ("client_id", id), ("client_secret", "wrong")];
    assert_eq!(token(&authority, &fields).await, (400, json!({ "error": "invalid_client" })));
    assert!(authority.secrets().iter().any(|known| known == secret));
    let elsewhere = form(&[("client_id", id), ("redirect_uri", "http://127.0.0.1:9/other")]);
    let request = Request::get(format!("{}/authorize?{elsewhere}", authority.url()));
    assert_eq!(send(request.body(Full::default()).unwrap()).await.status(), 400);
}

#[tokio::test]
async fn it_misbehaves_as_it_is_told() {
    let authority = ScriptedAuthority::start().await.unwrap();
    authority.register("public", None);
    authority.set(|manners| {
        manners.refuses = Some("access_denied".to_owned());
        manners.iss = Iss::Other("https://evil.example".to_owned());
    });
    let answer = ask(&authority, "public", "http://x/mcp").await;
    assert_eq!(value(&answer, "code"), None);
    assert_eq!(value(&answer, "error"), Some("access_denied"));
    assert_eq!(value(&answer, "iss"), Some("https://evil.example"));
    authority.once("/token", Reply::empty(503));
    assert_eq!(token(&authority, &[("client_id", "public")]).await.0, 503);
    assert_eq!(token(&authority, &[("client_id", "public")]).await.0, 400);
}
