//! Secrets of every kind, each once in the world, through one long run of the real program: afterwards none of them is in
//! any file of the store, in what the program printed, in records, metrics or the exported configuration, nor anywhere
//! that it does not belong. In no usual writing: as it is, in base64, in hex, or encoded for a URL.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use doorward_testkit::{
    authority::ScriptedAuthority,
    recorder::{Recorder, Reply},
};
use serde_json::json;
use url::form_urlencoded;

use crate::{
    client::Connection,
    person::{CALLBACK, Person, Tokens},
    program::{Place, Program},
};

const ADAS_PASSWORD: &str = "canary/password+of=ada";
const BOBS_PASSWORD: &str = "canary/password+of=bob";
const API_KEY: &str = "canary/api+key=0123456789abcdef0123";
const HEADER: &str = "canary/header+credential=52";
const BEARER: &str = "canary-bearer-credential-a7f3";
/// What the configuration reads from variables.
const VARIABLES: [(&str, &str); 2] = [("CANARY_HEADER", HEADER), ("CANARY_API_KEY", API_KEY)];
const STORED: [&str; 2] = ["canary/stored+secret=first1", "canary/stored+secret=second"];
const CLIENT_SECRET: &str = "canary/own+client=secret91";

/// What is looked for, by what it is.
#[derive(Default)]
struct Canaries(BTreeMap<String, String>);

impl Canaries {
    fn plant(&mut self, what: impl Into<String>, secret: &str) {
        assert!(secret.len() >= 12, "too short to be found for sure: {secret}");
        self.0.insert(what.into(), secret.to_owned());
    }

    fn plant_all(&mut self, what: &str, secrets: impl IntoIterator<Item = String>) {
        for (number, secret) in secrets.into_iter().enumerate() {
            self.plant(format!("{what} {number}"), &secret);
        }
    }

    /// Which of them are in these bytes, and how they are written there.
    fn found(&self, bytes: &[u8], except: &[&str]) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        let expected = |what: &str| except.iter().any(|start| what.starts_with(start));
        let mut found = Vec::new();
        for (what, secret) in self.0.iter().filter(|(what, _)| !expected(what)) {
            let writings = writings(secret).into_iter().filter(|(_, form)| text.contains(form));
            found.extend(writings.map(|(how, _)| format!("{what}, {how}")));
        }
        found
    }
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The ways to write a secret. In base64 it looks different after zero, one or two bytes of something else; the characters
/// that depend on what is around it are left out.
fn writings(secret: &str) -> Vec<(&'static str, String)> {
    let hex = hex(secret);
    let url: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let escaped = secret.replace('/', "\\/");
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("as hex", hex.to_uppercase()),
        ("as hex", hex),
        ("for a URL", url),
        ("in JSON", escaped),
    ];
    for before in 0..3 {
        let padded = [&vec![0; before][..], secret.as_bytes()].concat();
        let whole = padded.len() / 3 * 3;
        for text in [STANDARD_NO_PAD.encode(&padded[..whole]), URL_SAFE_NO_PAD.encode(&padded[..whole])] {
            forms.push(("in base64", text[if before == 0 { 0 } else { 4 }..].to_owned()));
        }
    }
    forms
}

#[test]
fn what_is_looked_for_is_found() {
    let mut canaries = Canaries::default();
    canaries.plant("a secret", "canary/with+signs=1");
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}canary/with+signs=1:more");
        for written in [
            text.clone(),
            STANDARD_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(&text),
            form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            hex(&text),
            hex(&text).to_uppercase(),
        ] {
            assert!(!canaries.found(written.as_bytes(), &[]).is_empty(), "{written}");
            assert!(canaries.found(written.as_bytes(), &["a "]).is_empty());
        }
    }
    assert!(canaries.found(b"canary/with+signs=2", &[]).is_empty());
}

/// The world around the program: an upstream for each kind of credential, and whose word they take.
struct World {
    place: Place,
    authority: ScriptedAuthority,
    /// Upstreams by name.
    upstreams: BTreeMap<&'static str, Recorder>,
}

impl World {
    async fn start() -> Self {
        let authority = ScriptedAuthority::start().await.expect("a port");
        authority.register("own", Some(CLIENT_SECRET));
        let mut upstreams = BTreeMap::new();
        for name in ["theirs", "machine", "keyed", "borne", "stored"] {
            upstreams.insert(name, Recorder::start().await.expect("an upstream"));
        }
        authority.protect(&upstreams["theirs"]);
        authority.protect(&upstreams["machine"]);
        Self { place: Place::new(), authority, upstreams }
    }

