//! Data for pages, and every page made of it. All text from outside can be another one.

use std::{sync::Arc, time::Duration};

use doorward_model::{
    Access, Agent, CardSignature, Client, ClientAuthentication, ClientGrant, ClientKind, Credential,
    Curation, GrantTypes, Name, Payloads, Person, Place, Quotas, Scopes, Timestamp, Transport, Upstream,
    VirtualServer,
};
use url::Url;

use super::super::*;
use crate::routes::Destination;

pub(crate) const HOST: &str = "gw.example.com";
pub(crate) const HIDDEN: Hidden<'static> = Hidden { request: Some("dw1.sealed-request"), csrf: "csrf-token" };
const LATER: Hidden<'static> = Hidden { request: None, csrf: "csrf-token" };
const NOVEMBER: Timestamp = Timestamp::from_secs(1_795_255_200);

/// Text that comes from outside, in all the places where it may.
pub(crate) struct World {
    pub(crate) text: String,
    server: Destination,
    open: Destination,
    large: Destination,
    agent: Destination,
    pub(crate) registered: Client,
    pub(crate) document: Client,
    pub(crate) dynamic: Client,
    pub(crate) alice: Person,
    pub(crate) root: Person,
    pub(crate) grants: Vec<ClientGrant>,
}

fn place(name: &str) -> Place {
    Place::Upstream(Name::parse(name).expect("a name"))
}

pub(crate) fn server() -> VirtualServer {
    let name = |name| Name::parse(name).expect("a name");
    let upstream = Upstream {
        name: name("everything"),
        transport: Transport::Http(Url::parse("http://10.0.0.1/mcp").expect("a URL")),
        timeout: Duration::from_mins(1),
        credential: Credential::None,
    };
    VirtualServer {
        name: name("demo"),
        resource: "https://gw.example.com/mcp/demo".to_owned(),
        upstream: Arc::new(upstream),
        access: Access::default(),
        curation: Curation::default(),
        payloads: Payloads::default(),
        rate: None,
    }
}

pub(crate) fn agent() -> Destination {
    Destination::Agent(Arc::new(Agent {
        name: Name::parse("helper").expect("a name"),
        resource: "https://gw.example.com/a2a/helper".to_owned(),
        card: Url::parse("http://10.0.0.2/.well-known/agent-card.json").expect("a URL"),
        timeout: Duration::from_mins(1),
        credential: Credential::None,
        assertion: false,
        access: Access::default(),
        bindings: Vec::new(),
        versions: Vec::new(),
        host: None,
        signature: CardSignature::default(),
        skills: None,
        push: true,
        rate: None,
        quotas: Quotas::default(),
        delegation_depth: 5,
    }))
}

/// One with more tools than are seen at once, and with something of every other kind.
fn large(text: &str) -> VirtualServer {
    let mut large = server();
    let names = |number: usize| (1..=number).map(|at| format!("{text}-{at:02}")).collect();
    large.curation = Curation {
        tools: Some(names(15)),
        prompts: Some(names(2)),
        resources: Some([format!("file:///{text}")].into()),
        resource_templates: Some([format!("file:///{text}/{{path}}")].into()),
    };
    large
}

fn client(kind: ClientKind, id: &str, name: &str) -> Client {
    Client {
        id: id.to_owned(),
        kind,
        name: Some(name.to_owned()),
        redirect_uris: Vec::new(),
        authentication: ClientAuthentication::None,
        grant_types: GrantTypes::default(),
        resource: None,
        created: NOVEMBER,
    }
}

fn grant(client: &Client, subject: &str, redirect: &str, number: usize) -> ClientGrant {
    ClientGrant {
        id: format!("{number:032x}"),
        subject: subject.to_owned(),
        groups: Vec::new(),
        domain: None,
        client: client.id.clone(),
        client_name: client.name.clone(),
        redirect: Some(redirect.to_owned()),
        resource: "https://gw.example.com/mcp/demo".to_owned(),
        scopes: Scopes::MCP,
        created: NOVEMBER,
        expires: NOVEMBER.plus_secs(90 * 86_400),
    }
}

impl World {
    /// The world as it should be.
    pub(crate) fn new() -> Self {
        Self::with("Claude Code", &["echo", "get-sum"])
    }

    /// A world in which everybody says `text` wherever they can.
    pub(crate) fn saying(text: &str) -> Self {
        Self::with(text, &[text, "get-sum"])
    }

    fn with(text: &str, tools: &[&str]) -> Self {
        let mut server = server();
        server.curation.tools = Some(tools.iter().map(|&tool| tool.to_owned()).collect());
        let registered = client(ClientKind::Registered, "ci-bot", text);
        let document = client(ClientKind::Document, "https://claude.ai/oauth/client.json", text);
        let dynamic = client(ClientKind::Dynamic, "dcr_Zm9vYmFyYmF6", text);
        let name = if text == "Claude Code" { "Alice Ng" } else { text };
        let alice = Person {
            subject: "corp:7f3a".to_owned(),
            name: name.to_owned(),
            groups: vec!["eng".to_owned()],
            domain: None,
            administrator: false,
        };
        let root = Person {
            subject: "root".to_owned(),
            name: "root".to_owned(),
            administrator: true,
            ..alice.clone()
        };
        let grants = vec![
            grant(&document, "corp:7f3a", "https://claude.ai", 1),
            grant(&dynamic, "bob", "http://127.0.0.1:33418", 2),
        ];
        let [server, open, large] =
            [server, self::server(), large(text)].map(|server| Destination::Server(Arc::new(server)));
        Self {
            text: text.to_owned(),
            server,
            open,
            large,
            agent: agent(),
            registered,
            document,
            dynamic,
            alice,
            root,
            grants,
        }
    }

