//! A new configuration in the place of the old one: at once, as a whole, and without a dropped request.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use doorward_testkit::recorder::{Recorder, Reply};
use serde_json::{Value, json};

use crate::harness::World;

/// The tools that a list shows.
fn names(result: &Value) -> Vec<&str> {
    let tools = result["tools"].as_array().into_iter().flatten();
    tools.filter_map(|tool| tool["name"].as_str()).collect()
}

fn tool(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

/// One server, two upstreams with two tools each. Under the first configuration `shifting` shows `one` of the
/// first, under the second `two` of the second: any other answer is half of each.
#[tokio::test]
async fn no_request_sees_half_of_a_change() {
    let world = World::start().await;
    let second = Recorder::start().await.unwrap();
    world.recorder.set_tools(vec![tool("one"), tool("two"), tool("only-in-the-first")]);
    second.set_tools(vec![tool("one"), tool("two"), tool("only-in-the-second")]);
    let configuration = |upstream: &str, tools: &str| {
        format!(
            r#"
            {}
            [[upstream]]
            name = "second"
            url = "{}"
            [[server]]
            name = "shifting"
            upstreams = ["{upstream}"]
            access = "open"
            tools = ["{tools}", "only-in-the-{}"]
            "#,
            world.toml(),
            second.url(),
            if upstream == "notes" { "first" } else { "second" },
        )
    };
    let both = [configuration("notes", "one"), configuration("second", "two")];
    world.gateway.replace(&both[0]);

    let over = AtomicBool::new(false);
    let seen = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let asking = async |_| {
        while !over.load(Ordering::Relaxed) {
            let answer = world.gateway.modern("shifting", "tools/list", json!({})).send().await;
            let result = answer.result();
            let number = match names(&result)[..] {
                ["one", "only-in-the-first"] => 0,
                ["two", "only-in-the-second"] => 1,
                ref names => panic!("half of each: {names:?}"),
            };
            seen[number].fetch_add(1, Ordering::Relaxed);
        }
    };
    let changing = async {
        for number in 1..=60 {
            world.gateway.replace(&both[number % 2]);
            let answer = world.gateway.modern("shifting", "tools/list", json!({})).send().await;
            let expected = ["one", "two"][number % 2];
            assert_eq!(names(&answer.result())[0], expected, "a change is live when it is made");
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(changing, futures_util::future::join_all((0..8).map(asking)));
    assert!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) > 10), "{seen:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_is_taken_out_is_as_if_it_had_never_been() {
    let world = World::start().await;
    assert_eq!(world.gateway.modern("open", "tools/list", json!({})).send().await.status, 200);
    let without = world.toml().replace("name = \"open\"", "name = \"renamed\"");
    world.gateway.replace(&without);
    let gone = world.gateway.modern("open", "tools/list", json!({})).send().await;
    let never = world.gateway.modern("never", "tools/list", json!({})).send().await;
    assert_eq!(gone.status, 404);
    assert_eq!(gone.observable(), never.observable());
    assert_eq!(world.gateway.modern("renamed", "tools/list", json!({})).send().await.status, 200);
    world.gateway.replace(&world.toml());
    assert_eq!(world.gateway.modern("open", "tools/list", json!({})).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn requests_under_way_finish_with_what_they_began_with() {
    let world = World::start().await;
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1, "progress": 1 } });
    let done = json!({ "content": [], "resultType": "complete" });
    let slow =
        Reply::result_after([progress.clone(), progress], done).every(std::time::Duration::from_millis(150));
    world.recorder.once("tools/call", slow);
    let token = world.token("alice", "jwt");
    let call = world.gateway.modern("jwt", "tools/call", json!({ "name": "echo" })).bearer(&token);
    let mut stream = call.stream().await;
    assert!(stream.next_json().await.is_some());
    let without = world.toml().replace("name = \"jwt\"", "name = \"renamed\"");
    world.gateway.replace(&without);
    let rest = stream.rest().await.events();
    assert_eq!(rest.len(), 2);
    assert!(rest[1].get("result").is_some(), "{rest:?}");
    assert_eq!(world.gateway.last_record().await["server"], "jwt");
    world.finish().await;
}

#[tokio::test]
async fn a_session_outlives_changes_that_do_not_concern_it() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    let session = world.gateway.session("jwt", Some(&token)).await;
    let listed = async || {
        let call = world.gateway.legacy("jwt", Some(&session), "tools/list", &json!({}));
        call.bearer(&token).send().await
    };
    assert_eq!(names(&listed().await.result()).len(), 3);
    // Another server, another limit, another list of its own.
    world.gateway.replace(&format!("{}\n[limits]\nstreams = 7", world.toml()));
    assert_eq!(names(&listed().await.result()).len(), 3);
    let narrower = world.toml().replace("name = \"jwt\"", "name = \"jwt\"\ntools = [\"add\"]");
    world.gateway.replace(&narrower);
    assert_eq!(names(&listed().await.result()), ["add"], "a session is no way round a change");
    // Away for a while.
    world.gateway.replace(&world.toml().replace("name = \"jwt\"", "name = \"renamed\""));
    assert_eq!(listed().await.status, 404);
    world.gateway.replace(&world.toml());
    assert_eq!(names(&listed().await.result()).len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_session_at_one_upstream_is_none_at_another() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let second = Recorder::start().await.unwrap();
    world.gateway.replace(&world.toml().replace(world.recorder.url(), second.url()));
    let answer = world.gateway.legacy("open", Some(&session), "tools/list", &json!({})).send().await;
    assert_eq!((answer.status, answer.error_code()), (404, -32001));
    assert!(second.requests().is_empty(), "the other upstream does not learn the first one's session id");
    world.finish().await;
}

