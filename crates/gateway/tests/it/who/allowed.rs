//! Who of those that are known may stay: `allow`, required scopes, several issuers.

use doorward_testkit::issuer::TestIssuer;
use serde_json::{Value, json};

use crate::harness::{Answer, World};

/// Three servers that let in by group, by subject and by client, and one that lets in nobody.
const ALLOW: &str = r#"
    [[server]]
    name = "eng"
    upstreams = ["notes"]
    access = "jwt"
    audience = "urn:eng"
    allow = { groups = ["eng"] }
    [[server]]
    name = "alices"
    upstreams = ["notes"]
    access = "jwt"
    audience = "urn:alices"
    allow = { users = ["alice"] }
    [[server]]
    name = "ci"
    upstreams = ["notes"]
    access = "jwt"
    audience = "urn:ci"
    allow = { clients = ["ci"] }
    [[server]]
    name = "nobodys"
    upstreams = ["notes"]
    access = "jwt"
    audience = "urn:nobodys"
    allow = { groups = [] }
    "#;

async fn list(world: &World, server: &str, claims: &Value) -> Answer {
    let mut claims = claims.clone();
    claims["aud"] = format!("urn:{server}").into();
    let token = world.issuer.mint(claims).unwrap();
    world.gateway.modern(server, "tools/list", json!({})).bearer(&token).send().await
}

#[tokio::test]
async fn the_lists_let_in_whom_they_name() {
    let world = World::strict(ALLOW).await;
    let claims = |subject: &str, more: Value| {
        let mut claims = world.issuer.claims(subject, "");
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let alice = claims("alice", json!({ "groups": ["eng", "all"], "client_id": "laptop" }));
    let robot = claims("robot", json!({ "client_id": "ci" }));
    let azp = claims("robot", json!({ "azp": "ci" }));
    // Names of one kind are nothing in another.
    let pretender = claims("eng", json!({ "groups": ["alice", "ci", "ENG", "eng "], "client_id": "eng" }));
    for (who, server, in_there) in [
        (&alice, "eng", true),
        (&alice, "alices", true),
        (&alice, "ci", false),
        (&alice, "nobodys", false),
        (&robot, "eng", false),
        (&robot, "alices", false),
        (&robot, "ci", true),
        (&azp, "ci", true),
        (&pretender, "eng", false),
        (&pretender, "alices", false),
        (&pretender, "ci", false),
        (&pretender, "nobodys", false),
    ] {
        let answer = list(&world, server, who).await;
        assert_eq!(answer.status, if in_there { 200 } else { 404 }, "{} at {server}", who["sub"]);
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], if in_there { "ok" } else { "not_allowed" });
        assert_eq!(record["decision"], if in_there { "allowed" } else { "refused" });
        assert_eq!(record["subject"], who["sub"], "the record says who it was");
        assert_eq!(record["server"], server);
    }
    assert_eq!(world.recorder.requests().len(), 4);
    world.finish().await;
}

#[tokio::test]
async fn who_may_not_stay_sees_what_there_is_at_a_server_that_does_not_exist() {
    let world = World::with(ALLOW).await;
    let refused = list(&world, "nobodys", &world.issuer.claims("alice", "")).await;
    let unknown = list(&world, "unknown", &world.issuer.claims("alice", "")).await;
    let (refused_status, refused_headers, _) = refused.observable();
    let (unknown_status, unknown_headers, _) = unknown.observable();
    let names = |headers: Vec<(String, String)>| {
        headers
            .into_iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .collect::<Vec<_>>()
    };
    assert_eq!((refused_status, names(refused_headers)), (unknown_status, names(unknown_headers)));
    assert_eq!(refused.json()["error"], unknown.json()["error"]);
    world.finish().await;
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let world = World::strict(
        r#"
        [[server]]
        name = "later"
        upstreams = ["notes"]
        access = "jwt"
        "#,
    )
    .await;
    let scoped = world.toml().replacen("[[issuer]]", "[[issuer]]\nrequired_scope = \"notes.use\"", 1);
    world.gateway.replace(&scoped);
    let origin = world.gateway.url();
    let metadata = format!(r#"resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp/jwt""#);

    let nobody = world.gateway.modern("jwt", "tools/list", json!({})).send().await;
    let expected = format!(r#"Bearer {metadata}, scope="notes.use""#);
    assert_eq!(nobody.header("www-authenticate"), Some(&*expected));

    let mut claims = world.claims("alice", "jwt");
    for (scope, status) in [
        (json!({}), 403),
        (json!({ "scope": "" }), 403),
        (json!({ "scope": "notes.us" }), 403),
        (json!({ "scope": "notes.use.more other" }), 403),
        (json!({ "scope": "NOTES.USE" }), 403),
        (json!({ "scope": "other notes.use" }), 200),
        (json!({ "scp": ["notes.use"] }), 200),
    ] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
        let token = world.issuer.mint(claims).unwrap();
        let answer = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).send().await;
        assert_eq!(answer.status, status, "{scope}");
        if status == 403 {
            let expected = format!(r#"Bearer error="insufficient_scope", scope="notes.use", {metadata}"#);
            assert_eq!(answer.header("www-authenticate"), Some(&*expected), "{scope}");
            assert_eq!(answer.json()["id"], 1, "the error answers the request");
            assert_eq!(world.gateway.last_record().await["reason"], "scope_missing");
        }
    }
    // Where it is for is asked before what it may.
    claims["aud"] = "elsewhere".into();
    let token = world.issuer.mint(claims).unwrap();
    let answer = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).send().await;
    assert_eq!(answer.status, 401);
    assert_eq!(world.recorder.requests().len(), 2);
    world.finish().await;
}

