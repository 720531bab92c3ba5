//! A world in which people have accounts at the upstream: a lock in front of it, an authorization server of somebody
//! else's, and connections that were made without a browser.

use std::{fs, time::Duration};

use doorward_auth::keys::{DataKey, Envelope, MasterKey};
use doorward_model::Clock as _;
use doorward_store::NewConnection;
use doorward_testkit::{
    authority::ScriptedAuthority, conformance::Eras, issuer::TestIssuer, recorder::Recorder,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{API_KEY, Call, Gateway, Plan, VERIFIER, parameter};

/// Doorward's client at the authority.
const CLIENT: &str = "doorward-over-there";
/// Its secret.
const SECRET: &str = "doorwards-secret-over-there-6d1f";
/// The SHA-256 of [`VERIFIER`], as PKCE sends it.
const REDIRECT: &str = "http://127.0.0.1/oauth/callback";

/// A gateway before an upstream that wants everybody's own account.
///
/// | virtual server | access | upstream |
/// |---|---|---|
/// | `jwt` | tokens of the issuer, with which people sign in too | `notes`, each person's own account |
/// | `few` | the same | the same, with one tool |
/// | `keyed` | [`API_KEY`] | the same |
/// | `shared` | tokens of the issuer | `team`, one account for all |
pub(crate) struct ConnectedWorld {
    pub(crate) gateway: Gateway,
    pub(crate) recorder: Recorder,
    pub(crate) authority: ScriptedAuthority,
    pub(crate) issuer: TestIssuer,
}

/// What the authority gave somebody.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
}

impl ConnectedWorld {
    /// The usual world.
    pub(crate) async fn start() -> Self {
        Self::with(|_| String::new()).await
    }

    /// The usual world with more configuration, where connections are made with what it is given.
    pub(crate) async fn with(more: impl FnOnce(&str) -> String) -> Self {
        let recorder = Recorder::start_as(Eras::Both).await.unwrap();
        let issuer = TestIssuer::start().await.unwrap();
        let authority = ScriptedAuthority::start().await.unwrap();
        authority.register(CLIENT, Some(SECRET));
        authority.protect(&recorder);
        let toml = toml(&recorder, &issuer, &authority) + &more(&credential(&authority, false));
        let plan = Plan::default().secret("OVER_THERE", SECRET).secret("KEY", API_KEY);
        let gateway = plan.start(&toml).await;
        Self { gateway, recorder, authority, issuer }
    }

    /// The configuration.
    pub(crate) fn toml(&self) -> String {
        toml(&self.recorder, &self.issuer, &self.authority)
    }

    /// A token of somebody for a virtual server.
    pub(crate) fn token(&self, subject: &str, server: &str) -> String {
        self.token_for(subject, &self.gateway.resource(server))
    }

    /// A token of somebody for a resource.
    pub(crate) fn token_for(&self, subject: &str, resource: &str) -> String {
        let mut claims = self.issuer.claims(subject, resource);
        let now = self.gateway.clock_secs();
        (claims["iat"], claims["exp"]) = (now.into(), (now + 300).into());
        self.issuer.mint(claims).unwrap()
    }

    /// Connects somebody's account at `notes`.
    pub(crate) async fn connect(&self, subject: &str) -> Account {
        self.connect_at("upstream:notes", &format!("corp:{subject}")).await
    }

    /// Connects the account that everybody uses at `team`.
    pub(crate) async fn connect_shared(&self) -> Account {
        self.connect_at("upstream:team", "").await
    }

    /// Connects an account as the authority gives one, and as the gateway stores it.
    pub(crate) async fn connect_at(&self, place: &str, person: &str) -> Account {
        self.connect_for(place, person, self.recorder.url()).await
    }

    /// The same at the agent `helper`, whose tokens are for the origin of its card.
    pub(crate) async fn connect_helper(&self, card: &str, person: &str) -> Account {
        let origin = card.split("/.well-known").next().unwrap_or_default();
        self.connect_for("agent:helper", person, &format!("{origin}/")).await
    }

    /// The same where the place has another address.
    pub(crate) async fn connect_for(&self, place: &str, person: &str, resource: &str) -> Account {
        let granted = self.granted().await;
        let text = |member: &str| granted[member].as_str().map(str::to_owned);
        let account = Account { access: text("access_token").unwrap(), refresh: text("refresh_token") };
        let now = self.gateway.clock.now();
        let contents = json!({ "access": account.access, "refresh": account.refresh }).to_string();
        let issuer = self.authority.url();
        let row = ["connection", "sealed", place, person, issuer, resource].map(str::as_bytes);
        let new = NewConnection {
            place: place.to_owned(),
            person: person.to_owned(),
            issuer: issuer.to_owned(),
            client: CLIENT.to_owned(),
            resource: resource.to_owned(),
            scopes: granted["scope"].as_str().unwrap_or_default().to_owned(),
            sealed: self.envelope().await.seal(contents.as_bytes(), &row),
            expires: granted["expires_in"].as_i64().map(|secs| now.plus_secs(secs)),
            now,
        };
        assert!(self.gateway.store().put_connection(&new).await.unwrap().is_some());
        account
    }

