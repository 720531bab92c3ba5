//! People who sign in elsewhere: at an OpenID provider, or by the word of a trusted issuer.

use doorward_testkit::issuer::Failure;
use serde_json::{Value, json};

use super::{SERVERS, ends, listen, opens, until};
use crate::harness::{Answer, OAuthClient, Plan, TokenCall, Tokens, Visitor, World, parameter};

/// Whom the provider's people the operator lets in, unless a test says otherwise.
const EVERYBODY: &str = "\"anyone\"";

/// The usual world where people sign in at the issuer.
async fn world(allow: &str) -> World {
    let plan = Plan::default().secret("IDP_SECRET", "the-provider-s-secret-5512");
    let world = World::planned(plan, &format!("[records]\ndurability = \"strict\"\n{SERVERS}")).await;
    world.gateway.replace(&toml(&world, allow));
    world.gateway.may_lead_to(&format!("{}/authorize", world.issuer.url()));
    world
}

fn toml(world: &World, allow: &str) -> String {
    let issuer = world.issuer.url();
    let provider = |name: &str| {
        format!(
            "[[sign_in]]\nname = \"{name}\"\nissuer = \"{issuer}\"\nclient_id = \"doorward-at-idp\"\n\
             client_secret = {{ env = \"IDP_SECRET\" }}\nallow = {allow}\n"
        )
    };
    format!("{}{SERVERS}\n{}{}", world.toml(), provider("idp"), provider("other"))
}

/// Sends somebody to the provider from a sign-in page, and returns where to.
async fn sent(visitor: &Visitor<'_>, page: &Answer) -> String {
    let answer = visitor.submit(&page.form("/sign-in/idp")).await;
    answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text())).to_owned()
}

/// An ID token for somebody that was sent, with changes; what is null is left out.
fn id_token(world: &World, sent: &str, changes: &Value) -> String {
    let mut claims = world.issuer.claims("1234", "doorward-at-idp");
    claims["nonce"] = parameter(sent, "nonce").into();
    claims["name"] = "Alice Example".into();
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let header = json!({ "alg": world.issuer.algorithm(), "kid": world.issuer.key_id() });
    world.issuer.mint_with(&header, &claims).unwrap()
}

/// The address that the provider sends the browser back to.
fn way_back(sent: &str) -> String {
    let state = parameter(sent, "state").unwrap();
    format!("/sign-in/callback/idp?code=a-code-of-the-provider&state={state}")
}

/// Comes back from the provider, which vouches with this ID token.
async fn back(world: &World, visitor: &Visitor<'_>, sent: &str, id_token: &str) -> Answer {
    world.gateway.plant_callers(id_token);
    world.issuer.answer_tokens(json!({ "access_token": "x", "token_type": "Bearer", "id_token": id_token }));
    visitor.get(&way_back(sent)).await
}

/// A browser in which `1234` is signed in.
async fn signed_in<'w>(world: &'w World, claims: &Value) -> Visitor<'w> {
    let visitor = world.gateway.visitor();
    let page = visitor.get("/sign-in").await;
    let sent = sent(&visitor, &page).await;
    let answer = back(world, &visitor, &sent, &id_token(world, &sent, claims)).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    visitor
}

fn nobody_is_signed_in(visitor: &Visitor<'_>, answer: &Answer) {
    assert!(visitor.cookie("doorward_session").is_none(), "{} {}", answer.status, answer.text());
    assert!(answer.header("location").is_none());
    assert!(matches!(answer.status, 400 | 403 | 502), "{}", answer.status);
}

