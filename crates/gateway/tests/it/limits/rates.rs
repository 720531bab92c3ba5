//! How often callers may call: `rate` of a virtual server.

use serde_json::{Value, json};

use super::others_are_served;
use crate::harness::{Answer, Call, Plan, World};

/// The last server of the usual world gets this rate too.
fn rated(rate: &str, access: &str) -> String {
    format!("[[server]]\nname = \"rated\"\nupstreams = [\"notes\"]\naccess = {access}\nrate = {rate}\n")
}

/// A world whose clock stands still.
async fn world(more: &str) -> World {
    let world = World::with(more).await;
    world.gateway.clock.stop();
    world
}

fn list<'g>(world: &'g World, server: &str) -> Call<'g> {
    world.gateway.modern(server, "tools/list", json!({}))
}

/// A call of a client that acts for somebody.
fn by<'g>(world: &'g World, subject: &str, client: &str) -> Call<'g> {
    let mut claims = world.claims(subject, "rated");
    claims["client_id"] = client.into();
    // The clock of the world stands still, that of the issuer does not.
    list(world, "rated").bearer(&world.issuer.mint(claims).unwrap())
}

#[track_caller]
fn too_often(answer: &Answer, seconds: &str) {
    assert_eq!((answer.status, answer.error_code()), (429, -32000), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some(seconds), "{}", answer.text());
}

#[tokio::test]
async fn one_call_too_many_is_refused_and_the_next_one_in_time_is_not() {
    let world = world(&rated("{ limit = 60, per = \"minute\", burst = 3 }", "\"open\"")).await;
    for _ in 0..3 {
        assert_eq!(list(&world, "rated").send().await.status, 200);
    }
    let refused = list(&world, "rated").send().await;
    too_often(&refused, "1");
    assert_eq!(refused.json()["id"], 1);
    let record = world.gateway.last_record().await;
    assert_eq!((&record["reason"], &record["decision"]), (&json!("rate_exceeded"), &json!("refused")));
    assert_eq!((&record["fault"], &record["status"]), (&json!("caller"), &json!(429)));
    assert_eq!(world.recorder.requests().len(), 3, "what is refused does not go upstream");
    others_are_served(&world).await;
    world.gateway.clock.advance(1);
    assert_eq!(list(&world, "rated").send().await.status, 200);
    too_often(&list(&world, "rated").send().await, "1");
    world.finish().await;
}

#[tokio::test]
async fn callers_are_counted_as_the_rate_says() {
    // Each of these calls once, where one may.
    let people = [("alice", "laptop"), ("alice", "phone"), ("bob", "laptop")];
    for (word, expected) in [
        ("caller", [200, 200, 200]),
        ("subject", [200, 429, 200]),
        ("client", [200, 200, 429]),
        ("all", [200, 429, 429]),
    ] {
        let world =
            world(&rated(&format!("{{ limit = 1, per = \"hour\", by = \"{word}\" }}"), "\"jwt\"")).await;
        let mut found = Vec::new();
        for (subject, client) in people {
            found.push(by(&world, subject, client).send().await.status);
        }
        assert_eq!(found, expected, "{word}");
        too_often(&by(&world, "alice", "laptop").send().await, "3600");
        world.finish().await;
    }
}

