//! Who calls an agent, as for virtual servers, on every binding; and what of it the agent sees.

use doorward_auth::keys::KeySet;
use doorward_testkit::{
    agent::{Binding, ScriptedAgent},
    issuer::TestIssuer,
};
use serde_json::{Value, json};

use crate::harness::{
    API_KEY, AgentWorld, FACES, Message, Told, V1_FACES, V1_GRPC, V1_RPC, V03_RPC, What, script,
};

/// What every operation asks for.
fn operations() -> Vec<What> {
    vec![
        Message::new("m").send(),
        Message::new("m").stream(),
        What::get("t"),
        What::cancel("t"),
        What::subscribe("t"),
        What::ListHooks("t".into()),
        What::ExtendedCard,
    ]
}

/// The refusal of a caller, in the words of the binding.
#[track_caller]
fn assert_unauthenticated(told: &Told, challenge: &str, case: &str) {
    let failure = told.failure();
    let expected = if told.face.0 == Binding::Grpc { (200, 16) } else { (401, failure.code) };
    assert_eq!((failure.status, failure.code), expected, "{case}: {failure:?}");
    assert_eq!(told.answer.header("www-authenticate"), Some(challenge), "{case}");
    assert_eq!(told.answer.header("cache-control"), Some("no-store"), "{case}");
}

fn challenge(world: &AgentWorld, agent: &str, error: &str, scope: &str) -> String {
    let origin = world.gateway.url();
    format!(
        r#"Bearer {error}resource_metadata="{origin}/.well-known/oauth-protected-resource/a2a/{agent}"{scope}"#
    )
}