#[tokio::test]
async fn somebody_signs_in_at_a_provider_and_goes_on_to_consent() {
    let world = world(EVERYBODY).await;
    let visitor = world.gateway.visitor();
    let client = world.gateway.native().await;
    let page = visitor.get(&client.ask("own").target()).await;
    let sent = sent(&visitor, &page).await;
    assert!(sent.starts_with(&format!("{}/authorize?", world.issuer.url())));
    assert_eq!(parameter(&sent, "response_type").as_deref(), Some("code"));
    assert_eq!(parameter(&sent, "code_challenge_method").as_deref(), Some("S256"));
    let callback = format!("{}/sign-in/callback/idp", world.gateway.url());
    assert_eq!(parameter(&sent, "redirect_uri"), Some(callback));
    let answer = back(&world, &visitor, &sent, &id_token(&world, &sent, &json!({}))).await;
    let consent = visitor.follow(&answer).await;
    assert_eq!(consent.heading(), "Allow access to own?", "not a code: consent is the person's own");
    assert!(consent.text().contains("Alice Example"));
    let code = visitor.decide(&consent, "approve").await.told("code").unwrap();
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(world.gateway.last_record().await["subject"], "idp:1234");
    world.finish().await;
}

/// A1 and A13, CVE-2026-27124: an attacker who hands the provider's address to somebody else gains nothing, nor does who
/// finishes somebody else's way back.
#[tokio::test]
async fn a01_a13_the_way_back_counts_once_and_in_the_browser_that_was_sent() {
    let world = world(EVERYBODY).await;
    let (attacker, victim) = (world.gateway.visitor(), world.gateway.visitor());
    let client = world.gateway.native().await;
    let page = attacker.get(&client.ask("own").target()).await;
    let handed = sent(&attacker, &page).await;
    victim.get("/sign-in").await;
    let token = id_token(&world, &handed, &json!({}));
    for browser in [&victim, &world.gateway.visitor()] {
        let answer = back(&world, browser, &handed, &token).await;
        nobody_is_signed_in(browser, &answer);
    }
    // Who was sent may come back, once, and not by another provider's door.
    let elsewhere = way_back(&handed).replace("/idp?", "/other?");
    nobody_is_signed_in(&attacker, &attacker.get(&elsewhere).await);
    let mut state = parameter(&handed, "state").unwrap();
    state.replace_range(40..41, if &state[40..41] == "A" { "B" } else { "A" });
    let altered = format!("/sign-in/callback/idp?code=x&state={state}");
    nobody_is_signed_in(&attacker, &attacker.get(&altered).await);
    nobody_is_signed_in(&attacker, &attacker.get("/sign-in/callback/idp?code=x").await);
    assert_eq!(back(&world, &attacker, &handed, &token).await.status, 303);
    attacker.cookies().remove("doorward_session");
    nobody_is_signed_in(&attacker, &back(&world, &attacker, &handed, &token).await);
    world.finish().await;
}

/// A3, RFC 9207: an answer in the name of another issuer is none.
#[tokio::test]
async fn a03_mix_up_an_answer_of_another_issuer_signs_nobody_in() {
    let world = world(EVERYBODY).await;
    let visitor = world.gateway.visitor();
    for (iss, in_there) in [("https://evil.example", false), ("", true), (world.issuer.url(), true)] {
        let page = visitor.get("/sign-in").await;
        let sent = sent(&visitor, &page).await;
        world.issuer.answer_tokens(json!({ "id_token": id_token(&world, &sent, &json!({})) }));
        let answer = visitor.get(&format!("{}&iss={iss}", way_back(&sent))).await;
        if in_there {
            assert_eq!(answer.status, 303, "{iss}");
            visitor.cookies().remove("doorward_session");
        } else {
            nobody_is_signed_in(&visitor, &answer);
        }
    }
    world.finish().await;
}

