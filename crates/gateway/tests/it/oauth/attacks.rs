//! Attacks on OAuth gateways that somebody found elsewhere, one test or more for each: `a01` … `a20`.
//!
//! Those about the resource are in `matrix`, those about sign-in providers in `providers`, those about client
//! documents in `documents`.

use serde_json::{Value, json};

use super::{listen, opens, world, world_with};
use crate::harness::{NATIVE, OAuthClient, Plan, STATE, Tokens, VERIFIER, World};

/// Redirect URIs that nobody may register.
const EVIL: [&str; 44] = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:https://app.example.com/1",
    "about:blank",
    "view-source:https://app.example.com",
    "filesystem:https://app.example.com/x",
    "ws://app.example.com/cb",
    "ftp://app.example.com/cb",
    "mailto:a@example.com",
    "tel:1",
    "http://app.example.com/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://localhost.evil.example/cb",
    "http://evil.example#@127.0.0.1/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://2130706433/cb",
    "http://0x7f.1/cb",
    "http://127.1/cb",
    "http://0.0.0.0/cb",
    "http://[::]/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "https://user@app.example.com/cb",
    "https://user:password@app.example.com/cb",
    "https://*.example.com/cb",
    "https://app.example.com/*",
    "https://app.example.com/cb#",
    "https://app.example.com/cb#fragment",
    "https://app.example.com/../cb",
    "https://app.example.com/%2e%2e/cb",
    "https://app.example.com\\@evil.example/cb",
    "https://äpp.example.com/cb",
    "https://app.example.com/cb\r\nSet-Cookie: a=b",
    " https://app.example.com/cb",
    "https://app.example.com/cb?code=mine",
    "https://app.example.com/cb?iss=https://evil.example",
    "//app.example.com/cb",
    "/cb",
    "app:cb",
    "https:",
    "",
];

/// A1, CVE-2026-27124 and GHSA-c2jp-c369-7pvx: that somebody is signed in, and said yes to another client, gives an
/// attacker's client nothing.
#[tokio::test]
async fn a01_confused_deputy_a_client_gets_no_code_from_a_session_that_is_there() {
    let world = world().await;
    let victim = world.gateway.signed_in("alice").await;
    let trusted = world.gateway.operators("web", "basic").await;
    let page = victim.get(&trusted.ask("own").target()).await;
    let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
    assert!(victim.submit(&form).await.told("code").is_some());
    let metadata = json!({
        "client_name": "The web",
        "redirect_uris": ["https://evil.example/callback"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let attacker = world.gateway.registered(metadata).await;
    for ask in [attacker.ask("own"), attacker.ask("own").with("prompt", "none")] {
        let answer = victim.get(&ask.target()).await;
        assert!(answer.header("location").is_none(), "no code, and no way out at all: {}", answer.status);
    }
    let answer = victim.get(&attacker.ask("own").target()).await;
    assert!(answer.text().contains("https://evil.example"), "where the answer goes is said");
    world.finish().await;
}

/// A3, RFC 9700 section 4.4: a client that talks to several servers can tell who answered.
#[tokio::test]
async fn a03_mix_up_every_answer_names_the_issuer_of_the_metadata() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "none").await;
    let issuer = world.gateway.call("GET", "/.well-known/oauth-authorization-server").send().await.json();
    assert_eq!(issuer["authorization_response_iss_parameter_supported"], true);
    let issuer = issuer["issuer"].as_str().map(str::to_owned);
    let page = visitor.get(&client.ask("own").target()).await;
    assert_eq!(visitor.decide(&page, "approve").await.told("iss"), issuer);
    for ask in [
        client.ask("own").with("response_type", "token"),
        client.ask("own").with("resource", "https://elsewhere.example.com"),
        client.ask("own").and("state", "twice"),
    ] {
        assert_eq!(visitor.get(&ask.target()).await.told("iss"), issuer);
    }
    world.finish().await;
}

/// A4, RFC 9700 section 4.1: one check for every way in.
#[tokio::test]
async fn a04_open_redirect_evil_addresses_cannot_be_registered_or_asked_for() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    for (index, uri) in EVIL.iter().enumerate() {
        for uris in [json!([uri]), json!([NATIVE, uri])] {
            let answer = world.gateway.register(&json!({ "redirect_uris": uris })).await;
            assert_eq!(answer.status, 400, "{uri:?}");
            let error = answer.json()["error"].clone();
            assert!(error == "invalid_redirect_uri" || error == "invalid_client_metadata", "{uri:?} {error}");
        }
        let ask = client.ask("own").with("redirect_uri", uri);
        let answer = visitor.get(&ask.target()).await;
        // Without an address, the only one that is registered counts.
        assert_eq!(
            (answer.status, answer.header("location")),
            (if uri.is_empty() { 200 } else { 400 }, None),
            "{uri:?}"
        );
        if index % 12 == 0 {
            world.gateway.clock.advance(60);
        }
    }
    for page in ["client_uri", "logo_uri", "tos_uri#de", "policy_uri"] {
        let metadata = json!({ "redirect_uris": [NATIVE], page: "javascript:alert(1)" });
        assert_eq!(world.gateway.register(&metadata).await.status, 400, "{page}");
    }
    world.finish().await;
}

