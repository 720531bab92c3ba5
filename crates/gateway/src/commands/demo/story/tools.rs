//! A good token: what its bearer sees, and can do.

use serde_json::json;

use super::{
    super::{
        agent::{Call, Era, LEGACY, MODERN},
        narrator::Narrator,
        sample::{KEY_HEADER, Seen},
        scene::{OPERATOR, Scene},
    },
    Visit,
    hidden::HIDDEN,
};

/// What the configuration exposes.
pub(super) const EXPOSED: [&str; 3] = ["list_notes", "read_note", "add_note"];
/// What an agent that should not have it might send along.
const COOKIE: &str = "session=alice-in-the-intranet";

/// Step: a token, a session, and a list with something missing.
pub(super) async fn list(
    narrator: &mut Narrator<'_>,
    scene: &Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "The token opens what is exposed, and nothing else",
        "What the configuration leaves out is not in any list: alice's client never learns that it is there.",
    );
    let endpoint = scene.endpoint("notes");
    let begun = scene.agent.send(Call::initialize(&endpoint).token(&visit.token)).await?;
    begun.header("mcp-session-id").clone_into(&mut visit.session);
    let version = begun.json()["result"]["protocolVersion"].clone();
    narrator.show(&format!("→ initialize\n← {}, revision {version}", begun.status.as_u16()));
    narrator.check_eq("the token is accepted", &(begun.status.as_u16(), version), &(200, json!(LEGACY)));
    let upstream_sessions = scene.notes.sessions();
    let sealed = !visit.session.is_empty()
        && !upstream_sessions.is_empty()
        && upstream_sessions.iter().all(|id| !visit.session.contains(id));
    narrator.check("alice's session id is Doorward's own; the upstream's stays behind the door", sealed);

    let said = Call::initialized(&endpoint).token(&visit.token).session(&visit.session);
    scene.agent.send(said).await?;
    let asked = Call::legacy(&endpoint, "tools/list", &json!({}));
    let seen = scene.agent.send(asked.token(&visit.token).session(&visit.session)).await?.tool_names();
    let direct = Call::modern(&scene.notes.url(), "tools/list", &json!({})).header(KEY_HEADER, &scene.key);
    let there = scene.operator.send(direct).await?.tool_names();
    narrator.show(&format!("the upstream has  {}\nalice sees        {}", there.join("  "), seen.join("  ")));
    narrator.check_eq(
        "she sees exactly the tools of the configuration",
        &seen,
        &EXPOSED.map(str::to_owned).into(),
    );
    let hidden: Vec<_> = there.iter().filter(|name| !seen.contains(name)).map(String::as_str).collect();
    narrator.check_eq("what is missing is the tool that deletes", &hidden, &vec![HIDDEN]);
    Ok(())
}

/// Step: real calls, in both eras, and what arrived of them.
pub(super) async fn call(narrator: &mut Narrator<'_>, scene: &Scene, visit: &Visit) -> anyhow::Result<()> {
    narrator.step(
        "Exposed tools work, in both eras of MCP",
        "The agent sends its token and a cookie along. The upstream gets neither: it gets Doorward's own key.",
    );
    let endpoint = scene.endpoint("notes");
    let listing = Call::tool(Era::Legacy, &endpoint, "list_notes", &json!({}));
    let listing = listing.token(&visit.token).session(&visit.session).header("cookie", COOKIE);
    let titles = scene.agent.send(listing).await?.tool_text();
    narrator.show(&format!("→ {LEGACY}, in the session: list_notes\n← {}", one_line(titles.as_deref())));
    narrator.check_eq(
        &format!("{LEGACY}: list_notes answers with the titles that the server has"),
        &titles,
        &Some(scene.notebook.titles().join("\n")),
    );

    let text = "Doorward was here.";
    let writing = Call::tool(Era::Modern, &endpoint, "add_note", &json!({ "title": "demo", "text": text }));
    let writing = writing.token(&visit.token).header("cookie", COOKIE);
    let written = scene.agent.send(writing).await?.tool_text();
    narrator.show(&format!("→ {MODERN}, without a session: add_note\n← {}", one_line(written.as_deref())));
    narrator.check_eq(
        &format!("{MODERN}: add_note really added a note"),
        &(written.is_some(), scene.notebook.text("demo")),
        &(true, Some(text.to_owned())),
    );
    let reading = Call::modern(&endpoint, "resources/read", &json!({ "uri": "note:///groceries" }));
    let read = scene.agent.send(reading.token(&visit.token)).await?;
    let shown = read.json()["result"]["contents"][0]["text"].as_str().map(str::to_owned);
    narrator.check_eq("an exposed resource can be read", &shown, &scene.notebook.text("groceries"));
    credentials(narrator, scene, &visit.token);
    Ok(())
}

/// What the upstream was shown of anybody's credentials.
fn credentials(narrator: &mut Narrator<'_>, scene: &Scene, token: &str) {
    let through: Vec<Seen> = scene.notes.seen().into_iter().filter(came_through).collect();
    let clean = |seen: &Seen| {
        let names = ["authorization", "cookie"];
        names.iter().all(|name| !seen.headers.contains_key(*name))
            && !seen.mentions(token)
            && !seen.mentions(COOKIE)
    };
    let with_key = |seen: &Seen| {
        let keys: Vec<_> = seen.headers.get_all(KEY_HEADER).iter().map(http::HeaderValue::as_bytes).collect();
        keys == [scene.key.as_bytes()]
    };
    narrator.show(&format!("the upstream's log has {} requests that came through the door", through.len()));
    let some = !through.is_empty();
    narrator.check("in none of them is alice's token or her cookie", some && through.iter().all(clean));
    narrator
        .check("in each of them is the key that Doorward was given", some && through.iter().all(with_key));
}

/// Whatever is not one of the story's own looks past the gateway.
fn came_through(seen: &Seen) -> bool {
    seen.headers.get(http::header::USER_AGENT).is_none_or(|agent| agent != OPERATOR)
}

fn one_line(text: Option<&str>) -> String {
    text.map_or_else(|| "an error".to_owned(), |text| text.replace('\n', ", "))
}
