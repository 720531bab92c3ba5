//! What a scripted authority answers, endpoint by endpoint.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Asked, Iss, Manners, State,
    tickets::{Code, Grant},
};
use crate::recorder::{Recorded, Reply};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The answer to a request, as manners have it.
pub(super) fn answer(state: &mut State, issuer: &str, path: &str, request: &Recorded) -> Reply {
    let asked = Asked::of(request);
    match (path, &*request.method) {
        ("/.well-known/oauth-authorization-server", "GET") if state.manners.oauth_metadata => {
            Reply::json(metadata(&state.manners, issuer))
        }
        ("/.well-known/openid-configuration", "GET") => Reply::json(metadata(&state.manners, issuer)),
        ("/register", "POST") if state.manners.registration => register(state, request),
        ("/authorize", "GET") => match authorize(state, issuer, &asked) {
            Ok(location) => Reply::empty(302).header("location", &location),
            Err(why) => Reply::raw("text/plain", why).status(400),
        },
        ("/token", "POST") => match token(state, &asked) {
            Ok(answer) => Reply::json(answer).header("cache-control", "no-store"),
            Err(error) => Reply::json(json!({ "error": error })).status(400),
        },
        ("/revoke", "POST") if state.manners.revokes => revoke(state, &asked),
        _ => Reply::empty(404),
    }
}

fn metadata(manners: &Manners, issuer: &str) -> Value {
    let mut document = json!({
        "issuer": manners.issuer.as_deref().unwrap_or(issuer),
        "authorization_endpoint":
            manners.authorization_endpoint.clone().unwrap_or_else(|| format!("{issuer}/authorize")),
        "token_endpoint": manners.token_endpoint.clone().unwrap_or_else(|| format!("{issuer}/token")),
        "jwks_uri": format!("{issuer}/jwks.json"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "grant_types_supported": ["authorization_code", "refresh_token", TOKEN_EXCHANGE, JWT_BEARER],
        "token_endpoint_auth_methods_supported": manners.auth_methods,
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": manners.announces_iss,
        "client_id_metadata_document_supported": manners.client_documents,
    });
    let mut add = |name: &str, value: Value, wanted: bool| {
        if wanted {
            document[name] = value;
        }
    };
    add("registration_endpoint", format!("{issuer}/register").into(), manners.registration);
    add("revocation_endpoint", format!("{issuer}/revoke").into(), manners.revokes);
    add("scopes_supported", manners.scopes.clone().into(), !manners.scopes.is_empty());
    let methods = &manners.challenge_methods;
    add("code_challenge_methods_supported", methods.clone().into(), !methods.is_empty());
    document
}

/// Dynamic registration (RFC 7591): everybody is taken, with a secret unless they want none.
fn register(state: &mut State, request: &Recorded) -> Reply {
    let mut document = match request.json() {
        Value::Object(document) => document,
        _ => Map::new(),
    };
    let uris = document.get("redirect_uris").and_then(Value::as_array).cloned().unwrap_or_default();
    let uris: Vec<_> = uris.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if uris.is_empty() {
        return Reply::json(json!({ "error": "invalid_redirect_uri" })).status(400);
    }
    let id = format!("client-{}", state.tickets.next());
    let method = document.get("token_endpoint_auth_method").and_then(Value::as_str).map(str::to_owned);
    let secret = match method.as_deref() {
        Some("none" | "private_key_jwt") => None,
        _ => Some(state.tickets.make("secret")),
    };
    state.tickets.register(&id, secret.clone(), Some(uris));
    document.insert("client_id".to_owned(), id.into());
    if let Some(secret) = secret {
        document.insert("client_secret".to_owned(), secret.into());
        document.insert("client_secret_expires_at".to_owned(), 0.into());
        document.entry("token_endpoint_auth_method").or_insert("client_secret_basic".into());
    }
    Reply::json(Value::Object(document)).status(201)
}

/// Says yes to everybody, at once; or the error that was wished for.
fn authorize(state: &mut State, issuer: &str, asked: &Asked) -> Result<String, &'static str> {
    let field = |name: &'static str| asked.field(name).ok_or(name);
    let (client, redirect_uri) = (field("client_id")?, field("redirect_uri")?);
    if !is_known(state, client, Some(redirect_uri)) {
        return Err("unknown client or redirect_uri");
    }
    if field("response_type")? != "code" || field("code_challenge_method")? != "S256" {
        return Err("response_type or code_challenge_method");
    }
    let code = Code {
        client: client.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: field("code_challenge")?.to_owned(),
        resource: field("resource")?.to_owned(),
        scope: asked.field("scope").unwrap_or_default().to_owned(),
    };
    let mut location = Url::parse(redirect_uri).map_err(|_| "redirect_uri")?;
    let (refuses, iss) = (state.manners.refuses.clone(), state.manners.iss.clone());
    let mut answer = location.query_pairs_mut();
    if let Some(error) = refuses {
        answer.append_pair("error", &error).append_pair("error_description", "as the test wants it");
    } else {
        let text = state.tickets.make("code");
        answer.append_pair("code", &text);
        state.tickets.codes.insert(text, code);
    }
    if let Some(given) = asked.field("state") {
        answer.append_pair("state", given);
    }
    match iss {
        Iss::Own => drop(answer.append_pair("iss", issuer)),
        Iss::Other(other) => drop(answer.append_pair("iss", &other)),
        Iss::Absent => {}
    }
    drop(answer);
    Ok(location.into())
}

