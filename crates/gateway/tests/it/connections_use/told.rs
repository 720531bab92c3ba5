//! What callers are told who are not connected, in each way that a client can follow.

use serde_json::{Value, json};

use super::{can_open_addresses, initialize, tool_error};
use crate::harness::{API_KEY, ConnectedWorld, LEGACY};

fn echo(meta: Option<Value>) -> Value {
    let mut params = json!({ "name": "echo", "arguments": {} });
    if let Some(meta) = meta {
        params["_meta"] = meta;
    }
    params
}

#[tokio::test]
async fn a_modern_client_is_sent_to_the_page_and_the_call_goes_through_when_it_comes_back() {
    let world = ConnectedWorld::start().await;
    let answer = world.modern("alice", "tools/call", echo(Some(can_open_addresses()))).send().await;
    let result = answer.result();
    assert_eq!(result["resultType"], "input_required", "{}", answer.text());
    let requests = result["inputRequests"].as_object().unwrap();
    let (key, request) = requests.iter().next().unwrap();
    assert_eq!(request["method"], "elicitation/create");
    assert_eq!(request["params"]["mode"], "url");
    assert_eq!(request["params"]["url"], world.link("notes"));
    assert!(request["params"]["message"].as_str().unwrap().contains("notes"));
    let record = world.gateway.last_record().await;
    assert_eq!((&record["reason"], &record["fault"]), (&json!("not_connected"), &json!("caller")));
    assert!(world.recorder.requests().is_empty(), "nothing was sent without a token");

    let account = world.connect("alice").await;
    let mut again = echo(Some(can_open_addresses()));
    again["inputResponses"] = json!({ key: { "action": "accept" } });
    let answer = world.modern("alice", "tools/call", again).send().await;
    assert_eq!(answer.result()["resultType"], "complete", "{}", answer.text());
    let seen = &world.recorder.requests()[0];
    assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {}", account.access)));
    assert!(!world.recorder.saw("inputResponses"), "the upstream never asked");
    world.finish().await;
}

#[tokio::test]
async fn who_declines_reads_the_address() {
    let world = ConnectedWorld::start().await;
    for action in ["decline", "cancel"] {
        let mut params = echo(Some(can_open_addresses()));
        params["inputResponses"] = json!({ "doorward.connect": { "action": action } });
        let answer = world.modern("alice", "tools/call", params).send().await;
        assert!(tool_error(&answer).contains(&world.link("notes")), "{}", answer.text());
    }
    world.finish().await;
}

#[tokio::test]
async fn answers_to_the_upstreams_own_requests_still_reach_it() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    let mut params = echo(Some(can_open_addresses()));
    params["inputResponses"] = json!({ "doorward.connect": { "action": "accept" }, "colour": { "action": "accept", "content": {} } });
    assert_eq!(world.modern("alice", "tools/call", params).send().await.status, 200);
    assert!(world.recorder.saw("colour") && !world.recorder.saw("doorward.connect"));
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_opens_no_addresses_reads_a_tool_error() {
    let world = ConnectedWorld::start().await;
    let answer = world.echo("alice").send().await;
    assert!(tool_error(&answer).contains(&world.link("notes")), "{}", answer.text());
    assert_eq!(answer.result()["resultType"], "complete");
    let other = world.modern("alice", "prompts/get", json!({ "name": "greeting" })).send().await;
    let error = &other.json()["error"];
    assert_eq!(error["data"]["connect"], world.link("notes"), "{}", other.text());
    assert_eq!((&error["data"]["fault"], &error["data"]["upstream"]), (&json!("caller"), &json!("notes")));
    assert!(error["message"].as_str().unwrap().contains(&world.link("notes")));
    world.finish().await;
}

#[tokio::test]
async fn a_client_of_2025_11_25_gets_the_error_that_sends_it_there() {
    let world = ConnectedWorld::start().await;
    let token = world.token("alice", "jwt");
    let hello = initialize(LEGACY, &json!({ "elicitation": { "form": {}, "url": {} } }));
    let begun = world.gateway.legacy("jwt", None, "initialize", &hello).bearer(&token).send().await;
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let call = world.gateway.legacy("jwt", Some(&session), "tools/call", &echo(None));
        let answer = call.bearer(&token).send().await;
        let error = &answer.json()["error"];
        assert_eq!(error["code"], -32042, "{}", answer.text());
        let elicitation = &error["data"]["elicitations"][0];
        assert_eq!(elicitation["mode"], "url");
        assert_eq!(elicitation["url"], world.link("notes"));
        assert!(elicitation["message"].is_string());
        ids.push(elicitation["elicitationId"].as_str().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    // The header says which revision was agreed on: an older one does not have the error.
    let call = world.gateway.legacy("jwt", Some(&session), "tools/call", &echo(None)).bearer(&token);
    let answer = call.set("MCP-Protocol-Version", "2025-06-18").send().await;
    assert!(tool_error(&answer).contains(&world.link("notes")));
    world.finish().await;
}

#[tokio::test]
async fn an_older_client_reads_a_tool_error() {
    let world = ConnectedWorld::start().await;
    let token = world.token("alice", "jwt");
    let session = world.gateway.session("jwt", Some(&token)).await;
    let call = world.gateway.legacy("jwt", Some(&session), "tools/call", &echo(None)).bearer(&token);
    let answer = call.send().await;
    assert!(tool_error(&answer).contains(&world.link("notes")), "{}", answer.text());
    assert!(answer.result().get("resultType").is_none(), "older results have no such member");
    world.finish().await;
}

#[tokio::test]
async fn a_program_is_told_what_an_administrator_must_do() {
    let world = ConnectedWorld::start().await;
    for method in ["tools/call", "tools/list", "server/discover"] {
        let call =
            world.gateway.modern("keyed", method, json!({ "name": "echo", "_meta": can_open_addresses() }));
        let answer = call.header("X-Api-Key", API_KEY).send().await;
        let text = answer.text();
        assert!(text.contains("an administrator must configure"), "{method}: {text}");
        assert!(!text.contains("/connect/"), "nobody could use the address: {text}");
        assert_eq!(world.gateway.last_record().await["reason"], "no_person", "{method}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_administrators_connect_is_asked_of_nobody_else() {
    let world = ConnectedWorld::start().await;
    let token = world.token("alice", "shared");
    let call =
        || world.gateway.modern("shared", "tools/call", echo(Some(can_open_addresses()))).bearer(&token);
    let answer = call().send().await;
    assert!(tool_error(&answer).contains("an administrator opens"), "{}", answer.text());
    let account = world.connect_shared().await;
    assert_eq!(call().send().await.result()["resultType"], "complete");
    let bearer = format!("Bearer {}", account.access);
    assert_eq!(world.recorder.requests()[0].header("authorization"), Some(&*bearer));
    world.finish().await;
}

#[tokio::test]
async fn nothing_that_the_upstream_says_of_the_token_reaches_the_client() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.authority.revoke_everything();
    let answer = world.echo("alice").send().await;
    assert!(answer.header("www-authenticate").is_none());
    assert!(!answer.text().contains(world.authority.url()), "{}", answer.text());
    assert!(tool_error(&answer).contains(&world.link("notes")));
    world.gateway.expect_record("EVENT connection broken");
    world.finish().await;
}
