//! Event streams: relayed event by event, kept alive, ended when either side ends, bounded.

use doorward_testkit::recorder::{Fate, Reply};
use serde_json::{Value, json};

use super::FEW;
use crate::harness::{Events, LEGACY, World, meta};

fn note(text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": text } })
}

fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}

async fn call(world: &World) -> Events<'_> {
    let params = json!({ "name": "echo", "arguments": {} });
    world.gateway.modern("open", "tools/call", params).stream().await
}

#[tokio::test]
async fn an_event_arrives_while_the_upstream_has_not_sent_the_next() {
    let world = World::start().await;
    let events = event(&note("one")) + &event(&note("two"));
    // After the second event the upstream says nothing for ever; that both arrive shows that nothing waits for more.
    world.recorder.once("tools/call", Reply::event_bytes(events.clone()).hang_after(events.len()));
    let mut stream = call(&world).await;
    assert_eq!(stream.next().await.unwrap(), event(&note("one")));
    assert_eq!(stream.next().await.unwrap(), event(&note("two")));
    assert_eq!(world.recorder.fates(), [Fate::Open]);
    // When a modern client goes, its request is cancelled.
    drop(stream);
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    let record = world.gateway.last_record().await;
    assert_eq!((&record["aborted"], &record["streamed"]), (&json!(true), &json!(true)));
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_goes_before_the_first_byte_cancels_too() {
    let world = World::start().await;
    world.recorder.once("tools/call", Reply::never());
    let request = world.gateway.modern("open", "tools/call", json!({ "name": "echo", "arguments": {} }));
    let mut connection = world.gateway.connect().await;
    world.gateway.expect_record("POST /mcp/open");
    tokio::io::AsyncWriteExt::write_all(&mut connection, &request.bytes()).await.unwrap();
    world.recorder.wait_for("tools/call", 1).await.unwrap();
    drop(connection);
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    assert_eq!(world.gateway.last_record().await["aborted"], true);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_in_single_bytes_arrives_whole() {
    let world = World::start().await;
    let result = json!({ "content": [], "text": "é\u{1F600}" });
    world.recorder.once("tools/call", Reply::result_after([note("é"), note("two")], result.clone()).split(1));
    let heard = call(&world).await.rest().await;
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": result });
    assert_eq!(heard.events(), [note("é"), note("two"), answer]);
    assert_eq!(heard.header("content-type"), Some("text/event-stream"));
    assert_eq!(heard.header("x-accel-buffering"), Some("no"));
    assert_eq!(heard.header("cache-control"), Some("no-store"));
    world.finish().await;
}

#[tokio::test]
async fn requests_of_the_server_do_not_exist_in_the_modern_era() {
    let world = World::start().await;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {} });
    world.recorder.once("tools/call", Reply::result_after([note("one"), request], json!({})));
    let heard = call(&world).await.rest().await;
    assert_eq!(heard.events(), [note("one"), json!({ "jsonrpc": "2.0", "id": 1, "result": {} })]);
    world.finish().await;
}

