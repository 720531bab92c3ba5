//! The second way in: JWTs of an issuer that the operator trusts, and those that only look like them.

use serde_json::json;

use super::{
    super::{agent::Call, narrator::Narrator, scene::Scene},
    Visit, brief,
    tokens::{list, refused, short},
};

/// Step: every bad token, and the good ones beside them.
pub(super) async fn trusted(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "The second way in: tokens of an issuer that you trust already",
        "Doorward finds its keys by discovery. A JWT is good for one URL, for a while, if its issuer signed exactly this.",
    );
    let notes = scene.token("alice", "notes");
    let good = list(scene, "notes", &notes).await?;
    narrator.show(&format!("→ POST /mcp/notes  Bearer {}\n← {}", brief(&notes), good.status.as_u16()));
    narrator.check_eq("accepted: the issuer's token for alice, at the notes", &good.tool_names().len(), &3);
    let clock = scene.token("bob", "clock");
    let there = list(scene, "clock", &clock).await?.tool_names();
    narrator.check_eq("accepted: its token for bob, at the clock", &there, &vec!["now".to_owned()]);

    let before = scene.arrived();
    for (claim, token, server) in bad(scene, notes.clone())? {
        let answer = list(scene, server, &token).await?;
        narrator.show(&format!("→ POST /mcp/{server}  Bearer {}\n← {}", brief(&token), short(&answer)));
        refused(narrator, claim, &answer);
    }
    in_url(narrator, scene, &notes).await?;
    stolen_session(narrator, scene, visit).await?;
    narrator.check_eq("the upstreams heard of none of these", &scene.arrived(), &before);
    Ok(())
}

/// What the token is, the token, and the virtual server where it is presented.
fn bad(scene: &mut Scene, good: String) -> anyhow::Result<Vec<(&'static str, String, &'static str)>> {
    let notes = scene.endpoint("notes");
    let issuer = &scene.issuer;
    let tokens = vec![
        ("the good one, replayed at the clock", good, "clock"),
        ("one that expired an hour ago", issuer.expired("alice", &notes), "notes"),
        ("one that somebody else signed in the issuer's name", issuer.forged("alice", &notes)?, "notes"),
        ("alice's, with the name changed after signing", issuer.altered("alice", "admin", &notes), "notes"),
        ("one with alg=none and no signature", issuer.unsigned("alice", &notes), "notes"),
        ("one of an issuer that nobody here trusts", issuer.stranger("alice", &notes)?, "notes"),
    ];
    for (_, token, _) in &tokens {
        scene.secret(token.clone());
    }
    Ok(tokens)
}

/// RFC 6750 section 2.3 is not supported, on purpose.
async fn in_url(narrator: &mut Narrator<'_>, scene: &Scene, token: &str) -> anyhow::Result<()> {
    let url = format!("{}?access_token={token}", scene.endpoint("notes"));
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
