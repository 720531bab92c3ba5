//! The tokens, with a real issuer that gives them and a clock that is turned.

use std::sync::atomic::{AtomicI64, Ordering};

use doorward_auth::keys::{DataKey, Envelope, KeySet};
use doorward_egress::EgressConfig;
use doorward_model::Secret;
use doorward_store::Store;
use doorward_testkit::issuer::{Failure, TestIssuer, TokenAsked};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const ORIGIN: &str = "https://gw.example.com";
const START: i64 = 1_800_000_000;

struct Turned(AtomicI64);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct World {
    issuer: TestIssuer,
    clock: Arc<Turned>,
    signer: Arc<Signer>,
    credentials: Arc<Credentials>,
    _directory: TempDir,
}

impl World {
    async fn start() -> Self {
        doorward_auth::install_crypto().expect("cryptography");
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("doorward.db").display());
        let store = Store::open(&url).await.expect("the store opens");
        let envelope = Arc::new(Envelope::new(&DataKey::generate(), []));
        let clock = Arc::new(Turned(AtomicI64::new(START)));
        let signer = Signer::open(store, envelope, clock.now()).await.expect("keys");
        let egress = Egress::new(&EgressConfig::default()).expect("a client");
        let credentials = Credentials::new(egress, Arc::clone(&signer), Arc::<Turned>::clone(&clock));
        let issuer = TestIssuer::start().await.expect("an issuer");
        issuer.issue_tokens(300);
        Self { issuer, clock, signer, credentials, _directory: directory }
    }

    fn source(&self, secret: Option<&str>) -> Arc<TokenSource> {
        Arc::new(TokenSource {
            token_endpoint: self.issuer.token_endpoint().parse().expect("a URL"),
            client_id: "doorward".to_owned(),
            client_secret: secret.map(|secret| Secret::new(secret.to_owned())),
            scope: Some("agent:call".to_owned()),
            resource: Some("https://agent.example.com/".to_owned()),
            audience: None,
        })
    }

    async fn get(
        &self,
        source: &Arc<TokenSource>,
        caller: Option<&Arc<Identity>>,
    ) -> Result<String, CredentialError> {
        let outcome = self.credentials.token(Source::Endpoint(Arc::clone(source)), caller, ORIGIN).await;
        outcome.map(|Bearer(value)| value.to_str().expect("text").to_owned())
    }

    fn asked(&self) -> Vec<TokenAsked> {
        self.issuer.token_requests()
    }

    fn turn(&self, secs: i64) {
        self.clock.0.fetch_add(secs, Ordering::Relaxed);
    }

    /// The claims and the kind of a JWT that our published keys verify.
    fn proven(&self, token: &str) -> (Value, Value) {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let keys = KeySet::parse(&self.signer.jwks()).expect("a key set");
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let [header, claims] = [0, 1].map(|part| {
            let part = message.split('.').nth(part).expect("a part");
            serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
        });
        let algorithm = doorward_model::Algorithm::Es256;
        let mut candidates = keys.find(header["kid"].as_str(), algorithm);
        assert!(candidates.any(|key| key.verifies(algorithm, message.as_bytes(), &signature)), "{header}");
        (header["typ"].clone(), claims)
    }
}

fn person(issuer: &str, subject: &str) -> Arc<Identity> {
    Arc::new(Identity {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        client: Some("desk".to_owned()),
        scopes: vec![],
        groups: vec![],
        audiences: vec![],
    })
}

