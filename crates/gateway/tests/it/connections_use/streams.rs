//! Disconnecting ends what is open: nothing of the account comes any more, and its token is not used once more.

use doorward_model::Clock as _;
use doorward_testkit::agent::{Answer, Dialect, ScriptedAgent, Stream, payload};
use serde_json::json;

use crate::harness::{
    ConnectedWorld, Events, Message, PATIENCE, V1_FACES, V1_RPC,
    sse::{Server, Speaks},
};

/// A world with the upstream `old`, which speaks HTTP+SSE and wants everybody's own account.
async fn beside(server: &Server) -> ConnectedWorld {
    let url = &server.url;
    ConnectedWorld::with(|credential| {
        format!(
            "[[upstream]]\nname = \"old\"\nurl = \"{url}\"\ntransport = \"sse\"\ncredential = {credential}\n\
             [[server]]\nname = \"old\"\nupstreams = [\"old\"]\naccess = \"jwt\"\nresources = [\"memo:///only\"]\n"
        )
    })
    .await
}

async fn disconnect(world: &ConnectedWorld, place: &str) {
    let now = world.gateway.clock.now();
    world.gateway.store().remove_connection(place, "corp:alice", now).await.unwrap();
}

/// Reads to the end of a stream.
async fn until_end(mut stream: Events<'_>) {
    let ends = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ends).await.expect("the stream ends");
}

#[tokio::test]
async fn a_conversation_ends_with_the_connection_that_it_is_of() {
    let server = Server::start(Speaks::Sse(405)).await;
    let world = beside(&server).await;
    for listens in [true, false] {
        let account = world.connect_for("upstream:old", "corp:alice", &server.url).await;
        let token = world.token("alice", "old");
        let session = world.gateway.session("old", Some(&token)).await;
        let stream = || world.gateway.call("GET", "/mcp/old").header("Mcp-Session-Id", &session);
        let stream = stream().header("Accept", "text/event-stream").bearer(&token);
        let listening = if listens { Some(stream.stream().await) } else { None };
        let bearer = format!("Bearer {}", account.access);
        assert!(server.presented().iter().all(|(_, presented)| *presented == bearer));
        disconnect(&world, "upstream:old").await;
        if let Some(listening) = listening {
            until_end(listening).await;
        }
        // Doorward's own request for the stream carries the token.
        server.until_left().await;
        world.connect_for("upstream:old", "corp:alice", &server.url).await;
        world.until_heard().await;
        for (method, params) in [("tools/list", json!({})), ("resources/read", json!({ "uri": "memo:///x" }))]
        {
            let call = world.gateway.legacy("old", Some(&session), method, &params).bearer(&token);
            assert_eq!(call.send().await.status, 404, "another account, another session");
        }
        assert_eq!(server.presented(), [], "nothing is sent with the token of before");
        disconnect(&world, "upstream:old").await;
        world.until_heard().await;
    }
    world.finish().await;
}

#[tokio::test]
async fn what_doorward_asks_for_itself_in_a_conversation_carries_the_token_of_now() {
    let server = Server::start(Speaks::Sse(405)).await;
    let world = beside(&server).await;
    let account = world.connect_for("upstream:old", "corp:alice", &server.url).await;
    let session = world.gateway.session("old", Some(&world.token("alice", "old"))).await;
    server.presented();
    world.gateway.clock.advance(3600);
    let read = json!({ "uri": "memo:///other" });
    let call = world.gateway.legacy("old", Some(&session), "resources/read", &read);
    call.bearer(&world.token("alice", "old")).send().await;
    let mut presented = server.presented();
    presented.retain(|(asked, _)| asked == "POST resources/templates/list");
    assert_eq!(presented.len(), 1, "{presented:?}");
    assert!(presented[0].1.starts_with("Bearer "), "{presented:?}");
    assert_ne!(presented[0].1, format!("Bearer {}", account.access), "it was renewed");
    world.finish().await;
}

#[tokio::test]
async fn an_agents_stream_ends_with_the_connection_that_it_is_of() {
    let agent = ScriptedAgent::start_as(&[V1_RPC]).await.unwrap();
    let card = agent.card_url();
    let world = ConnectedWorld::with(|credential| {
        format!(
            "[network]\nallow_private = [\"127.0.0.0/8\"]\n[[agent]]\nname = \"helper\"\ncard = \"{card}\"\naccess = \"jwt\"\n\
             bindings = [\"jsonrpc\", \"http+json\", \"grpc\"]\ncredential = {credential}\n"
        )
    })
    .await;
    let token = world.token_for("alice", &world.gateway.agent_resource("helper"));
    for face in V1_FACES {
        world.connect_helper(&card, "corp:alice").await;
        world.until_heard().await;
        let begun = payload::task_event(Dialect::V1, payload::task(Dialect::V1, "t", "c", "working"));
        agent.once("SendStreamingMessage", Answer::stream(Stream::of([begun]).hold()));
        let ask = world.gateway.ask("helper", face, Message::new("m").stream()).bearer(&token);
        let mut feed = ask.open().await;
        assert_eq!(feed.said().await.state(), "working", "{face:?}");
        disconnect(&world, "agent:helper").await;
        let rest = tokio::time::timeout(PATIENCE, feed.rest()).await.expect("the stream ends");
        assert_eq!(rest, [], "{face:?}");
    }
    world.finish().await;
}
