//! Session ids: sealed, bound to caller and virtual server, ended for good.

use std::sync::Arc;

use doorward_gateway::App;
use doorward_testkit::recorder::Reply;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::{asked, refusal};
use crate::harness::{LEGACY, World};

#[tokio::test]
async fn a_session_id_says_nothing_of_the_upstreams() {
    let world = World::start().await;
    let sessions = [world.gateway.session("open", None).await, world.gateway.session("open", None).await];
    assert_ne!(sessions[0], sessions[1]);
    for session in &sessions {
        assert!(session.bytes().all(|b| (0x21..=0x7e).contains(&b)));
        // The upstream's, plainly and as it would look in base64 at any offset.
        for trace in ["recorder", "cmVjb3JkZX", "JlY29yZGVy", "yZWNvcmRlc"] {
            assert!(!session.contains(trace), "{session}");
        }
        let answer = world.gateway.legacy("open", Some(session), "tools/list", &json!({})).send().await;
        assert!(answer.result()["tools"].is_array());
        assert_eq!(answer.header("mcp-session-id"), None);
    }
    let seen: Vec<_> = world.recorder.requests_of("tools/list");
    let seen: Vec<_> = seen.iter().map(|request| request.header("mcp-session-id").unwrap()).collect();
    assert_eq!(seen, ["recorder-1", "recorder-2"]);
    for session in &sessions {
        assert!(!world.recorder.saw(session), "our session ids do not travel");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_session_is_nothing_to_another_caller_and_nothing_at_another_server() {
    let world = World::with(super::FEW).await;
    let [alice, bob] = ["alice", "bob"].map(|subject| world.token(subject, "jwt"));
    let at_twin = world.token("alice", "twin");
    let session = world.gateway.session("jwt", Some(&alice)).await;
    let open = world.gateway.session("open", None).await;
    let before = asked(&world.recorder);
    let list = |server, session: &str| world.gateway.legacy(server, Some(session), "tools/list", &json!({}));
    let garbage = list("jwt", "garbage").bearer(&alice).send().await;
    assert_eq!(refusal(&garbage), (404, -32001, json!(1)));
    let mut changed = session.clone();
    changed.replace_range(30..31, if &session[30..31] == "A" { "B" } else { "A" });
    for (case, call) in [
        ("another caller", list("jwt", &session).bearer(&bob)),
        ("another server", list("twin", &session).bearer(&at_twin)),
        ("an open server", list("open", &session)),
        ("from an open server", list("jwt", &open).bearer(&alice)),
        ("between open servers", list("few", &open)),
        ("changed", list("jwt", &changed).bearer(&alice)),
        ("cut", list("jwt", &session[..session.len() - 1]).bearer(&alice)),
        ("the upstream's", list("jwt", "recorder-1").bearer(&alice)),
        ("empty", list("jwt", "").bearer(&alice)),
        ("two", list("jwt", &session).bearer(&alice).header("Mcp-Session-Id", &session)),
    ] {
        assert_eq!(call.send().await.observable(), garbage.observable(), "{case}");
    }
    for method in ["GET", "DELETE"] {
        let call = world.gateway.call(method, "/mcp/jwt").header("Accept", "text/event-stream").bearer(&bob);
        assert_eq!(call.header("Mcp-Session-Id", &session).send().await.status, 404, "{method}");
    }
    assert_eq!(asked(&world.recorder), before, "the upstream heard of none of it");
    let answer = list("jwt", &session).bearer(&alice).send().await;
    assert!(answer.result()["tools"].is_array(), "the session is as good as before");
    world.finish().await;
}

#[tokio::test]
async fn an_ended_session_is_gone() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let delete = || world.gateway.call("DELETE", "/mcp/open").header("Mcp-Session-Id", &session);
    assert_eq!(delete().send().await.status, 200);
    let ended = world.recorder.requests_of("DELETE");
    assert_eq!(ended[0].header("mcp-session-id"), Some("recorder-1"));
    assert_eq!(delete().send().await.status, 404);
    let list = world.gateway.legacy("open", Some(&session), "tools/list", &json!({})).send().await;
    let garbage = world.gateway.legacy("open", Some("garbage"), "tools/list", &json!({})).send().await;
    assert_eq!(list.observable(), garbage.observable());
    let stream = world.gateway.call("GET", "/mcp/open").header("Accept", "text/event-stream");
    assert_eq!(stream.header("Mcp-Session-Id", &session).send().await.status, 404);
    assert_eq!(world.recorder.requests_of("DELETE").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_session_that_the_upstream_lost_is_gone() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    world.recorder.forget_sessions();
    let list = world.gateway.legacy("open", Some(&session), "tools/list", &json!({})).send().await;
    assert_eq!(refusal(&list), (404, -32001, json!(1)));
    // However the upstream puts it.
    let own_words = Reply::raw("application/json", r#"{"error":"Session not found"}"#);
    for reply in [own_words, Reply::raw("text/html", "<h1>404</h1>"), Reply::empty(404)] {
        world.recorder.once("tools/list", reply.status(404));
        let list = world.gateway.legacy("open", Some(&session), "tools/list", &json!({})).send().await;
        assert_eq!(refusal(&list), (404, -32001, json!(1)));
    }
    let delete = world.gateway.call("DELETE", "/mcp/open").header("Mcp-Session-Id", &session);
    assert_eq!(delete.send().await.status, 404);
    let again = world.gateway.session("open", None).await;
    let list = world.gateway.legacy("open", Some(&again), "tools/list", &json!({})).send().await;
    assert!(list.result()["tools"].is_array(), "a new session is as good as any");
    world.finish().await;
}

#[tokio::test]
async fn a_session_ends_by_its_lifetime() {
    let world = World::with("[limits]\nsession_lifetime = \"2m\"").await;
    let session = world.gateway.session("open", None).await;
    let list = || world.gateway.legacy("open", Some(&session), "tools/list", &json!({}));
    world.gateway.clock.advance(110);
    assert_eq!(list().send().await.status, 200);
    world.gateway.clock.advance(11);
    assert_eq!(refusal(&list().send().await), (404, -32001, json!(1)));
    world.finish().await;
}

/// The gateway after a restart: the same store and key, everything else new.
async fn restarted(world: &World) -> (std::net::SocketAddr, impl Future<Output = ()> + use<>) {
    world.gateway.app.shut_down().await;
    let loaded = world.gateway.load(&world.toml()).unwrap();
    let clock: Arc<dyn doorward_model::Clock> = world.gateway.clock.clone();
    let app = App::build(&loaded, clock).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(doorward_gateway::listen::serve(Arc::clone(&app), listener, async {
        let _ = stopped.await;
    }));
    let end = async move {
        let _ = stop.send(());
        serving.await.unwrap();
        app.shut_down().await;
    };
    (address, end)
}

#[tokio::test]
async fn sessions_and_their_ends_outlive_the_process() {
    let world = World::start().await;
    let kept = world.gateway.session("open", None).await;
    let ended = world.gateway.session("open", None).await;
    let delete = world.gateway.call("DELETE", "/mcp/open").header("Mcp-Session-Id", &ended);
    assert_eq!(delete.send().await.status, 200);

    let (address, end) = restarted(&world).await;
    for (session, status) in [(&kept, 200), (&ended, 404)] {
        let call = world.gateway.legacy("open", Some(session), "tools/list", &json!({}));
        let stream = TcpStream::connect(address).await.unwrap();
        world.gateway.expect_record("POST /mcp/open");
        let answer = world.gateway.answer_on(stream, &call.bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    end.await;
    world.finish().await;
}

#[tokio::test]
async fn an_initialize_in_an_old_session_begins_a_new_one() {
    let world = World::start().await;
    let old = world.gateway.session("open", None).await;
    let answer = world.gateway.initialize("open").header("Mcp-Session-Id", &old).send().await;
    let new = answer.header("mcp-session-id").unwrap().to_owned();
    assert_ne!(old, new);
    assert_eq!(world.recorder.requests().pop().unwrap().header("mcp-session-id"), None);
    assert_eq!(answer.result()["protocolVersion"], LEGACY);
    world.finish().await;
}

#[tokio::test]
async fn an_upstream_without_sessions_has_none_through_the_gateway() {
    let world = World::start().await;
    world.recorder.set_sessions(false);
    let answer = world.gateway.initialize("open").send().await;
    assert_eq!((answer.status, answer.header("mcp-session-id")), (200, None));
    let list = world.gateway.legacy("open", None, "tools/list", &json!({})).send().await;
    assert!(list.result()["tools"].is_array());
    world.finish().await;
}
