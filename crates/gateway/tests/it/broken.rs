//! Broken worlds: what upstreams and clients do wrong, what Doorward makes of it, and which test says so.
//!
//! Three things hold in every line. Whoever is asked for an answer gets one that says whose fault it is; the record
//! says the same; and others go on being served. What is not elsewhere is tested here.
//!
//! | an upstream … | the caller gets | test |
//! |---|---|---|
//! | was never there | `upstream_unreachable` | `protocol::upstream::an_upstream_that_is_not_there_is_named_too` |
//! | goes away later | `upstream_unreachable` | [`an_upstream_that_goes_away_is_named_and_the_others_go_on`] |
//! | answers slowly, or never | `upstream_timeout` | `limits::time::an_upstream_that_takes_too_long_…` |
//! | falls silent in a stream | comments, then `upstream_timeout` | `protocol::streams::silence_is_filled_with_comments_…` |
//! | breaks off, whole or streamed | `upstream_broken` | `protocol::upstream::wrong_answers_…`, `protocol::streams::a_modern_stream_that_breaks_…` |
//! | resets the connection | `upstream_broken` | [`a_connection_that_is_reset_is_the_upstreams_fault`] |
//! | answers HTML, text, or compressed | `upstream_invalid` | `protocol::upstream::wrong_answers_…` |
//! | asks Doorward who it is (401, 403) | `upstream_unauthorized`, no challenge | the same |
//! | redirects | `upstream_redirect`, nobody is asked | the same |
//! | gives another id, or two answers | `upstream_invalid`; the first counts | the same, `…::of_two_answers_only_the_first_counts` |
//! | answers ten megabytes | all of them | [`ten_megabytes_pass_whole_and_other_requests_between_them`] |
//! | answers more than the limit | `upstream_too_large` | `limits::size::an_answer_that_is_too_large_is_the_upstreams_fault` |
//! | has a list without end | page by page, as often as asked | [`a_list_without_end_is_handed_out_page_by_page_and_not_held`] |
//! | has templates without end | what 16 pages say | `protocol::templates::an_endless_list_of_templates_is_given_up` |
//! | sends an event without end | `upstream_too_large` | `protocol::streams::an_event_without_end_is_cut_off` |
//! | never ends a stream | the stream | `protocol::streams::an_endless_stream_passes_…` |
//! | is a program that dies, or never ends | its session ends, alone | `peers::stdio::children` |
//! | breaks a request of a batch | an error for that request | `protocol::batches::one_failing_answer_is_the_error_of_its_request_only` |
//! | changes its transport | the answer, by the new one | `protocol::transports::a_server_that_changes_…` |
//!
//! | a client … | gets | test |
//! |---|---|---|
//! | sends no JSON, or two texts | −32700 | `limits::json::what_is_not_exactly_one_json_text_is_refused` |
//! | nests deeply | −32600 | `limits::json::nesting_ends_at_the_limit` |
//! | sends too much, or announces it | 413 | `limits::size` |
//! | names a member twice, or in another case | −32600 | `limits::json::two_members_…`, `…::names_that_differ_in_case_…` |
//! | has wrong media types | 415, 406 | `records::failures::what_a_caller_does_wrong_is_the_callers_fault` |
//! | says another thing in its headers | −32020 | `protocol::headers::headers_that_differ_from_the_body_are_refused` |
//! | is a browser | a text that says what this is | [`a_browser_is_told_what_this_is`] |
//! | sends slowly, or never ends | 408 | `limits::time` |
//! | never reads | nothing more is fetched for it | [`a_client_that_never_reads_makes_its_upstream_wait_and_nobody_else`] |
//! | vanishes | a record; the upstream hears of it | `records::endings` |
//! | holds connections or streams | 429, or waits | `limits::streams`, `limits::size::only_so_many_connections_…` |

use doorward_testkit::recorder::{Fate, Recorder, Reply};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::harness::World;

/// A virtual server `other` over an upstream of its own.
fn other(url: &str) -> String {
    format!(
        r#"
        [[upstream]]
        name = "other"
        url = "{url}"
        [[server]]
        name = "other"
        upstreams = ["other"]
        access = "open"
        "#
    )
}

async fn others_are_served(world: &World) {
    let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
    assert!(answer.result()["tools"].is_array());
}

#[tokio::test]
async fn an_upstream_that_goes_away_is_named_and_the_others_go_on() {
    let second = Recorder::start().await.unwrap();
    let world = World::with(&other(second.url())).await;
    let list = || world.gateway.modern("other", "tools/list", json!({}));
    let session = world.gateway.session("other", None).await;
    assert!(list().send().await.result()["tools"].is_array());
    drop(second);
    // The connection that was kept open is of no use any more, nor is the session.
    for reasons in [&["upstream_unreachable", "upstream_broken"][..], &["upstream_unreachable"]] {
        let modern = list().send().await;
        let legacy = world.gateway.legacy("other", Some(&session), "tools/list", &json!({})).send().await;
        for answer in [modern, legacy] {
            let data = &answer.json()["error"]["data"];
            assert_eq!((&data["upstream"], &data["fault"]), (&json!("other"), &json!("upstream")));
            assert!(reasons.contains(&data["reason"].as_str().unwrap()), "{data}");
        }
        others_are_served(&world).await;
    }
    world.finish().await;
}

