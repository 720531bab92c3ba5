//! Credentials that are tokens, at upstreams and at agents.

use doorward_config::Loaded;
use doorward_model::{AssertionSource, Connecting, Credential, Name, Place, TokenSource};
use insta::assert_snapshot;

use crate::support::{World, accepted, good, refused, warnings};

fn upstream(credential: &str) -> String {
    format!("[[upstream]]\nname = \"u\"\nurl = \"https://u.example/mcp\"\ncredential = {credential}\n")
}

fn agent(credential: &str) -> String {
    format!(
        "[[agent]]\nname = \"a\"\ncard = \"https://a.example/card\"\nskills = []\ncredential = {credential}\n"
    )
}

fn tokens(kind: &str, more: &str) -> String {
    format!(
        "{{ kind = \"{kind}\", token_endpoint = \"https://as.example/token\", client_id = \"dw\"{more} }}"
    )
}

fn source(credential: &Credential) -> &TokenSource {
    match credential {
        Credential::ClientCredentials(source) | Credential::TokenExchange(source) => source,
        other => panic!("not a token: {other:?}"),
    }
}

#[test]
fn tokens_are_got_for_doorward_or_for_the_caller() {
    let all = ", client_secret = { env = \"KEY\" }, scope = \"a b\", resource = \"https://a.example/x\", audience = \"urn:a\"";
    let loaded = good(&format!(
        "{}{}",
        upstream(&tokens("client-credentials", all)),
        agent(&tokens("token-exchange", ""))
    ));
    let (upstream, agent) =
        (&loaded.snapshot.upstreams["u"].credential, &loaded.snapshot.agents["a"].credential);
    assert!(
        matches!(upstream, Credential::ClientCredentials(_)) && matches!(agent, Credential::TokenExchange(_))
    );
    let full = source(upstream);
    assert_eq!((full.token_endpoint.as_str(), full.client_id.as_str()), ("https://as.example/token", "dw"));
    assert_eq!(full.client_secret.as_ref().map(doorward_model::Secret::expose), Some("s3cr3t-value"));
    assert_eq!(full.scope.as_deref(), Some("a b"));
    assert_eq!(full.resource.as_deref(), Some("https://a.example/x"));
    assert_eq!(full.audience.as_deref(), Some("urn:a"));
    let bare = source(agent);
    assert!(
        bare.client_secret.is_none()
            && bare.scope.is_none()
            && bare.resource.is_none()
            && bare.audience.is_none()
    );
}

#[test]
fn upstreams_and_agents_take_the_same_credentials() {
    let key = "value = { env = \"KEY\" }";
    for file in [upstream, agent] {
        accepted(
            file,
            &[
                &format!("{{ kind = \"bearer\", {key} }}"),
                &format!("{{ kind = \"header\", name = \"x-key\", {key} }}"),
                &tokens("client-credentials", ", scope = \"mcp:call\""),
                &tokens("token-exchange", ", audience = \"x\""),
                &tokens("client-credentials", "").replace("https://as.example", "http://127.0.0.1:9"),
            ],
        );
        refused(
            file,
            &[
                ("{ kind = \"client-credential\" }", "(did you mean `client-credentials`?)"),
                (
                    "{ kind = \"x\" }",
                    "(known: header, bearer, client-credentials, token-exchange, oauth, id-jag)",
                ),
                (
                    "{ kind = \"token-exchange\", client_id = \"dw\" }",
                    "credential.token_endpoint: is missing",
                ),
                (
                    "{ kind = \"token-exchange\", token_endpoint = \"https://as.example/\" }",
                    "credential.client_id: is missing",
                ),
                (
                    &tokens("client-credentials", ", value = { env = \"KEY\" }"),
                    "credential.value: a credential of kind `client-credentials` has no such key",
                ),
                (
                    &format!("{{ kind = \"bearer\", {key}, scope = \"a\" }}"),
                    "credential.scope: a credential of kind `bearer` has no such key",
                ),
                (
                    &tokens("client-credentials", "").replace("https", "http"),
                    "credential.token_endpoint: expected https",
                ),
                (
                    &tokens("client-credentials", "").replace("\"dw\"", "\"\""),
                    "credential.client_id: expected a text that is not empty",
                ),
                (
                    &tokens("token-exchange", ", client_secret = \"s\""),
                    "a secret is never written in the file",
                ),
                (
                    &tokens("token-exchange", ", scope = \"a  b\""),
                    "credential.scope: expected scopes with one space between them",
                ),
                (&tokens("token-exchange", ", scope = \"\""), "credential.scope: expected scopes"),
                (
                    &tokens("token-exchange", ", resource = \"x\""),
                    "credential.resource: expected an absolute URI",
                ),
                (
                    &tokens("token-exchange", ", resource = \"https://x/#f\""),
                    "credential.resource: a resource has no fragment",
                ),
                (&tokens("token-exchange", ", audience = \"\""), "credential.audience: expected a text"),
            ],
        );
    }
}

