//! JSON-RPC batches, which revision 2025-03-26 has and no other: each message is judged and answered as if it were
//! alone, and one that is refused refuses all.

use std::time::Duration;

use doorward_testkit::recorder::{Fate, Recorded, Reply};
use serde_json::{Value, json};

use super::{FEW, asked};
use crate::harness::{Answer, Call, Gateway, LEGACY, MODERN, World, meta};

const OLD: &str = "2025-03-26";

#[expect(clippy::needless_pass_by_value, reason = "tests write the parameters in place")]
fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn call(id: impl Into<Value>, name: &str) -> Value {
    request(id, "tools/call", json!({ "name": name, "arguments": {} }))
}

fn note(method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": {} })
}

/// A session that agreed on a revision.
async fn session_of(gateway: &Gateway, server: &str, version: &str) -> String {
    let client = json!({ "name": "test", "version": "1" });
    let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
    let answer = gateway.legacy(server, None, "initialize", &params).send().await;
    answer.header("mcp-session-id").unwrap().to_owned()
}

fn batch<'g>(gateway: &'g Gateway, server: &str, session: &str, messages: &[Value]) -> Call<'g> {
    gateway.post(server, json!(messages).to_string()).header("Mcp-Session-Id", session)
}

/// The answers of a batch by their ids.
fn by_id(answers: &[Value]) -> Vec<(Value, Value)> {
    let mut answers: Vec<_> =
        answers.iter().map(|answer| (answer["id"].clone(), answer["result"].clone())).collect();
    answers.sort_by_key(|(id, _)| id.to_string());
    answers
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: i64, index: usize) -> String {
    assert_eq!((answer.status, answer.error_code()), (status, code), "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["id"], &body["error"]["data"]["index"]), (&Value::Null, &json!(index)), "{body}");
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_message_goes_upstream_alone_and_the_answers_come_back_together() {
    let world = World::start().await;
    let session = session_of(&world.gateway, "open", OLD).await;
    world.recorder.once("tools/list", Reply::result(json!({ "tools": [] })).after(Duration::from_millis(50)));
    let messages = [
        request("first", "tools/list", json!({})),
        call(1, "echo"),
        note("notifications/initialized"),
        call("1", "add"),
        request(2, "ping", json!({})),
    ];
    let answer = batch(&world.gateway, "open", &session, &messages).send().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let answers = answer.json();
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!("first"), json!(1), json!("1"), json!(2)], "in the order of the requests");
    assert!(answers.as_array().unwrap().iter().all(|answer| answer["result"].is_object()), "{answers}");

    let seen = world.recorder.requests();
    assert!(seen.iter().all(|request| request.json().is_object()), "no batch reaches the upstream");
    assert_eq!(asked(&world.recorder)[1], "notifications/initialized", "what wants no answer goes first");
    assert_eq!(seen.len(), 6);
    let record = world.gateway.last_record().await;
    assert_eq!((&record["decision"], &record["reason"]), (&json!("allowed"), &json!("ok")));
    let wanted = json!([
        { "method": "tools/list", "reason": "ok" },
        { "method": "tools/call", "capability": "echo", "reason": "ok" },
        { "method": "notifications/initialized", "reason": "ok" },
        { "method": "tools/call", "capability": "add", "reason": "ok" },
        { "method": "ping", "reason": "ok" },
    ]);
    assert_eq!((&record["batch"], &record["upstream"]), (&wanted, &json!("notes")));
    assert_eq!(record.get("method"), None);
    world.finish().await;
}

#[tokio::test]
async fn notifications_and_responses_are_heard_in_their_order() {
    let world = World::start().await;
    let session = session_of(&world.gateway, "open", OLD).await;
    let messages = [note("notifications/initialized"), note("notifications/roots/list_changed")];
    let answer = batch(&world.gateway, "open", &session, &messages).send().await;
    assert_eq!((answer.status, answer.text().as_str()), (202, ""));
    assert_eq!(
        asked(&world.recorder)[1..],
        ["notifications/initialized", "notifications/roots/list_changed"]
    );
    let responses = ["a", "b"].map(|id| json!({ "jsonrpc": "2.0", "id": id, "result": { "roots": [] } }));
    assert_eq!(batch(&world.gateway, "open", &session, &responses).send().await.status, 202);
    let seen: Vec<_> = world.recorder.requests()[3..].iter().map(Recorded::json).collect();
    assert_eq!(seen, responses, "as they were sent");
    world.finish().await;
}