/// Answers every connection with these bytes and a reset: what was asked is never read to its end.
async fn resetting(answer: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A socket that is closed with something unread resets its connection.
            if stream.read_u8().await.is_ok() && stream.readable().await.is_ok() {
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    url
}

#[tokio::test]
async fn a_connection_that_is_reset_is_the_upstreams_fault() {
    const JSON: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{\"jsonrpc\"";
    const EVENTS: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: a comment\n\ndata: {\"jsonrpc\"";
    for answer in ["", JSON, EVENTS] {
        let url = resetting(answer).await;
        let world = World::with(&other(&url)).await;
        let heard = world.gateway.modern("other", "tools/list", json!({})).send().await;
        let message = heard.events().pop().unwrap_or_else(|| heard.json());
        assert_eq!(message["error"]["data"]["reason"], "upstream_broken", "{answer}: {}", heard.text());
        let record = world.gateway.last_record().await;
        assert_eq!((&record["fault"], &record["aborted"]), (&json!("upstream"), &json!(false)));
        others_are_served(&world).await;
        world.finish().await;
    }
}

#[tokio::test]
async fn ten_megabytes_pass_whole_and_other_requests_between_them() {
    let world = World::start().await;
    let text = "x".repeat(10 << 20);
    let large = json!({ "content": [{ "type": "text", "text": text }], "resultType": "complete" });
    world.recorder.once("tools/call", Reply::result(large.clone()).split(64 << 10));
    let call = world.gateway.modern("open", "tools/call", json!({ "name": "echo" }));
    let (answer, ()) = tokio::join!(call.send(), others_are_served(&world));
    assert_eq!(answer.result()["content"][0]["text"].as_str().map(str::len), Some(10 << 20));
    world.finish().await;
}

#[tokio::test]
async fn a_list_without_end_is_handed_out_page_by_page_and_not_held() {
    let world = World::start().await;
    let page = json!({ "tools": [{ "name": "again" }], "nextCursor": "more", "ttlMs": 60_000 });
    world.recorder.always("tools/list", Reply::result(page));
    let mut cursor = None;
    for _ in 0..300 {
        let params = cursor.map_or_else(|| json!({}), |cursor: String| json!({ "cursor": cursor }));
        let answer = world.gateway.modern("open", "tools/list", params).send().await;
        assert_eq!(answer.result()["tools"][0]["name"], "again");
        cursor = answer.result()["nextCursor"].as_str().map(str::to_owned);
    }
    assert_eq!(world.recorder.requests().len(), 300, "one page for each that was asked for, and none ahead");
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_never_reads_makes_its_upstream_wait_and_nobody_else() {
    let world = World::start().await;
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "data": "x".repeat(64 << 10) } });
    let event = format!("data: {note}\n\n");
    // Far more than all buffers on the way hold.
    let flood = event.repeat((64 << 20) / event.len());
    world.recorder.once("tools/call", Reply::event_bytes(flood).split(64 << 10));
    let call = world.gateway.modern("open", "tools/call", json!({ "name": "echo" }));
    world.gateway.expect_record("POST /mcp/open");
    let mut idle = world.gateway.connect().await;
    idle.write_all(&call.bytes()).await.unwrap();
    world.recorder.wait_for("tools/call", 1).await.unwrap();
    for _ in 0..50 {
        others_are_served(&world).await;
    }
    assert_eq!(world.recorder.fates()[0], Fate::Open, "what nobody reads is not fetched");
    drop(idle);
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    let records = world.gateway.records().await;
    let aborted: Vec<_> = records.iter().filter(|record| record["aborted"] == true).collect();
    assert_eq!(aborted.len(), 1);
    assert!(aborted[0]["response_bytes"].as_u64().unwrap() < 32 << 20, "{}", aborted[0]);
    world.finish().await;
}

#[tokio::test]
async fn a_browser_is_told_what_this_is() {
    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let world = World::start().await;
    let get = |server: &str| world.gateway.call("GET", &format!("/mcp/{server}"));
    let answer = get("open").header("Accept", BROWSER).send().await;
    assert_eq!((answer.status, answer.header("content-type")), (406, Some("text/plain; charset=utf-8")));
    assert!(answer.text().contains("MCP endpoint"), "{}", answer.text());
    assert_eq!(world.gateway.last_record().await["reason"], "not_a_page");
    // Who may not come in learns nothing, and what is no browser gets what it asks for.
    assert_eq!(get("jwt").header("Accept", BROWSER).send().await.status, 401);
    assert_eq!(get("nowhere").header("Accept", BROWSER).send().await.status, 404);
    assert!(world.recorder.requests().is_empty());
    for accept in ["text/event-stream", "*/*", "text/html, text/event-stream"] {
        assert_eq!(
            get("open").header("Accept", accept).send().await.status,
            405,
            "{accept}: the upstream's word"
        );
    }
    world.finish().await;
}
