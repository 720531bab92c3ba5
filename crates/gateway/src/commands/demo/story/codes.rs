//! Authorization codes: good for tokens, once, for whoever sent the person.

use doorward_auth::server::pkce;
use serde_json::json;

use super::{
    super::{
        client::{SCOPE, member},
        narrator::Narrator,
        scene::Scene,
    },
    Visit, brief, people,
    tokens::{list, refused},
};

/// Step: a code becomes an access token and a refresh token.
pub(super) async fn redeemed(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "The code becomes tokens, for whoever sent alice",
        "Codes travel through browsers, where others may see them. The PKCE verifier does not.",
    );
    let (thief, code) = (pkce::new_verifier(), visit.code.clone());
    let stolen = visit.client.redeem(&scene.agent, &code, thief.expose()).await?;
    narrator.show(&format!(
        "→ POST /token  {}, some other verifier\n← {}",
        brief(&code),
        shown(&stolen.oauth())
    ));
    narrator.check_eq("a stolen code is worth nothing", &stolen.oauth(), &(400, "invalid_grant".to_owned()));

    let answer = visit.client.redeem(&scene.agent, &code, &visit.errand.verifier).await?;
    let tokens = answer.json();
    visit.token = scene.secret(member(&tokens, "access_token"));
    visit.refresh = scene.secret(member(&tokens, "refresh_token"));
    narrator.show(&format!("→ POST /token  {}, the verifier\n← {}", brief(&code), answer.status.as_u16()));
    for name in ["access_token", "refresh_token"] {
        narrator.show(&format!("  {name}: {}", brief(&member(&tokens, name))));
    }
    for name in ["token_type", "expires_in", "scope", "resource"] {
        narrator.show(&format!("  {name}: {}", tokens[name]));
    }
    narrator.check_eq(
        "the client that sent her gets tokens: the attempt before has used nothing up",
        &(answer.status.as_u16(), visit.token.starts_with("dwat_"), visit.refresh.starts_with("dwrt_")),
        &(200, true, true),
    );
    narrator.check_eq(
        "they are for this virtual server",
        &tokens["resource"],
        &json!(scene.endpoint("notes")),
    );
    Ok(())
}

/// Step: a code that comes twice was seen by somebody, so what came of it ends.
pub(super) async fn used_twice(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "A code that is used twice ends what came of it",
        "alice allows the client a second time, and this time somebody has copied everything (OAuth 2.1 section 4.1.3).",
    );
    let (errand, code) = people::allows_also(scene, visit, (&scene.endpoint("notes"), SCOPE)).await?;
    let first = visit.client.redeem(&scene.agent, &code, &errand.verifier).await?;
    let tokens = first.json();
    let token = scene.secret(member(&tokens, "access_token"));
    let refresh = scene.secret(member(&tokens, "refresh_token"));
    let good = list(scene, "notes", &token).await?;
    narrator.show(&format!("→ POST /token  {}\n← {}", brief(&code), first.status.as_u16()));
    narrator.check_eq("the first use brings a token that is good", &good.tool_names().len(), &3);
    let second = visit.client.redeem(&scene.agent, &code, &errand.verifier).await?;
    narrator.show(&format!("→ POST /token  {} again\n← {}", brief(&code), shown(&second.oauth())));
    narrator.check_eq("refused: the second use", &second.oauth(), &(400, "invalid_grant".to_owned()));
    let over = list(scene, "notes", &token).await?;
    refused(narrator, "the token of the first use, from then on", &over);
    let renewed = visit.client.refresh(&scene.agent, &refresh).await?;
    narrator.check_eq("refused: its refresh token", &renewed.oauth(), &(400, "invalid_grant".to_owned()));
    let other = list(scene, "notes", &visit.token).await?;
    narrator.check_eq("what alice allowed before goes on", &other.tool_names().len(), &3);
    Ok(())
}

/// A status and an OAuth error in one line.
pub(super) fn shown((status, error): &(u16, String)) -> String {
    format!("{status} {error}")
}
