//! Tokens that are not for here, not valid any more, or not what they claim to be.

use serde_json::json;

use super::{
    super::{
        agent::{Answer, Call},
        narrator::Narrator,
        scene::Scene,
    },
    Visit,
};

/// Step: every bad token, and the good ones beside them.
pub(super) async fn refused(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "Tokens that must not be believed are not",
        "A token is good at one virtual server, for a while, and if its issuer signed exactly this.",
    );
    let before = scene.arrived();
    for (claim, token, server) in bad(scene, visit)? {
        let answer = list(scene, server, &token).await?;
        let challenge = answer.header("www-authenticate");
        let code = challenge.split(',').next().unwrap_or_default();
        narrator.show(&format!(
            "→ POST /mcp/{server}  {}\n← {} {code}",
            brief(&token),
            answer.status.as_u16()
        ));
        narrator.check_eq(
            &format!("refused: {claim}"),
            &(answer.status.as_u16(), code),
            &(401, r#"Bearer error="invalid_token""#),
        );
    }
    in_url(narrator, scene, visit).await?;
    stolen_session(narrator, scene, visit).await?;
    narrator.check_eq("the upstreams heard of none of them", &scene.arrived(), &before);
    good(narrator, scene, visit).await
}

/// What the token is, the token, and the virtual server where it is presented.
fn bad(scene: &mut Scene, visit: &Visit) -> anyhow::Result<Vec<(&'static str, String, &'static str)>> {
    let notes = scene.endpoint("notes");
    let issuer = &scene.issuer;
    let tokens = vec![
        ("alice's good token for the notes, replayed at the clock", visit.token.clone(), "clock"),
        ("one that expired an hour ago", issuer.expired("alice", &notes), "notes"),
        ("one that somebody else signed in the issuer's name", issuer.forged("alice", &notes)?, "notes"),
        ("alice's, with the name changed after signing", issuer.altered("alice", "admin", &notes), "notes"),
        ("one with alg=none and no signature", issuer.unsigned("alice", &notes), "notes"),
        ("one of an issuer that nobody here trusts", issuer.stranger("alice", &notes)?, "notes"),
    ];
    for (_, token, _) in &tokens {
        scene.presents(token.clone());
    }
    Ok(tokens)
}

/// RFC 6750 section 2.3 is not supported, on purpose.
async fn in_url(narrator: &mut Narrator<'_>, scene: &Scene, visit: &Visit) -> anyhow::Result<()> {
    let url = format!("{}?access_token={}", scene.endpoint("notes"), visit.token);
    let answer = scene.agent.send(Call::modern(&url, "tools/list", &json!({}))).await?;
    narrator.show(&format!("→ POST /mcp/notes?access_token=…\n← {}", answer.status.as_u16()));
    narrator.check_eq(
        "refused: a good token in a URL, where it would end up in logs",
        &answer.status.as_u16(),
        &400,
    );
    Ok(())
}

/// A session belongs to who began it.
async fn stolen_session(narrator: &mut Narrator<'_>, scene: &mut Scene, visit: &Visit) -> anyhow::Result<()> {
    let bob = scene.token("bob", "notes");
    let asked = Call::legacy(&scene.endpoint("notes"), "tools/list", &json!({}));
    let answer = scene.agent.send(asked.token(&bob).session(&visit.session)).await?;
    narrator.show(&format!("→ POST /mcp/notes  bob's own token, alice's session\n← {}", answer.short()));
    let refused = answer.status.as_u16() == 404 && !visit.session.is_empty();
    narrator.check("refused: alice's session with bob's good token", refused);
    Ok(())
}

/// All of these could be refusals of everything. They are not.
async fn good(narrator: &mut Narrator<'_>, scene: &mut Scene, visit: &Visit) -> anyhow::Result<()> {
    let still = list(scene, "notes", &visit.token).await?;
    narrator.check_eq("accepted: alice's token where it belongs", &still.tool_names().len(), &3);
    let bob = scene.token("bob", "clock");
    let there = list(scene, "clock", &bob).await?;
    narrator.check_eq(
        "accepted: bob's token for the clock, at the clock",
        &there.tool_names(),
        &vec!["now".to_owned()],
    );
    Ok(())
}

async fn list(scene: &Scene, server: &str, token: &str) -> anyhow::Result<Answer> {
    scene.agent.send(Call::modern(&scene.endpoint(server), "tools/list", &json!({})).token(token)).await
}

/// Enough of a token to recognise it by: its end differs.
fn brief(token: &str) -> String {
    let end = token.rsplit('.').next().unwrap_or_default();
    let end = end.get(end.len().saturating_sub(8)..).unwrap_or_default();
    format!("Authorization: Bearer {}…{end}", token.get(..8).unwrap_or_default())
}
