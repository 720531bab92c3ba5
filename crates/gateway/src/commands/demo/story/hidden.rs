//! What is not exposed does not exist, for those who call.

use serde_json::json;

use super::{
    super::{
        agent::{Answer, Call, Era, LEGACY, MODERN},
        narrator::Narrator,
        sample::KEY_HEADER,
        scene::Scene,
    },
    Visit,
};

/// The tool that the configuration leaves out.
pub(super) const HIDDEN: &str = "delete_all_notes";
/// A tool that no server has.
const ABSENT: &str = "no_such_tool";

/// Step: a hidden tool and one that nobody has are told apart by nothing.
pub(super) async fn refused(narrator: &mut Narrator<'_>, scene: &Scene, visit: &Visit) -> anyhow::Result<()> {
    narrator.step(
        "A hidden tool is refused like one that does not exist",
        "Knowing the name does not help: not to call it, and not to learn that it is there.",
    );
    let (before, titles) = (scene.arrived(), scene.notebook.titles());
    for (era, revision) in [(Era::Legacy, LEGACY), (Era::Modern, MODERN)] {
        let hidden = call(scene, visit, era, HIDDEN).await?;
        let absent = call(scene, visit, era, ABSENT).await?;
        narrator.show(&format!("→ {revision}: {HIDDEN}\n← {}", hidden.short()));
        narrator.show(&format!("→ {revision}: {ABSENT}\n← {}", absent.short()));
        narrator.check_eq(
            &format!("{revision}: the call is an error, not a result"),
            &hidden.json()["error"]["code"],
            &json!(doorward_protocol::rpc::code::METHOD_NOT_FOUND),
        );
        let (hidden, absent) = (hidden.visible(), absent.visible());
        narrator.check_eq(
            &format!("{revision}: status, headers and body are the same for both, the date apart"),
            &hidden,
            &absent,
        );
    }
    resources(narrator, scene, visit).await?;
    narrator.check_eq("the upstream never saw any of these calls", &scene.arrived(), &before);
    narrator.check_eq(
        &format!("all {} notes are still there", titles.len()),
        &(scene.notebook.titles(), titles.is_empty()),
        &(titles, false),
    );
    deletion_is_real(narrator, scene).await
}

/// The same for a resource.
async fn resources(narrator: &mut Narrator<'_>, scene: &Scene, visit: &Visit) -> anyhow::Result<()> {
    let uri = "note:///door-code";
    let reading = Call::modern(&scene.endpoint("notes"), "resources/read", &json!({ "uri": uri }));
    let read = scene.agent.send(reading.token(&visit.token)).await?;
    narrator.show(&format!("→ {MODERN}: resources/read {uri}\n← {}", read.short()));
    let secret = scene.notebook.text("door-code").unwrap_or_default();
    let body = String::from_utf8_lossy(&read.body).into_owned();
    let kept = read.json()["error"].is_object() && !secret.is_empty() && !body.contains(&secret);
    narrator.check("a hidden note cannot be read as a resource either", kept);
    Ok(())
}

async fn call(scene: &Scene, visit: &Visit, era: Era, tool: &str) -> anyhow::Result<Answer> {
    let call = Call::tool(era, &scene.endpoint("notes"), tool, &json!({})).token(&visit.token);
    let call = if era == Era::Legacy { call.session(&visit.session) } else { call };
    scene.agent.send(call).await
}

/// The tool does what its name says: the door was all that stood between.
async fn deletion_is_real(narrator: &mut Narrator<'_>, scene: &Scene) -> anyhow::Result<()> {
    let before = scene.notebook.titles().len();
    let direct =
        Call::tool(Era::Modern, &scene.notes.url(), HIDDEN, &json!({})).header(KEY_HEADER, &scene.key);
    let done = scene.operator.send(direct).await?.tool_text().unwrap_or_default();
    narrator.show(&format!("→ the same call past Doorward, with the server's key\n← {done}"));
    narrator.check_eq(
        "the danger was real: there it deletes everything",
        &(before > 0, done, scene.notebook.titles()),
        &(true, format!("deleted {before} notes"), Vec::new()),
    );
    Ok(())
}
