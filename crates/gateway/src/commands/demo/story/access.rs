//! What a person gave, that person can take back.

use serde_json::json;

use super::{
    super::{agent::Call, client::NAME, narrator::Narrator, scene::Scene},
    Visit, codes,
    people::framed,
    tokens::{list, refused},
};

/// Step: "My access".
pub(super) async fn taken_back(
    narrator: &mut Narrator<'_>,
    scene: &Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "alice takes it back, and it ends at once",
        "“My access” shows which clients hold what. Administrators see everybody's.",
    );
    let before = list(scene, "notes", &visit.token).await?;
    narrator.check_eq("until now the client's token is good", &before.tool_names().len(), &3);
    let page = visit.browser.open(&scene.browser, &format!("{}/console/access", scene.door)).await?;
    narrator.show(&format!("→ GET /console/access\n← {}, a page:", page.status));
    narrator.show(&framed(&page.text()));
    narrator.check("the client is on her list", page.text().contains(NAME) && page.has_button("Revoke"));
    let page = visit.browser.press(&scene.browser, &page, "Revoke", &[]).await?;
    narrator.show(&format!("→ “Revoke”\n← {}", page.status));
    let gone = page.text().contains(&format!("“{NAME}” no longer has this access."));
    narrator.check_eq("after “Revoke” it is not", &(gone, page.has_button("Revoke")), &(true, false));

    let seen = scene.arrived();
    let after = list(scene, "notes", &visit.token).await?;
    refused(narrator, "the very next request with its token", &after);
    let in_session = Call::legacy(&scene.endpoint("notes"), "tools/list", &json!({}));
    let answer = scene.agent.send(in_session.token(&visit.token).session(&visit.session)).await?;
    refused(narrator, "a request in the session that was open", &answer);
    let renewed = visit.client.refresh(&scene.agent, &visit.refresh).await?;
    narrator.show(&format!("→ POST /token  refresh\n← {}", codes::shown(&renewed.oauth())));
    narrator.check_eq("refused: its refresh token", &renewed.oauth(), &(400, "invalid_grant".to_owned()));
    narrator.check_eq("the upstreams heard of none of this", &scene.arrived(), &seen);
    Ok(())
}