/// A4, RFC 9700 section 4.11: whoever registers anything could send people anywhere with our address, so a page stands
/// in between; what is wrong with the client or its address never leaves.
#[tokio::test]
async fn a04_open_redirect_errors_lead_nowhere_by_themselves_unless_somebody_vouches() {
    let world = world().await;
    let gateway = &world.gateway;
    let visitor = gateway.visitor();
    let metadata =
        json!({ "redirect_uris": ["https://evil.example/phish"], "token_endpoint_auth_method": "none" });
    let unknown = gateway.registered(metadata).await;
    let answer = visitor.get(&unknown.ask("own").with("response_type", "token").target()).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
    assert!(answer.text().contains("rel=\"noreferrer noopener\""), "a link that people may choose");
    let answer = visitor.get(&unknown.ask("own").with("prompt", "none").target()).await;
    assert_eq!(answer.header("location"), None);
    for (client, error) in [
        (gateway.operators("web", "none").await, "unsupported_response_type"),
        (gateway.native().await, "unsupported_response_type"),
    ] {
        let answer = visitor.get(&client.ask("own").with("response_type", "token").target()).await;
        assert_eq!(answer.told("error").as_deref(), Some(error));
        assert_eq!(answer.told("state").as_deref(), Some(STATE));
        for local in [
            client.ask("own").with("client_id", "nobody"),
            client.ask("own").and("client_id", &client.id),
            client.ask("own").and("redirect_uri", &client.redirect_uri),
            client.ask("own").without("client_id"),
        ] {
            let answer = visitor.get(&local.target()).await;
            assert_eq!((answer.status, answer.header("location")), (400, None));
        }
    }
    world.finish().await;
}

/// A5: any program can listen on this computer; the page says so, and a yes is never remembered.
#[tokio::test]
async fn a05_localhost_redirects_are_warned_about_and_asked_for_each_time() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let metadata = json!({ "redirect_uris": ["http://localhost/cb"], "token_endpoint_auth_method": "none" });
    let client = world.gateway.registered(metadata).await;
    for _ in 0..2 {
        let page = visitor.get(&client.ask("own").target()).await;
        assert!(page.text().contains("any program on this computer could receive the answer"));
        let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
        assert!(visitor.submit(&form).await.told("code").is_some());
    }
    world.finish().await;
}

/// A6, CVE-2025-4144, RFC 9700 section 4.8: there is no way around PKCE with S256.
#[tokio::test]
async fn a06_pkce_cannot_be_left_out_or_weakened() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let good = client.ask("own");
    for bad in [
        good.clone().without("code_challenge"),
        good.clone().without("code_challenge").without("code_challenge_method"),
        good.clone().with("code_challenge", ""),
        good.clone().without("code_challenge_method"),
        good.clone().with("code_challenge_method", "plain"),
        good.clone().with("code_challenge_method", "s256"),
        good.clone().with("code_challenge_method", "S256 plain"),
        good.clone().with("code_challenge", VERIFIER),
        good.clone().with("code_challenge", &"A".repeat(44)),
        good.clone().with("code_challenge", &"=".repeat(43)),
        good.clone().and("code_challenge_method", "S256"),
    ] {
        let told = visitor.get(&bad.target()).await.told("error");
        assert_eq!(told.as_deref(), Some("invalid_request"), "{}", bad.target());
    }
    let code = client.code(&visitor, "own").await;
    assert_eq!(client.redeem(&code).without("code_verifier").error().await, "invalid_request");
    assert_eq!(client.redeem(&code).with("code_verifier", "").error().await, "invalid_request");
    assert_eq!(client.redeem(&code).send().await.status, 200);
    world.finish().await;
}