/// A18, CVE-2026-12773: whatever goes wrong at the provider, nobody is signed in, and nobody is somebody by default.
#[tokio::test]
async fn a18_a_provider_that_fails_signs_nobody_in() {
    let world = world(EVERYBODY).await;
    let client = world.gateway.native().await;
    for failure in [
        Failure::Down,
        Failure::Garbage,
        Failure::Unauthorized,
        Failure::Huge(1 << 20),
        Failure::Redirect("http://127.0.0.1:1/".to_owned()),
    ] {
        let visitor = world.gateway.visitor();
        let page = visitor.get(&client.ask("own").target()).await;
        let sent = sent(&visitor, &page).await;
        world.issuer.fail(failure.clone());
        let answer = visitor.get(&way_back(&sent)).await;
        nobody_is_signed_in(&visitor, &answer);
        let record = world.gateway.last_record().await;
        assert_ne!(record["decision"], "allowed", "{failure:?}");
        assert!(record.get("subject").is_none(), "{record}");
        assert!(answer.find_form("/sign-in").is_some(), "one may try again, for the same client");
        assert!(answer.text().contains("A native program"));
        world.issuer.fail(None);
    }
    let visitor = world.gateway.visitor();
    for query in ["error=access_denied", "error=server_error&code=x", "code=", "code=x&code=y"] {
        let page = visitor.get("/sign-in").await;
        let sent = sent(&visitor, &page).await;
        let state = parameter(&sent, "state").unwrap();
        let answer = visitor.get(&format!("/sign-in/callback/idp?{query}&state={state}")).await;
        nobody_is_signed_in(&visitor, &answer);
    }
    world.finish().await;
}