#[tokio::test]
async fn two_hundred_callers_at_a_time_cause_one_request() {
    let world = World::start().await;
    let source = world.source(Some("s3cret"));
    let tokens = join_all((0..200).map(|_| world.get(&source, None))).await;
    for token in tokens {
        assert_eq!(token.as_deref(), Ok("Bearer issued-1"));
    }
    let asked = world.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].authorization.as_deref(), Some("doorward:s3cret"));
    assert_eq!(asked[0].field("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(asked[0].field("scope").as_deref(), Some("agent:call"));
    assert_eq!(asked[0].field("resource").as_deref(), Some("https://agent.example.com/"));
}

#[tokio::test]
async fn a_token_is_presented_until_shortly_before_it_expires() {
    let world = World::start().await;
    let source = world.source(Some("s"));
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-1"));
    world.turn(269);
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-1"));
    world.turn(1);
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-2"));
}

#[tokio::test]
async fn sources_that_say_the_same_share_a_token_and_others_do_not() {
    let world = World::start().await;
    let source = world.source(Some("s"));
    world.get(&source, None).await.expect("a token");
    // As after the configuration was read again.
    world.get(&world.source(Some("s")), None).await.expect("a token");
    assert_eq!(world.asked().len(), 1);
    let others = [
        TokenSource { client_id: "other".to_owned(), ..(*source).clone() },
        TokenSource { client_secret: Some(Secret::new("t".to_owned())), ..(*source).clone() },
        TokenSource { client_secret: None, ..(*source).clone() },
        TokenSource { scope: None, ..(*source).clone() },
        TokenSource { resource: None, ..(*source).clone() },
        TokenSource { audience: Some("a".to_owned()), ..(*source).clone() },
    ];
    for (which, other) in others.into_iter().enumerate() {
        let token = world.get(&Arc::new(other), None).await.expect("a token");
        assert_eq!(token, format!("Bearer issued-{}", which + 2));
    }
}

#[tokio::test]
async fn without_a_secret_doorward_proves_itself_by_its_key() {
    let world = World::start().await;
    world.get(&world.source(None), None).await.expect("a token");
    let asked = &world.asked()[0];
    assert_eq!(asked.authorization, None);
    assert_eq!(
        asked.field("client_assertion_type").as_deref(),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    let (kind, claims) = world.proven(&asked.field("client_assertion").expect("an assertion"));
    assert_eq!(
        (&kind, &claims["iss"], &claims["sub"]),
        (&json!("JWT"), &json!("doorward"), &json!("doorward"))
    );
    assert_eq!(claims["aud"], json!(world.issuer.token_endpoint()));
    assert_eq!(claims["exp"], json!(START + 60));
}

#[tokio::test]
async fn an_exchange_brings_doorwards_word_and_each_caller_gets_their_own() {
    let world = World::start().await;
    let source = world.source(Some("s"));
    let people = [
        person("https://idp.example.com", "alice"),
        person("https://idp.example.com", "bob"),
        person("https://other.example.com", "alice"),
    ];
    for round in 0..2 {
        for (which, who) in people.iter().enumerate() {
            let token = world.get(&source, Some(who)).await.expect("a token");
            assert_eq!(token, format!("Bearer issued-{}", which + 1), "round {round}");
        }
    }
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-4"), "nobody's is nobody else's");
    let mut ids = std::collections::HashSet::new();
    for (asked, who) in world.asked().iter().zip(&people) {
        assert_eq!(
            asked.field("grant_type").as_deref(),
            Some("urn:ietf:params:oauth:grant-type:token-exchange")
        );
        assert_eq!(
            asked.field("subject_token_type").as_deref(),
            Some("urn:ietf:params:oauth:token-type:jwt")
        );
        let (kind, claims) = world.proven(&asked.field("subject_token").expect("a subject token"));
        assert_eq!(kind, "doorward-caller+jwt");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(ORIGIN), &json!(who.subject)));
        assert_eq!(claims["sub_id"]["iss"], json!(who.issuer));
        assert_eq!(claims["aud"], json!(world.issuer.token_endpoint()));
        assert!(claims["exp"].as_i64().expect("a time") - claims["iat"].as_i64().expect("a time") <= 60);
        assert!(ids.insert(claims["jti"].to_string()), "an id counts once");
    }
}

