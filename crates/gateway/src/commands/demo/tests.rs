use doorward_egress::{Egress, EgressConfig};

use super::{agent::Agent, narrator::Narrator, sample::Sample, *};

/// The story of a scene: what was printed, and whether everything held.
async fn told(scene: &mut Scene) -> (String, bool) {
    let mut printed = Vec::new();
    let mut narrator = Narrator::new(&mut printed, false);
    story::tell(&mut narrator, scene).await;
    let held = narrator.summary();
    (String::from_utf8(printed).expect("text"), held)
}

fn marked<'t>(text: &'t str, mark: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines().filter_map(move |line| line.trim_start().strip_prefix(mark)).map(str::trim)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_holds_and_leaves_nothing_behind() {
    let directory = Directory::make().expect("a directory");
    let path = directory.path().to_owned();
    let mut printed = Vec::new();
    let mut narrator = Narrator::new(&mut printed, false);
    let held = tell(&mut narrator, &directory).await.expect("a scene");
    let text = String::from_utf8(printed).expect("text");
    assert!(held, "{text}");
    assert_eq!(marked(&text, "✗").count(), 0, "{text}");
    assert!(!text.contains('\x1b'), "no colours were asked for");
    assert!(text.contains("\n17. "), "{text}");
    assert!(path.join("doorward.db").exists());
    drop(directory);
    assert!(!path.exists());
}

/// The same calls at a server that nothing stands in front of: whatever Doorward is praised for must fail, or the
/// check would be worth nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_doorward_the_story_does_not_hold() {
    let directory = Directory::make().expect("a directory");
    let mut scene = Scene::start(&directory).await.expect("a scene");
    scene.notes = Sample::start(scene.notebook.clone(), None).await.expect("a server");
    let door = std::mem::replace(&mut scene.door, scene.notes.url().trim_end_matches("/mcp").to_owned());
    scene.link = scene.link.replace(&door, &scene.door);
    let (text, held) = told(&mut scene).await;
    assert!(!held, "{text}");
    let held: Vec<_> = marked(&text, "✓").collect();
    assert_eq!(
        held,
        [
            // What an MCP server does by itself, and nothing of what a gateway adds.
            "whoever has the key can do everything, deletion included",
            "the token is accepted",
            "2025-11-25: list_notes answers with the titles that the server has",
            "2026-07-28: add_note really added a note",
            "an exposed resource can be read",
        ],
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_gone_is_reported_step_by_step() {
    let directory = Directory::make().expect("a directory");
    let mut scene = Scene::start(&directory).await.expect("a scene");
    scene.stop_gateway().await;
    let (text, held) = told(&mut scene).await;
    assert!(!held);
    let broken = marked(&text, "✗").filter(|claim| claim.starts_with("the step could not be finished"));
    assert_eq!(broken.count(), 16, "all steps but the audit: {text}");
}

/// A record too few or too many, or a token on disk, must be noticed.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_step_notices_what_is_missing_and_what_should_not_be_there() {
    let directory = Directory::make().expect("a directory");
    let mut scene = Scene::start(&directory).await.expect("a scene");
    let token = scene.token("alice", "notes");
    std::fs::write(directory.path().join("debug.log"), format!("delete_all_notes {token}")).expect("a file");
    // Requests that the gateway never got.
    let egress = Egress::new(&EgressConfig::default()).expect("a client");
    scene.agent = Agent::new("elsewhere", egress);
    let call = agent::Call::get(&format!("{}/nowhere", scene.issuer.url()));
    scene.agent.send(call).await.expect("an answer");
    let mut printed = Vec::new();
    let mut narrator = Narrator::new(&mut printed, false);
    story::audit::shown(&mut narrator, &mut scene).await.expect("a store");
    assert!(!narrator.summary());
    let text = String::from_utf8(printed).expect("text");
    let failed: Vec<_> = marked(&text, "✗").collect();
    assert_eq!(
        failed,
        [
            "there is exactly one record of each request that the agent and the browser sent",
            "each kind of refusal is there, under its own name",
            "the operator can see that alice tried to delete all notes",
            "the operator can see whose access ended because a code came twice",
            "the operator can see who gave the agent which task, and what became of it",
            "of 3 tokens, codes, passwords, cookies and keys, none is anywhere in the files on disk",
            "the hash chain holds over all of them, from the start of the run to its end",
        ],
        "{text}"
    );
}

#[test]
fn nothing_checked_is_nothing_that_holds() {
    let mut printed = Vec::new();
    assert!(!Narrator::new(&mut printed, false).summary());
    let mut narrator = Narrator::new(&mut printed, true);
    narrator.check_eq("one is one", &1, &1);
    assert!(narrator.summary());
    narrator.check_eq("one is two", &1, &2);
    assert!(!narrator.summary());
    let text = String::from_utf8(printed).expect("text");
    assert!(text.contains("\x1b[32m✓\x1b[0m one is one"));
    assert!(text.contains("\x1b[31m✗\x1b[0m one is two"));
    assert!(text.contains("expected 2"));
}
