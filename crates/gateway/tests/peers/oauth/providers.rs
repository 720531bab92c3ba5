//! Signing in by way of OpenID providers of an independent make, two at once, and whom the operator lets in.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::NamedTempFile;

use super::ground::{ANSWER, Ground, TOOL};
use crate::programs::{Running, newer_node, node, tools};

/// Nobody listens there: the browser stops before it.
const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// Providers that know the same people.
pub(super) struct Providers {
    issuers: Value,
    /// Holds the program's secret there.
    secret: NamedTempFile,
    _process: Running,
}

impl Providers {
    /// Starts one for each name.
    pub(super) fn start(names: &[&str]) -> Self {
        let mut command = script("oidc_provider.mjs");
        command.args(names).stderr(Stdio::null());
        let (process, said) =
            Running::until_it_says(&mut command, |line| serde_json::from_str::<Value>(line).ok());
        let mut secret = NamedTempFile::new().expect("a file for the secret");
        secret.write_all(said["secret"].as_str().expect("a secret").as_bytes()).expect("a secret");
        Self { issuers: said["issuers"].clone(), secret, _process: process }
    }

    /// The section of the file that has people sign in with one of them.
    pub(super) fn section(&self, name: &str, allow: &str) -> String {
        let (issuer, secret) = (&self.issuers[name], self.secret.path().display());
        format!(
            "\n[[sign_in]]\nname = \"{name}\"\nissuer = {issuer}\nclient_id = \"doorward\"\n\
             client_secret = {{ file = \"{secret}\" }}\nscopes = [\"openid\", \"email\", \"profile\", \"groups\"]\nallow = {allow}\n"
        )
    }

    /// Registers the program at one of them.
    pub(super) fn register(&self, ground: &Ground, name: &str) {
        const REGISTER: &str = "
const [issuer, uri] = process.argv.slice(1);
const metadata = { redirect_uris: [uri], token_endpoint_auth_method: 'client_secret_basic' };
const headers = { 'content-type': 'application/json' };
const answer = await fetch(`${issuer}/reg`, { method: 'POST', headers, body: JSON.stringify(metadata) });
if (!answer.ok) throw new Error(await answer.text());
";
        let mut script = node();
        script.args([
            "--input-type=module",
            "--eval",
            REGISTER,
            self.issuers[name].as_str().expect("an issuer"),
        ]);
        script.arg(format!("{}/sign-in/callback/{name}", ground.gateway.address));
        ground.run(&mut script);
    }
}

/// A script of `tests/peers/oauth`, whose packages want a newer Node.js than a machine may have.
pub(crate) fn script(name: &str) -> Command {
    let mut command = Command::new(newer_node());
    command.current_dir(tools().join("oauth")).args(["--preserve-symlinks", "--preserve-symlinks-main"]);
    command.arg(format!("peers/{name}"));
    command
}

/// Somebody who signs in with a provider. What they type there as a password is taken as it is.
const fn person<'a>(provider: &'a str, name: &'a str) -> [(&'a str, &'a str); 2] {
    [("DOORWARD_PROVIDER", provider), ("DOORWARD_PERSON", name)]
}

#[test]
fn people_come_in_by_group_domain_or_subject_and_nobody_else_does() {
    let providers = Providers::start(&["corp", "partner"]);
    let corp = providers.section("corp", r#"{ groups = ["engineering"], domains = ["example.com"] }"#);
    let partner = providers.section("partner", r#"{ subjects = ["bob"] }"#);
    let closed = "\n[[server]]\nname = \"closed\"\nupstreams = [\"team\"]\ntools = []\nallow = { groups = [\"engineering\"] }\n";
    let ground = Ground::with(&[&corp, &partner, closed].concat());
    for name in ["corp", "partner"] {
        providers.register(&ground, name);
    }
    ground.gateway.command(&["client", "add", "peer", "--redirect-uri", CALLBACK]);

    let mut script = node();
    script.args(["peers/oauth.mjs", "v2", &ground.url(), TOOL]);
    let found = ground.checks_as(&person("corp", "ada:any"), &mut script);
    assert!(
        found.iter().any(|(check, said)| check == "call" && said.to_string().contains(ANSWER)),
        "{found:?}"
    );

    let at = |server: &str| authorize(&ground, server);
    // By the domain of a verified address; by `sub`.
    for provider in ["corp", "partner"] {
        let page = ground.browse_as(&person(provider, "bob:any"), &at("team"));
        assert!(page["url"].as_str().is_some_and(|url| url.starts_with(CALLBACK)), "{provider}: {page}");
    }
    // The address is not verified; the same `sub` at another provider is somebody else.
    for (provider, name) in [("corp", "dan:any"), ("partner", "ada:any")] {
        let page = ground.browse_as(&person(provider, name), &at("team"));
        assert_eq!(page["status"], 403, "{page}");
        let told = format!("Your account at <strong>{provider}</strong> is not let in here.");
        assert!(page["text"].as_str().is_some_and(|text| text.contains(&told)), "{page}");
    }
    // Let in, and yet not everywhere.
    let page = ground.browse_as(&person("corp", "bob:any"), &at("closed"));
    assert_eq!(
        (&page["status"], &page["heading"]),
        (&403.into(), &"You have no access to closed".into()),
        "{page}"
    );
    let page = ground.browse_as(&person("corp", "ada:any"), &at("closed"));
    assert!(page["url"].as_str().is_some_and(|url| url.starts_with(CALLBACK)), "{page}");

    let records = ground.records();
    let why = |reason: &str| -> Vec<&str> {
        let found = records.iter().filter(|record| record["reason"] == reason);
        found.map(|record| record["subject"].as_str().unwrap_or_default()).collect()
    };
    assert_eq!(why("sign_in_not_allowed"), ["corp:dan", "partner:ada"]);
    assert_eq!(why("no_access"), ["corp:bob"]);
    let calls =
        records.iter().filter(|record| record["method"] == "tools/call" && record["decision"] == "allowed");
    assert!(
        calls.clone().count() > 0 && calls.clone().all(|call| call["subject"] == "corp:ada"),
        "{records:#?}"
    );
}

/// Where the client sends people who are to let it into a virtual server.
fn authorize(ground: &Ground, server: &str) -> String {
    let (origin, resource) = (&ground.gateway.address, ground.gateway.server(server));
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    format!(
        "{origin}/authorize?response_type=code&client_id=peer&redirect_uri={CALLBACK}&state=s\
         &code_challenge={challenge}&code_challenge_method=S256&resource={resource}"
    )
}
