//! Resources filtered, templates not: a URI is exposed when one of the upstream's own templates matches it.

use doorward_testkit::recorder::Reply;
use serde_json::json;

use super::{asked, refusal};
use crate::harness::World;

const NAMED: &str = r#"
    [[server]]
    name = "named"
    upstreams = ["notes"]
    access = "open"
    resources = ["memo:///only"]
"#;

#[tokio::test]
async fn a_uri_that_is_not_named_is_judged_by_the_upstreams_templates() {
    let world = World::with(NAMED).await;
    let session = world.gateway.session("named", None).await;
    let before = world.recorder.requests().len();
    // The recorder's only template is `note:///{name}`.
    for (uri, reads) in [
        ("note:///any", true),
        ("memo:///only", true),
        ("note:///a/b", false),
        ("note:///..", false),
        ("memo:///other", false),
        ("other:///x", false),
    ] {
        let params = json!({ "uri": uri });
        let modern = world.gateway.modern("named", "resources/read", params.clone()).send().await;
        let legacy = world.gateway.legacy("named", Some(&session), "resources/read", &params).send().await;
        if reads {
            assert_eq!(modern.result()["contents"][0]["uri"], uri);
            assert_eq!(legacy.result()["contents"][0]["uri"], uri);
        } else {
            assert_eq!(refusal(&modern), (200, -32602, json!(1)), "{uri}");
            assert_eq!(refusal(&legacy), (200, -32002, json!(1)), "{uri}");
            assert_eq!(modern.json()["error"]["data"], params);
            assert!(!world.recorder.saw(uri), "{uri} reached the upstream");
        }
    }
    // The templates were asked for in the era and session of the caller.
    for request in &world.recorder.requests()[before..] {
        let is_modern = request.header("mcp-protocol-version") == Some("2026-07-28");
        assert_eq!(request.header("mcp-session-id").is_some(), !is_modern);
    }
    world.finish().await;
}

#[tokio::test]
async fn templates_are_read_page_by_page_and_from_streams() {
    let world = World::with(NAMED).await;
    let page = |template: &str, next: Option<&str>| {
        let mut result = json!({ "resourceTemplates": [{ "uriTemplate": template, "name": "t" }, 7, {}] });
        if let Some(next) = next {
            result["nextCursor"] = json!(next);
        }
        result
    };
    for streamed in [false, true] {
        for result in
            [page("a://{x}", Some("p\"2")), page("not a {template", Some("")), page("b://{x}", None)]
        {
            let note =
                json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info" } });
            let reply = if streamed { Reply::result_after([note], result) } else { Reply::result(result) };
            world.recorder.once("resources/templates/list", reply);
        }
        let read = world.gateway.modern("named", "resources/read", json!({ "uri": "b://1" })).send().await;
        assert_eq!(read.error_code(), 0, "{}", read.text());
        let pages = world.recorder.requests_of("resources/templates/list");
        let cursors: Vec<_> =
            pages.iter().rev().take(3).map(|page| page.json()["params"]["cursor"].clone()).collect();
        assert_eq!(cursors, [json!(""), json!("p\"2"), json!(null)]);
    }
    world.finish().await;
}

#[tokio::test]
async fn without_templates_what_is_not_named_is_hidden() {
    let world = World::with(NAMED).await;
    for reply in [
        Reply::error(-32601, "no templates here"),
        Reply::result(json!({ "resourceTemplates": [] })),
        Reply::result(json!({})),
        Reply::error(-32601, "no templates here").status(404),
    ] {
        world.recorder.once("resources/templates/list", reply);
        let read =
            world.gateway.modern("named", "resources/read", json!({ "uri": "note:///x" })).send().await;
        assert_eq!(refusal(&read), (200, -32602, json!(1)));
    }
    assert!(!asked(&world.recorder).contains(&"resources/read".to_owned()));
    world.finish().await;
}

#[tokio::test]
async fn an_upstream_that_cannot_say_its_templates_is_at_fault() {
    let world = World::with(NAMED).await;
    for reply in [Reply::raw("text/html", "<h1>"), Reply::empty(500), Reply::close()] {
        world.recorder.once("resources/templates/list", reply);
        let read =
            world.gateway.modern("named", "resources/read", json!({ "uri": "note:///x" })).send().await;
        assert_eq!(refusal(&read), (200, -32603, json!(1)), "{}", read.text());
        assert_eq!(read.json()["error"]["data"]["upstream"], "notes");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_endless_list_of_templates_is_given_up() {
    let world = World::with(NAMED).await;
    let page = json!({ "resourceTemplates": [], "nextCursor": "again" });
    world.recorder.always("resources/templates/list", Reply::result(page));
    let read = world.gateway.modern("named", "resources/read", json!({ "uri": "note:///x" })).send().await;
    assert_eq!(refusal(&read), (200, -32602, json!(1)));
    assert!(world.recorder.requests().len() < 40);
    world.finish().await;
}