/// A19 at the provider: a token that was made for something else, or for somebody else.
#[tokio::test]
async fn a19_an_id_token_of_another_kind_signs_nobody_in() {
    let world = world(EVERYBODY).await;
    let visitor = world.gateway.visitor();
    let now = world.issuer.claims("", "")["iat"].as_i64().unwrap();
    for changes in [
        json!({ "nonce": "another" }),
        json!({ "nonce": null }),
        json!({ "aud": "another-client" }),
        json!({ "aud": ["doorward-at-idp", "another-client"] }),
        json!({ "azp": "another-client" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "exp": now - 600 }),
        json!({ "exp": null }),
        json!({ "iat": now + 600 }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
    ] {
        let page = visitor.get("/sign-in").await;
        let sent = sent(&visitor, &page).await;
        let answer = back(&world, &visitor, &sent, &id_token(&world, &sent, &changes)).await;
        nobody_is_signed_in(&visitor, &answer);
    }
    for header in [json!({ "alg": "none" }), json!({ "typ": "at+jwt" }), json!({ "typ": "logout+jwt" })] {
        let page = visitor.get("/sign-in").await;
        let sent = sent(&visitor, &page).await;
        let mut whole = json!({ "alg": world.issuer.algorithm(), "kid": world.issuer.key_id() });
        whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        let mut claims = world.issuer.claims("1234", "doorward-at-idp");
        claims["nonce"] = parameter(&sent, "nonce").into();
        let signed = world.issuer.mint_with(&whole, &claims).unwrap();
        nobody_is_signed_in(&visitor, &back(&world, &visitor, &sent, &signed).await);
    }
    world.finish().await;
}

/// Nobody gets in by merely having an account somewhere.
#[tokio::test]
async fn an_account_somewhere_opens_nothing() {
    let verified = json!({ "email": "alice@example.com", "email_verified": true });
    let unverified = json!({ "email": "alice@example.com", "email_verified": false });
    let as_text = json!({ "email": "alice@example.com", "email_verified": "true" });
    let elsewhere = json!({ "email": "alice@example.com.evil.example", "email_verified": true });
    let grouped = json!({ "groups": ["eng"] });
    let world = world(EVERYBODY).await;
    for (allow, claims, in_there) in [
        ("{ domains = [\"example.com\"] }", &verified, true),
        ("{ domains = [\"example.com\"] }", &unverified, false),
        ("{ domains = [\"example.com\"] }", &as_text, false),
        ("{ domains = [\"example.com\"] }", &elsewhere, false),
        ("{ domains = [\"example.com\"] }", &json!({}), false),
        ("{ groups = [\"eng\"] }", &grouped, true),
        ("{ groups = [\"eng\"] }", &verified, false),
        ("{ subjects = [\"1234\"] }", &json!({}), true),
        ("{ subjects = [\"123\"] }", &grouped, false),
        ("{ subjects = [] }", &verified, false),
    ] {
        world.gateway.replace(&toml(&world, allow));
        let visitor = world.gateway.visitor();
        let page = visitor.get("/sign-in").await;
        let sent = sent(&visitor, &page).await;
        let answer = back(&world, &visitor, &sent, &id_token(&world, &sent, claims)).await;
        assert_eq!(answer.status, if in_there { 303 } else { 403 }, "{allow} {claims}");
        let record = world.gateway.last_record().await;
        assert_eq!(record["subject"], "idp:1234", "the record says who it was");
        assert_eq!(record["reason"], if in_there { "ok" } else { "sign_in_not_allowed" });
        if !in_there {
            nobody_is_signed_in(&visitor, &answer);
        }
    }
    world.finish().await;
}

/// What the operator takes out of `[[sign_in]]` counts for those who are in already.
#[tokio::test]
async fn who_may_no_longer_sign_in_is_out() {
    let keep_alive = "\n[limits]\nkeep_alive = \"1s\"";
    let world = world(EVERYBODY).await;
    world.gateway.replace(&format!("{}{keep_alive}", toml(&world, EVERYBODY)));
    let visitor = signed_in(&world, &json!({ "groups": ["eng"] })).await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let pending = client.code(&visitor, "own").await;
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    let mut stream = listen(&world, "own", &tokens.access).stream().await;
    assert!(stream.next_json().await.is_some());
    for allow in ["{ groups = [\"eng\"] }", "{ groups = [\"sales\"] }"] {
        world.gateway.replace(&format!("{}{keep_alive}", toml(&world, allow)));
        let in_there = allow.contains("eng");
        let page = visitor.get(&client.ask("own").target()).await;
        assert_eq!(page.find_form("/consent").is_some(), in_there, "{allow}");
        assert_eq!(opens(&world, "own", &tokens.access).await == 200, in_there, "{allow}: on every call");
    }
    ends(stream).await;
    assert_eq!(client.redeem(&pending).error().await, "invalid_grant");
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    world.gateway.replace(&format!("{}{SERVERS}", world.toml()));
    assert!(visitor.get("/console/access").await.find_form("/sign-in").is_some(), "the provider is gone");
    assert_ne!(opens(&world, "own", &tokens.access).await, 200);
    world.finish().await;
}

/// `sub` of one provider is nobody at another, and no local user.
#[tokio::test]
async fn people_of_one_name_are_told_apart() {
    let world = world(EVERYBODY).await;
    let alices = "[[server]]\nname = \"alices\"\nupstreams = [\"notes\"]\nallow = { users = [\"alice\", \"other:alice\"] }";
    world.gateway.replace(&format!("{}\n{alices}", toml(&world, EVERYBODY)));
    let local = world.gateway.signed_in("alice").await;
    let federated = signed_in(&world, &json!({ "sub": "alice" })).await;
    let client = world.gateway.native().await;
    assert_eq!(local.get(&client.ask("alices").target()).await.status, 200);
    assert_eq!(federated.get(&client.ask("alices").target()).await.status, 403);
    client.tokens(&local, "own").await;
    assert!(federated.get("/console/access").await.find_form("/console/access/revoke").is_none());
    world.finish().await;
}

/// Trusts the issuer to vouch for people.
fn vouching(world: &World) -> String {
    format!("{}{SERVERS}", world.toml().replacen("name = \"corp\"", "name = \"corp\"\nid_jag = true", 1))
}

fn jag(world: &World, client: &OAuthClient<'_>, changes: &Value) -> String {
    let mut claims = world.issuer.claims("1234", &world.gateway.url());
    claims["client_id"] = client.id.clone().into();
    claims["resource"] = world.gateway.resource("own").into();
    claims["jti"] = changes.to_string().into();
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let header =
        json!({ "alg": world.issuer.algorithm(), "kid": world.issuer.key_id(), "typ": "oauth-id-jag+jwt" });
    let signed = world.issuer.mint_with(&header, &claims).unwrap();
    world.gateway.plant_callers(&signed);
    signed
}

fn redeem<'g>(client: &OAuthClient<'g>, assertion: &str) -> TokenCall<'g> {
    let call = client.form("/token").with("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    call.with("assertion", assertion)
}