/// A7, RFC 9700 section 4.5: a stolen code is of no use to another client, nor in another client's flow.
#[tokio::test]
async fn a07_code_injection_a_code_is_good_for_its_own_client_and_flow() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let attacker = world.gateway.native().await;
    let stolen = client.code(&visitor, "own").await;
    assert_eq!(attacker.redeem(&stolen).error().await, "invalid_grant");
    // The attacker makes the victim's client redeem it: its own flow has another challenge.
    let injected = client.redeem(&stolen).with("code_verifier", &"v".repeat(64));
    assert_eq!(injected.error().await, "invalid_grant");
    let elsewhere = client.redeem(&stolen).with("redirect_uri", "http://127.0.0.1:1/other");
    assert_eq!(elsewhere.error().await, "invalid_grant");
    world.finish().await;
}

/// A8, RFC 9700 section 4.14: the thief and the client end up without access, whoever comes second.
#[tokio::test]
async fn a08_a_stolen_refresh_token_ends_the_grant() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    for thief_first in [true, false] {
        let client = world.gateway.native().await;
        let tokens = client.tokens(&visitor, "own").await;
        let first = Tokens::of(&client.refresh(&tokens.refresh).send().await);
        // Whoever came first goes on with its new token, and thereby proves that the answer was not lost.
        let next = Tokens::of(&client.refresh(&first.refresh).send().await);
        assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant", "{thief_first}");
        assert_eq!(client.refresh(&next.refresh).error().await, "invalid_grant");
        for token in [&tokens.access, &first.access, &next.access] {
            assert_eq!(opens(&world, "own", token).await, 401);
        }
        assert!(visitor.get("/console/access").await.find_form("/console/access/revoke").is_none());
    }
    world.finish().await;
}

/// A9: a name is a claim, and nothing but text.
#[tokio::test]
async fn a09_a_clients_name_writes_nothing_into_a_page() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let name = "<script>alert(1)</script><form action=x>\" onload=\"x {{7*7}} \u{202e}kool";
    let metadata =
        json!({ "client_name": name, "redirect_uris": [NATIVE], "token_endpoint_auth_method": "none" });
    let client = world.gateway.registered(metadata).await;
    let consent = visitor.get(&client.ask("own").target()).await;
    client.redeem(&client.code(&visitor, "own").await).send().await;
    let sign_in = world.gateway.visitor().get(&client.ask("own").target()).await;
    let access = visitor.get("/console/access").await;
    for page in [consent, sign_in, access] {
        let text = page.text();
        assert!(text.contains("&#60;script&#62;") || text.contains("&lt;script&gt;"), "{text}");
        for bad in ["<script", "<form action=x", "\" onload", "\u{202e}"] {
            assert!(!text.contains(bad), "{bad}");
        }
    }
    world.finish().await;
}

/// A11: whatever a caller proves who it is with, the upstream never sees it. `World::finish` looks for every secret.
#[tokio::test]
async fn a11_token_passthrough_the_upstream_sees_nothing_of_ours() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let tokens = client.tokens(&visitor, "own").await;
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    let session = world.gateway.session("own", Some(&tokens.access)).await;
    let call = world.gateway.legacy("own", Some(&session), "tools/list", &json!({})).bearer(&tokens.access);
    let cookie = format!("doorward_session={}", visitor.cookie("doorward_session").unwrap());
    assert_eq!(call.header("Cookie", &cookie).send().await.status, 200);
    let mut stream = listen(&world, "own", &tokens.access).stream().await;
    assert!(stream.next_json().await.is_some());
    drop(stream);
    assert!(!world.recorder.requests().is_empty());
    assert!(!world.recorder.saw(&tokens.access) && !world.recorder.saw("dwss_"));
    world.finish().await;
}

