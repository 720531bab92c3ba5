//! Which agent is meant over gRPC: the tenant, the token, or the only one there is.

use doorward_protocol::grpc::frame;
use serde_json::{Value, json};

use crate::harness::{AgentWorld, GrpcCall, Message, V1_GRPC, V1_REST, V1_RPC, V03_GRPC, What};

/// A message with this tenant, or without any.
fn call<'g>(world: &'g AgentWorld, face: crate::harness::Face, tenant: Option<&str>) -> GrpcCall<'g> {
    let mut params = Message::new("m").params(crate::harness::dialect(face));
    if let Some(tenant) = tenant {
        params["tenant"] = json!(tenant);
    }
    GrpcCall::of(&world.gateway, face.1, "SendMessage", &params)
}

fn status(answer: &crate::harness::Answer) -> &str {
    answer.header("grpc-status").unwrap_or_default()
}

#[tokio::test]
async fn the_tenant_names_the_agent() {
    let world = AgentWorld::start().await;
    for agent in ["open", "jwt"] {
        let token = world.token("alice", "jwt");
        let answer = call(&world, V1_GRPC, Some(agent))
            .header("authorization", &format!("Bearer {token}"))
            .send()
            .await;
        assert_eq!(status(&answer), "0", "{agent}: {answer:?}");
        assert_eq!(world.gateway.last_record().await["agent"], agent);
    }
    // The tenant says which door; the token opens another one.
    let token = world.token("alice", "jwt");
    let answer =
        call(&world, V1_GRPC, Some("twin")).header("authorization", &format!("Bearer {token}")).send().await;
    assert_eq!(status(&answer), "16");
    world.finish().await;
}

#[tokio::test]
async fn our_tenant_is_ours_and_the_agents_is_the_agents() {
    let agent = doorward_testkit::agent::ScriptedAgent::start().await.unwrap();
    let mut card = agent.card();
    card["supportedInterfaces"][0]["tenant"] = json!("acme/1");
    card["supportedInterfaces"][1]["tenant"] = json!("acme/2");
    agent.set_card(card);
    let world = AgentWorld::plan().start_with(agent).await;
    let answer = call(&world, V1_GRPC, Some("open")).send().await;
    assert_eq!(status(&answer), "0");
    assert_eq!(world.asked().pop().unwrap().params()["tenant"], "acme/1");
    world.gateway.ask("open", V1_RPC, Message::new("m").send()).send().await.said();
    assert_eq!(world.asked().pop().unwrap().params()["tenant"], "acme/1");
    let mut body = Message::new("m").send().json_rpc(V1_RPC.1);
    body["params"]["tenant"] = json!("open");
    assert_eq!(world.gateway.post_agent("open", body.to_string()).send().await.error_code(), 0);
    assert_eq!(world.asked().pop().unwrap().params()["tenant"], "acme/1");
    body["params"]["tenant"] = json!("acme/1");
    let answer = world.gateway.post_agent("open", body.to_string()).send().await;
    assert!(
        answer.json()["error"].is_object(),
        "the agent's tenant is nobody else's business: {}",
        answer.text()
    );
    world.finish().await;
}

/// Who is not let in is told so before the message is there, and where the tenant leads is known by then.
#[tokio::test]
async fn nothing_but_the_tenant_is_read_for_a_stranger() {
    let world = AgentWorld::start().await;
    // Field 1 is the tenant; of what follows nothing but the announcement is there.
    let only = |agent: &str| {
        let tenant = [&[0x0a, u8::try_from(agent.len()).unwrap()], agent.as_bytes()].concat();
        let whole = [&tenant[..], &[0; 100]].concat();
        call(&world, V1_GRPC, None).body(frame(&whole)).only(5 + tenant.len())
    };
    for (agent, expected) in [("jwt", "16"), ("own", "16"), ("nobody", "12")] {
        let answer = only(agent).send().await;
        assert_eq!(status(&answer), expected, "{agent}: {answer:?}");
    }
    let token = world.token("alice", "twin");
    let answer = only("jwt").header("authorization", &format!("Bearer {token}")).send().await;
    assert_eq!(status(&answer), "16", "{answer:?}");
    assert_eq!(world.gateway.last_record().await["agent"], "jwt");
    // Without a tenant in the first KiB the token says it, and the rest is not waited for either.
    let message = Message::new(&"m".repeat(4096)).params(crate::harness::dialect(V1_GRPC));
    let long = GrpcCall::of(&world.gateway, V1_GRPC.1, "SendMessage", &message).only(5 + 1024);
    let mut expired = world.claims("alice", "jwt");
    expired["exp"] = json!(1);
    let expired = world.issuer.mint(expired).unwrap();
    let answer = long.header("authorization", &format!("Bearer {expired}")).send().await;
    assert_eq!(status(&answer), "16", "{answer:?}");
    assert!(world.asked().is_empty());
    world.finish().await;
}

