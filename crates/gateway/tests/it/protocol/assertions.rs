//! Identity assertions (ID-JAG) that Doorward signs for people who call: what the upstream's authorization server is shown,
//! and whose token the upstream sees.

use doorward_testkit::{authority::ScriptedAuthority, conformance::Eras, recorder::Recorder};
use serde_json::{Value, json};

use super::credentials::{keys, proven};
use crate::harness::{API_KEY, Answer, Plan, World};

/// Doorward's name and secret at the authorization server.
const CLIENT: (&str, &str) = ("doorward-there", "doorwards-secret-there-41c7");

/// The usual world, whose people sign in too, and an upstream that an authorization server of its own guards.
struct Asserting {
    world: World,
    upstream: Recorder,
    authority: ScriptedAuthority,
}

impl Asserting {
    async fn start() -> Self {
        let plan = Plan::default().secret("THERE", CLIENT.1).secret("KEY", API_KEY);
        let world = World::planned(plan, "").await;
        let upstream = Recorder::start_as(Eras::Both).await.unwrap();
        let authority = ScriptedAuthority::start().await.unwrap();
        authority.register(CLIENT.0, Some(CLIENT.1));
        authority.protect(&upstream);
        let (url, there, corp) = (upstream.url(), authority.url(), world.issuer.url());
        let sections = format!(
            r#"
            [[sign_in]]
            name = "corp"
            issuer = "{corp}"
            client_id = "doorward"
            allow = "anyone"
            [[api_key]]
            name = "robot"
            value = {{ env = "KEY" }}
            [[upstream]]
            name = "asserted"
            url = "{url}"
            credential = {{ kind = "id-jag", issuer = "{there}", client_id = "{}", client_secret = {{ env = "THERE" }}, scope = "notes:read" }}
            [[server]]
            name = "asserted"
            upstreams = ["asserted"]
            access = ["jwt", "api-key"]
            "#,
            CLIENT.0,
        );
        world.gateway.replace(&format!("{}\n{sections}", world.toml()));
        Self { world, upstream, authority }
    }

    async fn list(&self, who: &str) -> Answer {
        let mut claims = self.world.claims(who, "asserted");
        let now = self.world.gateway.clock_secs();
        (claims["iat"], claims["exp"]) = (now.into(), (now + 300).into());
        let token = self.world.issuer.mint(claims).unwrap();
        self.world.gateway.plant_callers(&token);
        self.world.gateway.modern("asserted", "tools/list", json!({})).bearer(&token).send().await
    }

    /// What the upstream was shown, oldest first.
    fn presented(&self) -> Vec<String> {
        let shown = |request: &doorward_testkit::recorder::Recorded| {
            request.header("authorization").unwrap_or_default().to_owned()
        };
        self.upstream.requests().iter().map(shown).collect()
    }

    /// The claims of the assertions that the authorization server was shown.
    async fn asserted(&self) -> Vec<Value> {
        let keys = keys(&self.world.gateway).await;
        let asked = self.authority.token_requests("urn:ietf:params:oauth:grant-type:jwt-bearer");
        assert_eq!(asked.len(), self.authority.asked("/token").len(), "nothing else is asked for");
        for asked in &asked {
            assert_eq!((asked.client(), asked.secret()), (Some(CLIENT.0), Some(CLIENT.1)));
            assert_eq!(asked.field("scope"), Some("notes:read"));
        }
        asked
            .iter()
            .map(|asked| proven("oauth-id-jag+jwt", &keys, asked.field("assertion").unwrap()))
            .collect()
    }

    /// Stops everything. Nobody's own token was seen anywhere, and nothing that was given out is anywhere.
    async fn finish(self) {
        let Self { world, upstream, authority } = self;
        for secret in authority.secrets() {
            world.gateway.plant(&secret);
        }
        for caller in world.gateway.callers_secrets() {
            assert!(!upstream.saw(&caller) && !authority.saw(&caller), "a caller's token travelled");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn each_person_has_a_token_for_an_assertion_that_names_them() {
    let asserting = Asserting::start().await;
    for who in ["alice", "bob", "alice", "bob"] {
        let answer = asserting.list(who).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let (gateway, authority) = (&asserting.world.gateway, &asserting.authority);
    let claims = asserting.asserted().await;
    assert_eq!(claims.len(), 2, "one token each, kept");
    for (claims, who) in claims.iter().zip(["corp:alice", "corp:bob"]) {
        assert_eq!(claims["iss"], gateway.url());
        assert_eq!(claims["aud"], authority.url(), "the issuer, not its token endpoint");
        assert_eq!(claims["sub"], who);
        assert_eq!((&claims["client_id"], &claims["scope"]), (&json!(CLIENT.0), &json!("notes:read")));
        assert_eq!(claims["resource"], asserting.upstream.url());
        assert!(claims["exp"].as_i64().unwrap() <= claims["iat"].as_i64().unwrap() + 300);
    }
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
    let bearers: Vec<_> = authority.secrets().iter().map(|token| format!("Bearer {token}")).collect();
    let presented = asserting.presented();
    assert!(
        presented.iter().all(|token| bearers.contains(token)),
        "what the authority gave, and nothing else"
    );
    assert_eq!(presented[..2], presented[2..]);
    assert_ne!(presented[0], presented[1], "two people, two tokens");
    asserting.finish().await;
}

#[tokio::test]
async fn a_token_for_an_assertion_is_kept_until_it_ends() {
    let asserting = Asserting::start().await;
    let metadata = || {
        let is_metadata = |it: &&doorward_testkit::recorder::Recorded| it.target.starts_with("/.well-known/");
        asserting.authority.requests().iter().filter(is_metadata).count()
    };
    for _ in 0..2 {
        assert_eq!(asserting.list("alice").await.status, 200);
        assert_eq!(asserting.list("bob").await.status, 200);
    }
    assert_eq!(metadata(), 1, "where tokens are given is remembered");
    asserting.world.gateway.clock.advance(2 * 3600);
    assert_eq!(asserting.list("alice").await.status, 200);
    let presented = asserting.presented();
    assert_eq!(presented[0], presented[2]);
    assert_ne!(presented[0], presented[4], "another one after the first has ended");
    let claims = asserting.asserted().await;
    assert_eq!(claims.len(), 3);
    assert_ne!(claims[0]["jti"], claims[2]["jti"], "for another assertion");
    assert_eq!(metadata(), 2, "and it is asked again where tokens are given");
    asserting.finish().await;
}

#[tokio::test]
async fn nothing_is_asserted_of_who_is_no_person() {
    let asserting = Asserting::start().await;
    let call = asserting.world.gateway.modern("asserted", "tools/list", json!({}));
    let answer = call.header("X-Api-Key", API_KEY).send().await;
    assert!(!answer.text().contains("/connect/"), "{}", answer.text());
    assert_eq!(asserting.world.gateway.last_record().await["reason"], "no_person");
    assert!(asserting.authority.requests().is_empty() && asserting.upstream.requests().is_empty());
    asserting.finish().await;
}