#[tokio::test]
async fn silence_is_filled_with_comments_and_ends_in_an_error() {
    let world = World::with("[limits]\nkeep_alive = \"1s\"\nstream_idle = \"2s\"").await;
    let first = event(&note("one"));
    world.recorder.once("tools/call", Reply::event_bytes(first.clone()).hang_after(first.len()));
    let mut stream = call(&world).await;
    assert_eq!(stream.next().await.unwrap(), first);
    let mut comments = 0;
    let error = loop {
        let event = stream.next().await.expect("an error at the end");
        if event != ": keep-alive\n\n" {
            break event;
        }
        comments += 1;
    };
    assert!(comments > 0);
    let error: Value = serde_json::from_str(error.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(error["id"], 1);
    assert_eq!(error["error"]["data"]["reason"], "upstream_timeout");
    assert!(stream.next().await.is_none());
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn a_modern_stream_that_breaks_ends_in_an_error_with_the_callers_id() {
    let world = World::start().await;
    let first = event(&note("one"));
    let half = first.clone() + "data: {\"jsonrpc\"";
    for reply in [
        Reply::event_bytes(half.clone()).cut_after(first.len()),
        Reply::event_bytes(half.clone()).cut_after(half.len()),
        Reply::event_bytes(half.clone()),
        Reply::event_bytes(first.clone()),
    ] {
        world.recorder.once("tools/call", reply);
        let heard = call(&world).await.rest().await;
        assert!(!heard.cut, "the stream itself is whole");
        let events = heard.events();
        assert_eq!(
            (events.len(), &events[0], &events[1]["id"]),
            (2, &note("one"), &json!(1)),
            "{}",
            heard.text()
        );
        assert_eq!(events[1]["error"]["code"], -32603);
        assert_eq!(events[1]["error"]["data"]["upstream"], "notes");
        assert_eq!(events[1]["error"]["data"]["reason"], "upstream_broken");
    }
    for record in world.gateway.records().await {
        assert_eq!(record["reason"], "upstream_broken");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_session_stream_that_can_be_resumed_gets_nothing_added() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let events = format!("id: 7\n{}", event(&note("one")));
    let params = json!({ "name": "echo", "arguments": {} });
    let whole = || Reply::event_bytes(events.clone() + "data: {");
    for reply in [Reply::event_bytes(events.clone()), whole().cut_after(events.len()), whole()] {
        world.recorder.once("tools/call", reply);
        let heard = world.gateway.legacy("open", Some(&session), "tools/call", &params).send().await;
        assert_eq!((heard.text(), heard.cut), (events.clone(), false));
    }
    // Without event ids there is nothing to resume, and the caller is owed an answer.
    world.recorder.once("tools/call", Reply::event_bytes(event(&note("one"))));
    let heard = world.gateway.legacy("open", Some(&session), "tools/call", &params).send().await;
    assert_eq!(heard.events()[1]["error"]["data"]["reason"], "upstream_broken");
    world.finish().await;
}

#[tokio::test]
async fn an_event_without_end_is_cut_off() {
    let world = World::with("[limits]\nresponse_body = \"4KiB\"").await;
    // Data without an end, one line without an end, and a comment without an end.
    for flood in ["data: x\n", "data: xxxxxx", ": xxxxxxx"] {
        let bytes = event(&note("one")) + &flood.repeat(4000);
        let reply = Reply::event_bytes(bytes).split(1000).hang_after(usize::MAX);
        world.recorder.once("tools/call", reply);
        let heard = call(&world).await.rest().await;
        let events = heard.events();
        assert_eq!(events.len(), 2, "{}", heard.text());
        assert_eq!(events[1]["error"]["data"]["reason"], "upstream_too_large");
        assert!(heard.body.len() < 2000);
    }
    world.finish().await;
}

#[tokio::test]
async fn an_endless_stream_passes_for_as_long_as_somebody_listens() {
    let world = World::with("[limits]\nresponse_body = \"4KiB\"").await;
    let events = event(&note("again")).repeat(2000);
    world.recorder.once("tools/call", Reply::event_bytes(events).hang_after(usize::MAX));
    let mut stream = call(&world).await;
    for _ in 0..2000 {
        assert_eq!(stream.next().await.unwrap(), event(&note("again")));
    }
    drop(stream);
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    world.finish().await;
}

fn listen<'w>(world: &'w World, server: &str, id: &Value, filter: &Value) -> crate::harness::Call<'w> {
    let params = json!({ "_meta": meta(), "notifications": filter });
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": params });
    let call = world.gateway.post(server, body.to_string()).header("MCP-Protocol-Version", "2026-07-28");
    call.header("Mcp-Method", "subscriptions/listen")
}

#[tokio::test]
async fn a_listen_stream_is_named_by_the_callers_id_and_ends_with_the_caller() {
    let world = World::start().await;
    for id in [json!(0), json!("0"), json!(""), json!("listen-1")] {
        let filter = json!({ "toolsListChanged": true, "vendor": { "x": 1 } });
        let mut stream = listen(&world, "open", &id, &filter).stream().await;
        let acknowledged = stream.next_json().await.unwrap();
        assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(acknowledged["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], id);
        assert_eq!(acknowledged["params"]["notifications"], filter);
    }
    world.recorder.wait_for_fate("subscriptions/listen", Fate::ClientGone).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn a_listen_stream_that_ends_early_has_no_answer_however_it_ends() {
    let world = World::start().await;
    let first = event(&note("one"));
    for reply in [Reply::event_bytes(first.clone()), Reply::event_bytes(first.clone()).cut_after(first.len())]
    {
        world.recorder.once("subscriptions/listen", reply);
        let heard = listen(&world, "open", &json!(1), &json!({})).send().await;
        assert_eq!((heard.text(), heard.cut), (first.clone(), false));
    }
    for record in world.gateway.records().await {
        assert_eq!((&record["reason"], &record["fault"]), (&json!("upstream_broken"), &json!("upstream")));
    }
    world.finish().await;
}

#[tokio::test]
async fn a_listen_filter_is_narrowed_to_what_is_shown() {
    let world = World::with(&format!("{FEW}{}", super::NONE)).await;
    let all = json!({
        "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true, "vendor": [1],
        "resourceSubscriptions": ["note:///first", "note:///second", 7, "note:///shelf/a", "note:///shelf/../x"],
        "taskIds": ["garbage", 7],
    });
    for (server, wanted) in [
        (
            "few",
            json!({
                "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true, "vendor": [1],
                "resourceSubscriptions": ["note:///first", "note:///shelf/a"], "taskIds": [],
            }),
        ),
        ("none", json!({ "vendor": [1], "resourceSubscriptions": [], "taskIds": [] })),
    ] {
        let mut stream = listen(&world, server, &json!(1), &all).stream().await;
        assert!(stream.next_json().await.is_some());
        let seen = world.recorder.requests().pop().unwrap().json();
        assert_eq!(seen["params"]["notifications"], wanted, "{server}");
    }
    // Members in another case could be read by others.
    let filter = json!({ "ToolsListChanged": true });
    assert_eq!(listen(&world, "none", &json!(1), &filter).send().await.error_code(), -32602);
    world.finish().await;
}

#[tokio::test]
async fn on_a_listen_stream_nothing_hidden_is_heard() {
    let world = World::with(&format!("{FEW}{}", super::NONE)).await;
    let note = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "method": method, "params": params });
    let changed = |kind: &str| note(&format!("notifications/{kind}/list_changed"), json!({}));
    let updated = |uri: &str| note("notifications/resources/updated", json!({ "uri": uri }));
    let events = [
        changed("tools"),
        changed("prompts"),
        changed("resources"),
        updated("note:///first"),
        updated("note:///second"),
        updated("note:///shelf/a"),
    ];
    let shown = [
        changed("tools"),
        changed("prompts"),
        changed("resources"),
        updated("note:///first"),
        updated("note:///shelf/a"),
    ];
    let session = world.gateway.session("few", None).await;
    for (server, wanted) in [("few", &shown[..]), ("none", &[])] {
        world.recorder.once("subscriptions/listen", Reply::events(events.clone()));
        let heard = listen(&world, server, &json!(1), &json!({})).send().await;
        assert_eq!(heard.events(), wanted, "{server}");
    }
    world.recorder.once("GET", Reply::events(events));
    let call = world.gateway.call("GET", "/mcp/few").header("Accept", "text/event-stream");
    let heard = call.header("Mcp-Session-Id", &session).header("MCP-Protocol-Version", LEGACY).send().await;
    assert_eq!(heard.events(), shown);
    world.finish().await;
}
