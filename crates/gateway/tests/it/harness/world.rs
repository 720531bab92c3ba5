//! The usual world: one upstream that keeps what it saw, one issuer, and a virtual server for each way in.

use doorward_testkit::{
    conformance::Eras,
    issuer::TestIssuer,
    recorder::{Recorded, Recorder},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Gateway, Plan};

/// What the gateway presents at the upstream.
pub(crate) const CREDENTIAL: &str = "upstream-credential-8f2c61d0";

/// Every header that may reach an upstream. What a caller sends under another name must not.
const TRAVELS: [&str; 14] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-api-key",
    "mcp-param-",
];

/// A gateway between an issuer and an upstream.
///
/// | virtual server | access |
/// |---|---|
/// | `open` | open |
/// | `jwt`, `twin` | tokens of the issuer |
/// | `own` | Doorward's own tokens |
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) recorder: Recorder,
    pub(crate) issuer: TestIssuer,
}

impl World {
    /// The usual world.
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The usual world with more configuration.
    pub(crate) async fn with(more: &str) -> Self {
        Self::planned(Plan::default(), more).await
    }

    /// The usual world where a record is in the store before its answer leaves, so that a test which reads many
    /// need not wait for each.
    pub(crate) async fn strict(more: &str) -> Self {
        Self::with(&format!("[records]\ndurability = \"strict\"\n{more}")).await
    }

    /// The usual world with a plan and more configuration.
    pub(crate) async fn planned(plan: Plan, more: &str) -> Self {
        let recorder = Recorder::start_as(Eras::Both).await.unwrap();
        let issuer = TestIssuer::start().await.unwrap();
        let toml = format!("{}\n{more}", usual(&recorder, &issuer));
        let gateway = plan.secret("CREDENTIAL", CREDENTIAL).start(&toml).await;
        Self { gateway, recorder, issuer }
    }

    /// The configuration of the usual world, to write variants of it.
    pub(crate) fn toml(&self) -> String {
        usual(&self.recorder, &self.issuer)
    }

    /// The issuer's public keys, for whoever believes them without asking it.
    pub(crate) async fn issuer_keys(&self) -> Value {
        let address = self.issuer.url().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = format!("GET /jwks.json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// A token of the issuer for a virtual server.
    pub(crate) fn token(&self, subject: &str, server: &str) -> String {
        self.issuer.mint(self.claims(subject, server)).unwrap()
    }

    /// The claims of such a token.
    pub(crate) fn claims(&self, subject: &str, server: &str) -> Value {
        self.issuer.claims(subject, &self.gateway.resource(server))
    }

    /// Stops everything; checks what holds for every test, at the upstream too.
    pub(crate) async fn finish(self) {
        let Self { gateway, recorder, .. } = self;
        let secrets = gateway.log().callers_secrets.clone();
        gateway.finish().await;
        for secret in secrets {
            assert!(!recorder.saw(&secret), "the upstream saw the caller's {secret:?}");
        }
        let authority = recorder.url().split('/').nth(2).unwrap_or_default().to_owned();
        for request in recorder.requests() {
            only_ours_travels(&request, &authority);
        }
    }
}

fn only_ours_travels(request: &Recorded, authority: &str) {
    for (name, _) in &request.headers {
        let name = name.to_ascii_lowercase();
        let travels = TRAVELS.contains(&name.as_str()) || name.starts_with("mcp-param-");
        assert!(travels, "the header {name} reached the upstream: {:?}", request.headers);
    }
    assert_eq!(request.header("host"), Some(authority));
    assert_eq!(request.header("x-api-key"), Some(CREDENTIAL), "{:?}", request.headers);
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("doorward/")));
    assert_eq!(request.target, "/mcp", "nothing of the caller's address travels");
}

fn usual(recorder: &Recorder, issuer: &TestIssuer) -> String {
    format!(
        r#"
        [[upstream]]
        name = "notes"
        url = "{}"
        credential = {{ kind = "header", name = "x-api-key", value = {{ env = "CREDENTIAL" }} }}

        [[issuer]]
        name = "corp"
        issuer = "{}"

        [[server]]
        name = "open"
        upstreams = ["notes"]
        access = "open"

        [[server]]
        name = "jwt"
        upstreams = ["notes"]
        access = "jwt"
        issuers = ["corp"]

        [[server]]
        name = "twin"
        upstreams = ["notes"]
        access = "jwt"
        issuers = ["corp"]

        [[server]]
        name = "own"
        upstreams = ["notes"]
        "#,
        recorder.url(),
        issuer.url(),
    )
}