/// As Doorward looks for it, so it writes it: in front.
#[tokio::test]
async fn an_agent_on_grpc_finds_its_tenant_first() {
    let agent = doorward_testkit::agent::ScriptedAgent::start_as(&[V1_GRPC]).await.unwrap();
    let mut card = agent.card();
    card["supportedInterfaces"][0]["tenant"] = json!("acme");
    agent.set_card(card);
    let world = AgentWorld::plan().doors(&["open"]).interfaces(&[V1_GRPC]).start_with(agent).await;
    for face in [V1_RPC, V1_GRPC] {
        world.gateway.ask("open", face, What::get("t")).send().await;
        world.gateway.ask("open", face, Message::new("m").send()).send().await;
        let asked = world.asked().pop().unwrap();
        assert_eq!(asked.tenant.as_deref(), None, "not in the path");
        assert_eq!(&asked.request.body[..6], b"\x0a\x04acme", "{face:?}");
        assert_eq!(asked.request.body.windows(4).filter(|bytes| bytes == b"acme").count(), 1, "{face:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_tenant_that_is_no_agent_is_not_found() {
    let world = AgentWorld::start().await;
    for tenant in ["nobody", "OPEN", "open/", "../open", "jwt "] {
        let answer = call(&world, V1_GRPC, Some(tenant)).send().await;
        assert!(matches!(status(&answer), "5" | "12"), "{tenant:?}: {answer:?}");
    }
    assert!(world.asked().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn the_token_names_the_agent_where_there_is_no_tenant() {
    let world = AgentWorld::start().await;
    let own = world.own_token("robot", "own", "a2a:read a2a:send").await;
    let jwt = world.token("alice", "jwt");
    let twin = world.token("alice", "twin");
    for face in [V1_GRPC, V03_GRPC] {
        for (token, agent) in [(&own, "own"), (&jwt, "jwt"), (&twin, "twin")] {
            let answer =
                call(&world, face, None).header("authorization", &format!("Bearer {token}")).send().await;
            assert_eq!(status(&answer), "0", "{face:?} {agent}: {answer:?}");
            assert_eq!(world.gateway.last_record().await["agent"], agent);
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn the_only_agent_with_grpc_need_not_be_named() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    for face in [V1_GRPC, V03_GRPC] {
        assert_eq!(status(&call(&world, face, None).send().await), "0", "{face:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn where_nothing_says_which_agent_the_error_says_how_to() {
    let world = AgentWorld::start().await;
    for face in [V1_GRPC, V03_GRPC] {
        let answer = call(&world, face, None).send().await;
        assert_eq!(status(&answer), "3", "{answer:?}");
        let message = answer.header("grpc-message").unwrap_or_default();
        assert!(message.contains("tenant"), "{message}");
        assert_eq!(world.gateway.last_record().await["reason"], "agent_not_named");
    }
    assert!(world.asked().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn grpc_is_a_post_over_http_2_and_one_message() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    let path = "/lf.a2a.v1.A2AService/SendMessage";
    for method in ["GET", "POST"] {
        let answer = world.gateway.call(method, path).header("Content-Type", "application/grpc").send().await;
        assert_eq!(answer.status, 400, "{method} over HTTP/1.1: {}", answer.text());
    }
    let good = call(&world, V1_GRPC, Some("open"));
    for (case, body) in [
        ("nothing", &b""[..]),
        ("half a frame", b"\0\0\0"),
        ("a frame that is not there", b"\0\0\0\0\x09abc"),
        ("compressed", b"\x01\0\0\0\0"),
        ("two messages", b"\0\0\0\0\0\0\0\0\0\0"),
        ("no protobuf", b"\0\0\0\0\x02\xff\xff"),
        ("a giant that is only announced", b"\0\xff\xff\xff\xff"),
    ] {
        let answer = good.clone().body(body).send().await;
        assert!(!matches!(status(&answer), "" | "0" | "2"), "{case}: {answer:?}");
    }
    let answer = good.clone().without("content-type").header("content-type", "application/json").send().await;
    assert_ne!(status(&answer), "0", "{answer:?}");
    assert!(world.asked().is_empty());
    assert_eq!(status(&good.send().await), "0");
    world.finish().await;
}

#[tokio::test]
async fn an_agent_without_grpc_is_not_reached_by_it() {
    let agent = doorward_testkit::agent::ScriptedAgent::start().await.unwrap();
    let quiet = format!(
        "[[agent]]\nname = \"quiet\"\ncard = \"{}\"\naccess = \"open\"\n\
         credential = {{ kind = \"header\", name = \"x-api-key\", value = {{ env = \"CREDENTIAL\" }} }}",
        agent.card_url()
    );
    let world = AgentWorld::plan().doors(&["open"]).more(&quiet).start_with(agent).await;
    let answer = call(&world, V1_GRPC, Some("quiet")).send().await;
    assert!(matches!(status(&answer), "5" | "12"), "{answer:?}");
    assert!(world.asked().is_empty());
    // Its other bindings are there, as ever.
    for face in [V1_RPC, V1_REST] {
        let told = world.gateway.ask("quiet", face, Message::new("m").send()).send().await;
        assert_eq!(told.said().state(), "completed");
    }
    let card: Value = world.gateway.card("quiet").send().await.json();
    assert!(!card.to_string().contains("GRPC"), "{card}");
    let told = world.gateway.ask("quiet", V1_RPC, What::get("none")).send().await;
    assert_eq!(told.failure().reason, "TASK_NOT_FOUND");
    world.finish().await;
}

#[tokio::test]
async fn a_browser_is_told_what_an_agent_is() {
    let world = AgentWorld::plan().doors(&["jwt"]).start().await;
    let get = || world.gateway.call("GET", "/a2a/jwt");
    let page = get().header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8").send().await;
    assert_eq!((page.status, page.header("content-type")), (406, Some("text/plain; charset=utf-8")));
    assert!(
        page.text().contains("A2A") && page.text().contains(".well-known/agent-card.json"),
        "{}",
        page.text()
    );
    assert_eq!(world.gateway.last_record().await["reason"], "not_a_page");
    let bare = get().send().await;
    assert_eq!((bare.status, bare.header("allow")), (405, Some("POST, OPTIONS")), "{}", bare.text());
    world.finish().await;
}

/// Under a host of its own stands an agent's card; where it is called, on each binding, is what the card says.
#[tokio::test]
async fn an_agent_with_a_host_of_its_own_is_called_where_its_card_says() {
    let world = AgentWorld::plan().doors(&["open"]).each("host = \"helper.example\"").start().await;
    let card = world.gateway.call("GET", "/.well-known/agent-card.json").set("Host", "helper.example");
    let card: Value = card.header("A2A-Version", "1.0").send().await.json();
    let authority = world.gateway.url().trim_start_matches("http://").to_owned();
    for (face, binding, path) in [
        (V1_RPC, "JSONRPC", "/a2a/open"),
        (V1_REST, "HTTP+JSON", "/a2a/open/message:send"),
        (V1_GRPC, "GRPC", "/lf.a2a.v1.A2AService/SendMessage"),
    ] {
        let interfaces = card["supportedInterfaces"].as_array().unwrap();
        let interface = interfaces.iter().find(|interface| interface["protocolBinding"] == binding).unwrap();
        assert!(interface["url"].as_str().unwrap().contains(&authority), "{interface}");
        let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
        assert_eq!(told.said().state(), "completed", "{face:?}");
        let elsewhere =
            world.gateway.call("POST", path).set("Host", "helper.example").body("{}").send().await;
        assert_eq!(elsewhere.status, 421, "{face:?}");
    }
    assert_eq!(world.asked().len(), 3);
    world.finish().await;
}
