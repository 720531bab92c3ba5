//! `transport = "auto"`: what an address speaks is found out once, remembered, and found out again when it changes.

mod passthrough;

use serde_json::json;

use crate::harness::{
    Answer, Gateway, Plan,
    sse::{Server, Speaks},
};

async fn start(server: &Server, transport: &str) -> Gateway {
    Plan::default().start(&toml(server, transport)).await
}

fn toml(server: &Server, transport: &str) -> String {
    let url = &server.url;
    format!(
        r#"
        [[upstream]]
        name = "old"
        url = "{url}"
        {transport}
        [[server]]
        name = "open"
        upstreams = ["old"]
        access = "open"
        "#
    )
}

async fn tools(gateway: &Gateway, session: &str) -> Answer {
    gateway.legacy("open", Some(session), "tools/list", &json!({})).send().await
}

#[tokio::test]
async fn an_old_server_is_found_behind_its_refusal_and_asked_directly_from_then_on() {
    for status in [400, 404, 405] {
        let server = Server::start(Speaks::Sse(status)).await;
        let gateway = start(&server, "").await;
        let session = gateway.session("open", None).await;
        assert_eq!(tools(&gateway, &session).await.result()["tools"][0]["name"], "old");
        assert_eq!(
            server.seen(),
            [
                "POST /mcp initialize",
                "GET /mcp -",
                "POST /messages initialize",
                "POST /messages notifications/initialized",
                "POST /messages tools/list",
            ],
            "{status}"
        );
        let second = gateway.session("open", None).await;
        assert_eq!(server.seen()[..2], ["GET /mcp -", "POST /messages initialize"], "it is remembered");
        let end = gateway.call("DELETE", "/mcp/open").header("Mcp-Session-Id", &second).send().await;
        assert_eq!((end.status, tools(&gateway, &second).await.status), (200, 404));
        assert_eq!(tools(&gateway, &session).await.status, 200);
        gateway.finish().await;
    }
}

#[tokio::test]
async fn a_batch_is_said_in_a_conversation_message_by_message() {
    let server = Server::start(Speaks::Sse(405)).await;
    let gateway = start(&server, "transport = \"auto\"").await;
    let session = gateway.session("open", None).await;
    let messages = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "ping" },
        { "jsonrpc": "2.0", "id": 2, "method": "tools/list" },
    ]);
    let answer = gateway.post("open", messages.to_string()).header("Mcp-Session-Id", &session).send().await;
    assert_eq!((&answer.json()[0]["id"], &answer.json()[1]["id"]), (&json!(1), &json!(2)));
    gateway.finish().await;
}

#[tokio::test]
async fn what_is_no_old_server_keeps_its_own_answer() {
    for (speaks, gets, reason) in [
        (Speaks::Neither(400), 1, "upstream_status"),
        (Speaks::Neither(404), 1, "upstream_status"),
        (Speaks::Neither(401), 0, "upstream_unauthorized"),
        (Speaks::Neither(500), 0, "upstream_status"),
        (Speaks::Neither(302), 0, "upstream_redirect"),
    ] {
        let server = Server::start(speaks).await;
        let gateway = start(&server, "").await;
        for _ in 0..2 {
            let answer = gateway.initialize("open").send().await;
            assert_eq!(answer.json()["error"]["data"]["reason"], reason, "{speaks:?}");
            assert_eq!(answer.header("mcp-session-id"), None);
            let seen = server.seen();
            assert_eq!(
                seen.iter().filter(|seen| *seen == "GET /mcp -").count(),
                gets,
                "{speaks:?}: {seen:?}"
            );
            assert_eq!(seen.iter().filter(|seen| seen.ends_with("initialize")).count(), 1);
        }
        gateway.finish().await;
    }
}

#[tokio::test]
async fn a_stream_that_names_no_endpoint_is_not_waited_for() {
    let server = Server::start(Speaks::Silence).await;
    let gateway = start(&server, "timeout = \"300ms\"").await;
    let answer = gateway.initialize("open").send().await;
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_status");
    gateway.finish().await;
}

#[tokio::test]
async fn a_server_that_changes_is_found_out_again_and_no_request_is_lost() {
    let server = Server::start(Speaks::Sse(405)).await;
    let gateway = start(&server, "").await;
    let old = gateway.session("open", None).await;
    server.becomes(Speaks::Http);
    server.seen();
    let new = gateway.session("open", None).await;
    assert_eq!(
        server.seen()[..2],
        ["GET /mcp -", "POST /mcp initialize"],
        "asked once, by what it speaks now"
    );
    assert_eq!(tools(&gateway, &new).await.status, 200);
    assert_eq!(tools(&gateway, &old).await.status, 404, "the client begins again");
    gateway.session("open", None).await;
    assert!(!server.seen().contains(&"GET /mcp -".to_owned()), "the change is remembered");

    server.becomes(Speaks::Sse(404));
    assert_eq!(tools(&gateway, &new).await.status, 404, "a session of then");
    let back = gateway.session("open", None).await;
    assert_eq!(tools(&gateway, &back).await.status, 200);
    gateway.finish().await;
}

#[tokio::test]
async fn a_transport_that_is_written_down_is_not_found_out() {
    let server = Server::start(Speaks::Sse(405)).await;
    let gateway = start(&server, "transport = \"http\"").await;
    assert_eq!(gateway.initialize("open").send().await.error_code(), -32603);
    assert_eq!(server.seen(), ["POST /mcp initialize"]);
    gateway.replace(&toml(&server, "transport = \"sse\""));
    gateway.session("open", None).await;
    assert_eq!(server.seen()[..2], ["GET /mcp -", "POST /messages initialize"]);
    gateway.finish().await;
}

#[tokio::test]
async fn modern_requests_learn_that_there_is_nothing_for_them_before_and_after() {
    let server = Server::start(Speaks::Sse(404)).await;
    let gateway = start(&server, "").await;
    let modern = || gateway.modern("open", "tools/list", json!({}));
    assert_eq!(modern().send().await.status, 400);
    gateway.session("open", None).await;
    server.seen();
    assert_eq!(modern().send().await.status, 400);
    assert_eq!(server.seen(), Vec::<String>::new(), "nobody is asked what is known");
    gateway.finish().await;
}

#[tokio::test]
async fn sessions_begun_at_once_all_begin() {
    let server = Server::start(Speaks::Sse(405)).await;
    let gateway = start(&server, "").await;
    let sessions = tokio::join!(
        gateway.session("open", None),
        gateway.session("open", None),
        gateway.session("open", None)
    );
    for session in [&sessions.0, &sessions.1, &sessions.2] {
        assert_eq!(tools(&gateway, session).await.status, 200);
    }
    gateway.finish().await;
}