/// A14, RFC 9700 section 4.16: no page can be framed. `Visitor` looks at every page of every test; here is one of each.
#[tokio::test]
async fn a14_clickjacking_no_page_can_be_framed() {
    let world =
        world_with("[[server]]\nname = \"nobodys\"\nupstreams = [\"notes\"]\nallow = { groups = [] }").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let link = world.gateway.app.first_administrator_link().await.unwrap().unwrap();
    world.gateway.plant_link(&link);
    let mut headings = Vec::new();
    for target in [
        "/sign-in".to_owned(),
        client.ask("own").target(),
        client.ask("nobodys").target(),
        client.ask("own").with("client_id", "nobody").target(),
        "/console/access".to_owned(),
        link,
        "/first-administrator?token=x".to_owned(),
    ] {
        let page = visitor.get(&target).await;
        let page = if page.status == 303 { visitor.follow(&page).await } else { page };
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{target}");
        headings.push(page.heading());
    }
    headings.sort();
    headings.dedup();
    assert_eq!(headings.len(), 6, "{headings:?}");
    world.finish().await;
}

/// A15, CVE-2025-6514: an address that came from outside is shown as text, or as a link that cannot be a program.
#[tokio::test]
async fn a15_addresses_from_outside_are_text() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let metadata = json!({
        "redirect_uris": ["https://app.example.com/$(touch%20x)/'\"`;cb"],
        "token_endpoint_auth_method": "none",
    });
    let answer = world.gateway.register(&metadata).await;
    if answer.status == 201 {
        let client = world.gateway.registered(metadata).await;
        let page = visitor.get(&client.ask("own").target()).await.text();
        assert!(!page.contains("'\"`;cb"), "{page}");
    }
    world.finish().await;
}

/// A16, CVE-2026-48710: every address in every document comes from the configuration.
#[tokio::test]
async fn a16_a_poisoned_host_changes_no_document() {
    let plan = Plan::default().public_url("https://gw.example.com");
    let world = World::planned(plan, SERVERS_OF_ONE).await;
    for document in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/mcp/own",
    ] {
        let get = |name: &'static str, value: &'static str| {
            let call = world.gateway.call("GET", document).set("Host", "gw.example.com").set(name, value);
            async { call.send().await }
        };
        let good = get("X-Nothing", "x").await;
        assert!(good.text().contains("https://gw.example.com") && !good.text().contains("127.0.0.1"));
        for (name, value) in [
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "http"),
            ("Forwarded", "host=evil.example;proto=http"),
            ("X-Original-URL", "/admin"),
            ("X-Forwarded-Prefix", "/evil"),
        ] {
            assert_eq!(get(name, value).await.text(), good.text(), "{name}");
        }
        for host in ["evil.example", "gw.example.com.evil.example", "gw.example.com@evil.example"] {
            let refused = get("Host", host).await;
            assert!(matches!(refused.status, 400 | 403 | 421) && !refused.text().contains(host), "{host}");
        }
    }
    world.finish().await;
}

const SERVERS_OF_ONE: &str = "";

/// A17, RFC 9700 section 4.12: a redirect never carries a form along. `Gateway::notice` refuses 307 and 308 in every answer;
/// here are all that redirect.
#[tokio::test]
async fn a17_every_redirect_is_a_303() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let visitor = world.gateway.visitor();
    let client = world.gateway.operators("web", "none").await;
    let page = visitor.get(&client.ask("own").target()).await;
    let signed_in = visitor.try_sign_in(&page, "alice", crate::harness::PASSWORD).await;
    let consent = visitor.follow(&signed_in).await;
    let form = consent.form("/consent").set("decision", "approve").set("remember", "yes");
    let approved = visitor.submit(&form).await;
    let remembered = visitor.get(&client.ask("own").target()).await;
    let failed = visitor.get(&client.ask("own").with("response_type", "x").target()).await;
    let home = visitor.get("/sign-in").await;
    for answer in [signed_in, approved, remembered, failed, home, visitor.get("/console").await] {
        assert_eq!(answer.status, 303, "{:?}", answer.headers);
        assert!(answer.body.is_empty());
    }
    world.finish().await;
}