/// Whether a client may come, and have its answers there.
fn is_known(state: &State, id: &str, redirect_uri: Option<&str>) -> bool {
    match state.tickets.clients.get(id) {
        Some(client) => {
            let uris = client.redirect_uris.as_ref();
            redirect_uri.is_none_or(|uri| uris.is_none_or(|uris| uris.iter().any(|known| known == uri)))
        }
        None => state.manners.client_documents && id.contains("://"),
    }
}

fn token(state: &mut State, asked: &Asked) -> Result<Value, &'static str> {
    let client = asked.client().ok_or("invalid_client")?.to_owned();
    let secret = state.tickets.clients.get(&client).and_then(|client| client.secret.as_deref());
    if !is_known(state, &client, None) || secret.is_some_and(|secret| asked.secret() != Some(secret)) {
        return Err("invalid_client");
    }
    match asked.field("grant_type").unwrap_or_default() {
        "authorization_code" => {
            let code = asked.field("code").and_then(|code| state.tickets.codes.remove(code));
            let code = code.filter(|code| redeems(code, &client, asked)).ok_or("invalid_grant")?;
            let line = state.tickets.next();
            Ok(issue(state, Grant { line, client, scope: code.scope }, None))
        }
        "refresh_token" => refresh(state, &client, asked.field("refresh_token").unwrap_or_default()),
        "client_credentials" | JWT_BEARER => {
            let scope = asked.field("scope").unwrap_or_default().to_owned();
            let grant = Grant { line: state.tickets.next(), client, scope };
            let mut answer = issue(state, grant, None);
            answer.as_object_mut().map(|answer| answer.remove("refresh_token"));
            Ok(answer)
        }
        TOKEN_EXCHANGE => {
            let kind = asked.field("requested_token_type").unwrap_or_default().to_owned();
            let token = state.tickets.make("exchanged");
            Ok(
                json!({ "access_token": token, "issued_token_type": kind, "token_type": "N_A", "expires_in": 300 }),
            )
        }
        _ => Err("unsupported_grant_type"),
    }
}

/// Whether a code is presented by whom and as it was asked for (PKCE S256, RFC 7636).
fn redeems(code: &Code, client: &str, asked: &Asked) -> bool {
    let verifier = asked.field("code_verifier").unwrap_or_default();
    let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
    code.client == client
        && asked.field("redirect_uri") == Some(&code.redirect_uri)
        && asked.field("resource") == Some(&code.resource)
        && URL_SAFE_NO_PAD.encode(digest) == code.challenge
}

fn refresh(state: &mut State, client: &str, token: &str) -> Result<Value, &'static str> {
    let known = state.tickets.refresh.get(token).filter(|grant| grant.client == client).cloned();
    let Some(grant) = known else {
        if let (true, Some(line)) = (state.manners.punishes_reuse, state.tickets.used.get(token).copied()) {
            state.tickets.access.retain(|_, grant| grant.line != line);
            state.tickets.refresh.retain(|_, grant| grant.line != line);
        }
        return Err("invalid_grant");
    };
    if !state.manners.rotates {
        return Ok(issue(state, grant, Some(token)));
    }
    state.tickets.refresh.remove(token);
    state.tickets.used.insert(token.to_owned(), grant.line);
    Ok(issue(state, grant, None))
}

/// A token answer; `kept` is a refresh token that stays.
fn issue(state: &mut State, mut grant: Grant, kept: Option<&str>) -> Value {
    if let Some(granted) = &state.manners.grants {
        grant.scope.clone_from(granted);
    }
    let access = state.tickets.make("access");
    let mut answer = json!({ "access_token": access, "token_type": "Bearer" });
    if !grant.scope.is_empty() {
        answer["scope"] = grant.scope.clone().into();
    }
    if let Some(lifetime) = state.manners.lifetime {
        answer["expires_in"] = lifetime.into();
    }
    if state.manners.refreshes && kept.is_none() {
        let refresh = state.tickets.make("refresh");
        answer["refresh_token"] = refresh.clone().into();
        state.tickets.refresh.insert(refresh, grant.clone());
    }
    state.tickets.access.insert(access, grant);
    answer
}

/// Takes a token back (RFC 7009): a refresh token with everything that came out of the same code.
fn revoke(state: &mut State, asked: &Asked) -> Reply {
    let token = asked.field("token").unwrap_or_default();
    if let Some(grant) = state.tickets.refresh.remove(token) {
        state.tickets.access.retain(|_, other| other.line != grant.line);
        state.tickets.refresh.retain(|_, other| other.line != grant.line);
    }
    state.tickets.access.remove(token);
    Reply::empty(200)
}