#[tokio::test]
async fn without_a_token_there_is_a_challenge_on_every_binding() {
    let world = AgentWorld::plan().doors(&["jwt"]).start().await;
    let challenge = challenge(&world, "jwt", "", "");
    for face in FACES {
        for what in operations() {
            let case = format!("{face:?} {what:?}");
            let told = world.gateway.ask("jwt", face, what).send().await;
            assert_unauthenticated(&told, &challenge, &case);
        }
    }
    assert!(world.asked().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn doorwards_own_tokens_are_asked_for_by_their_scopes() {
    let world = AgentWorld::plan().doors(&["own"]).start().await;
    let challenge = challenge(&world, "own", "", r#", scope="a2a:read a2a:send""#);
    for face in FACES {
        let told = world.gateway.ask("own", face, Message::new("m").send()).send().await;
        assert_unauthenticated(&told, &challenge, &format!("{face:?}"));
    }
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_is_none_for_here_is_invalid_on_every_binding() {
    let world = AgentWorld::plan()
        .doors(&["jwt", "twin", "own"])
        .more("[[upstream]]\nname = \"notes\"\nurl = \"http://127.0.0.1:9/mcp\"\n[[server]]\nname = \"tools\"\nupstreams = [\"notes\"]")
        .start()
        .await;
    let stranger = TestIssuer::start().await.unwrap();
    let resource = world.gateway.agent_resource("jwt");
    let server = world.gateway.operators("script", "basic").await;
    let ask = server.form("/token").with("grant_type", "client_credentials").with("scope", "mcp:read");
    let ask = ask.with("resource", &world.gateway.resource("tools")).send().await;
    let tokens = [
        ("another agent's", world.token("alice", "twin")),
        (
            "a virtual server's",
            world.issuer.mint(world.issuer.claims("alice", &world.gateway.resource("tools"))).unwrap(),
        ),
        ("a virtual server's of Doorward's own", ask.json()["access_token"].as_str().unwrap().to_owned()),
        ("another agent's of Doorward's own", world.own_token("robot", "own", "a2a:read a2a:send").await),
        ("another issuer's", stranger.mint(stranger.claims("alice", &resource)).unwrap()),
        ("no token", "not-a-token-at-all".to_owned()),
    ];
    let challenge = challenge(&world, "jwt", r#"error="invalid_token", "#, "");
    for (which, token) in &tokens {
        for face in V1_FACES {
            let told = world.gateway.ask("jwt", face, What::get("t")).bearer(token).send().await;
            assert_unauthenticated(&told, &challenge, &format!("{face:?} {which}"));
        }
        let answer = world.gateway.ask("jwt", V03_RPC, What::get("t")).bearer(token).send().await;
        assert_unauthenticated(&answer, &challenge, which);
    }
    // Nor does an agent's token open a virtual server, or an agent of Doorward's own tokens another one.
    let own = tokens[3].1.clone();
    assert_eq!(world.gateway.modern("tools", "tools/list", json!({})).bearer(&own).send().await.status, 401);
    assert_eq!(world.gateway.ask("own", V1_RPC, What::get("t")).bearer(&own).send().await.answer.status, 200);
    let jwt = world.token("alice", "jwt");
    assert_eq!(world.gateway.ask("own", V1_RPC, What::get("t")).bearer(&jwt).send().await.answer.status, 401);
    assert!(world.asked().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn several_issuers_may_vouch_and_only_those() {
    let (second, third) = (TestIssuer::start().await.unwrap(), TestIssuer::start().await.unwrap());
    let agent = ScriptedAgent::start().await.unwrap();
    let more = format!(
        r#"
        [[issuer]]
        name = "second"
        issuer = "{}"
        [[issuer]]
        name = "third"
        issuer = "{}"
        [[agent]]
        name = "both"
        card = "{}"
        access = "jwt"
        issuers = ["corp", "second"]
        credential = {{ kind = "header", name = "x-api-key", value = {{ env = "CREDENTIAL" }} }}
        "#,
        second.url(),
        third.url(),
        agent.card_url()
    );
    let world = AgentWorld::plan().more(&more).start_with(agent).await;
    let resource = world.gateway.agent_resource("both");
    for (issuer, status) in [(&world.issuer, 200), (&second, 200), (&third, 401)] {
        let token = issuer.mint(issuer.claims("alice", &resource)).unwrap();
        let told =
            world.gateway.ask("both", V1_RPC, Message::new("working-1").send()).bearer(&token).send().await;
        assert_eq!(told.answer.status, status, "{}", told.answer.text());
        if status == 200 {
            assert_eq!(world.gateway.last_record().await["issuer"], issuer.url());
        }
    }
    // The same name by another issuer is somebody else.
    let task = "task-1";
    for (issuer, reason) in [(&world.issuer, ""), (&second, "TASK_NOT_FOUND")] {
        let token = issuer.mint(issuer.claims("alice", &resource)).unwrap();
        let told = world.gateway.ask("both", V1_RPC, What::get(task)).bearer(&token).send().await;
        assert_eq!(told.failed().map(|failed| failed.reason).unwrap_or_default(), reason);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_program_with_a_token_of_its_own_gets_in_and_the_record_says_who() {
    let world = AgentWorld::start().await;
    let token = world.own_token("robot", "own", "a2a:read a2a:send").await;
    for face in FACES {
        let told = world.gateway.ask("own", face, Message::new("m").send()).bearer(&token).send().await;
        assert_eq!(told.said().state(), "completed", "{face:?}");
        let record = world.gateway.last_record().await;
        assert_eq!(
            (&record["subject"], &record["client"]),
            (&json!("client:robot"), &json!("robot")),
            "{face:?}"
        );
        assert_eq!(record["decision"], "allowed");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_a_token_is_not_for_names_all_scopes() {
    let world = AgentWorld::start().await;
    let reads = world.own_token("reader", "own", "a2a:read").await;
    let sends = world.own_token("sender", "own", "a2a:send").await;
    let told = world.gateway.ask("own", V1_RPC, Message::new("working-1").send()).bearer(&sends).send().await;
    let task = told.said().task_id().to_owned();
    let asked = world.asked().len();
    let sending = [
        Message::new("m").send(),
        Message::new("m").stream(),
        // No task of the reader's: it has none, and the scope is asked for all the same where nothing is named.
    ];
    for face in FACES {
        for what in sending.clone() {
            assert_scope(
                &world,
                &world.gateway.ask("own", face, what).bearer(&reads).send().await,
                "a2a:send",
            );
        }
        for what in [What::get(&task), What::subscribe(&task)] {
            assert_scope(
                &world,
                &world.gateway.ask("own", face, what).bearer(&sends).send().await,
                "a2a:read",
            );
        }
    }
    for face in V1_FACES {
        let list = world.gateway.ask("own", face, What::List(json!({}))).bearer(&sends).send().await;
        assert_scope(&world, &list, "a2a:read");
    }
    assert_eq!(world.asked().len(), asked);
    let told = world.gateway.ask("own", V1_RPC, What::cancel(&task)).bearer(&sends).send().await;
    assert_eq!(told.said().state(), "canceled");
    world.finish().await;
}

#[track_caller]
fn assert_scope(world: &AgentWorld, told: &Told, scope: &str) {
    let failure = told.failure();
    let expected = if told.face.0 == Binding::Grpc { (200, 7) } else { (403, failure.code) };
    assert_eq!((failure.status, failure.code), expected, "{:?}: {failure:?}", told.face);
    let said = told.answer.header("www-authenticate").unwrap_or_default();
    assert!(said.starts_with(r#"Bearer error="insufficient_scope""#), "{said}");
    let scopes = said.split("scope=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    assert!(scopes.split(' ').any(|known| known == scope), "{said}");
    let metadata = format!("{}/.well-known/oauth-protected-resource/a2a/own", world.gateway.url());
    assert!(said.contains(&metadata), "{said}");
}

#[tokio::test]
async fn the_metadata_document_is_the_agents() {
    let world = AgentWorld::start().await;
    let fetch = async |agent: &str| {
        world.gateway.call("GET", &format!("/.well-known/oauth-protected-resource/a2a/{agent}")).send().await
    };
    let origin = world.gateway.url();
    let own = fetch("own").await.json();
    assert_eq!(own["resource"], format!("{origin}/a2a/own"));
    assert_eq!(own["authorization_servers"], json!([origin]));
    assert_eq!(own["scopes_supported"], json!(["a2a:read", "a2a:send"]));
    let jwt = fetch("jwt").await.json();
    assert_eq!(jwt["resource"], format!("{origin}/a2a/jwt"));
    assert_eq!(jwt["authorization_servers"], json!([world.issuer.url()]));
    assert_eq!(fetch("open").await.status, 404);
    assert_eq!(fetch("nobody").await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn an_api_key_is_presented_in_its_header() {
    let world = AgentWorld::plan().doors(&["keyed"]).start().await;
    for face in FACES {
        let ask = || world.gateway.ask("keyed", face, Message::new("m").send());
        let none = ask().send().await;
        let wrong = ask().header("X-API-Key", "caller-api-key-51c7e0d2a94c").send().await;
        for told in [none, wrong] {
            let failure = told.failure();
            let expected = if face.0 == Binding::Grpc { (200, 16) } else { (401, failure.code) };
            assert_eq!((failure.status, failure.code), expected, "{face:?}: {failure:?}");
        }
        assert_eq!(ask().header("X-API-Key", API_KEY).send().await.said().state(), "completed", "{face:?}");
        let record = world.gateway.last_record().await;
        assert!(record["subject"].as_str().is_some_and(|subject| subject.contains("robot")), "{record}");
    }
    world.finish().await;
}

/// What a caller says about itself in headers is the caller's word; [`AgentWorld::finish`] looks at what arrived.
#[tokio::test]
async fn nothing_of_the_callers_credentials_and_identity_reaches_the_agent() {
    for interface in FACES {
        let world = AgentWorld::plan().interfaces(&[interface]).doors(&["jwt"]).start().await;
        world.agent.always("SendMessage", script::task(interface, "task-1", "context-1", "completed"));
        let token = world.token("alice", "jwt");
        for face in FACES {
            let mut call = world.gateway.ask("jwt", face, Message::new("m").send()).bearer(&token);
            for (name, value) in [
                ("Cookie", "session=canary-cookie-1234"),
                ("X-API-Key", "canary-key-12345678"),
                ("X-Forwarded-User", "canary-user-1234"),
                ("X-Forwarded-For", "198.51.100.7"),
                ("X-Remote-User", "canary-user-1234"),
                ("X-Auth-Request-Email", "canary-user-1234@example.com"),
                ("X-Amzn-Oidc-Identity", "canary-user-1234"),
                ("Forwarded", "for=198.51.100.7"),
                ("Doorward-Assertion", "canary.assertion.1234"),
                ("Doorward-Caller", "canary-user-1234"),
                ("X-Custom", "canary-custom-1234"),
                ("Referer", "https://canary-referer-1234.example.com/"),
            ] {
                call = call.header(&name.to_ascii_lowercase(), value);
            }
            call.send().await.said();
        }
        let seen = ["canary", "198.51.100.7", token.as_str(), "alice"];
        assert!(!seen.iter().any(|text| world.agent.saw(text)), "{interface:?}");
        assert!(world.asked().iter().all(|asked| asked.header("doorward-assertion").is_none()));
        world.finish().await;
    }
}

#[tokio::test]
async fn the_agent_is_told_who_calls_by_an_assertion_that_verifies() {
    for interface in [V1_RPC, V1_GRPC] {
        let world = AgentWorld::plan()
            .interfaces(&[interface])
            .doors(&["jwt"])
            .each("assertion = true")
            .start()
            .await;
        let token = world.token("alice", "jwt");
        let call = world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(&token);
        call.header("Doorward-Assertion", "a.forged.assertion").send().await;
        let asked = world.asked().pop().unwrap();
        let given: Vec<_> = asked
            .request
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("doorward-assertion"))
            .collect();
        assert_eq!(given.len(), 1, "{given:?}");
        let claims = verified(&world, &given[0].1).await;
        assert_eq!(claims["iss"], world.gateway.url());
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["aud"], world.agent.origin());
        let now = world.gateway.clock_secs();
        let expires = claims["exp"].as_i64().unwrap();
        assert!(expires > now && expires <= now + 300, "short-lived: {claims}");
        world.finish().await;
    }
}

/// The claims of a JWT that Doorward signed: the key is in its set.
async fn verified(world: &AgentWorld, jwt: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let keys = world.gateway.call("GET", "/.well-known/jwks.json").send().await;
    let set = KeySet::parse(&keys.body).unwrap();
    let mut parts = jwt.split('.');
    let (header, payload, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header_json: Value = serde_json::from_slice(&decode(header)).unwrap();
    let key = set.find(header_json["kid"].as_str(), doorward_model::Algorithm::Es256).next().unwrap();
    let signed = format!("{header}.{payload}");
    assert!(key.verifies(doorward_model::Algorithm::Es256, signed.as_bytes(), &decode(signature)));
    serde_json::from_slice(&decode(payload)).unwrap()
}

#[tokio::test]
async fn who_is_not_allowed_finds_nothing() {
    let world = AgentWorld::plan().doors(&["jwt"]).each("allow = { users = [\"alice\"] }").start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    for face in FACES {
        let told = world.gateway.ask("jwt", face, Message::new("m").send()).bearer(&alice).send().await;
        assert_eq!(told.said().state(), "completed", "{face:?}");
        let asked = world.asked().len();
        let told = world.gateway.ask("jwt", face, Message::new("m").send()).bearer(&bob).send().await;
        let failure = told.failure();
        if face.0 == Binding::Grpc {
            assert!(matches!(failure.code, 5 | 12), "{failure:?}");
        } else {
            assert_eq!(failure.status, 404, "{failure:?}");
        }
        assert_eq!(world.gateway.last_record().await["reason"], "not_allowed");
        assert_eq!(world.asked().len(), asked);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_token_in_the_address_is_refused() {
    let world = AgentWorld::start().await;
    let token = world.token("alice", "jwt");
    for target in ["/a2a/jwt", "/a2a/jwt/tasks/t", "/a2a/jwt/message:send"] {
        let method = if target.ends_with("/t") { "GET" } else { "POST" };
        let answer = world.gateway.call(method, &format!("{target}?access_token={token}")).send().await;
        assert_eq!(answer.status, 400, "{target}: {}", answer.text());
        assert!(
            answer.header("www-authenticate").is_some_and(|it| it.contains("invalid_request")),
            "{target}"
        );
    }
    world.finish().await;
}

#[tokio::test]
async fn who_is_calling_is_asked_before_what_for() {
    let world = AgentWorld::start().await;
    for body in ["{", r#"{"jsonrpc":"2.0","jsonrpc":"2.0"}"#, "[]", ""] {
        assert_eq!(world.gateway.post_agent("jwt", body).send().await.status, 401, "{body:?}");
    }
    for path in ["/nonsense", "/tasks/t", "/v1/nonsense"] {
        let call = world.gateway.call("GET", &format!("/a2a/jwt{path}"));
        assert_eq!(call.send().await.status, 401, "{path}");
    }
    world.finish().await;
}
