//! Which agent is meant, and by which binding it is addressed. Paths are compared as received.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use doorward_auth::verify;
use doorward_model::Binding;
use doorward_protocol::a2a::{Version, proto};
use http::{HeaderMap, Method, Version as HttpVersion, header, request::Parts};
use hyper::body::Incoming;

use super::{
    super::{Answer, Reason, Refusal, authenticate::Presented, read, record::OpenRecord},
    Face,
    content::Content,
    push,
};
use crate::{
    App,
    listen::ClientCertificate,
    routes::{PublishedAgent, Routes},
};

/// Where cards are, below an agent and at an origin.
pub(crate) const CARD: &str = "/.well-known/agent-card.json";

/// What a browser is told at an agent.
const ENDPOINT: &str = "This is an A2A agent: the address for an A2A client, not a page for a browser.\n\
    What it can do and how it is called says its card, at .well-known/agent-card.json below this address.\n\
    What A2A is: https://a2a-protocol.org\n";

/// A request to an agent.
pub(crate) struct Visit {
    /// None where the message says it.
    pub(crate) agent: Option<Arc<PublishedAgent>>,
    pub(crate) way: Way,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query_has_token: bool,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) body: Incoming,
    /// Where it comes from, as far as proxies are trusted to tell it.
    pub(crate) address: IpAddr,
}

/// How an agent is addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// JSON-RPC, at the agent's own address.
    JsonRpc,
    /// HTTP+JSON: path and query below it.
    HttpJson(String),
    /// gRPC: the service's version and the method.
    Grpc(Version, String),
    /// Its card.
    Card,
    /// The agent itself calls back for a webhook, by the secret in the path.
    Callback(String),
}

/// A request that has found its agent.
pub(super) struct Found {
    pub(super) agent: Arc<PublishedAgent>,
    pub(super) way: Way,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    query_has_token: bool,
    certificate: Option<ClientCertificate>,
    pub(super) content: Content,
    pub(super) address: IpAddr,
}

impl Visit {
    /// What a path stands for, if it leads to an agent.
    pub(crate) fn find_way(path: &str, routes: &Routes) -> Option<(Option<Arc<PublishedAgent>>, Way)> {
        for version in Version::ALL {
            let method = path.strip_prefix('/').and_then(|path| path.strip_prefix(proto::service(version)));
            if let Some(method) = method.and_then(|rest| rest.strip_prefix('/')) {
                return routes
                    .agents()
                    .any(offers_grpc)
                    .then(|| (None, Way::Grpc(version, method.to_owned())));
            }
        }
        let (name, below) = split(path)?;
        let way = match below {
            // Clients that join addresses put a slash behind it.
            "" | "/" => Way::JsonRpc,
            CARD => Way::Card,
            below if below.starts_with(push::PATH) => Way::Callback(below[push::PATH.len()..].to_owned()),
            below => Way::HttpJson(below.to_owned()),
        };
        Some((Some(routes.agent(name)?), way))
    }

    /// The way to a card under a host name of its own.
    pub(crate) fn to_card(agent: Arc<PublishedAgent>) -> (Option<Arc<PublishedAgent>>, Way) {
        (Some(agent), Way::Card)
    }

    /// A request to what [`Self::find_way`] found.
    pub(crate) fn of(
        (agent, way): (Option<Arc<PublishedAgent>>, Way),
        mut parts: Parts,
        body: Incoming,
        query_has_token: bool,
        address: IpAddr,
    ) -> Result<Self, Refusal> {
        let way = match (way, parts.uri.query()) {
            (Way::HttpJson(path), Some(query)) => Way::HttpJson(format!("{path}?{query}")),
            (way, _) => way,
        };
        match way {
            Way::JsonRpc if parts.method == Method::GET && read::is_browser(&parts.headers) => {
                return Err(Reason::NotAPage(ENDPOINT).into());
            }
            Way::JsonRpc | Way::Callback(_) if parts.method != Method::POST => {
                return Err(Reason::MethodNotAllowed("POST, OPTIONS").into());
            }
            Way::Card if !matches!(parts.method, Method::GET | Method::HEAD) => {
                return Err(Reason::MethodNotAllowed("GET, HEAD, OPTIONS").into());
            }
            Way::Grpc(..) if parts.version != HttpVersion::HTTP_2 || parts.method != Method::POST => {
                return Err(Reason::NotGrpc.into());
            }
            _ => {}
        }
        let certificate = parts.extensions.remove();
        let Parts { method, headers, .. } = parts;
        Ok(Self { agent, way, method, headers, query_has_token, certificate, body, address })
    }

