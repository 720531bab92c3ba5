//! The other half of the door: an A2A agent, its card, and whose its tasks are.

use anyhow::{Context as _, ensure};
use doorward_auth::{
    card::{Pinned, Standing, judge},
    keys::KeySet,
};
use doorward_model::SignatureMode;
use doorward_protocol::{a2a::card::MAX_DEPTH, json::Document};
use serde_json::{Value, json};

use super::{
    super::{
        agent::{Answer, Call},
        client::member,
        helper::CARD,
        narrator::Narrator,
        sample::KEY_HEADER,
        scene::{SHOWN_AGENT, Scene},
    },
    Visit, brief, people,
    tokens::refused,
};

/// The state of a task that is done.
pub(super) const COMPLETED: &str = "TASK_STATE_COMPLETED";
/// What the client asks for at an agent.
const SCOPE: &str = "a2a:read a2a:send";

/// Step: the card that callers see.
pub(super) async fn card(narrator: &mut Narrator<'_>, scene: &Scene) -> anyhow::Result<()> {
    narrator.step(
        "An agent behind the same door: its card is Doorward's",
        "A2A clients begin with a card. Doorward rewrites the agent's own, approves it once, and signs it.",
    );
    narrator.show(SHOWN_AGENT);
    let endpoint = scene.agent_endpoint();
    narrator.show(&format!("\nhelper  {endpoint}  →  {}", scene.helper.url()));
    let own = scene.operator.send(Call::get(&scene.helper.card_url())).await?;
    let call = Call::get(&format!("{endpoint}{CARD}")).header("a2a-version", "1.0");
    let shown = scene.agent.send(call).await?;
    let card = shown.json();
    narrator.show(&format!("→ GET {endpoint}{CARD}\n← {}", shown.status.as_u16()));
    for name in ["name", "supportedInterfaces"] {
        narrator.show(&format!("  {name}: {}", card[name]));
    }
    let own_urls = urls(&own.json());
    let led_here = !urls(&card).is_empty() && urls(&card).iter().all(|url| *url == endpoint);
    let hidden = !own_urls.is_empty() && !own_urls.iter().any(|url| shown.text().contains(url));
    narrator.check(
        "every interface in it leads to the door; the agent's own address is nowhere",
        led_here && hidden,
    );
    narrator.check_eq(
        "what it is called and can do is what the agent says",
        &(&card["name"], &card["skills"][0]["id"], card["name"].is_string()),
        &(&own.json()["name"], &own.json()["skills"][0]["id"], true),
    );
    signed(narrator, scene, shown).await
}

/// The signature, by the keys that Doorward publishes and by nothing that the card brings.
async fn signed(narrator: &mut Narrator<'_>, scene: &Scene, shown: Answer) -> anyhow::Result<()> {
    let keys = scene.agent.send(Call::get(&format!("{}/.well-known/jwks.json", scene.door))).await?;
    let keys = KeySet::parse(&keys.body).context("the door publishes no keys")?;
    let standing = |text: String| -> anyhow::Result<bool> {
        let document = Document::parse(text.into(), MAX_DEPTH)?;
        let pinned = [Pinned { keys: &keys, url: None }];
        let judged = judge(SignatureMode::Required, &document, &pinned);
        Ok(matches!(judged, Ok(Standing::Verified(_))))
    };
    let mut card = shown.json();
    let good = standing(shown.text())?;
    card["description"] = "Counts words, and sends them elsewhere.".into();
    narrator.check_eq(
        "its signature is good by the keys of the door, and is not once a word is changed",
        &(good, standing(card.to_string())?),
        &(true, false),
    );
    Ok(())
}

/// Step: a task, and whose it is.
pub(super) async fn task(
    narrator: &mut Narrator<'_>,
    scene: &mut Scene,
    visit: &mut Visit,
) -> anyhow::Result<()> {
    narrator.step(
        "A task belongs to whoever gave it",
        "The agent knows one caller, Doorward, and would show every task to it. Doorward knows whose each one is.",
    );
    let asleep = scene.helper.seen().len();
    let denied = send(scene, None, "one two three").await?;
    let challenge = denied.header("www-authenticate");
    narrator.show(&format!("→ SendMessage\n← {}\n  WWW-Authenticate: {challenge}", denied.status.as_u16()));
    let metadata = format!("{}/.well-known/oauth-protected-resource/a2a/helper", scene.door);
    narrator.check_eq(
        "without a token: 401, and where to get one",
        &(denied.status.as_u16(), challenge.contains(&metadata)),
        &(401, true),
    );
    let (alice, bob) = (token(narrator, scene, visit).await?, bobs(scene));
    let elsewhere = scene.token("alice", "notes");
    let replayed = send(scene, Some(&elsewhere), "one two three").await?;
    refused(narrator, "a token for the notes", &replayed);
    narrator.check_eq("the agent heard of none of this", &scene.helper.seen().len(), &asleep);

    let sent = send(scene, Some(&alice), "put one door in front of all agents").await?;
    let task = sent.json()["result"]["task"].clone();
    narrator.show(&format!("→ SendMessage  Bearer {}\n← {} {task}", brief(&alice), sent.status.as_u16()));
    narrator.check_eq(
        "alice's message becomes a task, which the agent completes",
        &(&task["status"]["state"], &task["artifacts"][0]["parts"][0]["text"]),
        &(&json!(COMPLETED), &json!("8 words")),
    );
    let seen = scene.helper.seen();
    let ours = |at: usize| {
        seen.get(at).is_some_and(|seen| {
            seen.headers.get(KEY_HEADER).is_some_and(|key| key == scene.helper_key.as_str())
        })
    };
    narrator.check_eq(
        "the agent got Doorward's key, and never saw alice's token",
        &(seen.len(), ours(asleep), seen.iter().any(|seen| seen.mentions(&alice))),
        &(asleep + 1, true, false),
    );
    owned(narrator, scene, (&alice, &bob), &task).await
}

