//! Connecting accounts elsewhere, as people and operators meet it: pages, the way there and back, attacks on it.
//!
//! What is done with a connection is in `connections_use`.

mod attacks;
mod consent;
mod mine;
mod misbehaving;
mod pages;

use doorward_model::Person;
use doorward_testkit::{authority::ScriptedAuthority, recorder::Recorder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Answer, Gateway, Plan, Visitor};

/// A gateway before upstreams that want an account of each person's own, and an authorization server for them.
///
/// | virtual server | upstream | who |
/// |---|---|---|
/// | `own`, `twin` | `notes` | everybody |
/// | `crew` | `team`, one account for all | everybody |
/// | `few` | `closed` | bob |
///
/// The agent `helper` wants an account, too.
struct World {
    gateway: Gateway,
    recorder: Recorder,
    authority: ScriptedAuthority,
}

impl World {
    async fn start() -> Self {
        Self::with("kind = \"oauth\"").await
    }

    /// With another credential at `notes`; `$issuer` in it is the authority.
    async fn with(credential: &str) -> Self {
        let (recorder, authority) =
            (Recorder::start().await.unwrap(), ScriptedAuthority::start().await.unwrap());
        authority.protect(&recorder);
        let toml = toml(&recorder, &authority, credential);
        let plan = Plan::default().secret("OVER_THERE", "doorwards-secret-over-there-77aa");
        let gateway = plan.start(&toml).await;
        gateway.may_lead_to(&format!("{}/authorize", authority.url()));
        Self { gateway, recorder, authority }
    }

    /// Goes where a redirect leads at the authority, and returns where that leads.
    async fn there(&self, location: &str) -> String {
        let path =
            location.strip_prefix(self.authority.url()).unwrap_or_else(|| panic!("elsewhere: {location}"));
        let address = self.authority.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        // It ends the connection when there is nothing more to read, and not because it is asked to.
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let line = answer
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("location")));
        line.unwrap_or_else(|| panic!("no way back: {answer}")).1.to_owned()
    }

    /// Presses the button of a page that leads to the authority; where it leads.
    async fn sent(&self, visitor: &Visitor<'_>, page: &Answer, path: &str) -> String {
        let answer = visitor.submit(&page.form(path)).await;
        let location =
            answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text()));
        location.to_owned()
    }

    /// Goes to the authority from a page, and comes back.
    async fn through(&self, visitor: &Visitor<'_>, page: &Answer, path: &str) -> Answer {
        let sent = self.sent(visitor, page, path).await;
        visitor.get(&self.there(&sent).await).await
    }

    /// Connects an account at an upstream.
    async fn connect(&self, visitor: &Visitor<'_>, upstream: &str) {
        let path = format!("/connect/{upstream}");
        let page = visitor.get(&path).await;
        let answer = self.through(visitor, &page, &path).await;
        let expected = format!("/console/connections?connected=upstream:{upstream}");
        assert_eq!(answer.header("location"), Some(&*expected), "{} {}", answer.status, answer.text());
    }

    /// A browser in which an administrator is signed in.
    async fn administrator(&self) -> Visitor<'_> {
        let person = Person {
            subject: "root".to_owned(),
            name: "root".to_owned(),
            groups: Vec::new(),
            domain: None,
            administrator: true,
        };
        self.gateway.session_of(person).await
    }

    /// Whether somebody has a live connection.
    async fn is_connected(&self, place: &str, person: &str) -> bool {
        let kept = self.gateway.store().connection(place, person).await.unwrap();
        kept.is_some_and(|kept| kept.broken.is_none())
    }

    async fn last_reason(&self) -> String {
        self.gateway.last_record().await["reason"].as_str().unwrap().to_owned()
    }

    /// Stops everything. Nothing that the authority gave out is in an answer, a record or the store, and the authority
    /// knows nothing of the sessions here.
    async fn finish(self) {
        for secret in self.authority.secrets() {
            self.gateway.plant(&secret);
        }
        self.gateway.finish().await;
    }
}

fn toml(recorder: &Recorder, authority: &ScriptedAuthority, credential: &str) -> String {
    let credential = credential.replace("$issuer", &format!("issuer = \"{}\"", authority.url()));
    let (url, there) = (recorder.url(), authority.url());
    format!(
        r#"
        [network]
        allow_private = ["127.0.0.0/8"]

        [[upstream]]
        name = "notes"
        url = "{url}"
        credential = {{ {credential} }}

        [[upstream]]
        name = "team"
        url = "{url}"
        credential = {{ kind = "oauth", shared = true }}

        [[upstream]]
        name = "closed"
        url = "{url}"
        credential = {{ kind = "oauth" }}

        [[upstream]]
        name = "plain"
        url = "{url}"

        [[server]]
        name = "own"
        upstreams = ["notes"]

        [[server]]
        name = "twin"
        upstreams = ["notes"]

        [[server]]
        name = "crew"
        upstreams = ["team"]

        [[server]]
        name = "few"
        upstreams = ["closed"]
        allow = {{ users = ["bob"] }}

        [[server]]
        name = "plain"
        upstreams = ["plain"]

        [[agent]]
        name = "helper"
        card = "{url}/agent-card.json"
        skills = []
        credential = {{ kind = "oauth", issuer = "{there}" }}
        "#
    )
}