    fn configuration(&self) -> String {
        let token = format!("{}/token", self.authority.url());
        let credentials = [
            ("theirs", "kind = \"oauth\"".to_owned()),
            (
                "machine",
                format!(
                    "kind = \"client-credentials\", token_endpoint = \"{token}\", client_id = \"own\", \
                     client_secret = {{ file = \"client-secret\" }}"
                ),
            ),
            (
                "keyed",
                "kind = \"header\", name = \"x-api-key\", value = { env = \"CANARY_HEADER\" }".to_owned(),
            ),
            ("borne", "kind = \"bearer\", value = { file = \"bearer\" }".to_owned()),
            ("stored", "kind = \"bearer\", value = { stored = \"vault\" }".to_owned()),
        ];
        let mut text =
            "[listen]\naddress = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[records]\nstdout = true\n\
                        [network]\nallow_private = [\"127.0.0.0/8\"]\n\
                        [[api_key]]\nname = \"ci\"\nvalue = { env = \"CANARY_API_KEY\" }\n"
                .to_owned();
        for (name, credential) in credentials {
            let url = self.upstreams[name].url();
            text.extend([
                format!("[[upstream]]\nname = \"{name}\"\nurl = \"{url}\"\ncredential = {{ {credential} }}\n"),
                format!("[[server]]\nname = \"{name}\"\nupstreams = [\"{name}\"]\naccess = [\"oauth\", \"api-key\"]\n"),
                "record = [\"arguments\", \"results\"]\n".to_owned(),
            ]);
        }
        text
    }

    fn start_program(&self) -> Program {
        self.place.write("client-secret", CLIENT_SECRET);
        self.place.write("bearer", BEARER);
        let variables = [&VARIABLES[..], &[("DOORWARD_LOG", "trace")]].concat();
        self.place.start_with(&self.configuration(), &variables)
    }

    fn run(&self, program: &Program, words: &[&str]) -> String {
        self.run_with(program, words, "")
    }

    fn run_with(&self, program: &Program, words: &[&str], input: &str) -> String {
        let url = program.url();
        let variables = [&VARIABLES[..], &[("DOORWARD_PUBLIC_URL", &url)]].concat();
        self.place.run_with(words, input, &variables).text()
    }

    fn key(&self) -> String {
        let key = fs::read_to_string(self.place.path("doorward-data/master.key")).expect("a key file");
        key.trim().to_owned()
    }
}

/// Calls a tool at a virtual server, whatever comes of it.
async fn call(program: &Program, server: &str, headers: &[(&str, &str)]) -> u16 {
    let params = json!({ "name": "echo", "arguments": { "text": "x" } });
    let mut connection = Connection::to(program.address).await;
    connection.modern(server, "tools/call", Some("echo"), params, headers).await.answer().status
}

async fn with_token(program: &Program, server: &str, token: &str) -> u16 {
    call(program, server, &[("Authorization", &format!("Bearer {token}"))]).await
}

