//! `[[sign_in]]`, `[tokens]` and issuers that vouch for people.

use std::time::Duration;

use doorward_config::Loaded;
use doorward_model::{ClientDocuments, SignInAllow, TokenRules};
use insta::assert_snapshot;

use crate::support::{World, accepted, good, mistakes, refused, warnings};

/// A complete provider with `more`.
fn provider(more: &str) -> String {
    format!(
        "[[sign_in]]\nname = \"corp\"\nissuer = \"https://idp.example.com\"\nclient_id = \"doorward\"\n{more}\n"
    )
}

fn allowed(allow: &str) -> SignInAllow {
    good(&provider(&format!("allow = {allow}"))).snapshot.sign_in["corp"].allow.clone()
}

fn tokens(more: &str) -> String {
    format!("[tokens]\n{more}\n")
}

fn rules(more: &str) -> TokenRules {
    good(&tokens(more)).snapshot.tokens
}

fn hosts(hosts: &[&str]) -> ClientDocuments {
    ClientDocuments::Hosts(hosts.iter().map(|host| (*host).to_owned()).collect())
}

#[test]
fn a_provider_is_read_with_its_secret() {
    let loaded = good(&provider(
        "client_secret = { env = \"KEY\" }\nallow = \"anyone\"\nscopes = [\"groups\", \"openid\", \"groups\"]\n\
         groups_claim = \"https://example.com/roles\"",
    ));
    let provider = &loaded.snapshot.sign_in["corp"];
    assert_eq!(provider.issuer, "https://idp.example.com");
    assert_eq!(provider.client_id, "doorward");
    assert_eq!(provider.client_secret.as_ref().map(doorward_model::Secret::expose), Some("s3cr3t-value"));
    assert_eq!(provider.scopes, ["openid", "groups"]);
    assert_eq!(provider.groups_claim, "https://example.com/roles");
    assert!(provider.allow.anyone);
    assert!(loaded.warnings.is_empty());
    assert!(!format!("{loaded:?}").contains("s3cr3t"));
}

#[test]
fn what_is_left_out_has_the_usual_values() {
    let loaded = good(&provider(""));
    let provider = &loaded.snapshot.sign_in["corp"];
    assert!(provider.client_secret.is_none());
    assert_eq!(provider.scopes, ["openid", "email", "profile"]);
    assert_eq!(provider.groups_claim, "groups");
}

