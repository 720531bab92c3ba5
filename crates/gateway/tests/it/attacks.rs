//! Ways past the door that somebody found, and that stay shut.

mod published;

use doorward_testkit::recorder::Reply;
use serde_json::json;

use crate::harness::World;

/// The upstream opens its stream with something that is dropped, so that the event behind it would open ours:
/// there, and only there, a byte order mark means nothing to a reader of event streams.
#[tokio::test]
async fn a_byte_order_mark_carries_nothing_past_the_filter() {
    let narrow = "[[server]]\nname = \"narrow\"\nupstreams = [\"notes\"]\naccess = \"open\"\nprompts = []";
    let world = World::with(narrow).await;
    let dropped = r#"data: {"jsonrpc":"2.0","id":1,"method":"roots/list"}"#;
    let smuggled = r#"data: {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","prompts":[{"name":"smuggled"}]}}"#;
    let answer = r#"data: {"jsonrpc":"2.0","id":"$id","result":{"resultType":"complete","prompts":[{"name":"smuggled"}]}}"#;
    let stream = format!("{dropped}\n\n\u{FEFF}{smuggled}\n\n{answer}\n\n");
    world.recorder.always("prompts/list", Reply::event_bytes(stream));
    let list = world.gateway.modern("narrow", "prompts/list", json!({})).send().await;
    let text = list.text();
    assert!(!text.starts_with('\u{FEFF}'), "{text}");
    // What a reader makes of it: fields that begin with the mark are not fields.
    let fields: Vec<&str> = text.lines().filter(|line| line.starts_with("data:")).collect();
    assert!(fields.iter().all(|field| !field.contains("smuggled")), "{fields:?}");
    world.finish().await;
}

#[tokio::test]
async fn completion_does_not_tell_hidden_resources_from_others() {
    let few =
        "[[server]]\nname = \"some\"\nupstreams = [\"notes\"]\naccess = \"open\"\nresources = [\"pub://a\"]";
    let world = World::with(few).await;
    let complete = |uri: &str| {
        let params = json!({ "ref": { "type": "ref/resource", "uri": uri }, "argument": { "name": "a", "value": "" } });
        world.gateway.modern("some", "completion/complete", params)
    };
    for uri in ["hidden://exists", "hidden://not"] {
        let answer = complete(uri).send().await;
        assert_eq!((answer.status, answer.error_code()), (200, -32602), "{}", answer.text());
        assert_eq!(answer.json()["error"]["data"]["uri"], uri);
    }
    assert!(world.recorder.requests_of("completion/complete").is_empty(), "the upstream heard of it");
    world.finish().await;
}

#[tokio::test]
async fn an_event_id_without_a_session_goes_nowhere() {
    let world = World::start().await;
    let stream = world.gateway.call("GET", "/mcp/open").header("Accept", "text/event-stream");
    let answer = stream.header("Last-Event-ID", "guessed-1").send().await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(!world.recorder.saw("guessed-1"));
    world.finish().await;
}

#[tokio::test]
async fn a_filter_of_another_type_is_refused() {
    let world = World::start().await;
    for filter in [
        json!([]),
        json!("all"),
        json!({ "resourceSubscriptions": "a" }),
        json!({ "taskIds": { "0": "a" } }),
        json!({ "resourceSubscriptions": vec!["a:b"; 1001] }),
    ] {
        let listen = world.gateway.modern("open", "subscriptions/listen", json!({ "notifications": filter }));
        let answer = listen.send().await;
        assert_eq!((answer.status, answer.error_code()), (200, -32602), "{}", answer.text());
    }
    assert!(world.recorder.requests_of("subscriptions/listen").is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_probe_that_its_caller_abandons_leaves_no_child() {
    const MARK: &str = "987654.25";
    let slow = format!(
        "[[upstream]]\nname = \"slow\"\ncommand = [\"sleep\", \"{MARK}\"]\n\
         [[server]]\nname = \"slow\"\nupstreams = [\"slow\"]\naccess = \"open\""
    );
    let world = World::with(&slow).await;
    for _ in 0..3 {
        let call = world.gateway.modern("slow", "tools/list", json!({}));
        // The caller waits until the child runs, and leaves.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(400), call.send()).await;
    }
    let patience = std::time::Instant::now() + crate::harness::PATIENCE;
    while running(MARK) > 0 {
        assert!(std::time::Instant::now() < patience, "{} children were left", running(MARK));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    world.finish().await;
}

/// Processes that were started with this argument.
fn running(argument: &str) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let commands = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    commands
        .filter(|command| command.split(|byte| *byte == 0).any(|part| part == argument.as_bytes()))
        .count()
}
