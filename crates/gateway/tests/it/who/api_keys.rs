//! Keys of programs: who holds one, what it opens, and what else a request may not carry beside it.

use serde_json::json;

use crate::harness::{Answer, Call, Plan, World};

const CI: &str = "ci-key-4d1f0b6a93c7e258";
const CD: &str = "cd-key-8b20f7e1d65a394c";

/// A server for each way that keys may be taken, beside the usual ones.
const KEYS: &str = r#"
    [[api_key]]
    name = "ci"
    value = { env = "CI" }
    groups = ["builders"]
    [[api_key]]
    name = "cd"
    value = { env = "CD" }
    [[server]]
    name = "keys"
    upstreams = ["notes"]
    access = "api-key"
    [[server]]
    name = "both"
    upstreams = ["notes"]
    access = ["api-key", "jwt"]
    [[server]]
    name = "cds"
    upstreams = ["notes"]
    access = "api-key"
    api_keys = ["cd"]
    "#;

async fn world(more: &str) -> World {
    let plan = Plan::default().secret("CI", CI).secret("CD", CD);
    World::planned(plan, &format!("{KEYS}\n{more}")).await
}

fn list<'g>(world: &'g World, server: &str) -> Call<'g> {
    world.gateway.modern(server, "tools/list", json!({}))
}

async fn with(world: &World, server: &str, key: &str) -> Answer {
    list(world, server).header("X-API-Key", key).send().await
}

