//! Doorward's own tokens: what they open, and how they are renewed.

use serde_json::json;

use super::{
    super::{
        agent::{Answer, Call},
        client::member,
        narrator::Narrator,
        scene::Scene,
    },
    Visit, brief,
};

/// Step: replay at another virtual server, and rotation.
pub(super) async fn bound(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "A token opens one virtual server, and is renewed without alice",
        "Whoever gets hold of it, the operator of another server say, can do nothing with it elsewhere.",
    );
    let before = scene.arrived();
    let replayed = list(scene, "clock", &visit.token).await?;
    narrator.show(&format!("→ POST /mcp/clock  Bearer {}\n← {}", brief(&visit.token), short(&replayed)));
    refused(narrator, "alice's good token for the notes, replayed at the clock", &replayed);
    narrator.check_eq("the upstreams never heard of it", &scene.arrived(), &before);

    let old = (visit.token.clone(), visit.refresh.clone());
    let answer = visit.client.refresh(&scene.agent, &old.1).await?;
    let tokens = answer.json();
    let new = ["access_token", "refresh_token"].map(|name| scene.secret(member(&tokens, name)));
    narrator.show(&format!("→ POST /token  {}\n← {}", brief(&old.1), answer.status.as_u16()));
    narrator.show(&format!("  access_token: {}\n  refresh_token: {}", brief(&new[0]), brief(&new[1])));
    let fresh = new.iter().all(|token| !token.is_empty()) && new[0] != old.0 && new[1] != old.1;
    narrator.check("a refresh token brings a new access token, and its own successor", fresh);
    if fresh {
        [visit.token, visit.refresh] = new;
    }
    let asked = Call::legacy(&scene.endpoint("notes"), "tools/list", &json!({}));
    let answer = scene.agent.send(asked.token(&visit.token).session(&visit.session)).await?;
    let goes_on = fresh && answer.tool_names().len() == 3;
    narrator.check("alice's MCP session goes on with the new token", goes_on);
    Ok(())
}

/// Checks that a token was refused as one that does not count here.
pub(super) fn refused(narrator: &mut Narrator<'_>, claim: &str, answer: &Answer) {
    narrator.check_eq(
        &format!("refused: {claim}"),
        &(answer.status.as_u16(), challenge(answer)),
        &(401, r#"Bearer error="invalid_token""#),
    );
}

/// The status, and what the challenge says of the token.
pub(super) fn short(answer: &Answer) -> String {
    format!("{} {}", answer.status.as_u16(), challenge(answer))
}

fn challenge(answer: &Answer) -> &str {
    answer.header("www-authenticate").split(',').next().unwrap_or_default()
}

/// The tools that a token shows at a virtual server, or the refusal.
pub(super) async fn list(scene: &Scene, server: &str, token: &str) -> anyhow::Result<Answer> {
    scene.agent.send(Call::modern(&scene.endpoint(server), "tools/list", &json!({})).token(token)).await
}