#[tokio::test]
async fn one_stream_makes_the_answer_a_stream() {
    let world = World::start().await;
    let session = session_of(&world.gateway, "open", OLD).await;
    let asks = json!({ "jsonrpc": "2.0", "id": "of the server", "method": "roots/list" });
    let result = json!({ "jsonrpc": "2.0", "id": "$id", "result": { "content": ["slow"] } });
    let stream = format!("id: 7\ndata: {asks}\n\nid: 8\ndata:\n\nid: 9\nretry: 5\ndata: {result}\n\n");
    world.recorder.once("tools/call", Reply::event_bytes(stream));
    let messages = [request(1, "tools/list", json!({})), call(2, "echo"), request(3, "ping", json!({}))];
    let answer = batch(&world.gateway, "open", &session, &messages).send().await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let (asked, answers): (Vec<_>, Vec<_>) =
        answer.events().into_iter().partition(|message| message.get("method").is_some());
    assert_eq!(asked, [asks], "requests of the server pass");
    let answers = by_id(&answers);
    assert_eq!(answers.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), [json!(1), json!(2), json!(3)]);
    assert_eq!(answers[1].1, json!({ "content": ["slow"] }));
    assert!(!answer.text().contains("id: ") && !answer.text().contains("retry"), "{}", answer.text());
    let record = world.gateway.last_record().await;
    assert_eq!((&record["streamed"], &record["aborted"]), (&json!(true), &json!(false)));
    assert_eq!(record["batch"].as_array().unwrap().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_of_a_batch_that_breaks_ends_in_an_error_although_it_had_event_ids() {
    let world = World::start().await;
    let session = session_of(&world.gateway, "open", OLD).await;
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": {} });
    world.recorder.once("tools/call", Reply::event_bytes(format!("id: 1\ndata: {progress}\n\n")));
    let answer = batch(&world.gateway, "open", &session, &[call(1, "echo"), request(2, "ping", json!({}))])
        .send()
        .await;
    let broken = answer.events().into_iter().find(|message| message["id"] == 1).unwrap();
    assert_eq!(broken["error"]["data"]["reason"], "upstream_broken");
    let record = world.gateway.last_record().await;
    assert_eq!((&record["reason"], &record["fault"]), (&json!("upstream_broken"), &json!("upstream")));
    let reasons = [&record["batch"][0]["reason"], &record["batch"][1]["reason"]];
    assert_eq!(reasons, ["upstream_broken", "ok"]);
    world.finish().await;
}

#[tokio::test]
async fn what_an_upstream_sends_together_is_examined_one_by_one() {
    let world = World::with(FEW).await;
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "data": 1 } });
    let tools = json!([{ "name": "echo" }, { "name": "add" }]);
    let answer = json!({ "jsonrpc": "2.0", "id": "$id", "result": { "tools": tools } });
    let reply = Reply::event_bytes(format!("id: 4\ndata: {}\n\n", json!([note, answer])));
    world.recorder.always("tools/list", reply);
    for (version, passes) in [(OLD, true), (LEGACY, false)] {
        let session = session_of(&world.gateway, "few", version).await;
        let list = world.gateway.post("few", request(1, "tools/list", json!({})).to_string());
        let heard = list.header("Mcp-Session-Id", &session).send().await.events();
        let wanted = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [{ "name": "echo" }] } });
        if passes {
            assert_eq!(heard, [note.clone(), wanted]);
        } else {
            assert_eq!(heard[0]["error"]["data"]["reason"], "upstream_invalid");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn one_hidden_thing_refuses_all_and_nothing_goes_upstream() {
    let world = World::with(FEW).await;
    let session = session_of(&world.gateway, "few", OLD).await;
    let uri = "note:///secret";
    for (hidden, code) in [
        (call(2, "add"), -32601),
        (call(2, "no-such-tool"), -32601),
        (request(2, "resources/read", json!({ "uri": uri })), -32002),
        (request(2, "prompts/get", json!({ "name": "other" })), -32601),
        (request(2, "no/such/method", json!({})), -32601),
        (note("notifications/unknown"), -32601),
        (request(2, "tools/list", json!({ "cursor": "made up" })), -32602),
        (request(2, "tools/call", json!({ "name": 7 })), -32602),
    ] {
        let messages = [call(1, "echo"), hidden.clone(), note("notifications/initialized")];
        let answer = batch(&world.gateway, "few", &session, &messages).send().await;
        let message = refused(&answer, 400, code, 1);
        assert!(message.starts_with("message 2 of 3 in the batch: "), "{message}");
        let record = world.gateway.last_record().await;
        assert_eq!((&record["decision"], &record["status"]), (&json!("refused"), &json!(400)), "{hidden}");
        assert_eq!(record["batch"][1]["reason"], record["reason"], "{record}");
        assert_eq!(record["batch"].as_array().unwrap().len(), 2, "the third was not looked at");
    }
    assert_eq!(asked(&world.recorder), ["initialize"]);
    // Hidden and non-existent are the same here too.
    let mut told = Vec::new();
    for name in ["add", "never-was"] {
        told.push(batch(&world.gateway, "few", &session, &[call(1, name)]).send().await.observable());
    }
    assert_eq!(told[0], told[1]);
    world.finish().await;
}

#[tokio::test]
async fn the_answers_are_filtered_and_sealed_as_if_alone() {
    let world = World::with(FEW).await;
    let session = session_of(&world.gateway, "few", OLD).await;
    let page = json!({ "tools": [{ "name": "echo" }, { "name": "add" }], "nextCursor": "upstreams-own" });
    world.recorder.once("tools/list", Reply::result(page.clone()));
    world.recorder.once("tools/list", Reply::result_after([], page));
    let list = |id| request(id, "tools/list", json!({}));
    let answer = batch(&world.gateway, "few", &session, &[list(1), list(2)]).send().await;
    assert_eq!(answer.events().len(), 2);
    for message in answer.events() {
        assert_eq!(message["result"]["tools"], json!([{ "name": "echo" }]));
        assert_ne!(message["result"]["nextCursor"], "upstreams-own");
    }
    assert_eq!(world.gateway.last_record().await["filtered"], 2);
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_batch_says_what_is_wrong_with_it() {
    let world = World::with("[limits]\nbatch = 3").await;
    let session = session_of(&world.gateway, "open", OLD).await;
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    let modern = request(1, "tools/list", json!({ "_meta": meta() }));
    for (messages, index) in [
        (vec![note("x"), json!(7)], 1),
        (vec![json!([call(1, "echo")])], 0),
        (vec![request(0, "initialize", json!({ "protocolVersion": OLD }))], 0),
        (vec![call(1, "echo"), call(1, "add")], 1),
        (vec![modern], 0),
    ] {
        let answer = batch(&world.gateway, "open", &session, &messages).send().await;
        refused(&answer, 400, -32600, index);
    }
    for (messages, reason) in [
        (vec![], "not_json_rpc"),
        (vec![response, call(1, "echo")], "not_json_rpc"),
        (vec![note("x"), note("x"), note("x"), note("x")], "batch_too_long"),
    ] {
        let answer = batch(&world.gateway, "open", &session, &messages).send().await;
        assert_eq!((answer.status, answer.error_code()), (400, -32600), "{}", answer.text());
        assert_eq!(world.gateway.last_record().await["reason"], reason);
    }
    let three = batch(&world.gateway, "open", &session, &[call(1, "echo"), call(2, "echo"), call(3, "echo")]);
    assert_eq!(three.send().await.json().as_array().unwrap().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn only_2025_03_26_has_batches() {
    let world = World::start().await;
    let old = session_of(&world.gateway, "open", OLD).await;
    let new = session_of(&world.gateway, "open", LEGACY).await;
    world.recorder.once(
        "initialize",
        Reply::result(json!({ "protocolVersion": LEGACY })).header("mcp-session-id", "recorder-1"),
    );
    let refused_old = session_of(&world.gateway, "open", OLD).await;
    let streamed = json!({ "protocolVersion": OLD });
    world
        .recorder
        .once("initialize", Reply::result_after([], streamed).header("mcp-session-id", "recorder-1"));
    let streamed = session_of(&world.gateway, "open", OLD).await;
    let one = [request(1, "ping", json!({}))];
    for (case, session, version, status) in [
        ("the session has them", &old, None, 200),
        ("the header says so too", &old, Some(OLD), 200),
        ("the answer to initialize was a stream", &streamed, None, 200),
        ("the header says otherwise", &old, Some("2025-06-18"), 400),
        ("the session agreed on another", &new, None, 400),
        ("the upstream did not agree", &refused_old, None, 400),
        ("the header says 2025-11-25", &new, Some(LEGACY), 400),
        ("the header says 2026-07-28", &new, Some(MODERN), 400),
        ("the header says nothing known", &new, Some("2031-01-01"), 400),
        ("the header is malformed", &old, Some("\u{e9}"), 400),
    ] {
        let call = batch(&world.gateway, "open", session, &one);
        let call = match version {
            Some(version) => call.header("MCP-Protocol-Version", version),
            None => call,
        };
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{case}: {}", answer.text());
        if status == 400 {
            assert_eq!((answer.error_code(), &answer.json()["id"]), (-32600, &Value::Null), "{case}");
            assert_eq!(world.gateway.last_record().await["reason"], "not_json_rpc", "{case}");
        }
    }
    let unknown = batch(&world.gateway, "open", "garbage", &one).send().await;
    assert_eq!((unknown.status, unknown.error_code()), (404, -32001));
    // Where an upstream has no sessions, only the header can say it.
    world.recorder.set_sessions(false);
    let alone = || world.gateway.post("open", json!(one).to_string());
    assert_eq!((alone().send().await.status, alone().send().await.error_code()), (400, -32600));
    let answer = alone().header("MCP-Protocol-Version", OLD).send().await;
    assert_eq!((answer.status, &answer.json()[0]["id"]), (200, &json!(1)));
    world.finish().await;
}

#[tokio::test]
async fn credentials_and_sessions_count_for_batches_as_for_all() {
    let world = World::start().await;
    let [alice, bob] = ["alice", "bob"].map(|subject| world.token(subject, "jwt"));
    let session = world.gateway.session("jwt", Some(&alice)).await;
    let send = |token: Option<&str>| {
        let call =
            batch(&world.gateway, "jwt", &session, &[call(1, "echo")]).header("MCP-Protocol-Version", OLD);
        call.maybe_bearer(token)
    };
    assert_eq!(send(None).send().await.status, 401);
    let foreign = send(Some(&bob)).send().await;
    assert_eq!(
        (foreign.status, refused(&foreign, 404, -32001, 0).contains("Session not found")),
        (404, true)
    );
    assert_eq!(send(Some(&alice)).send().await.status, 200);
    // The end of a session shows in the status, so that the client begins again.
    world.recorder.forget_sessions();
    let gone = send(Some(&alice)).send().await;
    assert_eq!((gone.status, &gone.json()[0]["error"]["code"]), (404, &json!(-32001)));
    world.finish().await;
}

#[tokio::test]
async fn one_failing_answer_is_the_error_of_its_request_only() {
    let world = World::with("[limits]\nresponse_body = \"2KiB\"").await;
    let session = session_of(&world.gateway, "open", OLD).await;
    world.recorder.once("tools/call", Reply::raw("text/html", "<h1>Welcome</h1>"));
    let answer = batch(&world.gateway, "open", &session, &[call(1, "echo"), request(2, "ping", json!({}))])
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()[0]["error"]["data"]["reason"], "upstream_invalid");
    assert_eq!(answer.json()[1], json!({ "jsonrpc": "2.0", "id": 2, "result": {} }));
    // What is collected together is bounded like one answer.
    world.recorder.always("tools/call", Reply::result(json!({ "content": ["x".repeat(900)] })));
    let calls = [call(1, "echo"), call(2, "echo"), call(3, "echo")];
    let answer = batch(&world.gateway, "open", &session, &calls).send().await;
    let answers = answer.json();
    let failed: Vec<_> =
        answers.as_array().unwrap().iter().filter(|answer| answer.get("error").is_some()).collect();
    assert_eq!(failed.len(), 1, "{answers}");
    assert_eq!(failed[0]["error"]["data"]["reason"], "upstream_too_large");
    world.finish().await;
}

#[tokio::test]
async fn a_caller_that_leaves_a_batch_leaves_nothing_open_but_a_record() {
    let world = World::start().await;
    let session = session_of(&world.gateway, "open", OLD).await;
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": {} });
    world.recorder.always("tools/call", Reply::events([progress]).hang_after(999));
    let messages: Vec<Value> = (1..=12).map(|id| call(id, "echo")).collect();
    let mut stream = batch(&world.gateway, "open", &session, &messages).stream().await;
    assert!(stream.next_json().await.is_some());
    world.recorder.wait_for("tools/call", 12).await.unwrap();
    drop(stream);
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    let record = world.gateway.last_record().await;
    assert_eq!((&record["aborted"], record["batch"].as_array().unwrap().len()), (&json!(true), 12));
    world.finish().await;
}

#[tokio::test]
async fn arguments_and_results_of_each_message_are_kept_where_they_are_asked_for() {
    let recording = r#"
        [[server]]
        name = "kept"
        upstreams = ["notes"]
        access = "open"
        record = ["arguments", "results"]
    "#;
    let world = World::with(recording).await;
    let session = session_of(&world.gateway, "kept", OLD).await;
    let messages = [call(1, "echo"), request(2, "ping", json!({}))];
    assert_eq!(batch(&world.gateway, "kept", &session, &messages).send().await.status, 200);
    let record = world.gateway.last_record().await;
    assert!(record["batch"][0]["arguments"].as_str().unwrap().contains("echo"), "{record}");
    assert!(record["batch"][0]["result"].as_str().unwrap().contains("content"), "{record}");
    assert!(record["batch"][1]["result"].is_string(), "{record}");
    world.finish().await;
}
