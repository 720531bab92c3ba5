//! Agents that do not answer as they should: whose fault it is is always said, and nothing of ours is given away.

use std::time::Duration;

use doorward_testkit::{
    agent::{Answer, Binding, Dialect, GrpcReply, ScriptedAgent, Stream, payload},
    recorder::Reply,
};
use serde_json::{Value, json};

use crate::harness::{
    AgentWorld, CREDENTIAL, FACES, Face, Message, Told, V1_FACES, V1_GRPC, V1_REST, V1_RPC, V03_RPC, script,
};

/// The agent failed: its name, that it is its fault, and how, in an answer that is none of HTTP's refusals.
#[track_caller]
fn assert_agents_fault(told: &Told, reason: &str, case: &str) {
    let failure = told.failure();
    assert!(failure.message.contains("`open`"), "{case}: {failure:?}");
    assert_eq!(failure.metadata["agent"], "open", "{case}: {failure:?}");
    assert_eq!(failure.metadata["fault"], "agent", "{case}: {failure:?}");
    assert_eq!(failure.metadata["reason"], reason, "{case}: {failure:?}");
    match told.face.0 {
        Binding::HttpJson => assert!(failure.status >= 500, "{case}: {failure:?}"),
        Binding::JsonRpc | Binding::Grpc => assert_eq!(failure.status, 200, "{case}: {failure:?}"),
    }
    assert!(told.answer.header("www-authenticate").is_none(), "{case}");
    assert!(!format!("{:?}", told.answer).contains(CREDENTIAL), "{case}");
}

async fn asked(world: &AgentWorld, interface: Face, reason: &str, case: &str) {
    for face in FACES {
        for what in [Message::new("m").send(), Message::new("m").stream()] {
            let case = format!("{case}: {face:?} to {interface:?}, {what:?}");
            let told = world.gateway.ask("open", face, what).send().await;
            assert_agents_fault(&told, reason, &case);
        }
    }
    let record = world.gateway.last_record().await;
    assert_eq!(
        (&record["reason"], &record["fault"]),
        (&json!(reason), &json!("upstream")),
        "{case}: {record}"
    );
}

/// What goes wrong over HTTP, and what records call it.
fn wrong_answers() -> Vec<(&'static str, Reply, &'static str)> {
    let json = |text: &str| Reply::raw("application/json", text.to_owned());
    vec![
        ("no JSON", json("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{"), "upstream_invalid"),
        ("an empty answer", json(""), "upstream_invalid"),
        ("no object", json("[]"), "upstream_invalid"),
        ("another thing", json(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#), "upstream_invalid"),
        (
            "duplicate members",
            json(r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"id":"a","id":"b"}}}"#),
            "upstream_invalid",
        ),
        (
            "a state that there is none",
            json(
                r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"id":"a","status":{"state":"TASK_STATE_BORED"}}}}"#,
            ),
            "upstream_invalid",
        ),
        (
            "no id",
            json(r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"status":{"state":"TASK_STATE_WORKING"}}}}"#),
            "upstream_invalid",
        ),
        ("a redirect", Reply::empty(302).header("Location", "http://169.254.169.254/"), "upstream_redirect"),
        ("a permanent redirect", Reply::empty(308).header("Location", "/rpc2"), "upstream_redirect"),
        (
            "401",
            json("{}").status(401).header("WWW-Authenticate", "Bearer realm=\"the agent's\""),
            "upstream_unauthorized",
        ),
        ("403", json("{}").status(403), "upstream_unauthorized"),
        ("a page", Reply::raw("text/html", "<h1>502 Bad Gateway</h1>").status(502), "upstream_status"),
        ("closed", Reply::close(), "upstream_broken"),
        ("cut", json(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).cut_after(10), "upstream_broken"),
    ]
}

