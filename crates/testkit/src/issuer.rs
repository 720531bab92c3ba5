//! A token issuer for tests: keys, metadata and a key set over HTTP, counters of every fetch, and switches that break it.
//!
//! It signs whatever it is told to sign, expired and forged claims and headers included, because what is under test is who
//! believes it. It has no users and no authorization endpoint: tokens come from [`TestIssuer::mint`]. Its token endpoint
//! keeps what it was asked and answers what it was told, whoever asks.

mod key;
#[cfg(test)]
mod tests;
mod tokens;

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use doorward_model::{Clock as _, SystemClock};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

pub(crate) use self::key::Key;
use self::tokens::{Rule, Tokens};
pub use self::{key::KeyKind, tokens::TokenAsked};
use crate::listen::{self, Running};

/// The largest request that is read, in bytes.
const MAX_BODY: usize = 1 << 20;

/// How many requests each document had, failures included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetches {
    /// `/.well-known/openid-configuration`.
    pub openid_configuration: usize,
    /// `/.well-known/oauth-authorization-server` (RFC 8414).
    pub authorization_server: usize,
    /// `/jwks.json`.
    pub jwks: usize,
    /// Everything else.
    pub other: usize,
}

impl Fetches {
    /// Both metadata documents together.
    pub fn metadata(&self) -> usize {
        self.openid_configuration + self.authorization_server
    }
}

/// What is wrong with every answer from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Connections close without a byte.
    Down,
    /// 200 with a body that is no JSON.
    Garbage,
    /// The right answer, this late.
    Slow(Duration),
    /// 401 without a body.
    Unauthorized,
    /// 200 with this many bytes of valid JSON that is of no use.
    Huge(usize),
    /// 302 to this address.
    Redirect(String),
    /// Metadata in the name of this issuer; keys as usual.
    WrongIssuer(String),
}

/// A running issuer; it stops when it is dropped.
#[derive(Debug)]
pub struct TestIssuer {
    url: String,
    state: Arc<Mutex<State>>,
    _running: Running,
}

#[derive(Debug)]
struct State {
    kind: KeyKind,
    keys: Vec<Key>,
    made: usize,
    failure: Option<Failure>,
    fetches: Fetches,
    tokens: Tokens,
}