/// A world with a second issuer; `mixed` believes both, `jwt` only the first, `second` only the second.
async fn two_issuers() -> (World, TestIssuer) {
    let other = TestIssuer::start().await.unwrap();
    let more = format!(
        r#"
        [[issuer]]
        name = "partner"
        issuer = "{}"
        [[server]]
        name = "mixed"
        upstreams = ["notes"]
        access = "jwt"
        [[server]]
        name = "second"
        upstreams = ["notes"]
        access = "jwt"
        issuers = ["partner"]
        "#,
        other.url()
    );
    (World::strict(&more).await, other)
}

#[tokio::test]
async fn each_server_believes_its_own_issuers() {
    let (world, other) = two_issuers().await;
    for (server, first, second) in [("jwt", 200, 401), ("second", 401, 200), ("mixed", 200, 200)] {
        for (issuer, expected) in [(&world.issuer, first), (&other, second)] {
            let token = issuer.mint(issuer.claims("alice", &world.gateway.resource(server))).unwrap();
            let answer = world.gateway.modern(server, "tools/list", json!({})).bearer(&token).send().await;
            assert_eq!(answer.status, expected, "{server}");
            let record = world.gateway.last_record().await;
            if expected == 200 {
                assert_eq!(record["issuer"], issuer.url());
            } else {
                assert_eq!(record["reason"], "token_issuer");
                assert!(record.get("issuer").is_none(), "nothing unproven is recorded: {record}");
            }
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn one_issuers_key_signs_nothing_in_anothers_name() {
    let (world, other) = two_issuers().await;
    let claims = world.issuer.claims("alice", &world.gateway.resource("mixed"));
    let forged = other.mint(claims.clone()).unwrap();
    let named =
        other.mint_with(&json!({ "alg": "ES256", "kid": world.issuer.key_id(), "typ": "at+jwt" }), &claims);
    for token in [forged, named.unwrap()] {
        let answer = world.gateway.modern("mixed", "tools/list", json!({})).bearer(&token).send().await;
        super::assert_invalid_token(&answer, "forged");
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], "token_signature", "both issuers call their first key alike");
        assert!(record.get("subject").is_none(), "nothing unproven is recorded: {record}");
    }
    assert_eq!(other.fetches().jwks, 0, "only the named issuer is asked");
    world.finish().await;
}

#[tokio::test]
async fn people_of_one_name_at_two_issuers_are_two_people() {
    let (world, other) = two_issuers().await;
    let resource = world.gateway.resource("mixed");
    let hers = world.issuer.mint(world.issuer.claims("alice", &resource)).unwrap();
    let theirs = other.mint(other.claims("alice", &resource)).unwrap();
    let session = world.gateway.session("mixed", Some(&hers)).await;
    for (token, status) in [(&theirs, 404), (&hers, 200)] {
        let call = world.gateway.legacy("mixed", Some(&session), "tools/list", &json!({}));
        assert_eq!(call.bearer(token).send().await.status, status);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_session_is_nothing_to_another_caller_client_or_server() {
    let world = World::start().await;
    let mint = |subject: &str, client: &str, server: &str| {
        let mut claims = world.claims(subject, server);
        claims["client_id"] = client.into();
        world.issuer.mint(claims).unwrap()
    };
    let alice = mint("alice", "laptop", "jwt");
    let session = world.gateway.session("jwt", Some(&alice)).await;
    let unknown = "no-such-session";
    for (token, server) in [
        (mint("bob", "laptop", "jwt"), "jwt"),
        (mint("alice", "phone", "jwt"), "jwt"),
        (mint("alice", "laptop", "twin"), "twin"),
    ] {
        for method in super::METHODS {
            let answers = [session.as_str(), unknown].map(|session| {
                let call =
                    world.gateway.legacy(server, Some(session), "tools/list", &json!({})).bearer(&token);
                match method {
                    "POST" => call,
                    _ => world
                        .gateway
                        .call(method, &format!("/mcp/{server}"))
                        .header("Mcp-Session-Id", session)
                        .header("Accept", "text/event-stream")
                        .bearer(&token),
                }
            });
            let [theirs, none] = answers;
            let (theirs, none) = (theirs.send().await, none.send().await);
            assert_eq!(theirs.status, 404, "{method} {server}");
            assert_eq!(theirs.observable(), none.observable(), "as one that does not exist");
        }
    }
    // A session is no credential either.
    let call = world.gateway.legacy("jwt", Some(&session), "tools/list", &json!({}));
    assert_eq!(call.send().await.status, 401);
    let call = world.gateway.legacy("jwt", Some(&session), "tools/list", &json!({}));
    let again = mint("alice", "laptop", "jwt");
    assert_eq!(call.bearer(&again).send().await.status, 200, "another token of the same caller");
    world.finish().await;
}