    /// How the caller is answered, as far as that is known before anything is read.
    pub(super) fn face(&self) -> Face {
        match &self.way {
            Way::JsonRpc => Face::new(Binding::JsonRpc, Version::V1_0),
            Way::Card | Way::Callback(_) => Face::document(),
            Way::HttpJson(path) => Face::http_json(path, &self.headers),
            Way::Grpc(version, _) => Face::new(Binding::Grpc, *version),
        }
    }

    /// Finds the agent that the message is for, where the path does not say it.
    pub(super) async fn find(
        self,
        app: &App,
        routes: &Routes,
        record: &mut OpenRecord,
    ) -> Result<Found, Refusal> {
        let mut content = Content::of(self.body);
        let agent = match (self.agent, &self.way) {
            (Some(agent), _) => agent,
            (None, Way::Grpc(version, method)) => {
                let tenant = content.tenant(*version, method, &routes.snapshot.limits).await?;
                meant(app, routes, tenant.as_deref(), &self.headers).await?
            }
            (None, _) => return Err(Reason::NotFound.into()),
        };
        record.door(&agent.entrance);
        Ok(Found {
            agent,
            way: self.way,
            method: self.method,
            headers: self.headers,
            query_has_token: self.query_has_token,
            certificate: self.certificate,
            content,
            address: self.address,
        })
    }
}

impl Found {
    /// Where it may carry a credential.
    pub(super) fn presented(&self) -> Presented<'_> {
        Presented {
            headers: &self.headers,
            query_has_token: self.query_has_token,
            certificate: self.certificate.as_ref(),
            address: self.address,
        }
    }

    /// Whether the agent calls, not a caller.
    pub(super) fn is_callback(&self) -> bool {
        matches!(self.way, Way::Callback(_))
    }

    /// The answer, if it is the public card that is asked for: nobody is asked who they are.
    pub(super) async fn document(
        &self,
        app: &App,
        record: &mut OpenRecord,
    ) -> Option<Result<Answer, Refusal>> {
        if self.way != Way::Card {
            return None;
        }
        Some(super::card::public(app, &self.agent, &self.headers, record).await)
    }
}

/// Whether a path is where an agent's card stands.
pub(crate) fn is_card(path: &str) -> bool {
    split(path).is_some_and(|(_, below)| below == CARD)
}

/// A path as records may have it: what an agent calls back at is half of a secret, however it is asked for.
pub(crate) fn without_secret(path: &str) -> Cow<'_, str> {
    match split(path) {
        Some((name, below)) if below.starts_with(push::PATH) => {
            Cow::Owned(format!("/a2a/{name}{}*", push::PATH))
        }
        _ => Cow::Borrowed(path),
    }
}

/// The name of an agent, and what follows it.
fn split(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/a2a/")?;
    Some(rest.find('/').map_or((rest, ""), |at| rest.split_at(at)))
}

fn offers_grpc(agent: &Arc<PublishedAgent>) -> bool {
    agent.agent.bindings.contains(&Binding::Grpc)
}

/// Which agent is meant by gRPC: the tenant, else the resource that the token is bound to, else the only agent there is.
///
/// The token is not believed yet: it only leads to the door at which it will be judged.
async fn meant(
    app: &App,
    routes: &Routes,
    tenant: Option<&str>,
    headers: &HeaderMap,
) -> Result<Arc<PublishedAgent>, Refusal> {
    let mut offered = routes.agents().filter(|agent| offers_grpc(agent));
    if let Some(tenant) = tenant {
        let named = offered.find(|agent| agent.agent.name.as_str() == tenant);
        return named.cloned().ok_or_else(|| Reason::NotFound.into());
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
    if let Some(token) = token {
        let audiences = audiences(app, routes, token).await;
        let opens = |agent: &&Arc<PublishedAgent>| {
            let jwt = agent.agent.access.jwt.as_ref().map(|jwt| &jwt.audience);
            audiences.iter().any(|audience| *audience == agent.agent.resource || Some(audience) == jwt)
        };
        let mut meant = routes.agents().filter(|agent| offers_grpc(agent)).filter(opens);
        if let (Some(agent), None) = (meant.next(), meant.next()) {
            return Ok(Arc::clone(agent));
        }
    }
    match (offered.next(), offered.next()) {
        (Some(only), None) => Ok(Arc::clone(only)),
        _ => Err(Reason::AgentNotNamed.into()),
    }
}

/// What a token says that it is for, whether it may be believed or not.
async fn audiences(app: &App, routes: &Routes, token: &str) -> Vec<String> {
    if let Ok(Some(own)) = app.own_tokens().look_up(token, routes.origin()).await {
        return own.identity.audiences.clone();
    }
    verify::peek(token).map(|unverified| unverified.audiences()).unwrap_or_default()
}