    /// Ends the connection of somebody at `notes`, as a command would.
    pub(crate) async fn disconnect(&self, subject: &str) {
        let (person, now) = (format!("corp:{subject}"), self.gateway.clock.now());
        self.gateway.store().remove_connection("upstream:notes", &person, now).await.unwrap();
        self.until_heard().await;
    }

    /// Waits until the gateway has heard of what changed in the store.
    pub(crate) async fn until_heard(&self) {
        // Twice the time between two looks at the store: what a command does counts within a second.
        tokio::time::sleep(Duration::from_millis(700)).await;
    }

    /// The keys with which the gateway seals.
    async fn envelope(&self) -> Envelope {
        let text =
            fs::read_to_string(self.gateway.place.directory().join("doorward-data/master.key")).unwrap();
        let master = MasterKey::parse(text.trim()).unwrap();
        let keys = self.gateway.store().data_keys().await.unwrap();
        let secrets = keys.iter().filter(|key| key.purpose == "secrets");
        let keys: Vec<_> =
            secrets.map(|key| DataKey::unwrap([&master], &key.id, &key.wrapped).unwrap()).collect();
        Envelope::new(keys.last().unwrap(), &keys)
    }

    /// Has the authority grant something, by a code.
    async fn granted(&self) -> Value {
        let challenge = doorward_auth::server::pkce::challenge(VERIFIER);
        let resource = self.recorder.url();
        let query = format!(
            "client_id={CLIENT}&redirect_uri={REDIRECT}&response_type=code&code_challenge={challenge}\
             &code_challenge_method=S256&resource={resource}&scope=notes:read"
        );
        let head = self.ask(&format!("GET /authorize?{query}"), "").await;
        let location = head.lines().find(|line| line.to_ascii_lowercase().starts_with("location:"));
        let code = parameter(location.unwrap()[9..].trim(), "code").unwrap();
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}\
             &resource={resource}&client_id={CLIENT}&client_secret={SECRET}"
        );
        let answer = self.ask("POST /token", &form).await;
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    async fn ask(&self, line: &str, body: &str) -> String {
        let address = self.authority.url().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The connection stays open: the answer says itself where it ends.
        while !is_whole(&answer) {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the authority closed the connection");
        }
        String::from_utf8(answer).unwrap()
    }

    /// A modern request of somebody.
    pub(crate) fn modern(&self, subject: &str, method: &str, params: Value) -> Call<'_> {
        self.gateway.modern("jwt", method, params).bearer(&self.token(subject, "jwt"))
    }

    /// A modern call of `echo`.
    pub(crate) fn echo(&self, subject: &str) -> Call<'_> {
        self.modern(subject, "tools/call", json!({ "name": "echo", "arguments": {} }))
    }

    /// How often the authority was asked to refresh.
    pub(crate) fn refreshes(&self) -> usize {
        self.authority.token_requests("refresh_token").len()
    }

    /// Where people connect.
    pub(crate) fn link(&self, upstream: &str) -> String {
        format!("{}/connect/{upstream}", self.gateway.url())
    }

    /// Stops everything. Nothing that the authority gave out is anywhere, and no caller's token reached the upstream.
    pub(crate) async fn finish(self) {
        for secret in self.authority.secrets() {
            self.gateway.plant(&secret);
        }
        let callers = self.gateway.log().callers_secrets.clone();
        self.gateway.finish().await;
        for secret in callers {
            assert!(!self.recorder.saw(&secret), "the upstream saw the caller's {secret:?}");
            assert!(!self.authority.saw(&secret), "the authority saw the caller's {secret:?}");
        }
    }
}

/// Whether an answer is there with all of its body.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.is_none_or(|length| body.len() >= length.trim().parse().unwrap())
}

fn credential(authority: &ScriptedAuthority, shared: bool) -> String {
    let there = authority.url();
    format!(
        r#"{{ kind = "oauth", shared = {shared}, issuer = "{there}", client_id = "{CLIENT}", client_secret = {{ env = "OVER_THERE" }} }}"#
    )
}

fn toml(recorder: &Recorder, issuer: &TestIssuer, authority: &ScriptedAuthority) -> String {
    let (upstream, corp) = (recorder.url(), issuer.url());
    let (own, team) = (credential(authority, false), credential(authority, true));
    format!(
        r#"
        [[upstream]]
        name = "notes"
        url = "{upstream}"
        credential = {own}

        [[upstream]]
        name = "team"
        url = "{upstream}"
        credential = {team}

        [[issuer]]
        name = "staff"
        issuer = "{corp}"

        [[sign_in]]
        name = "corp"
        issuer = "{corp}"
        client_id = "doorward"
        allow = "anyone"

        [[api_key]]
        name = "robot"
        value = {{ env = "KEY" }}

        [[server]]
        name = "jwt"
        upstreams = ["notes"]
        access = "jwt"

        [[server]]
        name = "few"
        upstreams = ["notes"]
        access = "jwt"
        tools = ["echo"]

        [[server]]
        name = "keyed"
        upstreams = ["notes"]
        access = "api-key"

        [[server]]
        name = "shared"
        upstreams = ["team"]
        access = "jwt"
        "#
    )
}