#[test]
fn credentials_in_clear_are_warned_about() {
    let clear = |text: String| {
        warnings(
            &text
                .replace("https://u.example", "http://u.example")
                .replace("https://a.example", "http://a.example"),
        )
    };
    assert_snapshot!(clear(agent("{ kind = \"bearer\", value = { env = \"KEY\" } }")), @"gateway.toml:5: agent[0].credential: travels in clear: the agent is called by http");
    assert!(
        clear(upstream(&tokens("client-credentials", "")))
            .contains("travels in clear: the upstream is called by http")
    );
}

fn connecting(credential: &Credential) -> &Connecting {
    match credential {
        Credential::Connection(connecting) => connecting,
        other => panic!("no connection: {other:?}"),
    }
}

fn assertion(credential: &Credential) -> &AssertionSource {
    match credential {
        Credential::IdentityAssertion(source) => source,
        other => panic!("no assertion: {other:?}"),
    }
}

#[test]
fn connections_are_each_persons_own_unless_they_are_shared() {
    let loaded = good(&upstream("{ kind = \"oauth\" }"));
    let bare = connecting(&loaded.snapshot.upstreams["u"].credential);
    assert!(!bare.shared && bare.issuer.is_none() && bare.client.is_none() && bare.scope.is_none());
    assert_eq!(bare.resource.as_str(), "https://u.example/mcp");
    assert_eq!(bare.place, Place::Upstream(Name::parse("u").unwrap()));
    let all = "shared = true, issuer = \"https://as.example/t\", client_id = \"dw\", client_secret = { env = \"KEY\" }, scope = \"a b\"";
    let loaded = good(&agent(&format!("{{ kind = \"oauth\", {all} }}")));
    let full = connecting(&loaded.snapshot.agents["a"].credential);
    assert!(full.shared);
    assert_eq!((full.issuer.as_deref(), full.scope.as_deref()), (Some("https://as.example/t"), Some("a b")));
    assert_eq!(full.resource.as_str(), "https://a.example/", "where its card is");
    assert_eq!(full.place, Place::Agent(Name::parse("a").unwrap()));
    let client = full.client.as_ref().unwrap();
    assert_eq!(client.secret.as_ref().map(doorward_model::Secret::expose), Some("s3cr3t-value"));
    assert_eq!(client.id, "dw");
}

#[test]
fn assertions_are_made_by_doorward() {
    let written = "{ kind = \"id-jag\", issuer = \"https://as.example\", client_id = \"dw\" }";
    let loaded = good(&upstream(written));
    let bare = assertion(&loaded.snapshot.upstreams["u"].credential);
    assert_eq!((bare.issuer.as_str(), bare.client.id.as_str()), ("https://as.example", "dw"));
    assert!(bare.token_endpoint.is_none() && bare.scope.is_none());
    assert_eq!(bare.resource.as_str(), "https://u.example/mcp");
    let more = "token_endpoint = \"https://as.example/token\", resource = \"https://r.example/x\"";
    let written = written.replace(" }", &format!(", {more} }}"));
    let loaded = good(&agent(&written));
    let full = assertion(&loaded.snapshot.agents["a"].credential);
    assert_eq!(full.token_endpoint.as_ref().map(url::Url::as_str), Some("https://as.example/token"));
    assert_eq!(full.resource.as_str(), "https://r.example/x");
}