/// Everything that a year of use brings: sign-in, clients, connections, renewals, failures, step-up, a new master key.
async fn long_run(world: &World, program: &Program, canaries: &mut Canaries) {
    let secret = |text: &str| -> String {
        let told: serde_json::Value = serde_json::from_str(text).expect("JSON");
        told["client_secret"].as_str().expect("a secret").to_owned()
    };
    let desk = ["client", "add", "desk", "--redirect-uri", CALLBACK, "--secret"];
    let desk = secret(&world.run(program, &desk));
    canaries.plant("secret of a client", &desk);
    let mut ada = Person::of(&world.place, "ada", ADAS_PASSWORD, &VARIABLES);
    let mut bob = Person::of(&world.place, "bob", BOBS_PASSWORD, &VARIABLES);

    for secret in STORED {
        world.run_with(program, &["secret", "set", "vault", "--stdin"], secret);
    }

    let mut issued = Vec::new();
    for (server, of_ada) in [
        ("theirs", true),
        ("machine", true),
        ("keyed", true),
        ("borne", false),
        ("stored", true),
        ("theirs", false),
    ] {
        let person = if of_ada { &mut ada } else { &mut bob };
        let Tokens { code, access, refresh } = person.lets_in(program, ("desk", &desk), server).await;
        assert_eq!(with_token(program, server, &access).await, 200, "{server}");
        assert_eq!(call(program, server, &[("X-API-Key", API_KEY)]).await, 200, "{server}");
        issued.extend([code, access, refresh]);
    }
    let theirs = &issued[1];
    assert_eq!(world.authority.token_requests("authorization_code").len(), 2, "two people connected");

    // A renewal, an answer that is no answer, and a refusal for good.
    world.authority.expire_access_tokens();
    with_token(program, "theirs", theirs).await;
    for reply in [
        Reply::json(json!({ "error": "temporarily_unavailable", "error_description": "canary" })).status(503),
        Reply::json(json!({ "access_token": "canary-answer-with-no-type" })),
        Reply::close(),
    ] {
        world.authority.expire_access_tokens();
        world.authority.once("/token", reply);
        with_token(program, "theirs", theirs).await;
    }
    canaries.plant("token of a bad answer", "canary-answer-with-no-type");
    for upstream in world.upstreams.values() {
        upstream.once("tools/call", Reply::empty(500));
        upstream.once("tools/call", Reply::close());
    }
    for access in issued.iter().skip(1).step_by(3) {
        with_token(program, "machine", access).await;
        with_token(program, "theirs", access).await;
    }
    world.authority.revoke_everything();
    with_token(program, "theirs", theirs).await;
    ada.open(&format!("{}/connect/theirs", program.url()), "").await;
    with_token(program, "theirs", theirs).await;

    world.run(program, &["key", "rotate"]);
    canaries.plant("master key", &world.key());
    with_token(program, "theirs", theirs).await;
    let connections = ada.open(&format!("{}/console/connections", program.url()), "").await;
    ada.submit(&connections, "/console/connections/disconnect").await;
    assert!(!world.authority.asked("/revoke").is_empty(), "what ends here ends there");

    canaries.plant_all("issued", issued);
    canaries.plant_all("cookie", [ada.got, bob.got].concat());
    canaries.plant_all("of the authority", world.authority.secrets());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_where_it_does_not_belong() {
    let world = World::start().await;
    let mut canaries = Canaries::default();
    for (what, secret) in [
        ("password of ada", ADAS_PASSWORD),
        ("password of bob", BOBS_PASSWORD),
        ("api key", API_KEY),
        ("credential in a header", HEADER),
        ("credential as bearer", BEARER),
        ("own client's secret", CLIENT_SECRET),
        ("stored, replaced", STORED[0]),
        ("stored", STORED[1]),
    ] {
        canaries.plant(what, secret);
    }
    let program = world.start_program();
    canaries.plant("first master key", &world.key());
    long_run(&world, &program, &mut canaries).await;

    let mut admin = Connection::to(program.admin.expect("it listens")).await;
    let mut places = vec![("metrics".to_owned(), admin.get("/metrics").await.body.into_bytes())];
    for command in [
        &["export"][..],
        &["audit", "verify"],
        &["user", "list"],
        &["client", "list"],
        &["token", "list"],
        &["secret", "list"],
        &["connection", "list"],
    ] {
        let json = world.run(&program, &[command, &["--json"]].concat());
        let said = [world.run(&program, command), json].concat();
        places.push((format!("what `{}` prints", command.join(" ")), said.into_bytes()));
    }
    // The store as it is in use, with its log; and as it is left.
    places.extend(files(&world.place.path("doorward-data")));
    places.push(("the log".to_owned(), program.everything().into_bytes()));
    program.stop().await;
    places.extend(files(&world.place.path("doorward-data")));
    places.push(("standard output".to_owned(), fs::read(world.place.path("stdout")).expect("a file")));
    for record in world.place.records().await {
        places.push(("a record".to_owned(), record.to_string().into_bytes()));
    }
    for (place, bytes) in &places {
        assert!(!bytes.is_empty() || place.ends_with("-wal"), "{place} is empty");
        assert_eq!(canaries.found(bytes, &[]), [""; 0], "in {place}");
    }

    // Each upstream has seen its own credential, and nothing else; the authority what it issued itself.
    for (name, own) in [
        ("theirs", "of the authority"),
        ("machine", "of the authority"),
        ("keyed", "credential in a header"),
        ("borne", "credential as bearer"),
        ("stored", "stored"),
    ] {
        let seen = format!("{:?}", world.upstreams[name].requests()).into_bytes();
        assert!(!canaries.found(&seen, &[]).is_empty(), "{name} never saw its credential");
        assert_eq!(canaries.found(&seen, &[own]), [""; 0], "at upstream {name}");
    }
    let seen = format!("{:?}", world.authority.requests()).into_bytes();
    let own = ["of the authority", "own client's secret"];
    assert_eq!(canaries.found(&seen, &own), [""; 0], "at the authorization server");
}

/// Every file of the store but the key.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).expect("the store").map(|entry| entry.expect("a file").path());
    let files =
        entries.filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != "master.key"));
    files.map(|path| (path.display().to_string(), fs::read(&path).expect("a file"))).collect()
}
