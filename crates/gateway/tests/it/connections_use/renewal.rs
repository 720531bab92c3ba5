//! Tokens that end: renewed once for everybody who waits, kept while nothing else can be had, and given up once.

use std::time::Duration;

use doorward_model::Person;
use doorward_testkit::recorder::{Gate, Reply};
use futures_util::future::join_all;
use serde_json::json;

use super::tool_error;
use crate::harness::{ConnectedWorld, parameter};

/// Longer than the authority's tokens live.
const TOO_LONG: i64 = 2 * 3600;
/// The record of a connection that ended.
const BROKEN: &str = "EVENT connection broken";

#[tokio::test]
async fn two_hundred_calls_with_an_expired_token_refresh_once() {
    let world = ConnectedWorld::start().await;
    let account = world.connect("alice").await;
    world.gateway.clock.advance(TOO_LONG);
    let calls = join_all((0..200).map(|_| world.echo("alice").send())).await;
    assert!(calls.iter().all(|answer| answer.result()["resultType"] == "complete"));
    assert_eq!(world.refreshes(), 1);
    assert!(!world.recorder.saw(&account.access), "what has expired is not presented");
    world.finish().await;
}

#[tokio::test]
async fn two_gateways_refresh_once() {
    let world = ConnectedWorld::start().await;
    let replica = world.gateway.replica(&world.toml()).await;
    world.connect("alice").await;
    world.gateway.clock.advance(TOO_LONG);
    let calls = (0..40).map(|n| {
        let call = world.echo("alice");
        if n % 2 == 0 { call.at(&replica).send() } else { call.send() }
    });
    for answer in join_all(calls).await {
        assert_eq!(answer.result()["resultType"], "complete", "{}", answer.text());
    }
    assert_eq!(world.refreshes(), 1);
    replica.finish().await;
    world.finish().await;
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let world = ConnectedWorld::start().await;
    let account = world.connect("alice").await;
    world.gateway.clock.advance(3600 - 45);
    assert_eq!(world.echo("alice").send().await.status, 200);
    assert_eq!(world.refreshes(), 1);
    assert!(!world.recorder.saw(&account.access));
    let asked = &world.authority.token_requests("refresh_token")[0];
    assert_eq!(asked.field("refresh_token"), account.refresh.as_deref());
    assert_eq!(asked.field("resource"), Some(world.recorder.url()));
    world.finish().await;
}