#[test]
fn connections_and_assertions_have_mistakes_of_their_own() {
    for file in [upstream, agent] {
        let oauth = |more: &str| format!("{{ kind = \"oauth\", issuer = \"https://as.example\"{more} }}");
        refused(
            file,
            &[
                (&oauth("").replace("https", "http"), "credential.issuer: expected https"),
                (&oauth("").replace(".example", ".example/?a"), "credential.issuer: an issuer has no query"),
                (&oauth(", shared = \"yes\""), "credential.shared: expected true or false"),
                (
                    &oauth(", client_secret = { env = \"KEY\" }"),
                    "credential.client_secret: is the secret of no client",
                ),
                (&oauth(", client_id = \"\""), "credential.client_id: expected a text that is not empty"),
                (&oauth(", scope = \" a\""), "credential.scope: expected scopes"),
                (
                    &oauth(", token_endpoint = \"https://as.example/\""),
                    "credential.token_endpoint: a credential of kind `oauth` has no such key",
                ),
                ("{ kind = \"id-jag\", client_id = \"dw\" }", "credential.issuer: is missing"),
                (
                    "{ kind = \"id-jag\", issuer = \"https://as.example\" }",
                    "credential.client_id: is missing",
                ),
                (
                    "{ kind = \"id-jag\", issuer = \"https://as.example\", client_id = \"dw\", shared = true }",
                    "credential.shared: a credential of kind `id-jag` has no such key",
                ),
            ],
        );
    }
    refused(
        upstream,
        &[("{ kind = \"oauth\", resource = \"https://x.example/\" }", "credential.resource: is always")],
    );
    refused(agent, &[("{ kind = \"oauth\" }", "credential.issuer: is missing")]);
    refused(
        |command| format!("[[upstream]]\nname = \"u\"\n{command}\ncredential = {{ kind = \"oauth\" }}\n"),
        &[("command = [\"npx\"]", "upstream[0].credential: is for a `url`")],
    );
    assert!(
        warnings(&upstream("{ kind = \"oauth\", client_id = \"dw\" }")).contains("name it with `issuer`")
    );
}

/// An upstream with this credential, read by somebody who knows these secrets of the store.
fn with_stored(credential: &str, stored: doorward_config::StoredSecrets<'_>) -> (Credential, Loaded) {
    let text =
        format!("[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:1/mcp\"\ncredential = {credential}\n");
    let world = World::usual();
    let loaded = world.with(|env| {
        let env = doorward_config::Environment { stored, ..env.clone() };
        doorward_config::parse(&text, "gateway.toml", &env).expect("a good file")
    });
    (loaded.snapshot.upstreams["u"].credential.clone(), loaded)
}