impl TestIssuer {
    /// Starts an issuer on a free port of 127.0.0.1 that signs with ES256.
    ///
    /// # Errors
    /// When there is no port or no randomness.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(KeyKind::Es256).await
    }

    /// Starts an issuer with keys of this kind.
    ///
    /// # Errors
    /// As [`TestIssuer::start`].
    pub async fn start_with(kind: KeyKind) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut state = State {
            kind,
            keys: Vec::new(),
            made: 0,
            failure: None,
            fetches: Fetches::default(),
            tokens: Tokens::default(),
        };
        state.make_key()?;
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let issuer = url.clone();
        let handler = service_fn(move |request: Request<Incoming>| {
            let (state, issuer) = (Arc::clone(&shared), issuer.clone());
            async move { answer(&state, &issuer, request).await }
        });
        let running = Running::start(async move {
            // Only a broken listener ends it, and then every fetch fails.
            let _ = listen::serve(listener, handler).await;
        });
        Ok(Self { url, state, _running: running })
    }

    /// The issuer identifier, which is also where its documents are: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the keys are.
    pub fn jwks_uri(&self) -> String {
        format!("{}/jwks.json", self.url)
    }

    /// Usual claims for `subject` at `audience`: `iss`, `sub`, `aud`, `iat` of now, `exp` in five minutes, a fresh `jti`.
    pub fn claims(&self, subject: &str, audience: &str) -> Value {
        let now = SystemClock.now();
        json!({
            "iss": self.url, "sub": subject, "aud": audience,
            "iat": now.as_secs(), "exp": now.as_secs() + 300, "jti": now.as_micros().to_string(),
        })
    }

    /// Signs exactly these claims with the present key; the header has `alg`, `kid` and `typ: at+jwt`.
    ///
    /// # Errors
    /// When signing fails.
    #[expect(clippy::needless_pass_by_value, reason = "tests write the claims in place")]
    pub fn mint(&self, claims: Value) -> io::Result<String> {
        let header = json!({ "alg": self.algorithm(), "kid": self.key_id(), "typ": "at+jwt" });
        self.mint_with(&header, &claims)
    }

    /// Signs with the present key under exactly this header, true or not.
    ///
    /// # Errors
    /// When signing fails.
    pub fn mint_with(&self, header: &Value, claims: &Value) -> io::Result<String> {
        self.with(|state| state.present()?.sign(header, claims))
    }

    /// The `kid` of the present key; empty only if there is none.
    pub fn key_id(&self) -> String {
        self.with(|state| state.keys.last().map(|key| key.id().to_owned()).unwrap_or_default())
    }

    /// The `alg` of the present key.
    pub fn algorithm(&self) -> &'static str {
        self.with(|state| state.kind.algorithm())
    }

    /// Signs with a new key from now on and publishes only that: what older keys signed is no longer verifiable.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn rotate(&self) -> io::Result<()> {
        self.with(|state| {
            state.keys.clear();
            state.make_key()
        })
    }

    /// Signs with a new key from now on and goes on publishing the older ones.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn add_key(&self) -> io::Result<()> {
        self.with(State::make_key)
    }

    /// What its token endpoint answers from now on, whatever it is asked; nothing is there before.
    pub fn answer_tokens(&self, answer: Value) {
        self.refuse_tokens(StatusCode::OK, answer);
    }

    /// As [`TestIssuer::answer_tokens`], with this status.
    pub fn refuse_tokens(&self, status: StatusCode, answer: Value) {
        self.with(|state| state.tokens.rule = Rule::Answer(status, answer));
    }

    /// From now on its token endpoint answers every request with a new token: `issued-<n>` to the nth of all requests,
    /// good for so many seconds.
    pub fn issue_tokens(&self, lifetime: i64) {
        self.with(|state| state.tokens.rule = Rule::Issue(lifetime));
    }

    /// What its token endpoint was asked so far.
    pub fn token_requests(&self) -> Vec<TokenAsked> {
        self.with(|state| state.tokens.asked.clone())
    }

    /// Where the token endpoint is.
    pub fn token_endpoint(&self) -> String {
        format!("{}/token", self.url)
    }

    /// Breaks every answer from now on, or with `None` none.
    pub fn fail(&self, failure: impl Into<Option<Failure>>) {
        let failure = failure.into();
        self.with(|state| state.failure = failure);
    }

    /// What was fetched so far.
    pub fn fetches(&self) -> Fetches {
        self.with(|state| state.fetches)
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn make_key(&mut self) -> io::Result<()> {
        self.made += 1;
        self.keys.push(Key::generate(self.kind, format!("key-{}", self.made))?);
        Ok(())
    }

    fn present(&self) -> io::Result<&Key> {
        self.keys.last().ok_or_else(|| io::Error::other("no key"))
    }

    /// Counts the fetch and says what to answer.
    fn fetch(&mut self, issuer: &str, path: &str, asked: TokenAsked) -> (StatusCode, Value) {
        let name = match &self.failure {
            Some(Failure::WrongIssuer(other)) => other,
            _ => issuer,
        };
        let metadata = json!({
            "issuer": name,
            "jwks_uri": format!("{issuer}/jwks.json"),
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": [self.kind.algorithm()],
        });
        let (counter, status, document) = match path {
            "/.well-known/openid-configuration" => {
                (&mut self.fetches.openid_configuration, StatusCode::OK, metadata)
            }
            "/.well-known/oauth-authorization-server" => {
                (&mut self.fetches.authorization_server, StatusCode::OK, metadata)
            }
            "/jwks.json" => {
                let keys: Vec<&Value> = self.keys.iter().map(Key::jwk).collect();
                (&mut self.fetches.jwks, StatusCode::OK, json!({ "keys": keys }))
            }
            "/token" => {
                let (status, answer) = self.tokens.answer(asked);
                (&mut self.fetches.other, status, answer)
            }
            _ => (&mut self.fetches.other, StatusCode::NOT_FOUND, json!({ "error": "not_found" })),
        };
        *counter += 1;
        (status, document)
    }
}

#[expect(clippy::disallowed_methods, reason = "the body is limited")]
async fn answer(
    state: &Mutex<State>,
    issuer: &str,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(io::Error::other)?;
    let (path, asked) = (head.uri.path(), TokenAsked::new(&head.headers, &body.to_bytes()));
    let (failure, (status, document)) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.failure.clone(), state.fetch(issuer, path, asked))
    };
    let json = |body: String| respond(status, header::CONTENT_TYPE, "application/json", body);
    match failure {
        Some(Failure::Down) => Err(io::Error::other("down, as the test wants it")),
        Some(Failure::Garbage) => json("<!doctype html><title>Sign in</title>".to_owned()),
        Some(Failure::Unauthorized) => {
            respond(StatusCode::UNAUTHORIZED, header::WWW_AUTHENTICATE, "Basic", String::new())
        }
        Some(Failure::Huge(size)) => json(format!("\"{}\"", "x".repeat(size.saturating_sub(2)))),
        Some(Failure::Redirect(to)) => respond(StatusCode::FOUND, header::LOCATION, &to, String::new()),
        Some(Failure::Slow(late)) => {
            sleep(late).await;
            json(document.to_string())
        }
        Some(Failure::WrongIssuer(_)) | None => json(document.to_string()),
    }
}

fn respond(
    status: StatusCode,
    name: http::HeaderName,
    value: &str,
    body: String,
) -> io::Result<Response<Full<Bytes>>> {
    let response = Response::builder().status(status).header(name, value).body(Full::from(body));
    response.map_err(io::Error::other)
}
