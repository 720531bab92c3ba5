//! Which version is meant (A2A 1.0 section 3.6): what the caller says, and what the agent is told.

use doorward_testkit::agent::{Binding, Version};

use crate::harness::{
    AgentWorld, FACES, Failed, Message, V1_GRPC, V1_REST, V1_RPC, V03_GRPC, V03_REST, V03_RPC, What,
};

fn assert_not_supported(failure: &Failed, binding: Binding, case: &str) {
    let expected = match binding {
        Binding::JsonRpc => (200, -32009),
        Binding::HttpJson => (400, 400),
        Binding::Grpc => (200, 9),
    };
    assert_eq!((failure.status, failure.code), expected, "{case}: {failure:?}");
    assert_eq!(failure.reason, "VERSION_NOT_SUPPORTED", "{case}");
    assert!(failure.message.contains("A2A-Version"), "{case}: {}", failure.message);
    assert_eq!(failure.metadata["supportedVersions"], "1.0, 0.3", "{case}");
}

#[tokio::test]
async fn without_a_version_it_is_0_3() {
    let world = AgentWorld::start().await;
    for face in [V03_RPC, V03_REST] {
        for version in [None, Some(""), Some("  ")] {
            let call = world.gateway.ask("open", face, Message::new("m").send()).without("A2A-Version");
            let call = if let Some(version) = version { call.header("A2A-Version", version) } else { call };
            assert_eq!(call.send().await.said().state(), "completed", "{face:?} {version:?}");
        }
    }
    for face in [V1_RPC, V1_REST] {
        for version in [None, Some(""), Some("0.3"), Some("0.3.0")] {
            let before = world.asked().len();
            let call = world.gateway.ask("open", face, Message::new("m").send()).without("A2A-Version");
            let call = if let Some(version) = version { call.header("A2A-Version", version) } else { call };
            assert_not_supported(&call.send().await.failure(), face.0, &format!("{face:?} {version:?}"));
            assert_eq!(world.asked().len(), before, "the agent is not asked");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn over_grpc_the_service_says_the_version() {
    for face in [V1_GRPC, V03_GRPC] {
        let world = AgentWorld::plan().doors(&["open"]).start().await;
        let call = world.gateway.ask("open", face, Message::new("m").send());
        assert_eq!(call.without("A2A-Version").send().await.said().state(), "completed");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_version_that_nobody_speaks_is_refused_on_every_binding() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    for face in FACES {
        for version in ["2.0", "0.2", "1.1", "1", "one", "1.0, 0.3", "1.0.x", "-1.0"] {
            let call = world.gateway.ask("open", face, Message::new("m").send()).set("A2A-Version", version);
            assert_not_supported(&call.send().await.failure(), face.0, &format!("{face:?} {version}"));
        }
        let version = if face.1 == Version::V1_0 { "1.0" } else { "0.3" };
        let twice = world.gateway.ask("open", face, Message::new("m").send()).header("A2A-Version", version);
        assert_not_supported(&twice.send().await.failure(), face.0, &format!("{face:?} twice"));
    }
    assert!(world.asked().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn patch_versions_do_not_matter() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    for face in FACES {
        let version = if face.1 == Version::V1_0 { "1.0.1" } else { "0.3.26" };
        let call = world.gateway.ask("open", face, Message::new("m").send()).set("A2A-Version", version);
        assert_eq!(call.send().await.said().state(), "completed", "{face:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_method_of_0_3_is_none_of_1_0() {
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    for face in [V03_RPC, V03_REST, V03_GRPC] {
        let call = world.gateway.ask("open", face, Message::new("m").send()).set("A2A-Version", "1.0");
        let failure = call.send().await.failure();
        assert_eq!(failure.reason, "METHOD_NOT_FOUND", "{face:?}: {failure:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_version_may_stand_in_the_address() {
    let world = AgentWorld::start().await;
    let what = Message::new("m").send();
    for (face, version) in [(V1_REST, "1.0"), (V03_REST, "0.3")] {
        let (_, path, body) = what.http_json(face.1);
        let call = world.gateway.call("POST", &format!("/a2a/open{path}?A2A-Version={version}"));
        let call = call.header("Content-Type", "application/json").body(body.unwrap().to_string());
        let answer = call.clone().send().await;
        assert_eq!(answer.json()["task"]["status"]["state"], "TASK_STATE_COMPLETED", "{}", answer.text());
        let headers = world.asked().pop().unwrap();
        assert_eq!(headers.header("a2a-version"), Some("1.0"), "lifted to the header");
        assert!(!headers.request.target.contains("A2A-Version"), "{}", headers.request.target);
    }
    world.finish().await;
}

/// The caller's version never travels (api7/aisix issue 911 is the other way round).
#[tokio::test]
async fn the_agent_is_always_told_the_version_of_its_interface() {
    for interface in FACES {
        let world = AgentWorld::plan().interfaces(&[interface]).doors(&["open"]).start().await;
        for face in FACES {
            world.gateway.ask("open", face, Message::new("m").send()).send().await;
            let asked = world.asked().pop().unwrap();
            let version = if interface.1 == Version::V1_0 { "1.0" } else { "0.3" };
            assert_eq!(asked.header("a2a-version"), Some(version), "{face:?} to {interface:?}");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn what_nobody_knows_is_no_method() {
    let world = AgentWorld::start().await;
    for (method, version) in
        [("Nonsense", "1.0"), ("tasks/nonsense", "0.3"), ("sendmessage", "1.0"), ("tools/call", "1.0")]
    {
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{}}}}"#);
        let answer = world.gateway.post_agent("open", body).set("A2A-Version", version).send().await;
        assert_eq!((answer.status, answer.error_code()), (200, -32601), "{method}");
        assert_eq!(answer.json()["id"], 7);
    }
    for (method, path, status) in [
        ("GET", "/nonsense", 404),
        ("POST", "/tasks", 405),
        ("GET", "/message:send", 405),
        ("DELETE", "/tasks/1", 405),
        ("POST", "/message:sendx", 404),
    ] {
        let call = world.gateway.call(method, &format!("/a2a/open{path}")).header("A2A-Version", "1.0");
        assert_eq!(call.send().await.status, status, "{method} {path}");
    }
    world.finish().await;
    // No message of a method that nobody knows names an agent.
    let world = AgentWorld::plan().doors(&["open"]).start().await;
    for (face, service) in [(V1_GRPC, "lf.a2a.v1"), (V03_GRPC, "a2a.v1")] {
        let call = world.gateway.ask("open", face, Message::new("m").send()).grpc();
        let answer = call.path(&format!("/{service}.A2AService/Nonsense")).send().await;
        assert_eq!(answer.header("grpc-status"), Some("12"), "UNIMPLEMENTED");
    }
    world.finish().await;
}

#[tokio::test]
async fn ids_of_json_rpc_come_back_as_they_were_and_nothing_else_is_an_id() {
    let world = AgentWorld::start().await;
    let body = |id: &str| {
        let params = What::get("none").json_rpc(Version::V1_0)["params"].to_string();
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"GetTask","params":{params}}}"#)
    };
    for id in ["1", "\"x\"", "\"\\u00e9\"", "-7"] {
        let answer = world.gateway.post_agent("open", body(id)).send().await;
        assert!(answer.text().contains(&format!("\"id\":{id}")), "{id}: {}", answer.text());
    }
    for id in ["true", "{}", "[1]"] {
        let answer = world.gateway.post_agent("open", body(id)).send().await;
        assert_eq!((answer.status, answer.error_code()), (200, -32600), "{id}: {}", answer.text());
    }
    let batch = format!("[{},{}]", body("1"), body("2"));
    let answer = world.gateway.post_agent("open", batch).send().await;
    assert_eq!((answer.status, answer.error_code()), (200, -32600), "{}", answer.text());
    world.finish().await;
}

#[tokio::test]
async fn every_interface_is_used_by_those_who_speak_it() {
    let world = AgentWorld::plan().interfaces(&[V03_RPC, V1_REST, V1_RPC, V03_REST]).start().await;
    for face in [V1_RPC, V1_REST, V03_RPC, V03_REST] {
        world.gateway.ask("open", face, Message::new("m").send()).send().await.said();
        let asked = world.asked().pop().unwrap();
        // A card of 1.0 names both versions; nothing has to be translated.
        assert_eq!((asked.binding, asked.version), face);
    }
    world.finish().await;
}