/// Enterprise-managed authorization: a trusted issuer's word for a person, once, for one resource, and nothing to refresh.
#[tokio::test]
async fn an_issuer_that_is_trusted_to_vouches_for_a_person() {
    let world = super::world().await;
    let client = world.gateway.operators("agent", "post").await;
    let assertion = jag(&world, &client, &json!({}));
    assert_eq!(redeem(&client, &assertion).error().await, "invalid_grant", "not trusted yet");
    world.gateway.replace(&vouching(&world));
    let tokens = Tokens::of(&redeem(&client, &assertion).send().await);
    assert!(tokens.answer.get("refresh_token").is_none());
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    let record = world.gateway.last_record().await;
    assert_eq!((&record["subject"], &record["client"]), (&json!("corp:1234"), &json!("agent")));
    assert_eq!(opens(&world, "second", &tokens.access).await, 401);
    assert_eq!(redeem(&client, &assertion).error().await, "invalid_grant", "once");
    world.gateway.replace(&format!("{}{SERVERS}", world.toml()));
    until(|| async { opens(&world, "own", &tokens.access).await != 200 }).await;
    world.finish().await;
}

#[tokio::test]
async fn an_assertion_that_says_anything_else_is_refused() {
    let world = super::world().await;
    world.gateway.replace(&vouching(&world));
    let client = world.gateway.operators("agent", "post").await;
    let other = world.gateway.operators("other", "post").await;
    let (second, now) =
        (world.gateway.resource("second"), world.issuer.claims("", "")["iat"].as_i64().unwrap());
    for (changes, error) in [
        (json!({ "aud": format!("{}/token", world.gateway.url()) }), "invalid_grant"),
        (json!({ "aud": [world.gateway.url(), "https://elsewhere.example.com"] }), "invalid_grant"),
        (json!({ "client_id": "other" }), "invalid_grant"),
        (json!({ "client_id": null }), "invalid_grant"),
        (json!({ "resource": null }), "invalid_grant"),
        (json!({ "resource": "https://elsewhere.example.com" }), "invalid_target"),
        (json!({ "resource": [world.gateway.resource("own"), second] }), "invalid_target"),
        (json!({ "iss": "https://elsewhere.example.com" }), "invalid_grant"),
        (json!({ "exp": now - 120 }), "invalid_grant"),
        (json!({ "exp": now + 24 * 3600 }), "invalid_grant"),
        (json!({ "jti": null }), "invalid_grant"),
        (json!({ "sub": null }), "invalid_grant"),
        (json!({ "cnf": { "jkt": "x" } }), "invalid_grant"),
        (json!({ "authorization_details": [] }), "invalid_grant"),
        (json!({ "scope": "something:else" }), "invalid_scope"),
    ] {
        let answer = redeem(&client, &jag(&world, &client, &changes)).send().await;
        assert_eq!(answer.json()["error"], error, "{changes}: {}", answer.text());
    }
    let good = jag(&world, &client, &json!({ "jti": "good" }));
    assert_eq!(redeem(&other, &good).error().await, "invalid_grant");
    assert_eq!(redeem(&client, &good).with("resource", &second).error().await, "invalid_target");
    let tokens = Tokens::of(&redeem(&client, &good).with("scope", "mcp:read").send().await);
    assert_eq!(tokens.answer["scope"], "mcp:read");
    world.finish().await;
}