/// A19: what is a JWT is no token of Doorward's, whatever it says of itself; and no assertion is believed without a
/// signature.
#[tokio::test]
async fn a19_no_algorithm_no_key_and_no_type_makes_a_jwt_one_of_ours() {
    let world = world().await;
    let client = world.gateway.operators("web", "basic").await;
    let mut claims = world.claims("alice", "own");
    claims["scope"] = "mcp:read mcp:call".into();
    claims["client_id"] = "web".into();
    for issuer in [world.issuer.url().to_owned(), world.gateway.url()] {
        claims["iss"] = issuer.into();
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "none", "typ": "at+jwt" }),
            json!({ "alg": "HS256", "typ": "at+jwt" }),
            json!({ "alg": world.issuer.algorithm(), "kid": world.issuer.key_id(), "typ": "at+jwt" }),
            json!({ "alg": world.issuer.algorithm(), "typ": "oauth-id-jag+jwt" }),
        ] {
            let signed = world.issuer.mint_with(&header, &claims).unwrap();
            let unsigned = format!("{}.", signed.rsplit_once('.').unwrap().0);
            for token in [&signed, &unsigned] {
                assert_eq!(opens(&world, "own", token).await, 401, "{header}");
                let assertion = client.form("/token").with("resource", &world.gateway.resource("own"));
                let assertion = assertion
                    .with("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                    .with("assertion", token);
                assert_eq!(assertion.error().await, "invalid_grant", "{header}");
                let proof = world.gateway.form("/revoke").with("token", "x").with("client_assertion", token);
                let proof = proof
                    .with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                assert_eq!(proof.error().await, "invalid_client", "{header}");
                world.gateway.clock.advance(10);
            }
        }
    }
    world.finish().await;
}

/// A20: there is nothing to guess; what is no token of ours is refused without asking the store.
#[tokio::test]
async fn a20_codes_and_tokens_are_256_bits_with_a_checksum() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let code = client.code(&visitor, "own").await;
        let tokens = Tokens::of(&client.redeem(&code).send().await);
        for (secret, prefix) in [(code, "dwac_"), (tokens.access, "dwat_"), (tokens.refresh, "dwrt_")] {
            // 32 bytes are 43 characters of base64url; six are the checksum.
            assert_eq!(secret.len(), prefix.len() + 43 + 6);
            assert!(secret.starts_with(prefix));
            seen.push(secret);
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
    let told: Value = client.redeem(&format!("dwac_{}", "A".repeat(49))).send().await.json();
    assert_eq!(told["error"], "invalid_grant");
    world.finish().await;
}

/// RFC 9700 section 4.2 and 4.3: a code is in one address once; no page refers it further, and nothing keeps it.
#[tokio::test]
async fn nothing_of_an_answer_leaks_by_referrer_cache_or_history() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let page = visitor.get(&client.ask("own").target()).await;
    let answer = visitor.decide(&page, "approve").await;
    for answer in [&page, &answer] {
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    let answer = world.gateway.call("POST", "/mcp/own?access_token=dwat_something").send().await;
    assert_eq!(answer.status, 400, "a token in an address is refused");
    world.finish().await;
}

/// RFC 9700 section 4.15: a client is nobody's namesake.
#[tokio::test]
async fn a_client_cannot_pass_for_a_person() {
    let world =
        world_with("[[server]]\nname = \"alices\"\nupstreams = [\"notes\"]\nallow = { users = [\"alice\"] }")
            .await;
    let client: OAuthClient<'_> = world.gateway.operators("alice", "post").await;
    let ask = client.form("/token").with("grant_type", "client_credentials");
    let refused = ask.clone().with("resource", &world.gateway.resource("alices")).error().await;
    assert_eq!(refused, "unauthorized_client");
    let tokens = Tokens::of(&ask.with("resource", &world.gateway.resource("own")).send().await);
    opens(&world, "own", &tokens.access).await;
    assert_eq!(world.gateway.last_record().await["subject"], "client:alice");
    world.finish().await;
}