#[tokio::test]
async fn nobody_is_counted_by_address() {
    let world = world(&rated("{ limit = 1, per = \"hour\" }", "\"open\"")).await;
    assert_eq!(list(&world, "rated").send().await.status, 200);
    // What a caller claims about itself changes nothing.
    let claimed =
        list(&world, "rated").header("X-Forwarded-For", "192.0.2.1").header("Forwarded", "for=192.0.2.2");
    too_often(&claimed.bearer("not-looked-at").send().await, "3600");
    world.finish().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_address_is_what_it_says() {
    let proxies = "[listen]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";
    let world = world(&format!("{proxies}{}", rated("{ limit = 1, per = \"hour\" }", "\"open\""))).await;
    let from = |address: &str| list(&world, "rated").header("X-Forwarded-For", address);
    assert_eq!(from("192.0.2.1").send().await.status, 200);
    assert_eq!(from("192.0.2.2").send().await.status, 200);
    too_often(&from("192.0.2.1").send().await, "3600");
    world.finish().await;
}

#[tokio::test]
async fn what_an_earlier_check_refuses_is_not_counted_and_never_hears_of_the_rate() {
    let server = rated("{ limit = 1, per = \"hour\", by = \"all\" }", "\"jwt\"");
    let world = world(&format!("{server}tools = [\"echo\"]\nallow = {{ users = [\"alice\"] }}\n")).await;
    let hidden = |subject: &str| {
        let call = world.gateway.modern("rated", "tools/call", json!({ "name": "hidden" }));
        call.bearer(&world.token(subject, "rated"))
    };
    for _ in 0..3 {
        assert_eq!(list(&world, "rated").send().await.status, 401);
        assert_eq!(by(&world, "mallory", "x").send().await.status, 404);
        assert_eq!(hidden("alice").send().await.error_code(), -32601);
        assert_eq!(
            world.gateway.post("rated", "{").bearer(&world.token("alice", "rated")).send().await.status,
            400
        );
    }
    assert_eq!(by(&world, "alice", "x").send().await.status, 200);
    too_often(&by(&world, "alice", "x").send().await, "3600");
    assert_eq!(hidden("alice").send().await.error_code(), -32601, "as before: it does not exist");
    assert_eq!(by(&world, "mallory", "x").send().await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn each_message_of_a_batch_counts() {
    let world = world(&rated("{ limit = 4, per = \"hour\" }", "\"open\"")).await;
    let client = json!({ "name": "test", "version": "1" });
    let params = json!({ "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": client });
    let begun = world.gateway.legacy("rated", None, "initialize", &params).send().await;
    let session = begun.header("mcp-session-id").expect("a session").to_owned();
    let batch = |messages: &[Value]| {
        world.gateway.post("rated", json!(messages).to_string()).header("Mcp-Session-Id", &session)
    };
    let ping = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "ping", "params": {} });
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized", "params": {} });
    assert_eq!(batch(&[note, ping(1)]).send().await.status, 200);
    let sent = world.recorder.requests().len();
    let refused = batch(&[ping(2), ping(3)]).send().await;
    too_often(&refused, "900");
    assert_eq!(refused.json()["error"]["data"]["index"], 1, "the fourth call fits, the fifth does not");
    assert_eq!(world.recorder.requests().len(), sent, "one refused message refuses the batch");
    // Who has too much may still go.
    let end = world.gateway.call("DELETE", "/mcp/rated").header("Mcp-Session-Id", &session).send().await;
    assert!(end.status < 300, "{}", end.text());
    world.finish().await;
}

#[tokio::test]
async fn counts_live_on_when_the_configuration_changes_unless_the_rate_does() {
    const HOURLY: &str = "{ limit = 1, per = \"hour\" }";
    let world = world(&rated(HOURLY, "\"open\"")).await;
    assert_eq!(list(&world, "rated").send().await.status, 200);
    world.gateway.replace(&format!("{}\n[limits]\ndepth = 64\n{}", world.toml(), rated(HOURLY, "\"open\"")));
    too_often(&list(&world, "rated").send().await, "3600");
    let more = rated("{ limit = 2, per = \"minute\", burst = 1 }", "\"open\"");
    world.gateway.replace(&format!("{}\n{more}", world.toml()));
    assert_eq!(list(&world, "rated").send().await.status, 200);
    too_often(&list(&world, "rated").send().await, "30");
    world.finish().await;
}

#[tokio::test]
async fn replicas_count_together() {
    if std::env::var_os("DOORWARD_TEST_POSTGRES").is_none() {
        return;
    }
    let rated = format!(
        "{}{}",
        rated("{ limit = 4, per = \"hour\" }", "\"open\""),
        rated("{ limit = 1000, per = \"second\", burst = 100 }", "\"open\"").replace("\"rated\"", "\"busy\"")
    );
    let world = World::planned(Plan::default().postgres(), &rated).await;
    world.gateway.clock.stop();
    let other = world.gateway.replica(&format!("{}{rated}", world.toml())).await;
    for _ in 0..2 {
        assert_eq!(list(&world, "rated").send().await.status, 200);
        assert_eq!(list(&world, "rated").at(&other).send().await.status, 200);
    }
    too_often(&list(&world, "rated").send().await, "900");
    too_often(&list(&world, "rated").at(&other).send().await, "900");
    // A refusal is remembered for as long as it holds, and no longer.
    world.gateway.clock.advance(900);
    assert_eq!(list(&world, "rated").at(&other).send().await.status, 200);
    too_often(&list(&world, "rated").send().await, "900");

    // Of a hundred calls at once each replica takes ten at a time, and none is given twice.
    let mut admitted = 0;
    for _ in 0..60 {
        for call in [list(&world, "busy"), list(&world, "busy").at(&other)] {
            admitted += u32::from(call.send().await.status == 200);
        }
    }
    assert_eq!(admitted, 100);
    other.finish().await;
    world.finish().await;
}
