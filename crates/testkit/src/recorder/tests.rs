use std::io::ErrorKind;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

/// A client that writes and reads bytes, so that nothing between it and the recorder is forgiving.
async fn connect(recorder: &Recorder) -> TcpStream {
    let address = recorder.url().trim_start_matches("http://").trim_end_matches("/mcp");
    TcpStream::connect(address).await.unwrap()
}

fn post(headers: &str, body: &Value) -> String {
    let body = body.to_string();
    format!("POST /mcp HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// Everything that comes back on a connection that ends after this one request.
async fn exchange(recorder: &Recorder, request: &str) -> String {
    let mut stream = connect(recorder).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn legacy(id: u64, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"protocolVersion": "2025-06-18"}})
}

fn modern(id: u64, method: &str) -> Value {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"_meta": meta, "name": "echo", "arguments": {"text": "$id"}}})
}

#[tokio::test]
async fn a_legacy_session_lives_until_it_is_ended() {
    let recorder = Recorder::start().await.unwrap();
    let answer = exchange(&recorder, &post("", &legacy(1, "initialize"))).await;
    assert!(answer.contains("mcp-session-id: recorder-1\r\n"), "{answer}");
    assert_eq!(body(&answer)["result"]["protocolVersion"], "2025-06-18");

    let session = "Mcp-Session-Id: recorder-1\r\n";
    let list = exchange(&recorder, &post(session, &legacy(2, "tools/list"))).await;
    assert_eq!(body(&list)["result"]["tools"].as_array().unwrap().len(), 3);
    assert!(exchange(&recorder, &post("", &legacy(3, "tools/list"))).await.starts_with("HTTP/1.1 400"));
    let end = format!("DELETE /mcp HTTP/1.1\r\nHost: x\r\n{session}\r\n");
    assert!(exchange(&recorder, &end).await.starts_with("HTTP/1.1 200"));
    assert!(exchange(&recorder, &post(session, &legacy(4, "tools/list"))).await.starts_with("HTTP/1.1 404"));

    exchange(&recorder, &post("", &legacy(5, "initialize"))).await;
    recorder.forget_sessions();
    let session = "Mcp-Session-Id: recorder-2\r\n";
    assert!(exchange(&recorder, &post(session, &legacy(6, "ping"))).await.starts_with("HTTP/1.1 404"));
    recorder.set_sessions(false);
    assert!(exchange(&recorder, &post("", &legacy(7, "ping"))).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn modern_requests_need_no_session_and_get_modern_results() {
    let recorder = Recorder::start().await.unwrap();
    let found = body(&exchange(&recorder, &post("", &modern(1, "server/discover"))).await);
    assert_eq!(found["result"]["supportedVersions"], json!(["2026-07-28"]));
    let called = body(&exchange(&recorder, &post("", &modern(2, "tools/call"))).await);
    assert_eq!(called["result"]["content"][0]["text"], r#"{"text":"$id"}"#, "an echo is literal");
    assert_eq!(called["result"]["resultType"], "complete");
    let unknown = exchange(&recorder, &post("", &modern(3, "ping"))).await;
    assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
    assert_eq!(body(&unknown)["error"]["code"], -32601);
}

#[tokio::test]
async fn each_era_can_be_all_there_is() {
    let old = Recorder::start_as(Eras::Legacy).await.unwrap();
    assert!(exchange(&old, &post("", &modern(1, "server/discover"))).await.starts_with("HTTP/1.1 400"));
    let new = Recorder::start_as(Eras::Modern).await.unwrap();
    let refused = body(&exchange(&new, &post("", &legacy(1, "initialize"))).await);
    assert_eq!(refused["error"]["code"], -32022);
}

#[tokio::test]
async fn requests_are_kept_byte_for_byte() {
    let recorder = Recorder::start().await.unwrap();
    let chunked = "POST /mcp?q=1 HTTP/1.1\r\nhOsT: x\r\nX-Odd:  two  words \r\nTransfer-Encoding: chunked\r\n\r\n\
                   4\r\n{\"me\r\n11;x=y\r\nthod\":\"ping\"     \r\n1\r\n}\r\n0\r\nTrailer: t\r\n\r\n";
    exchange(&recorder, chunked).await;
    let [request] = recorder.requests().try_into().unwrap();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/mcp?q=1"));
    assert_eq!(request.headers[0].0, "hOsT", "the case is kept");
    assert_eq!(request.header("x-odd"), Some("two  words"));
    assert_eq!(request.body, r#"{"method":"ping"     }"#);
    assert_eq!(request.method_name(), "ping");
    assert!(recorder.saw("two  words") && recorder.saw(r#""ping""#) && !recorder.saw("secret"));
    assert!(chunked.as_bytes().starts_with(&request.head));
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let recorder = Recorder::start().await.unwrap();
    let two = [post("", &modern(1, "tools/list")), post("", &modern(2, "tools/list"))].concat();
    let answers = exchange(&recorder, &two).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2);
    exchange(&recorder, &post("", &modern(3, "tools/list"))).await;
    let connections: Vec<u64> = recorder.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
}

#[tokio::test]
async fn the_script_comes_before_manners_and_once_is_once() {
    let recorder = Recorder::start().await.unwrap();
    recorder.once("tools/list", Reply::result(json!({"n": 1})));
    recorder.always("tools/list", Reply::error(-32000, "no").status(503).header("retry-after", "7"));
    let ask = async |id| exchange(&recorder, &post("", &modern(id, "tools/list"))).await;
    assert_eq!(body(&ask(1).await), json!({"jsonrpc": "2.0", "id": 1, "result": {"n": 1}}));
    for id in [2, 3] {
        let answer = ask(id).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 7\r\n"), "{answer}");
        assert_eq!(body(&answer)["id"], id);
    }
    recorder.behave();
    assert!(ask(4).await.starts_with("HTTP/1.1 200"));
    recorder.set_tools(vec![json!({"name": "other"})]);
    assert_eq!(body(&ask(5).await)["result"]["tools"], json!([{"name": "other"}]));
}

#[tokio::test]
async fn event_streams_are_split_where_the_test_wants() {
    let recorder = Recorder::start().await.unwrap();
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}});
    recorder.always("*", Reply::result_after([progress], json!({"done": true})).split(7));
    let answer = exchange(&recorder, &post("", &modern(8, "tools/call"))).await;
    assert!(answer.contains("content-type: text/event-stream\r\n"));
    let chunks = answer.split_once("\r\n\r\n").unwrap().1;
    let joined: String = chunks.split("\r\n").skip(1).step_by(2).collect();
    assert!(chunks.starts_with("7\r\nevent: \r\n7\r\n"), "{chunks}");
    assert!(joined.contains(r#"data: {"id":8,"jsonrpc":"2.0","result":{"done":true}}"#), "{joined}");
    assert!(chunks.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn streams_can_be_cut_and_held() {
    let recorder = Recorder::start().await.unwrap();
    recorder.once("*", Reply::event_bytes("data: abcdef\n\n").cut_after(8));
    let cut = exchange(&recorder, &post("", &modern(1, "tools/call"))).await;
    assert!(cut.ends_with("8\r\ndata: ab\r\n"), "{cut}");
    assert_eq!(recorder.fates(), [Fate::Cut]);

    recorder.once("*", Reply::event_bytes("data: abcdef\n\n").hang_after(8));
    let mut stream = connect(&recorder).await;
    stream.write_all(post("", &modern(2, "tools/call")).as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"data: ab\r\n") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    assert_eq!(recorder.fates().last(), Some(&Fate::Open));
    drop(stream);
    recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
}

#[tokio::test]
async fn silence_a_closed_door_and_broken_http() {
    let recorder = Recorder::start().await.unwrap();
    recorder.once("*", Reply::never());
    let mut stream = connect(&recorder).await;
    stream.write_all(post("", &modern(1, "tools/call")).as_bytes()).await.unwrap();
    recorder.wait_for("tools/call", 1).await.unwrap();
    let nothing = stream.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    drop(stream);
    recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();

    recorder.once("*", Reply::close());
    assert_eq!(exchange(&recorder, &post("", &modern(2, "tools/call"))).await, "");
    recorder.once("*", Reply::wire("HTTP/1.1 200\r\n\"$id\""));
    assert_eq!(exchange(&recorder, &post("", &modern(3, "tools/call"))).await, "HTTP/1.1 200\r\n\"$id\"");
}

#[tokio::test]
async fn a_subscription_is_acknowledged_and_held() {
    let recorder = Recorder::start().await.unwrap();
    let mut stream = connect(&recorder).await;
    stream.write_all(post("", &modern(9, "subscriptions/listen")).as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\n\n\r\n") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    let seen = String::from_utf8(seen).unwrap();
    assert!(seen.contains(r#""io.modelcontextprotocol/subscriptionId":9"#), "{seen}");
    drop(stream);
    recorder.wait_for_fate("subscriptions/listen", Fate::ClientGone).await.unwrap();
}