/// alice allows her client to give the agent tasks.
async fn token(narrator: &mut Narrator<'_>, scene: &mut Scene, visit: &mut Visit) -> anyhow::Result<String> {
    let resource = scene.agent_endpoint();
    let (errand, code) = people::allows_also(scene, visit, (&resource, SCOPE)).await?;
    let tokens = visit.client.redeem(&scene.agent, &code, &errand.verifier).await?.json();
    scene.secret(member(&tokens, "refresh_token"));
    narrator.show(&format!(
        "→ alice presses “Allow” for the agent; the client redeems the code\n  scope: {}",
        tokens["scope"]
    ));
    let token = scene.secret(member(&tokens, "access_token"));
    ensure!(!token.is_empty(), "there is no token for the agent");
    Ok(token)
}

/// bob comes with a token of the issuer.
fn bobs(scene: &mut Scene) -> String {
    let token = scene.issuer.token("bob", &scene.agent_endpoint());
    scene.secret(token)
}

/// What the owner gets, and what others get.
async fn owned(
    narrator: &mut Narrator<'_>,
    scene: &Scene,
    (alice, bob): (&str, &str),
    task: &Value,
) -> anyhow::Result<()> {
    let id = task["id"].as_str().context("there is no task")?;
    let mine = call(scene, alice, "GetTask", &json!({ "id": id })).await?;
    narrator.check_eq("alice gets her task", &mine.json()["result"], task);

    let before = scene.helper.seen().len();
    let foreign = call(scene, bob, "GetTask", &json!({ "id": id })).await?;
    let missing = call(scene, bob, "GetTask", &json!({ "id": "0".repeat(id.len()) })).await?;
    narrator.show(&format!("→ GetTask, by bob: alice's task\n← {}", foreign.short()));
    narrator.show(&format!("→ GetTask, by bob: a task that nobody has\n← {}", missing.short()));
    narrator.check_eq(
        "bob, who knows its id, gets exactly what a missing task gets; the agent is not asked",
        &(foreign.visible(), foreign.json()["error"].is_object(), scene.helper.seen().len()),
        &(missing.visible(), true, before),
    );
    let sent = send(scene, Some(bob), "hello").await?;
    let bobs = sent.json()["result"]["task"]["id"].clone();
    for (name, token, task) in [("alice", alice, json!(id)), ("bob", bob, bobs)] {
        let list = call(scene, token, "ListTasks", &json!({})).await?.json();
        let tasks = list["result"]["tasks"].as_array().cloned().unwrap_or_default();
        let ids: Vec<_> = tasks.iter().map(|task| task["id"].clone()).collect();
        narrator.show(&format!("→ ListTasks, by {name}\n← {} of {}", ids.len(), list["result"]["totalSize"]));
        let only = (ids, &list["result"]["totalSize"]);
        narrator.check_eq(
            &format!("{name}'s list has {name}'s task, and no other"),
            &only,
            &(vec![task], &json!(1)),
        );
    }
    Ok(())
}

async fn send(scene: &Scene, token: Option<&str>, text: &str) -> anyhow::Result<Answer> {
    let message = json!({ "messageId": text, "role": "ROLE_USER", "parts": [{ "text": text }] });
    let call = Call::a2a(&scene.agent_endpoint(), "SendMessage", &json!({ "message": message }));
    let call = match token {
        Some(token) => call.token(token),
        None => call,
    };
    scene.agent.send(call).await
}

async fn call(scene: &Scene, token: &str, method: &str, params: &Value) -> anyhow::Result<Answer> {
    scene.agent.send(Call::a2a(&scene.agent_endpoint(), method, params).token(token)).await
}

/// Where the interfaces of a card lead.
fn urls(card: &Value) -> Vec<String> {
    let interfaces = card["supportedInterfaces"].as_array().cloned().unwrap_or_default();
    interfaces.iter().filter_map(|interface| interface["url"].as_str()).map(str::to_owned).collect()
}