#[test]
fn a_secret_of_the_store_is_part_of_a_credential_or_the_credential_is_missing() {
    use doorward_config::StoredSecrets;
    let known = |name: &doorward_model::Name| {
        (name.as_str() == "mail").then(|| doorward_model::Secret::new("from-the-store".into()))
    };
    let all = StoredSecrets::Known(&known);
    let bearer = |name: &str| format!(r#"{{ kind = "bearer", value = {{ stored = "{name}" }} }}"#);
    let (credential, loaded) = with_stored(&bearer("mail"), all);
    assert!(
        matches!(credential, Credential::Header { value, .. } if value.expose() == "Bearer from-the-store")
    );
    assert!(!loaded.warnings.iter().any(|warning| warning.to_string().contains("in the store")));
    assert_eq!(loaded.snapshot.stored_secrets.len(), 1);
    assert!(doorward_config::export(&loaded).contains(r#"stored = "mail""#));
    let token = |more: &str| {
        format!(
            r#"{{ kind = "client-credentials", token_endpoint = "https://as.example/t", client_id = "c", {more} }}"#
        )
    };
    for credential in [bearer("gone"), token(r#"client_secret = { stored = "gone" }"#)] {
        for (stored, warned) in [
            (all, "`gone` is not in the store"),
            (StoredSecrets::Unknown, "`gone` must be in the store"),
            (StoredSecrets::Awaited, ""),
        ] {
            let (read, loaded) = with_stored(&credential, stored);
            assert!(matches!(read, Credential::Missing(name) if name.as_str() == "gone"), "{credential}");
            let warnings: String = loaded.warnings.iter().map(ToString::to_string).collect();
            assert!(warnings.contains(warned), "{warnings}");
            assert_eq!(warnings.contains("in the store"), !warned.is_empty(), "{warnings}");
            assert!(loaded.snapshot.stored_secrets.contains("gone"));
        }
    }
}

#[test]
fn a_secret_of_the_store_stands_nowhere_else() {
    let stored = r#"{ stored = "x" }"#;
    refused(
        |text| text.replace('@', stored),
        &[
            ("[store]\nurl = @", "a secret of the store can only be part of a `credential`"),
            ("[keys]\nmaster = @", "a secret of the store can only be part of a `credential`"),
            (
                "[[sign_in]]\nname = \"s\"\nissuer = \"https://i.example\"\nclient_id = \"c\"\nclient_secret = @",
                "a secret of the store can only be part of a `credential`",
            ),
        ],
    );
    let upstream = "[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:1/mcp\"\ncredential = { kind = \"bearer\", value = @ }";
    refused(
        |value| upstream.replace('@', value),
        &[
            (r#"{ stored = "No Name" }"#, "a name is 1 to 63 characters"),
            (r#"{ stored = "x", env = "KEY" }"#, "expected exactly one of `env`, `file` and `stored`"),
            ("{ }", "expected exactly one of `env`, `file` and `stored`"),
            ("{ stored = 1 }", "expected text"),
            ("\"plain\"", "a secret is never written in the file"),
        ],
    );
}

#[test]
fn entrances_that_let_no_person_in_before_what_only_people_may_call_are_warned_about() {
    const OTHERS: &str = "[[issuer]]\nname = \"corp\"\nissuer = \"https://idp.example.com\"\n\
         [[issuer]]\nname = \"machines\"\nissuer = \"https://machines.example.com\"\n\
         [[api_key]]\nname = \"robot\"\nvalue = { env = \"LONG\" }\n";
    const SIGN_IN: &str = "[[sign_in]]\nname = \"corp\"\nissuer = \"https://idp.example.com\"\nclient_id = \"doorward\"\n\
         allow = \"anyone\"\n";
    let told = |text: &str| {
        let loaded = World::usual().variable("LONG", "a-key-of-some-length-0123456789abcdef").parse(text);
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}\n---\n{text}"));
        let warnings = loaded.warnings.iter().map(ToString::to_string);
        warnings.filter(|it| it.contains("is a person")).collect::<Vec<_>>()
    };
    let shown = |credential: &str, access: &str| {
        let server = format!("[[server]]\nname = \"s\"\nupstreams = [\"u\"]\ntools = []\n{access}\n");
        format!("{OTHERS}{}{server}", upstream(credential))
    };
    let (own, asserted) = (
        "{ kind = \"oauth\" }",
        "{ kind = \"id-jag\", issuer = \"https://as.example\", client_id = \"dw\" }",
    );
    let nobody = ["\"api-key\"", "\"open\"", "\"jwt\"", "[\"jwt\", \"api-key\"]"];
    for (credential, access) in nobody.iter().flat_map(|access| [(own, access), (asserted, access)]) {
        let access = format!("access = {access}");
        assert_eq!(told(&shown(credential, &access)).len(), 1, "{credential} {access}");
        let agent = agent(&credential.replace("\"oauth\"", "\"oauth\", issuer = \"https://as.example\""));
        assert_eq!(told(&format!("{OTHERS}{agent}{access}")).len(), 1, "{credential} {access}");
    }
    let said = told(&shown(own, "access = \"api-key\"")).remove(0);
    assert!(said.contains("server[0].access") && said.contains("shared = true"), "{said}");
    let said = told(&shown(asserted, "access = \"api-key\"")).remove(0);
    assert!(!said.contains("shared = true"), "an assertion cannot be shared: {said}");

    let signed_in = |access: &str| told(&(shown(own, access) + SIGN_IN));
    let machines = "access = \"jwt\"\nissuers = [\"machines\"]";
    assert_eq!(signed_in(machines).len(), 1, "nobody signs in by that issuer");
    for access in
        ["", "access = \"jwt\"", "access = [\"jwt\", \"api-key\"]", "access = \"jwt\"\nissuers = [\"corp\"]"]
    {
        assert_eq!(signed_in(access), Vec::<String>::new(), "{access}");
    }
    for credential in ["{ kind = \"oauth\", shared = true }", &tokens("token-exchange", "")] {
        assert_eq!(told(&shown(credential, "access = \"api-key\"")), Vec::<String>::new(), "{credential}");
    }
}