#[test]
fn an_account_alone_opens_nothing() {
    let nobody = SignInAllow::default();
    assert_eq!(good(&provider("")).snapshot.sign_in["corp"].allow, nobody);
    assert_snapshot!(warnings(&provider("")), @r#"gateway.toml:1: sign_in[0]: without `allow` nobody of this provider gets in (such as allow = { domains = ["example.com"] })"#);
    assert_eq!(allowed("{ groups = [] }"), nobody);
    assert_snapshot!(warnings(&provider("allow = {}")), @r#"gateway.toml:5: sign_in[0].allow: names nobody, so nobody of this provider gets in (write "anyone" for everybody who has an account there)"#);
    let some = allowed("{ domains = [\"Example.COM\"], groups = [\"eng\"], subjects = [\"00u1\"] }");
    assert!(!some.anyone);
    assert!(some.domains.contains("example.com") && some.domains.len() == 1);
    assert!(some.groups.contains("eng") && some.subjects.contains("00u1"));
}

#[test]
fn mistakes_of_a_provider_have_their_place() {
    refused(
        provider,
        &[
            ("allow = \"anybody\"", "sign_in[0].allow: expected a table or \"anyone\", found `anybody`"),
            ("allow = \"Anyone\"", "(did you mean `anyone`?)"),
            ("allow = true", "sign_in[0].allow: expected text, found true or false"),
            ("allow = { domain = [] }", "sign_in[0].allow.domain: unknown key (did you mean `domains`?)"),
            (
                "allow = { domains = [\"@example.com\"] }",
                "domains[0]: expected the name of a host (such as \"example.com\")",
            ),
            ("allow = { domains = [\"*.example.com\"] }", "domains[0]: expected the name of a host"),
            ("allow = { domains = [\"\"] }", "domains[0]: expected the name of a host"),
            ("allow = { groups = [\"\"] }", "groups[0]: expected a text that is not empty"),
            ("allow = { subjects = \"a\" }", "subjects: expected a list of texts"),
            ("scopes = [\"openid email\"]", "sign_in[0].scopes[0]: expected one scope"),
            ("groups_claim = \"\"", "sign_in[0].groups_claim: expected a text that is not empty"),
            ("client_secret = \"s3cr3t\"", "a secret is never written in the file"),
            ("client_secret = { env = \"NONE\" }", "the environment variable `NONE` is not set"),
            ("client_sekret = 1", "(did you mean `client_secret`?)"),
        ],
    );
    let text = "[[sign_in]]\nname = \"client\"\nissuer = \"http://idp.example.com\"\nclient_id = \"\"\nallow = \"anyone\"\n[[sign_in]]\nallow = \"anyone\"\n";
    assert_snapshot!(mistakes(text), @r#"
    gateway.toml:2: sign_in[0].name: the name `client` is taken: subjects of clients begin with it (choose another name)
    gateway.toml:3: sign_in[0].issuer: expected https (http only on a loopback address)
    gateway.toml:4: sign_in[0].client_id: expected a text that is not empty
    gateway.toml:6: sign_in[1].name: is missing
    gateway.toml:6: sign_in[1].issuer: is missing
    gateway.toml:6: sign_in[1].client_id: is missing
    "#);
    let twice = format!("{0}{0}", provider("allow = \"anyone\""));
    assert_snapshot!(mistakes(&twice), @"gateway.toml:7: sign_in[1].name: the name `corp` is already taken by `sign_in[0]`");
}

#[test]
fn issuers_of_providers_are_https_or_on_loopback() {
    let at = |issuer: &str| {
        format!(
            "[[sign_in]]\nname = \"corp\"\nissuer = \"{issuer}\"\nclient_id = \"d\"\nallow = \"anyone\"\n"
        )
    };
    accepted(at, &["https://idp.example.com/realms/a", "http://127.0.0.1:9000", "http://localhost:1"]);
    refused(
        at,
        &[
            ("http://idp.example.com", "expected https"),
            ("https://i.example?x", "no query"),
            ("idp", "expected a URL"),
        ],
    );
}

#[test]
fn two_providers_of_one_name_mix_nobody_up() {
    let issuer = |name: &str, issuer: &str, more: &str| {
        let issuer = format!("[[issuer]]\nname = \"{name}\"\nissuer = \"{issuer}\"\n{more}\n");
        format!("{issuer}{}", provider("allow = \"anyone\""))
    };
    for text in [
        issuer("corp", "https://idp.example.com", "id_jag = true"),
        issuer("corp", "https://idp.example.com", ""),
        issuer("other", "https://other.example.com", "id_jag = true"),
    ] {
        assert_eq!(mistakes(&text), "");
    }
    for more in ["", "id_jag = true"] {
        let complaint = mistakes(&issuer("corp", "https://other.example.com", more));
        assert_eq!(
            complaint,
            "gateway.toml:6: sign_in[0].name: people of the issuer `corp` are `corp:<sub>` too, and it is another \
             provider (choose another name)"
        );
    }
}

#[test]
fn an_issuer_vouches_for_people_when_the_operator_says_so() {
    let issuer =
        |more: &str| format!("[[issuer]]\nname = \"corp\"\nissuer = \"https://i.example\"\n{more}\n");
    assert!(!good(&issuer("")).snapshot.issuers["corp"].id_jag);
    assert!(good(&issuer("id_jag = true")).snapshot.issuers["corp"].id_jag);
    refused(issuer, &[("id_jag = \"yes\"", "issuer[0].id_jag: expected true or false, found text")]);
    for taken in ["api-key", "mtls"] {
        let issuer = format!("[[issuer]]\nname = \"{taken}\"\nissuer = \"https://i.example\"\n");
        assert!(mistakes(&issuer).contains(&format!("the name `{taken}` is taken")), "{taken}");
    }
    let client = "[[issuer]]\nname = \"client\"\nissuer = \"https://i.example\"\n";
    assert_snapshot!(mistakes(client), @"gateway.toml:2: issuer[0].name: the name `client` is taken: subjects of clients begin with it (choose another name)");
}

#[test]
fn tokens_live_as_long_as_the_file_says() {
    assert_eq!(good("").snapshot.tokens, TokenRules::default());
    let all = rules(
        "access_ttl = \"10s\"\nrefresh_idle = \"1d\"\nrefresh_lifetime = \"2d\"\nregistration = false\n\
         client_documents = \"off\"",
    );
    assert_eq!(
        all,
        TokenRules {
            access_ttl: Duration::from_secs(10),
            refresh_idle: Duration::from_hours(24),
            refresh_lifetime: Duration::from_hours(48),
            registration: false,
            client_documents: ClientDocuments::Off,
        }
    );
    refused(
        tokens,
        &[
            ("access_ttl = \"1s\"", "tokens.access_ttl: must be between 10s and 1d"),
            ("access_ttl = \"2d\"", "tokens.access_ttl: must be between 10s and 1d"),
            ("access_ttl = 3600", "expected a text"),
            ("refresh_idle = \"1s\"", "tokens.refresh_idle: must be between 1m and 365d"),
            ("refresh_lifetime = \"366d\"", "tokens.refresh_lifetime: must be between 1m and 365d"),
            ("registration = \"off\"", "tokens.registration: expected true or false, found text"),
            ("refresh_ttl = \"1d\"", "tokens.refresh_ttl: unknown key"),
        ],
    );
    assert_eq!(warnings(&tokens("access_ttl = \"1h\"")), "");
    assert_eq!(
        warnings(&tokens("refresh_lifetime = \"1d\"")),
        "",
        "the idle time that nobody wrote is no mistake"
    );
    assert_snapshot!(warnings(&tokens("refresh_idle = \"2d\"\nrefresh_lifetime = \"1d\"")), @"gateway.toml:2: tokens.refresh_idle: has no effect: `refresh_lifetime` is shorter");
}

#[test]
fn client_documents_are_anybodys_nobodys_or_of_some_hosts() {
    let documents = |value: &str| rules(&format!("client_documents = {value}")).client_documents;
    assert_eq!(documents("\"any\""), ClientDocuments::Any);
    assert_eq!(documents("[\"any\"]"), ClientDocuments::Any);
    assert_eq!(documents("\"off\""), ClientDocuments::Off);
    assert_eq!(documents("\"Client.example.com\""), hosts(&["client.example.com"]));
    assert_eq!(
        documents("[\"a.example\", \"b.example\", \"a.example\"]"),
        hosts(&["a.example", "b.example"])
    );
    refused(
        |value| tokens(&format!("client_documents = {value}")),
        &[
            ("[]", "tokens.client_documents: names no host (write \"off\" if none is meant)"),
            (
                "\"anny\"",
                "tokens.client_documents: expected the name of a host (\"any\", \"off\", or hosts such as",
            ),
            ("[\"any\", \"a.example\"]", "tokens.client_documents[0]: expected the name of a host"),
            (
                "[\"a.example\", \"https://b.example\"]",
                "tokens.client_documents[1]: expected the name of a host",
            ),
            ("[\"a.example:443\"]", "tokens.client_documents[0]: expected the name of a host"),
            ("false", "expected text or a list of texts"),
        ],
    );
}

#[test]
fn variables_stand_for_tokens_too() {
    let tokens = |name: &str, value: &str| {
        let loaded: Loaded = World::default().variable(name, value).parse("").expect("a good variable");
        assert!(loaded.warnings.is_empty(), "{name}");
        loaded.snapshot.tokens
    };
    assert_eq!(tokens("DOORWARD_TOKENS_ACCESS_TTL", "5m").access_ttl, Duration::from_mins(5));
    assert!(!tokens("DOORWARD_TOKENS_REGISTRATION", "false").registration);
    let name = "DOORWARD_TOKENS_CLIENT_DOCUMENTS";
    assert_eq!(tokens(name, "off").client_documents, ClientDocuments::Off);
    assert_eq!(tokens(name, "a.example, b.example").client_documents, hosts(&["a.example", "b.example"]));
}