#[tokio::test]
async fn a_caller_who_leaves_ends_no_renewal() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.gateway.clock.advance(TOO_LONG);
    let gate = Gate::default();
    world.authority.hold("/token", &gate);
    let leaving = world.echo("alice");
    let left = tokio::time::timeout(Duration::from_millis(300), leaving.send()).await;
    assert!(left.is_err(), "nobody answers yet");
    gate.release(1);
    gate.end();
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete");
    assert_eq!(world.refreshes(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_lives_is_presented_while_nothing_else_can_be_had() {
    let world = ConnectedWorld::start().await;
    let account = world.connect("alice").await;
    world.gateway.clock.advance(3600 - 45);
    world.authority.always("/token", Reply::empty(503));
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete");
    let bearer = format!("Bearer {}", account.access);
    assert_eq!(world.recorder.requests_of("tools/call")[0].header("authorization"), Some(&*bearer));
    assert!(world.refreshes() >= 1);

    world.gateway.clock.advance(60);
    let answer = world.echo("alice").send().await;
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_unreachable", "{}", answer.text());
    assert_eq!(world.recorder.requests_of("tools/call").len(), 1, "what has expired is not presented");

    world.authority.behave();
    world.gateway.clock.advance(10);
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete", "nothing was given up");
    world.finish().await;
}

#[tokio::test]
async fn a_failure_is_not_tried_again_by_everybody() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.gateway.clock.stop();
    world.gateway.clock.advance(TOO_LONG);
    world.authority.always("/token", Reply::empty(503));
    for _ in 0..5 {
        assert!(world.echo("alice").send().await.text().contains("upstream_unreachable"));
    }
    assert_eq!(world.refreshes(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_connection_that_ends_for_good_is_told_once_and_keeps_its_reason() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.authority.revoke_everything();
    world.gateway.clock.advance(TOO_LONG);
    for _ in 0..3 {
        let text = tool_error(&world.echo("alice").send().await);
        assert!(text.contains("invalid_grant") && text.contains(&world.link("notes")), "{text}");
    }
    assert_eq!(world.refreshes(), 1, "what ended is not asked for again");
    world.gateway.expect_record(BROKEN);
    let records = world.gateway.records().await;
    let event = records.iter().find(|record| record["path"] == "connection broken").unwrap();
    assert_eq!((&event["subject"], &event["upstream"]), (&json!("corp:alice"), &json!("notes")));
    assert!(event["detail"].as_str().unwrap().contains("invalid_grant"));
    assert_eq!(records.last().unwrap()["reason"], "connection_broken");

    world.connect("alice").await;
    world.until_heard().await;
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete");
    world.finish().await;
}

#[tokio::test]
async fn a_word_about_the_client_or_the_request_ends_no_connection() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.gateway.clock.advance(TOO_LONG);
    for code in
        ["invalid_client", "unauthorized_client", "invalid_request", "invalid_scope", "invalid_target"]
    {
        world.authority.always("/token", Reply::json(json!({ "error": code })).status(400));
        let answer = world.echo("alice").send().await;
        let reason = &answer.json()["error"]["data"]["reason"];
        assert_eq!(reason, "upstream_unreachable", "{code}: {}", answer.text());
        world.authority.behave();
        world.gateway.clock.advance(10);
    }
    assert_eq!(
        world.refreshes(),
        6,
        "who the client is was said twice, what is known of the server being new"
    );
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete");
    world.finish().await;
}

#[tokio::test]
async fn what_is_known_of_a_server_is_asked_again_when_it_refuses_the_client() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.gateway.clock.advance(TOO_LONG);
    let refused = Reply::json(json!({ "error": "invalid_client" })).status(401);
    world.authority.once("/token", refused);
    assert_eq!(
        world.echo("alice").send().await.result()["resultType"],
        "complete",
        "the second attempt counts"
    );
    let asked = world.authority.asked("/.well-known/oauth-authorization-server");
    assert_eq!((world.refreshes(), asked.len()), (2, 2));
    world.finish().await;
}

#[tokio::test]
async fn a_lost_answer_explains_why_the_connection_ended() {
    let world = ConnectedWorld::start().await;
    world.authority.set(|manners| manners.rotates = true);
    world.connect("alice").await;
    world.gateway.clock.advance(TOO_LONG);
    // The authority replaces the token, and nobody hears of it.
    world.authority.once("/token", Reply::close());
    assert!(world.echo("alice").send().await.text().contains("upstream_unreachable"));
    world.authority.revoke_everything();
    world.gateway.clock.advance(10);
    let text = tool_error(&world.echo("alice").send().await);
    assert!(text.contains("was interrupted, by a restart or a lost answer"), "{text}");
    world.gateway.expect_record(BROKEN);
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_and_the_request_sent_once_more() {
    let world = ConnectedWorld::start().await;
    let account = world.connect("alice").await;
    world.authority.expire_access_tokens();
    let answer = world.echo("alice").send().await;
    assert_eq!(answer.result()["resultType"], "complete", "{}", answer.text());
    assert_eq!(world.refreshes(), 1);
    let calls = world.recorder.requests_of("tools/call");
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("authorization"), Some(&*format!("Bearer {}", account.access)));
    assert_eq!(calls[0].body, calls[1].body, "the same request");
    world.finish().await;
}

#[tokio::test]
async fn an_upstream_that_refuses_what_is_new_ends_the_connection() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world
        .recorder
        .always("tools/call", Reply::empty(401).header("www-authenticate", "Bearer error=\"invalid_token\""));
    let answer = world.echo("alice").send().await;
    assert!(answer.header("www-authenticate").is_none());
    assert!(tool_error(&answer).contains("no longer accepts what it granted"), "{}", answer.text());
    assert_eq!((world.refreshes(), world.recorder.requests_of("tools/call").len()), (1, 2));
    assert!(tool_error(&world.echo("alice").send().await).contains(&world.link("notes")));
    assert_eq!((world.refreshes(), world.recorder.requests_of("tools/call").len()), (1, 2), "and no more");
    world.gateway.expect_record(BROKEN);
    world.finish().await;
}

