//! Sessions at work: ids, cancellations, requests of the server, the stream of a session.

use doorward_testkit::recorder::{Fate, Reply};
use serde_json::{Value, json};

use super::{asked, refusal};
use crate::harness::{LEGACY, World};

#[tokio::test]
async fn two_clients_with_the_same_id_at_once_are_told_apart() {
    let world = World::start().await;
    let sessions = [world.gateway.session("open", None).await, world.gateway.session("open", None).await];
    let call = |session: Option<&str>, text: &str| {
        let params = json!({ "name": "echo", "arguments": { "text": text } });
        world.gateway.legacy("open", session, "tools/call", &params)
    };
    let (first, second) =
        tokio::join!(call(Some(&sessions[0]), "one").send(), call(Some(&sessions[1]), "two").send());
    for (answer, text) in [(first, "one"), (second, "two")] {
        assert_eq!(answer.json()["id"], 1);
        let echoed = answer.result()["content"][0]["text"].as_str().unwrap().to_owned();
        assert_eq!(echoed, json!({ "text": text }).to_string());
    }
    world.recorder.set_sessions(false);
    let (first, second) = tokio::join!(call(None, "three").send(), call(None, "four").send());
    assert_eq!((first.json()["id"].clone(), second.json()["id"].clone()), (json!(1), json!(1)));
    let mut ids: Vec<Value> =
        world.recorder.requests_of("tools/call").iter().map(|request| request.json()["id"].clone()).collect();
    assert!(ids.iter().all(|id| id.as_str().is_some_and(|id| id.starts_with("dw."))), "{ids:?}");
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_cancellation_names_the_request_as_the_upstream_knows_it() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let other = world.gateway.session("open", None).await;
    world
        .recorder
        .always("tools/call", Reply::events([json!({ "jsonrpc": "2.0", "method": "x" })]).hang_after(999));
    for id in [json!(5), json!("5"), json!(0), json!("")] {
        let params = json!({ "name": "echo", "arguments": {} });
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let call = world.gateway.post("open", body.to_string()).header("Mcp-Session-Id", &session);
        let running = call.header("MCP-Protocol-Version", LEGACY).stream().await;
        let seen = world.recorder.requests_of("tools/call").pop().unwrap().json()["id"].clone();

        let params = json!({ "reason": "tired", "requestId": id, "x-unknown": [1] });
        let cancel =
            |session| world.gateway.notify("open", Some(session), "notifications/cancelled", &params);
        assert_eq!(cancel(&session).send().await.status, 202);
        let cancelled = world.recorder.requests_of("notifications/cancelled").pop().unwrap().json();
        assert_eq!(cancelled["params"], json!({ "reason": "tired", "requestId": seen, "x-unknown": [1] }));
        // The same id in another session is another request.
        assert_eq!(cancel(&other).send().await.status, 202);
        let foreign = world.recorder.requests_of("notifications/cancelled").pop().unwrap().json();
        assert_ne!(foreign["params"]["requestId"], seen);
        drop(running);
    }
    world.finish().await;
}

#[tokio::test]
async fn requests_of_the_server_and_their_answers_pass_untouched() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    for request in [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": { "messages": [], "maxTokens": 1.50 } }),
        json!({ "jsonrpc": "2.0", "id": "e-1", "method": "elicitation/create", "params": { "message": "Who?", "x": null } }),
        json!({ "jsonrpc": "2.0", "id": 0, "method": "roots/list" }),
        json!({ "jsonrpc": "2.0", "id": "", "method": "ping" }),
    ] {
        let reply = Reply::result_after([request.clone()], json!({ "content": [] }));
        world.recorder.once("tools/call", reply);
        let params = json!({ "name": "echo", "arguments": {} });
        let mut stream = world.gateway.legacy("open", Some(&session), "tools/call", &params).stream().await;
        let event = stream.next().await.unwrap();
        assert_eq!(event, format!("event: message\ndata: {request}\n\n"));

        for answer in [
            format!(r#" {{"id":{}, "result":{{"a":1.0,"id":9}},"jsonrpc":"2.0"}}"#, request["id"]),
            format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"rejected"}}}}"#,
                request["id"]
            ),
        ] {
            let call = world.gateway.post("open", answer.clone()).header("MCP-Protocol-Version", LEGACY);
            let heard = call.header("Mcp-Session-Id", &session).send().await;
            assert_eq!((heard.status, heard.body.len()), (202, 0));
            let seen = world.recorder.requests().pop().unwrap();
            assert_eq!(seen.body, answer.as_bytes());
            assert_eq!(seen.header("mcp-session-id"), Some("recorder-1"));
        }
        assert_eq!(stream.next_json().await.unwrap()["id"], 1);
        assert!(stream.next().await.is_none());
    }
    world.finish().await;
}

