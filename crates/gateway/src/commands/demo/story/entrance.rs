//! What is there, and how a caller without a token finds out where to get one.

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::{
    super::{
        agent::{Agent, Answer, Call},
        narrator::Narrator,
        sample::KEY_HEADER,
        scene::{SHOWN, Scene},
    },
    Visit,
    hidden::HIDDEN,
};

/// Step: the upstreams, and the gateway in front of them.
pub(super) async fn servers(narrator: &mut Narrator<'_>, scene: &Scene) -> anyhow::Result<()> {
    narrator.step(
        "Two MCP servers, and Doorward in front of them",
        "A virtual server says who may call an upstream and what they see. This is the one for the notes:",
    );
    narrator.show(SHOWN);
    narrator.show(&format!("\nnotes  {}  →  {}", scene.endpoint("notes"), scene.notes.url()));
    narrator.show(&format!("clock  {}  →  {}", scene.endpoint("clock"), scene.clock.url()));
    let alone = list(&scene.operator, scene, None).await?;
    narrator.check_eq("the notes server turns away whoever lacks its API key", &alone.status.as_u16(), &401);
    let tools = list(&scene.operator, scene, Some(&scene.key)).await?.tool_names();
    let dangerous = tools.iter().any(|tool| tool == HIDDEN);
    narrator.check("whoever has the key can do everything, deletion included", dangerous);
    let ready = scene.agent.send(Call::get(&format!("{}/readyz", scene.door))).await?;
    narrator.check_eq("Doorward is ready; only Doorward was given the key", &ready.status.as_u16(), &200);
    Ok(())
}

/// What the notes server says itself, past the gateway.
async fn list(agent: &Agent, scene: &Scene, key: Option<&str>) -> anyhow::Result<Answer> {
    let call = Call::modern(&scene.notes.url(), "tools/list", &json!({}));
    let call = match key {
        Some(key) => call.header(KEY_HEADER, key),
        None => call,
    };
    agent.send(call).await
}

/// Step: no token.
pub(super) async fn challenge(
    narrator: &mut Narrator<'_>,
    scene: &Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "No token: refused, and told where to get one",
        "An MCP client follows this trail by itself (RFC 6750, then RFC 9728).",
    );
    let before = scene.arrived();
    let endpoint = scene.endpoint("notes");
    let answer = scene.agent.send(Call::modern(&endpoint, "tools/list", &json!({}))).await?;
    let challenge = answer.header("www-authenticate");
    narrator.show(&format!("→ POST {endpoint}  tools/list"));
    narrator.show(&format!("← {}\n  WWW-Authenticate: {challenge}", answer.status.as_u16()));
    narrator.check_eq("a call without a token is answered with 401", &answer.status.as_u16(), &401);
    narrator.check("the challenge is for a bearer token", challenge.starts_with("Bearer "));

    let url = parameter(challenge, "resource_metadata").context("the challenge names no metadata")?;
    ensure!(url.starts_with(&scene.door), "the challenge leads elsewhere: {url}");
    let metadata = scene.agent.send(Call::get(url)).await?;
    let document = metadata.json();
    narrator.show(&format!("→ GET {url}\n← {}", metadata.status.as_u16()));
    for member in ["resource", "authorization_servers"] {
        narrator.show(&format!("  {member}: {}", document[member]));
    }
    narrator.check_eq("its `resource` is the URL that was called", &document["resource"], &json!(endpoint));
    narrator.check_eq(
        "it names who gives tokens for it: Doorward itself, and the issuer that this server trusts",
        &document["authorization_servers"],
        &json!([scene.door, scene.issuer.url()]),
    );
    document["authorization_servers"][0].as_str().unwrap_or_default().clone_into(&mut visit.client.issuer);
    narrator.check_eq("neither upstream heard of any of this", &scene.arrived(), &before);
    Ok(())
}

/// A quoted parameter of a `WWW-Authenticate` value.
fn parameter<'c>(challenge: &'c str, name: &str) -> Option<&'c str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