#[tokio::test]
async fn what_is_no_answer_is_the_agents_fault() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    for (case, reply, reason) in wrong_answers() {
        world.agent.behave();
        world.agent.always("*", Answer::http(reply));
        asked(&world, V1_RPC, reason, case).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn grpc_that_is_no_answer_is_the_agents_fault() {
    let world = AgentWorld::plan().interfaces(&[V1_GRPC]).doors(&["open"]).start().await;
    for (case, reply, reason) in [
        ("no protobuf", GrpcReply::of([bytes::Bytes::from_static(b"\xff\xff\xff")]), "upstream_invalid"),
        ("no status", GrpcReply::of([]).without_trailers(), "upstream_broken"),
        ("our credential", GrpcReply::status(16, "who are you"), "upstream_unauthorized"),
        ("our rights", GrpcReply::status(7, "not you"), "upstream_unauthorized"),
    ] {
        world.agent.behave();
        world.agent.always("*", Answer::grpc(reply));
        asked(&world, V1_GRPC, reason, case).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn an_agent_that_is_away_is_named() {
    for interface in FACES {
        // Its interfaces are where nobody listens any more.
        let gone = ScriptedAgent::start_as(&[interface]).await.unwrap();
        let card = gone.card();
        drop(gone);
        let away = ScriptedAgent::start_as(&[interface]).await.unwrap();
        away.set_card(card);
        let plan = AgentWorld::plan().interfaces(&[interface]).doors(&["open"]);
        let world = plan.more("[network]\nallow_private = [\"127.0.0.0/8\"]").start_with(away).await;
        asked(&world, interface, "upstream_unreachable", "away").await;
        world.finish().await;
    }
}

#[tokio::test]
async fn an_agent_that_is_slow_is_given_up_in_time() {
    let world = AgentWorld::plan().doors(&["open"]).each("timeout = \"200ms\"").start().await;
    world.agent.always("*", Answer::http(Reply::never()));
    asked(&world, V1_RPC, "upstream_timeout", "slow").await;
    world.agent.behave();
    let task = payload::task(Dialect::V1, "t", "c", "completed");
    world.agent.once("SendMessage", Answer::task(task).after(Duration::from_millis(20)));
    let told = world.gateway.ask("open", V1_RPC, Message::new("m").send()).send().await;
    assert_eq!(told.said().state(), "completed");
    world.finish().await;
}

#[tokio::test]
async fn our_credential_refused_within_an_answer_is_not_the_callers_either() {
    let error = |code: i64, reason: &str| {
        json!({ "jsonrpc": "2.0", "id": "$id", "error": { "code": code, "message": "who are you", "data": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "a2a-protocol.org",
        }] } })
    };
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    for reason in ["UNAUTHENTICATED", "FORBIDDEN", "PERMISSION_DENIED"] {
        world.agent.behave();
        let reply = Reply::raw("application/json", error(-32000, reason).to_string());
        world.agent.always("SendMessage", Answer::http(reply));
        for face in V1_FACES {
            let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
            let failure = told.failure();
            assert!(!matches!(failure.status, 401 | 403), "{reason} {face:?}: {failure:?}");
            assert!(
                face.0 != Binding::Grpc || !matches!(failure.code, 7 | 16),
                "{reason} {face:?}: {failure:?}"
            );
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_stream_where_none_was_asked_for_and_none_where_one_was() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    let events = [payload::task_event(Dialect::V1, payload::task(Dialect::V1, "t", "c", "completed"))];
    world.agent.always("SendMessage", Answer::stream(Stream::of(events)));
    world
        .agent
        .always("SendStreamingMessage", Answer::task(payload::task(Dialect::V1, "t2", "c2", "completed")));
    for face in V1_FACES {
        for what in [Message::new("m").send(), Message::new("m").stream()] {
            let told = world.gateway.ask("open", face, what).send().await;
            assert_agents_fault(&told, "upstream_invalid", &format!("{face:?}"));
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_stream_that_is_none_is_the_agents_fault() {
    for (case, bytes) in [
        ("no JSON", "data: {\n\n"),
        ("no answer", "data: {\"jsonrpc\":\"2.0\",\"id\":1}\n\n"),
        ("no event", "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}\n\n"),
        ("nothing", ": comment\n\n"),
    ] {
        let world = AgentWorld::plan().doors(&["open"]).start().await;
        world.agent.always("SendStreamingMessage", Answer::stream(Stream::of([]).then_bytes(bytes)));
        for face in FACES {
            let told = world.gateway.ask("open", face, Message::new("m").stream()).open().await.rest().await;
            assert_eq!(told.len(), 1, "{case} {face:?}: {told:?}");
            let failed = told[0].clone().unwrap_err();
            assert_eq!(failed.metadata["reason"], "upstream_invalid", "{case} {face:?}: {failed:?}");
        }
        world.finish().await;
    }
}

/// An agent that compresses although nobody asked for it cannot be examined.
#[tokio::test]
async fn what_cannot_be_examined_does_not_pass() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    let reply =
        Reply::raw("application/json", &b"\x1f\x8b\x08\0\0\0\0\0"[..]).header("Content-Encoding", "gzip");
    world.agent.always("SendMessage", Answer::http(reply));
    let told = world.gateway.ask("open", V1_RPC, Message::new("m").send()).send().await;
    assert_agents_fault(&told, "upstream_invalid", "compressed");
    world.finish().await;
}

#[tokio::test]
async fn errors_of_one_agent_are_nobody_elses() {
    let other = ScriptedAgent::start().await.unwrap();
    let more = format!(
        "[[agent]]\nname = \"other\"\ncard = \"{}\"\naccess = \"open\"\n\
         credential = {{ kind = \"header\", name = \"x-api-key\", value = {{ env = \"CREDENTIAL\" }} }}",
        other.card_url()
    );
    let world = AgentWorld::plan().doors(&["open"]).more(&more).start().await;
    world.agent.always("*", Answer::http(Reply::close()));
    let told = world.gateway.ask("open", V1_RPC, Message::new("m").send()).send().await;
    assert_agents_fault(&told, "upstream_broken", "closed");
    let told = world.gateway.ask("other", V1_REST, Message::new("m").send()).send().await;
    assert_eq!(told.said().state(), "completed");
    world.finish().await;
}

/// Results that 0.3 writes otherwise are no answers of 1.0, and the other way round.
#[tokio::test]
async fn a_result_of_the_other_version_is_none() {
    for (interface, wrong) in [(V1_RPC, Dialect::V03Rpc), (V03_RPC, Dialect::V1)] {
        let world = AgentWorld::plan().interfaces(&[interface]).doors(&["open"]).start().await;
        let result: Value = match wrong {
            Dialect::V03Rpc => payload::task(wrong, "t", "c", "completed"),
            _ => json!({ "task": payload::task(wrong, "t", "c", "completed") }),
        };
        world.agent.always("SendMessage", script::result(interface, "SendMessage", &result));
        let told = world.gateway.ask("open", interface, Message::new("m").send()).send().await;
        assert_agents_fault(&told, "upstream_invalid", &format!("{interface:?}"));
        world.finish().await;
    }
}
