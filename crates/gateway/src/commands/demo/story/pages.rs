//! Web pages that reach for a local gateway through somebody's browser.

use serde_json::json;

use super::{
    super::{agent::Call, narrator::Narrator, scene::Scene},
    Visit,
};

/// Step: a name that was rebound to 127.0.0.1, and a page on another site.
pub(super) async fn refused(narrator: &mut Narrator<'_>, scene: &Scene, visit: &Visit) -> anyhow::Result<()> {
    narrator.step(
        "Web pages of others get nowhere",
        "DNS rebinding makes a browser call 127.0.0.1 in another name. Even a good token does not help there.",
    );
    let before = scene.arrived();
    let call = || Call::modern(&scene.endpoint("notes"), "tools/list", &json!({})).token(&visit.token);
    let rebound = scene.agent.send(call().header("host", "evil.example")).await?;
    narrator.show(&format!("→ Host: evil.example\n← {}", rebound.short()));
    narrator.check_eq("a host name that is not ours is refused", &rebound.status.as_u16(), &421);
    let foreign = scene.agent.send(call().header("origin", "https://evil.example")).await?;
    narrator.show(&format!("→ Origin: https://evil.example\n← {}", foreign.short()));
    narrator.check_eq(
        "a page of another site is refused, and may not read why",
        &(foreign.status.as_u16(), foreign.header("access-control-allow-origin")),
        &(403, ""),
    );
    narrator.check_eq("the upstreams heard of neither", &scene.arrived(), &before);
    let own = scene.agent.send(call().header("origin", &scene.door)).await?;
    narrator.check_eq(
        "a page of our own may call, and read the answer",
        &(own.status.as_u16(), own.header("access-control-allow-origin")),
        &(200, &*scene.door),
    );
    Ok(())
}
