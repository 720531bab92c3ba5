//! alice: how she becomes somebody here, and how she decides about a client.

use anyhow::Context as _;

use super::{
    super::{
        client::{Errand, NAME, SCOPE},
        narrator::Narrator,
        scene::Scene,
        visitor::{Page, Visitor},
    },
    Visit, brief,
    hidden::HIDDEN,
    tools::EXPOSED,
};

/// Who she is.
pub(super) const ALICE: &str = "alice";
/// Longest line of a page as it is shown.
const WIDTH: usize = 128;
/// What only she knows. A sentence, as the page recommends.
pub(super) const PASSWORD: &str = "seven geese cross the frozen river";

/// Step: the one-time link of the first start.
pub(super) async fn first(narrator: &mut Narrator<'_>, scene: &mut Scene) -> anyhow::Result<()> {
    narrator.step(
        "The first start prints a link, and alice becomes administrator",
        "There is no password to begin with that everybody knows. The link counts once.",
    );
    let mut browser = Visitor::default();
    let link = scene.secret(scene.link.clone());
    let page = browser.open(&scene.browser, &link).await?;
    narrator.show(&format!("→ GET {}?token=dwfa_…\n← {} “{}”", page.url.path(), page.status, page.heading()));
    let password = scene.secret(PASSWORD.to_owned());
    let typed = [("username", ALICE), ("password", &*password), ("password_again", &*password)];
    let page = browser.press(&scene.browser, &page, "Become administrator", &typed).await?;
    narrator.show(&format!(
        "→ name, password, “Become administrator”\n← {} “{}”",
        page.status,
        page.heading()
    ));
    narrator.check_eq(
        "she is signed in, with a password that she chose herself",
        &(page.status, page.has_button("Sign out")),
        &(200, true),
    );
    remember(scene, &browser);
    let again = Visitor::default().open(&scene.browser, &link).await?;
    narrator.show(&format!("→ the link again\n← {} “{}”", again.status, again.heading()));
    narrator.check_eq("whoever finds the link later gets nothing", &again.status, &404);
    Ok(())
}

/// Step: sign-in and consent.
pub(super) async fn decides(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "alice signs in, and decides what the client may do",
        "The client opens her browser (OAuth 2.1 with PKCE, RFC 8707). It never sees her password.",
    );
    let errand = visit.client.errand(&scene.endpoint("notes"), SCOPE)?;
    scene.secret(errand.verifier.clone());
    let page = visit.browser.open(&scene.browser, &errand.url).await?;
    let endpoint = errand.url.split('?').next().unwrap_or_default();
    narrator.show(&format!("→ GET {endpoint}?response_type=code&resource={}&…", scene.endpoint("notes")));
    narrator.show(&format!("← {} “{}”", page.status, page.heading()));
    narrator.check("whoever is not signed in is asked for name and password", page.has_button("Sign in"));
    let consent = signs_in(narrator, scene, visit, &page).await?;
    asked(narrator, &consent);
    allows(narrator, scene, visit, (errand, &consent)).await
}

async fn signs_in(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &mut Visit,
    page: &Page,
) -> anyhow::Result<Page> {
    let wrong = [("username", ALICE), ("password", "nine geese")];
    let page = visit.browser.press(&scene.browser, page, "Sign in", &wrong).await?;
    narrator.show(&format!("→ {ALICE}, a wrong password, “Sign in”\n← {} “{}”", page.status, page.heading()));
    narrator.check_eq(
        "a wrong password gets nobody any further",
        &(page.status, page.has_button("Allow")),
        &(403, false),
    );
    let right = [("username", ALICE), ("password", PASSWORD)];
    let page = visit.browser.press(&scene.browser, &page, "Sign in", &right).await?;
    remember(scene, &visit.browser);
    narrator.show(&format!("→ {ALICE}, her password, “Sign in”\n← {}, a page:", page.status));
    Ok(page)
}

/// What the page tells her.
fn asked(narrator: &mut Narrator<'_>, page: &Page) {
    let text = page.text();
    narrator.show(&framed(&text));
    let claim =
        text.contains(&format!("It calls itself: “{NAME}”")) && text.contains("vouches for it: Nobody.");
    narrator.check("the client's name is shown as its own claim: nobody vouches for it", claim);
    let complete = EXPOSED.iter().all(|tool| text.contains(tool)) && !text.contains(HIDDEN);
    narrator.check("the page lists the tools that the client could use, and no hidden one", complete);
}

/// She says yes, and her browser goes back to the client.
async fn allows(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &mut Visit,
    (errand, page): (Errand, &Page),
) -> anyhow::Result<()> {
    let page = visit.browser.press(&scene.browser, page, "Allow", &[]).await?;
    let back = page.left.context("the browser was not sent back to the client")?;
    let returned = errand.returned(&back);
    narrator.show(&format!(
        "→ “Allow”\n← {} {}?code={}&state=…&iss={}",
        page.status,
        back.as_str().split('?').next().unwrap_or_default(),
        brief(&returned.code),
        returned.issuer
    ));
    narrator.check_eq(
        "she is back at the client, with a code; `state` and `iss` say that it is the answer (RFC 9207)",
        &(returned.is_ours, returned.code.starts_with("dwac_"), &returned.issuer),
        &(true, true, &visit.client.issuer),
    );
    visit.code = scene.secret(returned.code);
    visit.errand = errand;
    Ok(())
}

/// A further errand: she is signed in, so she is only asked. Brings the errand and the code.
pub(super) async fn allows_also(
    scene: &mut Scene,
    visit: &mut Visit,
    (resource, scope): (&str, &str),
) -> anyhow::Result<(Errand, String)> {
    let errand = visit.client.errand(resource, scope)?;
    scene.secret(errand.verifier.clone());
    let page = visit.browser.open(&scene.browser, &errand.url).await?;
    let page = visit.browser.press(&scene.browser, &page, "Allow", &[]).await?;
    let back = page.left.context("the browser was not sent back to the client")?;
    let code = scene.secret(errand.returned(&back).code);
    Ok((errand, code))
}

/// Her cookies are secrets too.
fn remember(scene: &mut Scene, browser: &Visitor) {
    for cookie in browser.cookies() {
        scene.secret(cookie.to_owned());
    }
}

/// A page's text in a frame of its own, in lines that fit a terminal.
pub(super) fn framed(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut begun = String::from("│");
        for word in line.split(' ') {
            if begun.chars().count() + word.chars().count() > WIDTH {
                lines.push(std::mem::replace(&mut begun, String::from("│  ")));
            }
            begun.push(' ');
            begun.push_str(word);
        }
        lines.push(begun);
    }
    lines.join("\n")
}
