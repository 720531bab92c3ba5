//! Which agent is meant over gRPC: the tenant, the token, or the only one there is.

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