#[tokio::test]
async fn a_refusal_that_comes_late_ends_nothing_that_came_after() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    let gate = Gate::default();
    let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nContent-Length: 0\r\n\r\n";
    world.recorder.once("tools/call", Reply::wire(head));
    world.recorder.once("tools/call", Reply::wire(head).gated(&gate));
    let late = async {
        world.recorder.wait_for("tools/call", 2).await.unwrap();
        world.connect("alice").await;
        world.until_heard().await;
        gate.end();
    };
    let (answer, ()) = tokio::join!(world.echo("alice").send(), late);
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_unauthorized", "{}", answer.text());
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete", "with what is new");
    let row = world.gateway.store().connection("upstream:notes", "corp:alice").await.unwrap().unwrap();
    assert_eq!(row.broken, None);
    world.finish().await;
}

#[tokio::test]
async fn what_is_shared_ends_only_when_its_token_is_refused() {
    let world = ConnectedWorld::start().await;
    world.connect_shared().await;
    let token = world.token("alice", "shared");
    let params = json!({ "name": "echo", "arguments": {} });
    let call = || world.gateway.modern("shared", "tools/call", params.clone()).bearer(&token);
    world.recorder.always("tools/call", Reply::empty(401).header("www-authenticate", "Bearer realm=\"x\""));
    let answer = call().send().await;
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_unauthorized", "{}", answer.text());
    let row = world.gateway.store().connection("upstream:team", "").await.unwrap().unwrap();
    assert_eq!(row.broken, None);

    world.recorder.behave();
    assert_eq!(call().send().await.result()["resultType"], "complete");
    world
        .recorder
        .always("tools/call", Reply::empty(401).header("www-authenticate", "Bearer error=\"invalid_token\""));
    assert!(tool_error(&call().send().await).contains("no longer accepts what it granted"));
    world.gateway.expect_record(BROKEN);
    world.finish().await;
}

#[tokio::test]
async fn a_renewal_is_claimed_only_when_its_server_is_known() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.gateway.clock.advance(TOO_LONG);
    let (gate, metadata) = (Gate::default(), "/.well-known/oauth-authorization-server");
    world.authority.hold(metadata, &gate);
    let look = async {
        world.authority.wait_for(metadata, 1).await.unwrap();
        let row = world.gateway.store().connection("upstream:notes", "corp:alice").await.unwrap().unwrap();
        gate.end();
        row.refreshing_until
    };
    let (answer, claimed) = tokio::join!(world.echo("alice").send(), look);
    assert_eq!(claimed, None);
    assert_eq!(answer.result()["resultType"], "complete", "{}", answer.text());
    world.finish().await;
}

#[tokio::test]
async fn without_a_refresh_token_a_connection_ends_with_its_token() {
    let world = ConnectedWorld::start().await;
    world.authority.set(|manners| manners.refreshes = false);
    world.connect("alice").await;
    world.gateway.clock.advance(3600 - 45);
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete", "it still lives");
    world.gateway.clock.advance(60);
    let text = tool_error(&world.echo("alice").send().await);
    assert!(text.contains("gave nothing to renew it with"), "{text}");
    world.gateway.expect_record(BROKEN);
    world.finish().await;
}