#[tokio::test]
async fn a_key_gets_in_and_the_record_says_whose_it_is() {
    let world = world("").await;
    assert_eq!(with(&world, "keys", CI).await.status, 200);
    let record = world.gateway.last_record().await;
    assert_eq!((&record["issuer"], &record["subject"]), (&json!("api-key"), &json!("api-key:ci")));
    assert_eq!(record["client"], "ci");
    assert_eq!(list(&world, "keys").header("x-api-key", CD).send().await.status, 200);
    assert_eq!(world.gateway.last_record().await["subject"], "api-key:cd");
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_key_here_gets_a_challenge_that_says_what_is() {
    const KEY: &str = r#"ApiKey header="X-API-Key""#;
    let world = world("").await;
    let halves = [&CI[..CI.len() - 1], &format!("{CI}x"), &CI.to_uppercase(), &format!("Bearer {CI}")];
    for wrong in halves.into_iter().chain(["x", "ci", "\u{e9}"]) {
        let answer = with(&world, "keys", wrong).await;
        assert_eq!((answer.status, answer.all("www-authenticate")), (401, vec![KEY]), "{wrong}");
        assert_eq!(answer.json()["error"]["message"], "the API key is not valid here");
        assert_eq!(world.gateway.last_record().await["reason"], "api_key_unknown");
    }
    let missing = list(&world, "keys").send().await;
    assert_eq!((missing.status, missing.all("www-authenticate")), (401, vec![KEY]));
    assert_eq!(missing.json()["error"]["message"], "authentication is required");
    assert_eq!(with(&world, "cds", CI).await.status, 401, "a key that is taken elsewhere");
    assert_eq!(with(&world, "cds", CD).await.status, 200);
    assert_eq!(world.recorder.requests().len(), 1, "nothing of them went upstream");
    world.finish().await;
}

#[tokio::test]
async fn each_way_in_is_challenged_for_and_metadata_are_for_tokens_only() {
    let world = world("").await;
    let answer = list(&world, "both").send().await;
    let challenges = answer.all("www-authenticate");
    assert_eq!(challenges.len(), 2, "{challenges:?}");
    assert!(challenges[0].starts_with("Bearer resource_metadata="), "{challenges:?}");
    assert_eq!(challenges[1], r#"ApiKey header="X-API-Key""#);
    let metadata = |server: &str| format!("/.well-known/oauth-protected-resource/mcp/{server}");
    assert_eq!(world.gateway.call("GET", &metadata("both")).send().await.status, 200);
    let none = world.gateway.call("GET", &metadata("keys")).send().await;
    let unknown = world.gateway.call("GET", &metadata("no-such-server")).send().await;
    assert_eq!(none.status, 404);
    assert_eq!(none.observable(), unknown.observable());
    // Who guesses at keys is not told that a token would be wrong.
    let wrong = with(&world, "both", "wrong-key-of-nobody").await;
    assert!(wrong.all("www-authenticate").iter().all(|challenge| !challenge.contains("error=")));
    world.finish().await;
}

#[tokio::test]
async fn two_credentials_at_once_are_ambiguous() {
    let world = world("").await;
    let token = world.token("alice", "both");
    for call in [
        list(&world, "both").header("X-API-Key", CI).bearer(&token),
        list(&world, "both").header("X-API-Key", "wrong-key-of-nobody").bearer(&token),
        list(&world, "both").header("X-API-Key", CI).header("Authorization", "Basic dXNlcjpwdw=="),
        list(&world, "both").header("X-API-Key", CI).header("X-API-Key", CI),
        list(&world, "keys").header("X-API-Key", CI).header("X-API-Key", CD),
    ] {
        let answer = call.send().await;
        assert_eq!((answer.status, answer.error_code()), (400, -32000), "{}", answer.text());
        assert_eq!(world.gateway.last_record().await["reason"], "credential_ambiguous");
    }
    // Either alone is none too many, and what is no way in is not looked at.
    assert_eq!(with(&world, "both", CI).await.status, 200);
    assert_eq!(list(&world, "both").bearer(&token).send().await.status, 200);
    assert_eq!(list(&world, "keys").header("X-API-Key", CI).bearer(&token).send().await.status, 200);
    let token = world.token("alice", "jwt");
    assert_eq!(list(&world, "jwt").header("X-API-Key", CI).bearer(&token).send().await.status, 200);
    assert_eq!(with(&world, "jwt", CI).await.status, 401, "keys open what takes them only");
    let in_query = world.gateway.call("POST", &format!("/mcp/keys?access_token={CI}"));
    assert_eq!(in_query.header("X-API-Key", CI).send().await.status, 400);
    world.finish().await;
}

#[tokio::test]
async fn allow_names_keys_and_nobody_else_passes_for_one() {
    let allowing = |name: &str, allow: &str| {
        format!(
            "[[server]]\nname = \"{name}\"\nupstreams = [\"notes\"]\naccess = [\"api-key\", \"jwt\"]\nallow = {allow}\n"
        )
    };
    let world = world(&format!(
        "{}{}{}{}",
        allowing("by-user", r#"{ users = ["api-key:ci"] }"#),
        allowing("by-client", r#"{ clients = ["ci"] }"#),
        allowing("by-group", r#"{ groups = ["builders"] }"#),
        allowing("plain", r#"{ users = ["ci", "corp:ci"] }"#),
    ))
    .await;
    for server in ["by-user", "by-client", "by-group"] {
        assert_eq!(with(&world, server, CI).await.status, 200, "{server}");
        assert_eq!(with(&world, server, CD).await.status, 404, "{server}");
    }
    assert_eq!(with(&world, "plain", CI).await.status, 404, "a key is no user of that name");
    for subject in ["api-key:ci", "ci"] {
        let token = world.token(subject, "by-user");
        let answer = list(&world, "by-user").bearer(&token).send().await;
        assert_eq!(answer.status, 404, "{subject}: an issuer's subject is no key");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_session_belongs_to_the_key_that_began_it() {
    let world = world("").await;
    let begun = world.gateway.initialize("keys").header("X-API-Key", CI).send().await;
    let session = begun.header("mcp-session-id").expect("a session").to_owned();
    let list = |key: &str| {
        world.gateway.legacy("keys", Some(&session), "tools/list", &json!({})).header("X-API-Key", key)
    };
    assert_eq!(list(CI).send().await.status, 200);
    assert_eq!(list(CD).send().await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_is_taken_no_longer_opens_nothing_and_its_streams_end() {
    const BRISK: &str = "[limits]\nkeep_alive = \"1s\"\n";
    let world = world(BRISK).await;
    let call = world.gateway.modern("keys", "subscriptions/listen", json!({ "notifications": {} }));
    let mut stream = call.header("X-API-Key", CI).stream().await;
    assert!(stream.next_json().await.is_some());
    let fewer = KEYS.replacen("access = \"api-key\"", "access = \"api-key\"\napi_keys = [\"cd\"]", 1);
    world.gateway.replace(&format!("{}\n{fewer}\n{BRISK}", world.toml()));
    stream.rest().await;
    assert_eq!(with(&world, "keys", CI).await.status, 401);
    assert_eq!(with(&world, "keys", CD).await.status, 200);
    world.finish().await;
}