/// What was verified under the old configuration counts for nothing under the new one.
#[tokio::test]
async fn who_is_shut_out_is_out_at_once() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    let session = world.gateway.session("jwt", Some(&token)).await;
    let statuses = async || {
        let modern = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).send().await;
        let legacy = world.gateway.legacy("jwt", Some(&session), "tools/list", &json!({}));
        [modern.status, legacy.bearer(&token).send().await.status]
    };
    let jwt = "name = \"jwt\"";
    assert_eq!(statuses().await, [200, 200]);
    for (from, to, status) in [
        (jwt, "name = \"jwt\"\nallow = { users = [\"bob\"] }", 404),
        (jwt, "name = \"jwt\"\naudience = \"urn:another\"", 401),
        ("[[issuer]]", "[[issuer]]\nrequired_scope = \"more\"", 403),
        ("[[issuer]]", "[[issuer]]\nalgorithms = [\"RS256\"]", 401),
    ] {
        world.gateway.replace(&world.toml().replace(from, to));
        assert_eq!(statuses().await, [status; 2], "{to}");
        world.gateway.replace(&world.toml());
        assert_eq!(statuses().await, [200, 200], "{to}");
    }
    let another = world.toml().replace(world.issuer.url(), "http://127.0.0.1:9");
    world.gateway.replace(&another);
    assert_eq!(statuses().await, [401, 401], "the issuer is trusted no more");
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_was_open_asks_as_soon_as_it_is_told_to() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let closed = world.toml().replace("access = \"open\"", "access = \"jwt\"\naudience = \"urn:open\"");
    world.gateway.replace(&closed);
    let modern = world.gateway.modern("open", "tools/list", json!({})).send().await;
    let legacy = world.gateway.legacy("open", Some(&session), "tools/list", &json!({})).send().await;
    assert_eq!((modern.status, legacy.status), (401, 401));
    let metadata = world.gateway.call("GET", "/.well-known/oauth-protected-resource/mcp/open").send().await;
    assert_eq!(metadata.json()["authorization_servers"], json!([world.issuer.url()]));
    // A session that was nobody's is not alice's either.
    let token = world.issuer.mint(world.issuer.claims("alice", "urn:open")).unwrap();
    let call = world.gateway.legacy("open", Some(&session), "tools/list", &json!({})).bearer(&token);
    assert_eq!(call.send().await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn limits_and_origins_change_with_the_rest() {
    let world = World::start().await;
    let long = format!("{}{}", json!({ "jsonrpc": "2.0", "id": 1, "method": "x/y" }), " ".repeat(2000));
    let page = "https://app.example";
    let outcome = async || {
        let long = world.gateway.post("open", long.clone()).send().await.status;
        let page = world.gateway.call("GET", "/healthz").header("Origin", page).send().await.status;
        (long, page)
    };
    assert_eq!(outcome().await, (200, 403));
    let more = "[limits]\nrequest_body = \"1KiB\"\n[listen]\nallowed_origins = [\"https://app.example\"]";
    world.gateway.replace(&format!("{}\n{more}", world.toml()));
    assert_eq!(outcome().await, (413, 200));
    world.gateway.replace(&world.toml());
    assert_eq!(outcome().await, (200, 403));
    world.finish().await;
}

#[tokio::test]
async fn a_configuration_with_a_mistake_is_none() {
    let world = World::start().await;
    for mistake in [
        "[[server]]\nname = \"x\"\nupstreams = [\"no-such-upstream\"]",
        "[[server]]\nname = \"jwt\"\nupstreams = [\"notes\"]",
        "[[server]]\nname = \"Bad Name\"\nupstreams = [\"notes\"]",
        "[[server]]\nname = \"x\"\nupstreams = [\"notes\"]\ntoolz = []",
        "[[server]]\nname = \"x\"\nupstreams = [\"notes\"]\naccess = []",
        "[limits]\nstreams = 0",
        "{",
    ] {
        let toml = format!("{}\n{mistake}", world.toml());
        assert!(world.gateway.load(&toml).is_err(), "{mistake}");
    }
    assert_eq!(world.gateway.modern("open", "tools/list", json!({})).send().await.status, 200);
    world.finish().await;
}