#[tokio::test]
async fn what_ends_elsewhere_ends_here_within_a_second() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete");
    world.disconnect("alice").await;
    assert!(tool_error(&world.echo("alice").send().await).contains(&world.link("notes")));
    assert_eq!(world.recorder.requests_of("tools/call").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_cannot_be_opened_counts_as_absent_and_is_never_sent() {
    let world = ConnectedWorld::start().await;
    let account = world.connect("alice").await;
    // As if somebody had copied her row to Bob's.
    let mut row = world.gateway.store().connection("upstream:notes", "corp:alice").await.unwrap().unwrap();
    row.person = "corp:bob".to_owned();
    let stolen = doorward_store::NewConnection {
        place: row.place,
        person: row.person,
        issuer: row.issuer,
        client: row.client,
        resource: row.resource,
        scopes: row.scopes,
        sealed: row.sealed,
        expires: row.expires,
        now: row.created,
    };
    world.gateway.store().put_connection(&stolen).await.unwrap();
    assert!(tool_error(&world.echo("bob").send().await).contains(&world.link("notes")));
    assert!(!world.recorder.saw(&account.access));
    world.finish().await;
}

#[tokio::test]
async fn more_scopes_are_asked_for_three_times_an_hour() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.authority.set(|manners| manners.required_scope = Some("notes:write".to_owned()));
    for _ in 0..3 {
        let answer = world.echo("alice").send().await;
        let text = tool_error(&answer);
        assert!(text.contains("more than you allowed") && text.contains(&world.link("notes")), "{text}");
        assert!(answer.header("www-authenticate").is_none());
        assert_eq!(world.gateway.last_record().await["reason"], "connection_scope");
    }
    let answer = world.echo("alice").send().await;
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_unauthorized", "{}", answer.text());
    assert_eq!(world.refreshes(), 0);
    world.finish().await;
}

#[tokio::test]
async fn what_was_granted_is_asked_for_again_whenever_that_is() {
    let world = ConnectedWorld::start().await;
    world.authority.set(|manners| manners.grants = Some("notes:read notes:write".to_owned()));
    world.connect("alice").await;
    // Long after the upstream asked for it.
    world.gateway.clock.advance(TOO_LONG);
    world.gateway.may_lead_to(&format!("{}/authorize", world.authority.url()));
    let alice = Person {
        subject: "corp:alice".to_owned(),
        name: "Alice".to_owned(),
        groups: Vec::new(),
        domain: None,
        administrator: false,
    };
    let visitor = world.gateway.session_of(alice).await;
    let asked_for = async || {
        let page = visitor.get("/connect/notes").await;
        let sent = visitor.submit(&page.form("/connect/notes")).await;
        let location = sent.header("location").unwrap_or_else(|| panic!("{} {}", sent.status, sent.text()));
        parameter(location, "scope").unwrap_or_default()
    };
    let is_asked_for = async |wanted: &str| asked_for().await.split(' ').any(|scope| scope == wanted);
    assert!(is_asked_for("notes:write").await);
    // Nor is it forgotten with the tokens.
    world.authority.revoke_everything();
    tool_error(&world.echo("alice").send().await);
    world.gateway.expect_record(BROKEN);
    assert!(is_asked_for("notes:write").await, "the connection has broken");
    // What was granted for another address is nothing to ask for here.
    let row = world.gateway.store().connection("upstream:notes", "corp:alice").await.unwrap().unwrap();
    assert!(row.broken.is_some() && row.scopes.contains("notes:write"));
    let elsewhere = doorward_store::NewConnection {
        place: row.place,
        person: row.person,
        issuer: row.issuer,
        client: row.client,
        resource: "https://elsewhere.example/mcp".to_owned(),
        scopes: "notes:everything".to_owned(),
        sealed: String::new(),
        expires: None,
        now: row.created,
    };
    world.gateway.store().put_connection(&elsewhere).await.unwrap();
    assert!(!is_asked_for("notes:everything").await);
    world.connect("alice").await;
    let written = world.toml().replace("shared = false", "shared = false, scope = \"notes:read\"");
    world.gateway.replace(&written);
    assert_eq!(asked_for().await, "notes:read", "the operator says what is asked for");
    world.finish().await;
}