#[tokio::test]
async fn failures_are_kept_for_a_moment() {
    let world = World::start().await;
    let source = world.source(Some("c4nary"));
    for (status, error, passing, lasts) in [
        (
            StatusCode::UNAUTHORIZED,
            json!({"error": "invalid_client", "error_description": "c4nary"}),
            false,
            30,
        ),
        (StatusCode::SERVICE_UNAVAILABLE, json!("c4nary"), true, 2),
        (StatusCode::OK, json!({"access_token": "c4nary nonsense", "token_type": "Bearer"}), false, 30),
    ] {
        world.issuer.refuse_tokens(status, error);
        let before = world.asked().len();
        let failed = join_all((0..20).map(|_| world.get(&source, None))).await;
        for failure in failed {
            let failure = failure.expect_err("there is no token");
            assert_eq!((failure.is_passing(), failure.is_ours()), (passing, false), "{failure}");
            assert!(!format!("{failure} {failure:?}").contains("c4nary"), "{failure:?}");
        }
        world.turn(lasts - 1);
        world.get(&source, None).await.expect_err("it is kept");
        assert_eq!(world.asked().len(), before + 1);
        world.turn(1);
    }
    world.issuer.issue_tokens(300);
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-4"));
}

#[tokio::test]
async fn a_server_that_misbehaves_gives_no_token() {
    let world = World::start().await;
    let source = world.source(Some("s"));
    for failure in [
        Failure::Down,
        Failure::Garbage,
        Failure::Huge(1 << 20),
        Failure::Redirect(world.issuer.token_endpoint()),
    ] {
        world.issuer.fail(failure.clone());
        let error = world.get(&source, None).await.expect_err("there is no token");
        assert!(!error.is_ours(), "{failure:?}: {error}");
        world.turn(PERMANENT);
    }
    world.issuer.fail(None);
    assert!(world.get(&source, None).await.is_ok());
}

#[tokio::test]
async fn who_leaves_takes_nothing_away_from_others() {
    let world = World::start().await;
    let source = world.source(Some("s"));
    for _ in 0..20 {
        let leaves = world.get(&source, None);
        tokio::select! {
            biased;
            _ = leaves => {}
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-1"));
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_given_up_unless_it_is_new() {
    let world = World::start().await;
    let source = world.source(Some("s"));
    let key = Key::new(Source::Endpoint(Arc::clone(&source)), None);
    world.get(&source, None).await.expect("a token");
    world.turn(GIVEN_UP - 1);
    world.credentials.give_up(&key);
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-1"));
    world.turn(1);
    world.credentials.give_up(&key);
    assert_eq!(world.get(&source, None).await.as_deref(), Ok("Bearer issued-2"));
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_token() {
    let world = World::start().await;
    let source = world.source(Some("s3cret"));
    let outcome = world.credentials.token(Source::Endpoint(Arc::clone(&source)), None, ORIGIN).await;
    let value = outcome.as_ref().map(|Bearer(value)| value.clone()).expect("a token");
    assert!(value.is_sensitive());
    let printed =
        format!("{outcome:?} {value:?} {:?}", Key::new(Source::Endpoint(Arc::clone(&source)), None));
    assert!(!printed.contains("issued") && !printed.contains("s3cret"), "{printed}");
}

#[tokio::test]
async fn an_agent_is_told_who_calls_in_words_that_are_for_it_alone() {
    let world = World::start().await;
    let caller = person("https://idp.example.com", "alice");
    let agent = "https://agent.example.com/rpc";
    let value = assertion::value(&world.signer, (ORIGIN, world.clock.now()), &caller, agent);
    let value = value.expect("a header value");
    assert!(value.is_sensitive());
    let (kind, claims) = world.proven(value.to_str().expect("text"));
    assert_eq!(kind, "doorward-caller+jwt");
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ORIGIN), &json!(agent)));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("alice"), &json!("desk")));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(START), &json!(START + 60)));
    let again = assertion::value(&world.signer, (ORIGIN, world.clock.now()), &caller, agent);
    let (_, other) = world.proven(again.expect("a header value").to_str().expect("text"));
    assert_ne!(claims["jti"], other["jti"], "no two are the same");
}
