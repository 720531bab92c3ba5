//! The card that callers see: Doorward's addresses, security and signature, whatever the agent's own says.

use doorward_auth::{
    card::{Pinned, Standing, judge},
    keys::KeySet,
};
use doorward_model::{Name, SignatureMode};
use doorward_protocol::json::Document;
use doorward_testkit::{
    agent::{CardKey, ScriptedAgent},
    issuer::KeyKind,
    recorder::Reply,
};
use serde_json::{Value, json};

use crate::harness::{AgentWorld, Answer, Message, PATIENCE, V1_FACES, V1_REST, V1_RPC, V03_RPC, What};

/// What an agent says about itself that is nobody else's business, or does not hold here.
fn telling(agent: &ScriptedAgent) -> Value {
    let mut card = agent.card();
    card["securitySchemes"] = json!({ "idp": { "openIdConnectSecurityScheme": {
        "openIdConnectUrl": "https://idp.upstream.example/.well-known/openid-configuration" } } });
    card["securityRequirements"] = json!([{ "schemes": { "idp": { "list": ["secret-scope"] } } }]);
    card["signatures"] = json!([{ "protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "stale-signature" }]);
    card["url"] = json!("http://10.0.0.7/old");
    card["preferredTransport"] = json!("JSONRPC");
    card["additionalInterfaces"] = json!([{ "url": "http://10.0.0.7/old", "transport": "GRPC" }]);
    card["x-unknown"] = json!("http://10.0.0.7/unknown");
    card["skills"][0]["securityRequirements"] =
        json!([{ "schemes": { "idp": { "list": ["secret-scope"] } } }]);
    card["skills"].as_array_mut().unwrap().push(json!({
        "id": "hidden", "name": "Hidden", "description": "Not for everybody", "tags": ["test"] }));
    card
}

async fn world(each: &str) -> AgentWorld {
    let agent = ScriptedAgent::start().await.unwrap();
    agent.set_card(telling(&agent));
    AgentWorld::plan().each(each).start_with(agent).await
}

/// Waits until a fetch of the card shows this.
async fn until(world: &AgentWorld, shown: impl Fn(&Answer) -> bool) -> Answer {
    let waiting = async {
        loop {
            let answer = world.gateway.card("open").send().await;
            if shown(&answer) {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is shown at last")
}

#[tokio::test]
async fn nothing_of_the_agents_addresses_security_and_signature_is_left() {
    let world = world("").await;
    for door in ["open", "jwt", "own", "keyed"] {
        for version in [None, Some("1.0"), Some("0.3")] {
            let mut call = world.gateway.card(door);
            if let Some(version) = version {
                call = call.header("A2A-Version", version);
            }
            let answer = call.send().await;
            let (status, text) = (answer.status, answer.text());
            assert_eq!(status, 200, "{door} {version:?}: {text}");
            for leak in [
                world.agent.origin(),
                world.agent.grpc_authority(),
                "upstream.example",
                "10.0.0.7",
                "secret-scope",
                "stale-signature",
                "x-unknown",
            ] {
                assert!(!text.contains(leak), "{door} {version:?}: {leak} in {text}");
            }
            let here = format!("{}/a2a/{door}", world.gateway.url());
            assert!(text.contains(&here), "{door} {version:?}: {text}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn interfaces_are_the_doors_own_in_the_order_of_the_configuration() {
    let world = world("").await;
    let card = world.gateway.card("jwt").header("A2A-Version", "1.0").send().await.json();
    let here = format!("{}/a2a/jwt", world.gateway.url());
    let interfaces = card["supportedInterfaces"].as_array().unwrap();
    let named: Vec<_> = interfaces
        .iter()
        .map(|it| {
            (
                it["protocolBinding"].as_str().unwrap(),
                it["protocolVersion"].as_str().unwrap(),
                it["url"].as_str().unwrap(),
            )
        })
        .filter(|(_, version, _)| *version == "1.0")
        .collect();
    let authority = world.gateway.authority();
    let expected = [("JSONRPC", "1.0", &*here), ("HTTP+JSON", "1.0", &*here), ("GRPC", "1.0", &*authority)];
    assert_eq!(named, expected);
    let grpc = interfaces
        .iter()
        .find(|it| it["protocolBinding"] == "GRPC" && it["protocolVersion"] == "1.0")
        .unwrap();
    assert_eq!(grpc["tenant"], "jwt");
    // Security is what is asked for here.
    assert!(card["securitySchemes"].to_string().contains(world.issuer.url()), "{card}");
    let own = world.gateway.card("own").header("A2A-Version", "1.0").send().await.json();
    assert!(own["securitySchemes"].to_string().contains(&format!("{}/token", world.gateway.url())));
    assert!(own["securityRequirements"].to_string().contains("a2a:send"), "{own}");
    let open = world.gateway.card("open").header("A2A-Version", "1.0").send().await.json();
    assert!(open.get("securitySchemes").is_none() && open.get("securityRequirements").is_none(), "{open}");
    world.finish().await;
}

#[tokio::test]
async fn the_signature_is_doorwards_and_verifies_with_its_keys() {
    let world = world("").await;
    let keys = world.gateway.call("GET", "/.well-known/jwks.json").send().await;
    let set = KeySet::parse(&keys.body).unwrap();
    let url = format!("{}/.well-known/jwks.json", world.gateway.url());
    let pinned = [Pinned { keys: &set, url: Some(&url) }];
    for version in [None, Some("1.0")] {
        let mut call = world.gateway.card("jwt");
        if let Some(version) = version {
            call = call.header("A2A-Version", version);
        }
        let text = call.send().await.body;
        let standing = judge(SignatureMode::Required, &Document::parse(text.clone(), 64).unwrap(), &pinned);
        assert!(matches!(standing, Ok(Standing::Verified(_))), "{version:?}: {standing:?}");
        let mut changed: Value = serde_json::from_slice(&text).unwrap();
        changed["supportedInterfaces"][0]["url"] = json!("https://attacker.example");
        let changed = Document::parse(changed.to_string().into(), 64).unwrap();
        assert!(judge(SignatureMode::Required, &changed, &pinned).is_err(), "{version:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn there_is_a_document_for_each_version() {
    let world = world("").await;
    let fetch = async |version: Option<&str>| {
        let call = world.gateway.card("open");
        let answer =
            if let Some(version) = version { call.header("A2A-Version", version) } else { call }.send().await;
        assert_eq!(answer.header("vary"), Some("A2A-Version"), "{version:?}");
        answer
    };
    let has = |card: &Value, name: &str| card.get(name).is_some();
    let v1 = fetch(Some("1.0")).await.json();
    assert!(has(&v1, "supportedInterfaces") && !has(&v1, "url") && !has(&v1, "protocolVersion"), "{v1}");
    let v03 = fetch(Some("0.3")).await.json();
    assert!(has(&v03, "url") && has(&v03, "protocolVersion") && !has(&v03, "supportedInterfaces"), "{v03}");
    let hybrid = fetch(None).await.json();
    assert!(
        has(&hybrid, "supportedInterfaces") && has(&hybrid, "url") && has(&hybrid, "protocolVersion"),
        "{hybrid}"
    );
    let tags: std::collections::BTreeSet<_> =
        [fetch(None).await, fetch(Some("1.0")).await, fetch(Some("0.3")).await]
            .iter()
            .map(|answer| answer.header("etag").unwrap().to_owned())
            .collect();
    assert_eq!(tags.len(), 3, "a document has a tag of its own: {tags:?}");
    assert_eq!(world.gateway.card("open").header("A2A-Version", "9.9").send().await.error_code(), -32009);
    world.finish().await;
}

#[tokio::test]
async fn who_has_a_card_is_told_so() {
    let world = world("").await;
    let first = world.gateway.card("open").send().await;
    let (etag, modified) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    assert!(first.header("cache-control").is_some_and(|value| value.contains("max-age=")));
    assert_eq!(first.header("access-control-allow-origin"), Some("*"));
    for (name, value, status) in [
        ("If-None-Match", etag, 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", &*format!("\"other\", {etag}"), 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-Modified-Since", modified, 304),
        ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
    ] {
        let answer = world.gateway.card("open").header(name, value).send().await;
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(answer.header("etag"), Some(etag));
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    let head = world.gateway.call("HEAD", "/a2a/open/.well-known/agent-card.json").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    world.finish().await;
}

#[tokio::test]
async fn where_there_is_no_card_the_right_address_is_named() {
    let world = AgentWorld::start().await;
    let answer = world.gateway.call("GET", "/a2a/.well-known/agent-card.json").send().await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("/a2a/<name>/.well-known/agent-card.json"), "{}", answer.text());
    assert_eq!(world.gateway.card("nobody").send().await.status, 404);
    assert_eq!(world.gateway.call("POST", "/a2a/open/.well-known/agent-card.json").send().await.status, 405);
    world.finish().await;
}

#[tokio::test]
async fn an_agent_that_was_away_at_the_start_is_found_when_it_comes() {
    let agent = ScriptedAgent::start().await.unwrap();
    let card = agent.card();
    agent.set_card_reply(Reply::empty(503));
    let world = AgentWorld::plan().start_with(agent).await;
    let answer = world.gateway.card("open").send().await;
    assert!(answer.status >= 500, "{} {}", answer.status, answer.text());
    assert!(answer.text().contains("`open`"), "{}", answer.text());
    for face in V1_FACES {
        let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
        assert!(told.failure().message.contains("`open`"), "{face:?}");
    }
    assert!(world.asked().is_empty());
    world.agent.set_card(card);
    world.gateway.clock.advance(6);
    until(&world, |answer| answer.status == 200).await;
    for face in V1_FACES {
        let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
        assert_eq!(told.said().state(), "completed", "{face:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn only_the_skills_that_are_shown_are_there() {
    let world = world("skills = [\"echo\"]").await;
    for version in ["1.0", "0.3"] {
        let card = world.gateway.card("open").header("A2A-Version", version).send().await.json();
        let ids: Vec<_> = card["skills"].as_array().unwrap().iter().map(|skill| &skill["id"]).collect();
        assert_eq!(ids, ["echo"], "{version}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_extended_card_is_for_its_caller_alone() {
    let agent = ScriptedAgent::start().await.unwrap();
    let mut extended = telling(&agent);
    extended["description"] = json!("For those who are known");
    agent.set_extended_card(extended);
    let world = AgentWorld::plan().start_with(agent).await;
    let alice = world.token("alice", "jwt");
    for face in [V1_RPC, V1_REST, V03_RPC] {
        let told = world.gateway.ask("jwt", face, What::ExtendedCard).send().await;
        assert_eq!(told.answer.status, 401, "{face:?}");
        let told = world.gateway.ask("jwt", face, What::ExtendedCard).bearer(&alice).send().await;
        assert_eq!(told.result()["description"], "For those who are known", "{face:?}");
        assert_eq!(told.answer.header("cache-control"), Some("private, no-store"), "{face:?}");
        let text = told.answer.text();
        for leak in [world.agent.origin(), "upstream.example", "10.0.0.7", "secret-scope", "stale-signature"]
        {
            assert!(!text.contains(leak), "{face:?}: {leak} in {text}");
        }
        assert!(told.result()["signatures"][0].is_object() || face == V03_RPC, "{face:?}");
    }
    let card = world.gateway.card("jwt").send().await;
    assert!(!card.text().contains("For those who are known"));
    world.finish().await;
}

/// Nobody is known at an open door (A2A 1.0 section 13.3): its card does not offer it, and it is not given.
#[tokio::test]
async fn nobody_gets_an_extended_card_at_an_open_door() {
    let world = AgentWorld::start().await;
    let card = world.gateway.card("open").header("A2A-Version", "1.0").send().await.json();
    assert!(card["capabilities"]["extendedAgentCard"] != true, "{card}");
    for face in V1_FACES {
        let told = world.gateway.ask("open", face, What::ExtendedCard).send().await;
        assert_eq!(told.failure().reason, "UNSUPPORTED_OPERATION", "{face:?}");
    }
    assert!(world.asked().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn another_card_waits_for_approval_and_the_approved_one_stays() {
    let world = AgentWorld::start().await;
    let before = until(&world, |answer| answer.status == 200).await;
    let mut card = world.agent.card();
    card["description"] = json!("Does what somebody else says");
    card["supportedInterfaces"][0]["url"] = json!("http://127.0.0.1:1/elsewhere");
    world.agent.set_card(card);
    world.gateway.clock.advance(700);
    let digest = world.waiting_card("open").await;
    let answer = world.gateway.card("open").send().await;
    assert_eq!(answer.text(), before.text(), "the approved one goes on being served");
    let told = world.gateway.ask("open", V1_RPC, Message::new("m").send()).send().await;
    assert_eq!(told.said().state(), "completed", "and the agent is asked where it was");
    let now = doorward_model::Clock::now(&*world.gateway.clock);
    assert!(
        world
            .gateway
            .store()
            .approve_card(&Name::parse("open").unwrap(), &digest, "alice", now)
            .await
            .unwrap()
    );
    until(&world, |answer| answer.text().contains("Does what somebody else says")).await;
    world.finish().await;
}

#[tokio::test]
async fn where_a_signature_is_required_nothing_less_will_do() {
    let key = CardKey::generate(KeyKind::Es256, "agent-key").unwrap();
    let other = CardKey::generate(KeyKind::Es256, "agent-key").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    std::fs::write(&file, key.jwks().to_string()).unwrap();
    let signature = |mode: &str| {
        format!("signature = {{ mode = \"{mode}\", keys = [{{ file = \"{}\" }}] }}", file.display())
    };
    for (mode, card, ok) in [
        ("required", "unsigned", false),
        ("required", "other", false),
        ("required", "changed", false),
        ("required", "good", true),
        ("if-present", "unsigned", true),
        ("if-present", "other", false),
        ("if-present", "changed", false),
        ("if-present", "good", true),
        ("off", "changed", true),
    ] {
        let agent = ScriptedAgent::start().await.unwrap();
        match card {
            "unsigned" => {}
            "other" => agent.sign_card(&other).unwrap(),
            _ => agent.sign_card(&key).unwrap(),
        }
        if card == "changed" {
            let mut changed = agent.card();
            changed["description"] = json!("Changed after it was signed");
            agent.set_card(changed);
        }
        let world = AgentWorld::plan().doors(&["open"]).each(&signature(mode)).start_with(agent).await;
        let told = world.gateway.ask("open", V1_RPC, Message::new("m").send()).send().await;
        assert_eq!(told.failed().is_none(), ok, "{mode} {card}: {}", told.answer.text());
        let answer = world.gateway.card("open").send().await;
        assert_eq!(answer.status == 200, ok, "{mode} {card}: {}", answer.text());
        assert_eq!(
            world.asked().is_empty(),
            !ok,
            "{mode} {card}: nothing is asked of an agent that nobody vouches for"
        );
        world.finish().await;
    }
}

/// What was approved when nobody had to vouch for it is not served where somebody must, until somebody does.
#[tokio::test]
async fn an_approved_card_that_nobody_vouched_for_is_not_served_where_a_signature_is_required() {
    let key = CardKey::generate(KeyKind::Es256, "agent-key").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    std::fs::write(&file, key.jwks().to_string()).unwrap();
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    until(&world, |answer| answer.status == 200).await;
    let required = format!(
        "access = \"open\"\nsignature = {{ mode = \"required\", keys = [{{ file = \"{}\" }}] }}",
        file.display()
    );
    let strict = world.gateway.replica(&world.toml().replace("access = \"open\"", &required)).await;
    let asked = world.asked().len();
    let answer = world.gateway.card("open").at(&strict).send().await;
    assert!(answer.status >= 500, "{} {}", answer.status, answer.text());
    let body = Message::new("m").send().json_rpc(V1_RPC.1).to_string();
    let told = world.gateway.post_agent("open", body.clone()).at(&strict).send().await;
    assert!(told.json()["error"].is_object(), "{}", told.text());
    assert_eq!(world.asked().len(), asked, "nothing is asked of it");
    // Signed, it is the same card: nobody need approve it again.
    world.agent.sign_card(&key).unwrap();
    world.gateway.clock.advance(6);
    let served = async {
        while world.gateway.card("open").at(&strict).send().await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, served).await.unwrap();
    let told = world.gateway.post_agent("open", body).at(&strict).send().await;
    assert!(told.json()["result"].is_object(), "{}", told.text());
    strict.finish().await;
    world.finish().await;
}

/// A card may lead elsewhere; what the operator did not declare is guarded like everything else.
#[tokio::test]
async fn a_card_does_not_lead_into_the_network() {
    let victim = ScriptedAgent::start().await.unwrap();
    let agent = ScriptedAgent::start().await.unwrap();
    let mut card = agent.card();
    card["supportedInterfaces"] = json!([{
        "url": victim.jsonrpc_url(), "protocolBinding": "JSONRPC", "protocolVersion": "1.0" }]);
    agent.set_card(card);
    let world = AgentWorld::plan().doors(&["open"]).start_with(agent).await;
    for face in V1_FACES {
        let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
        assert!(told.failed().is_some(), "{face:?}: {}", told.answer.text());
    }
    assert!(victim.requests().is_empty());
    world.finish().await;
}