    pub(crate) fn asking<'a>(&'a self, client: &'a Client) -> Asking<'a> {
        let redirect = match client.kind {
            ClientKind::Dynamic => Redirect {
                shown: "http://127.0.0.1:33418",
                loopback: true,
                form_action: "http://127.0.0.1:33418",
            },
            _ => Redirect { shown: "https://claude.ai", loopback: false, form_action: "https://claude.ai" },
        };
        Asking { client, redirect, destination: &self.server }
    }

    pub(crate) fn consent<'a>(&'a self, client: &'a Client) -> Consent<'a> {
        Consent {
            host: HOST,
            person: &self.alice,
            asking: self.asking(client),
            scopes: Scopes::MCP,
            lasts: Duration::from_hours(90 * 24),
            may_remember: client.kind != ClientKind::Dynamic,
            hidden: HIDDEN,
        }
    }

    fn consent_at<'a>(&'a self, destination: &'a Destination, scopes: Scopes) -> Page {
        let mut consent = self.consent(&self.registered);
        consent.asking.destination = destination;
        consent.scopes = scopes;
        consent.render()
    }

    fn sign_in<'a>(&'a self, asking: Option<Asking<'a>>, trouble: Option<SignInTrouble<'a>>) -> Page {
        let providers = [
            SignInButton { name: "corp", origin: "https://idp.example.com" },
            SignInButton { name: "partner", origin: "https://login.partner.example" },
        ];
        let username = if trouble.is_some() { self.text.as_str() } else { "" };
        let hidden = if asking.is_some() { HIDDEN } else { LATER };
        SignIn { host: HOST, asking, providers: &providers, username, trouble, hidden }.render()
    }

    fn my_access(&self, person: &Person, grants: &[ClientGrant], after: bool) -> Page {
        let rows: Vec<GrantRow<'_>> = grants
            .iter()
            .enumerate()
            .map(|(index, grant)| GrantRow { grant, last_used: (index == 0).then_some(NOVEMBER) })
            .collect();
        let revoked = after.then_some(self.text.as_str());
        let next = after.then_some("/console/access?after=2");
        MyAccess { host: HOST, person, rows: &rows, revoked, next, hidden: LATER }.render()
    }

    fn connect(&self, place: &Place, shared: bool, waits: bool) -> Page {
        let page = Connect {
            host: HOST,
            person: if shared { &self.root } else { &self.alice },
            place,
            behind: if waits { &["demo", "other"] } else { &[] },
            shared,
            goes_to: "https://login.partner.example",
            scopes: if waits { &[self.text.as_str(), "notes:read"] } else { &[] },
            since: shared.then_some(NOVEMBER),
            hidden: HIDDEN,
            waiting: waits.then_some(self.waiting()),
        };
        page.render()
    }

    fn waiting(&self) -> Waiting<'_> {
        Waiting { hidden: HIDDEN, form_action: "http://127.0.0.1:33418", client: Some(&self.text) }
    }

    fn not_connected(&self, trouble: ConnectTrouble<'_>, waits: bool) -> Page {
        let (place, waiting) = (place("notes"), waits.then_some(self.waiting()));
        let again = if waits { "/connect/notes?onward=dw1.sealed" } else { "/connect/notes" };
        NotConnected { host: HOST, place: &place, trouble, again, request_id: "01J8ZK", waiting }.render()
    }

    fn connections(&self, person: &Person, done: Option<ConnectionDone<'_>>, all: bool) -> Page {
        let text = self.text.as_str();
        let (notes, helper) = (place("notes"), Place::Agent(Name::parse("helper").expect("a name")));
        let live = RowState::Live {
            issuer: "https://login.partner.example",
            scopes: text,
            since: NOVEMBER,
            refreshed: NOVEMBER.plus_secs(2 * 86_400),
        };
        let row = |place, of, state, connectable| ConnectionRow {
            place,
            of,
            ticket: "dw1.sealed",
            state,
            connectable,
        };
        let rows = [
            row(&notes, &person.subject, live, true),
            row(&helper, &person.subject, RowState::None, true),
            row(&notes, "", RowState::Broken { reason: text, since: NOVEMBER }, true),
            row(&notes, text, live, false),
        ];
        let rows = if all { &rows[..] } else { &rows[..2] };
        let next = all.then_some("/console/connections?after=2");
        MyConnections { host: HOST, person, rows, done, next, hidden: LATER }.render()
    }

    fn connecting(&self) -> Vec<(&'static str, Page)> {
        let (notes, text) = (place("notes"), self.text.as_str());
        let helper = Place::Agent(Name::parse("helper").expect("a name"));
        let changed = ConnectTrouble::Changed { approved: "https://login.partner.example", found: text };
        let empty = MyConnections {
            host: HOST,
            person: &self.alice,
            rows: &[],
            done: None,
            next: None,
            hidden: LATER,
        };
        vec![
            ("connect", self.connect(&notes, false, false)),
            ("connect_for_client", self.connect(&helper, false, true)),
            ("connect_shared", self.connect(&notes, true, false)),
            ("not_connected_administrators", self.not_connected(ConnectTrouble::Administrators, false)),
            ("not_connected_away", self.not_connected(ConnectTrouble::Away, true)),
            ("not_connected_unusable", self.not_connected(ConnectTrouble::Unusable, false)),
            ("not_connected_changed", self.not_connected(changed, true)),
            ("not_connected_refused", self.not_connected(ConnectTrouble::Refused(text), true)),
            ("not_connected_mixed", self.not_connected(ConnectTrouble::Mixed, false)),
            ("not_connected_failed", self.not_connected(ConnectTrouble::Failed, false)),
            ("my_connections", self.connections(&self.alice, None, false)),
            (
                "my_connections_connected",
                self.connections(&self.alice, Some(ConnectionDone::Connected(&notes)), false),
            ),
            (
                "my_connections_disconnected",
                self.connections(&self.alice, Some(ConnectionDone::Disconnected(&notes)), false),
            ),
            (
                "my_connections_only_here",
                self.connections(&self.alice, Some(ConnectionDone::OnlyHere(&notes)), false),
            ),
            ("my_connections_empty", empty.render()),
            ("my_connections_administrator", self.connections(&self.root, None, true)),
        ]
    }

    fn first_administrator(&self, trouble: Option<FirstTrouble>) -> Page {
        let username = if trouble.is_some() { self.text.as_str() } else { "" };
        let page = FirstAdministrator {
            host: HOST,
            token: "dwfa_token",
            username,
            shortest: 8,
            trouble,
            hidden: LATER,
        };
        page.render()
    }

    fn troubles(&self) -> Vec<(&'static str, Page)> {
        let sign_in = |trouble| self.sign_in(None, Some(trouble));
        vec![
            ("sign_in_wrong", sign_in(SignInTrouble::Wrong)),
            ("sign_in_throttled", sign_in(SignInTrouble::Throttled(Duration::from_secs(30)))),
            ("sign_in_provider", sign_in(SignInTrouble::Provider("corp"))),
            ("sign_in_provider_away", sign_in(SignInTrouble::ProviderAway("corp"))),
            ("sign_in_not_allowed", sign_in(SignInTrouble::NotAllowed("corp"))),
            ("first_administrator_name", self.first_administrator(Some(FirstTrouble::Name))),
            ("first_administrator_taken", self.first_administrator(Some(FirstTrouble::Taken))),
            ("first_administrator_short", self.first_administrator(Some(FirstTrouble::Short))),
            ("first_administrator_different", self.first_administrator(Some(FirstTrouble::Different))),
        ]
    }

    /// Every page, in every state that looks different.
    pub(crate) fn pages(&self) -> Vec<(&'static str, Page)> {
        let text = self.text.as_str();
        let url = "https://client.example.net/callback?error=invalid_scope&state=1";
        let no_access =
            NoAccess { host: HOST, person: &self.alice, asking: self.asking(&self.document), hidden: HIDDEN };
        let error = |connections| {
            ErrorPage { host: HOST, title: text, text, connections, request_id: "01J8ZK" }.render()
        };
        let back = ReturnPage { host: HOST, shown: "https://client.example.net", url, text };
        let mut pages = vec![
            ("sign_in", self.sign_in(None, None)),
            ("sign_in_for_client", self.sign_in(Some(self.asking(&self.document)), None)),
            ("consent_registered", self.consent(&self.registered).render()),
            ("consent_document", self.consent(&self.document).render()),
            ("consent_dynamic", self.consent(&self.dynamic).render()),
            ("consent_all_tools", self.consent_at(&self.open, Scopes::MCP)),
            ("consent_many_tools", self.consent_at(&self.large, Scopes::MCP)),
            ("consent_agent", self.consent_at(&self.agent, Scopes::A2A)),
            ("no_access", no_access.render()),
            ("error", error(false)),
            ("error_connecting", error(true)),
            ("return", back.render()),
            ("my_access", self.my_access(&self.alice, &self.grants[..1], false)),
            ("my_access_revoked", self.my_access(&self.alice, &self.grants[..1], true)),
            ("my_access_empty", self.my_access(&self.alice, &[], false)),
            ("my_access_administrator", self.my_access(&self.root, &self.grants, false)),
            ("first_administrator", self.first_administrator(None)),
            ("signed_out", SignedOut { host: HOST, provider: Some("corp") }.render()),
        ];
        pages.extend(self.connecting());
        pages.extend(self.troubles());
        pages
    }
}