#[tokio::test]
async fn the_stream_of_a_session_passes_event_by_event() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let events = concat!(
        "id: 1\nretry: 500\ndata:\n\n",
        ": a comment\n\n",
        "event: message\nid: a/2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\ndata: \"params\":{ \"x\":1.0 }}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}\r\n\r\n",
    );
    world.recorder.once("GET", Reply::event_bytes(events).split(7));
    let get = || {
        let call = world.gateway.call("GET", "/mcp/open").header("Accept", "text/event-stream");
        call.header("Mcp-Session-Id", &session).header("MCP-Protocol-Version", LEGACY)
    };
    let answer = get().header("Last-Event-ID", "b/17 x").send().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, events));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    let seen = world.recorder.requests_of("GET").pop().unwrap();
    assert_eq!(seen.header("last-event-id"), Some("b/17 x"));
    assert_eq!(seen.header("mcp-session-id"), Some("recorder-1"));
    assert_eq!(seen.header("mcp-protocol-version"), Some(LEGACY));
    // An upstream without such a stream says so.
    let none = get().send().await;
    assert_eq!(none.status, 405);
    world.finish().await;
}

#[tokio::test]
async fn answers_on_a_resumed_stream_are_translated_and_filtered() {
    let world = World::with(super::FEW).await;
    let session = world.gateway.session("few", None).await;
    let list = world.gateway.legacy("few", Some(&session), "tools/list", &json!({})).send().await;
    assert_eq!(list.result()["tools"].as_array().map(Vec::len), Some(1));
    let own = world.recorder.requests_of("tools/list")[0].json()["id"].clone();
    let tools = json!([{ "name": "delete_everything" }, { "name": "echo" }]);
    let resumed = json!({ "jsonrpc": "2.0", "id": own, "result": { "tools": tools } });
    let foreign = json!({ "jsonrpc": "2.0", "id": "dw.AAAAAAAAAAAA.MQ", "result": {} });
    world.recorder.once("GET", Reply::events([resumed, foreign]));
    let call = world.gateway.call("GET", "/mcp/few").header("Accept", "text/event-stream");
    let answer = call.header("Mcp-Session-Id", &session).header("Last-Event-ID", "1").send().await;
    let wanted = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [{ "name": "echo" }] } });
    assert_eq!(answer.events(), [wanted]);
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_session_stream_cancels_nothing() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let event = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": {} });
    world.recorder.once("GET", Reply::events([event]).hang_after(999));
    let call = world.gateway.call("GET", "/mcp/open").header("Accept", "text/event-stream");
    let mut stream = call.header("Mcp-Session-Id", &session).stream().await;
    assert!(stream.next_json().await.is_some());
    drop(stream);
    world.recorder.wait_for_fate("GET", Fate::ClientGone).await.unwrap();
    assert!(!asked(&world.recorder).contains(&"notifications/cancelled".to_owned()));
    let list = world.gateway.legacy("open", Some(&session), "tools/list", &json!({})).send().await;
    assert_eq!(list.status, 200, "the session goes on");
    world.finish().await;
}

#[tokio::test]
async fn unknown_requests_are_answered_and_unknown_notifications_dropped() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let before = asked(&world.recorder);
    for method in
        ["vendor/x", "server/discover", "subscriptions/listen", "tasks/list", "Ping", "notifications/x"]
    {
        let answer = world.gateway.legacy("open", Some(&session), method, &json!({})).send().await;
        assert_eq!(refusal(&answer), (200, -32601, json!(1)), "{method}");
    }
    for method in ["notifications/vendor", "notifications/tools/list_changed", "tools/call"] {
        let answer = world.gateway.notify("open", Some(&session), method, &json!({})).send().await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{method}");
    }
    assert_eq!(asked(&world.recorder), before);
    for method in ["notifications/progress", "notifications/roots/list_changed"] {
        let answer = world.gateway.notify("open", Some(&session), method, &json!({ "x": 1 })).send().await;
        assert_eq!(answer.status, 202, "{method}");
        let seen = world.recorder.requests().pop().unwrap().json();
        assert_eq!(seen, json!({ "jsonrpc": "2.0", "method": method, "params": { "x": 1 } }));
    }
    world.finish().await;
}

#[tokio::test]
async fn experimental_tasks_are_offered_to_nobody() {
    let world = World::start().await;
    let capabilities = json!({ "tasks": { "list": {} }, "roots": {}, "extensions": { "x/y": {} } });
    world.recorder.once(
        "initialize",
        Reply::result(json!({ "protocolVersion": LEGACY, "capabilities": { "tasks": {}, "tools": {} } })),
    );
    let params = json!({ "protocolVersion": LEGACY, "capabilities": capabilities, "clientInfo": {} });
    let answer = world.gateway.legacy("open", None, "initialize", &params).send().await;
    assert_eq!(answer.result()["capabilities"], json!({ "tools": {} }));
    let seen = world.recorder.requests().pop().unwrap().json();
    assert_eq!(seen["params"]["capabilities"], json!({ "roots": {}, "extensions": { "x/y": {} } }));
    world.finish().await;
}
