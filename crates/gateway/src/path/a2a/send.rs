//! Asking the agent: at the interface that suits the caller best, with Doorward's credential, never the caller's.

mod otherwise;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use doorward_egress::{EgressError, Outbound};
use doorward_guard::Permit;
use doorward_model::{Binding, Credential};
use doorward_protocol::{
    a2a::{
        Operation, Version, proto,
        rest::{self, RestError, RestOutbound},
    },
    grpc,
    json::{Document, quote},
    rpc,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri, header};
use hyper::body::Incoming;
use url::Url;

use super::{
    super::{Reason, Refusal, record::OpenRecord, refusal::UpstreamFailure},
    call::{Call, Params, parse},
    push::Brought,
};
use crate::{
    App,
    agents::{Approved, Interface},
    connections::Presented,
    credentials::{
        self, CredentialError, assertion,
        connection::{self, Heard},
    },
};

/// Why a card is of no use with the account of somebody.
const ELSEWHERE: &str = "no interface of the card is at the origin of the card or of `resource`: people's tokens do not follow a card \
     to other origins";

/// An agent that is being talked to on behalf of a caller.
pub(super) struct Talk {
    pub(super) call: Box<Call>,
    pub(super) approved: Arc<Approved>,
    pub(super) interface: Interface,
    /// The webhook that came with the message.
    pub(super) brought: Option<Box<Brought>>,
    /// Whose account the agent was asked with, where each caller may have their own; known once it is presented.
    pub(super) presented: Option<Presented>,
}

/// What the agent began to answer.
pub(super) struct Sent {
    pub(super) talk: Talk,
    pub(super) response: Response<Incoming>,
}

/// Begins to talk to the agent of a call. The permit is used up: one decision, one exchange.
pub(super) async fn begin(
    app: &App,
    call: Box<Call>,
    _permit: Permit,
    record: &mut OpenRecord,
) -> Result<Talk, Refusal> {
    let published = &call.agent;
    let Some(approved) = published.known.approved(app, &published.agent).await else {
        let why = published.known.trouble().unwrap_or_else(|| "its card was not fetched yet".to_owned());
        return Err(failed(&call, UpstreamFailure::Unreachable).detail(format!("no approved card: {why}")));
    };
    let resource = resource(&published.agent.credential);
    let may = |interface: &Interface| resource.is_none_or(|resource| interface.is_declared_or_at(resource));
    let interface = approved.choose(call.face.version, call.face.binding, may).cloned();
    let interface = interface.ok_or_else(|| {
        let refusal = failed(&call, UpstreamFailure::Invalid);
        if resource.is_some() { refusal.detail(ELSEWHERE) } else { refusal }
    })?;
    record.interface(&interface.label());
    Ok(Talk { call, approved, interface, brought: None, presented: None })
}

/// What a credential that speaks for people is for. Such a token goes there and to where the card is, and to no other
/// origin that a card leads to.
fn resource(credential: &Credential) -> Option<&Url> {
    match credential {
        Credential::Connection(connecting) => Some(&connecting.resource),
        Credential::IdentityAssertion(source) => Some(&source.resource),
        _ => None,
    }
}

/// Sends what is asked.
pub(super) async fn send(
    app: &App,
    call: Box<Call>,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Sent, Refusal> {
    let mut talk = begin(app, call, permit, record).await?;
    match talk.say(app, record).await {
        Ok(response) => Ok(Sent { talk, response }),
        Err(refusal) => {
            // What may have arrived may be answered by a callback.
            if !refusal.may_have_arrived() {
                talk.undo_brought(app).await;
            }
            Err(refusal)
        }
    }
}

impl Talk {
    /// Sends what the caller asks, with a callback in the place of a webhook that it brings along.
    async fn say(&mut self, app: &App, record: &mut OpenRecord) -> Result<Response<Incoming>, Refusal> {
        self.bring(app).await?;
        let params = self.call.params.clone();
        let (response, presented) = self.asked(app, self.call.operation, &params, record).await?;
        self.presented = presented;
        Ok(response)
    }

    /// Sends one operation to the agent.
    pub(super) async fn ask(
        &self,
        app: &App,
        operation: Operation,
        params: &Params,
        record: &mut OpenRecord,
    ) -> Result<Response<Incoming>, Refusal> {
        self.asked(app, operation, params, record).await.map(|(response, _)| response)
    }

    /// The same; says with whose account.
    async fn asked(
        &self,
        app: &App,
        operation: Operation,
        params: &Params,
        record: &mut OpenRecord,
    ) -> Result<(Response<Incoming>, Option<Presented>), Refusal> {
        let bare = self.is_old_webhook(operation) && self.call.agent.known.takes_bare_webhooks();
        let mut outbound = if bare { self.bare_webhook(params)? } else { self.outbound(operation, params)? };
        self.write_origin(app, &mut outbound.headers, record);
        let answer = self.dial(app, outbound, record).await?;
        match self.otherwise(operation, params, bare, answer.0.status())? {
            Some(otherwise) => Box::pin(self.ask_otherwise(app, otherwise, answer, record)).await,
            None => Ok(answer),
        }
    }

    /// Sends a request with Doorward's credential: once more with another token of a connection, where the first is
    /// refused.
    async fn dial(
        &self,
        app: &App,
        mut outbound: Outbound,
        record: &mut OpenRecord,
    ) -> Result<(Response<Incoming>, Option<Presented>), Refusal> {
        let (credential, caller) = (&self.call.agent.agent.credential, &self.call.caller.caller);
        let mut is_last = false;
        loop {
            let presented = credentials::attach(app, credential, caller, &mut outbound.headers).await;
            let presented = presented.map_err(|error| self.no_credential(&error))?;
            let again = presented.is_some().then(|| outbound.clone());
            let since = Instant::now();
            let answer = app.egress().send(outbound, self.call.agent.agent.timeout).await;
            record.waited(since);
            let response = answer.map_err(|error| self.unreachable(&error))?;
            let said = (response.status(), response.headers());
            let heard = connection::heard(app, (credential, caller), presented.as_ref(), said, is_last);
            match (
                heard.await.map_err(|error| self.no_credential(&error))?,
                again,
                response.status().as_u16(),
            ) {
                (Heard::Again, Some(again), _) => (outbound, is_last) = (again, true),
                (_, _, 300..=399) => return Err(failed(&self.call, UpstreamFailure::Redirect)),
                (_, _, 401 | 403) => return Err(failed(&self.call, UpstreamFailure::Unauthorized)),
                _ => return Ok((response, presented)),
            }
        }
    }

    /// There is nothing to present to the agent.
    fn no_credential(&self, error: &CredentialError) -> Refusal {
        let refusal = match error {
            CredentialError::NotConnected(missing) => Reason::NotConnected(missing.clone()).into(),
            CredentialError::Missing(_) => failed(&self.call, UpstreamFailure::NoCredential),
            error if error.is_ours() => Reason::Internal.into(),
            error if error.is_passing() => failed(&self.call, UpstreamFailure::Unreachable),
            _ => failed(&self.call, UpstreamFailure::Unauthorized),
        };
        refusal.detail(error.to_string())
    }

    fn unreachable(&self, error: &EgressError) -> Refusal {
        let failure = match error {
            EgressError::Timeout(_) => UpstreamFailure::Timeout,
            EgressError::Broken(_) => UpstreamFailure::Broken,
            _ => UpstreamFailure::Unreachable,
        };
        failed(&self.call, failure).detail(error.to_string())
    }

    /// The request in the interface's binding and version.
    fn outbound(&self, operation: Operation, params: &Params) -> Result<Outbound, Refusal> {
        match self.interface.binding {
            Binding::JsonRpc => self.json_rpc(operation, params),
            Binding::HttpJson => self.http_json(operation, params),
            Binding::Grpc => self.grpc(operation, params),
        }
    }

    fn json_rpc(&self, operation: Operation, params: &Params) -> Result<Outbound, Refusal> {
        let version = self.interface.version;
        let uri = self.interface.uri().clone();
        let passes = self.interface.tenant.is_none() && self.call.asked.tenant.is_none();
        if let Some(message) = params.message(self.interface.dialect()).filter(|_| passes) {
            return Ok(self.raw(Method::POST, uri, message.clone()));
        }
        let method = operation.json_rpc(version).ok_or_else(not_of_this_version)?;
        let params = with_tenant(params, self.tenant())?.to(self.interface.dialect(), operation)?;
        let body = rpc::request(&self.call.face.rpc_id(), method, params.root().raw());
        Ok(self.raw(Method::POST, uri, body.into()))
    }

    fn http_json(&self, operation: Operation, params: &Params) -> Result<Outbound, Refusal> {
        let params = params.to(self.interface.dialect(), operation)?;
        let tenant = self.interface.tenant.as_deref();
        self.rest(rest::format(self.interface.version, operation, tenant, &params))
    }

    /// A request of HTTP+JSON, at the interface.
    fn rest(&self, request: Result<RestOutbound, RestError>) -> Result<Outbound, Refusal> {
        let request = request.map_err(|error| super::refused(error.kind(), &error.to_string()))?;
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| Reason::Internal)?;
        let uri = self.interface.below(&request.path_and_query).ok_or(Reason::Internal)?;
        Ok(self.raw(method, uri, request.body.unwrap_or_default().into()))
    }

    fn grpc(&self, operation: Operation, params: &Params) -> Result<Outbound, Refusal> {
        let version = self.interface.version;
        let (method, schema) = operation
            .grpc(version)
            .zip(proto::request(version, operation))
            .ok_or_else(not_of_this_version)?;
        let encode = |params: &Document| {
            let encoded = proto::encode(schema, params.root());
            encoded.map_err(|error| super::invalid("params", &error.to_string()))
        };
        // The tenant stands first: there it is found by those who do not read the rest yet.
        let mut message = match self.tenant() {
            Some(tenant) => encode(&parse(format!(r#"{{"tenant":{}}}"#, quote(tenant)).into())?)?,
            None => Vec::new(),
        };
        message.extend(encode(&with_tenant(params, None)?.to(self.interface.dialect(), operation)?)?);
        let uri = self
            .interface
            .below(&format!("/{}/{method}", proto::service(version)))
            .ok_or(Reason::Internal)?;
        Ok(self.raw(Method::POST, uri, grpc::frame(&message)))
    }

    /// What the interface wants to be told in every request (section 8.3.2). 0.3 has no such thing.
    fn tenant(&self) -> Option<&str> {
        self.interface.tenant.as_deref().filter(|_| self.interface.version != Version::V0_3)
    }

    fn raw(&self, method: Method, uri: Uri, body: Bytes) -> Outbound {
        let mut headers = HeaderMap::with_capacity(12);
        let (accept, content) = match self.interface.binding {
            Binding::JsonRpc => ("application/json, text/event-stream", "application/json"),
            Binding::HttpJson if self.interface.version == Version::V0_3 => {
                ("application/json, text/event-stream", "application/json")
            }
            Binding::HttpJson => {
                ("application/a2a+json, application/json, text/event-stream", "application/a2a+json")
            }
            Binding::Grpc => ("*/*", "application/grpc+proto"),
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
        }
        // Always that of the interface, never the caller's.
        let version = HeaderValue::from_static(self.interface.version.name());
        headers.insert(HeaderName::from_static("a2a-version"), version);
        self.write_extensions(&mut headers);
        let protocol = self.interface.protocol();
        Outbound { method, uri, headers, body, trust: self.interface.trust, protocol }
    }

    /// What the caller activates, of what the approved card declares.
    fn write_extensions(&self, headers: &mut HeaderMap) {
        let declared = &self.approved.card.extensions;
        let is_declared = |uri: &&String| declared.iter().any(|extension| extension.uri == **uri);
        let active: Vec<_> = self.call.extensions.iter().filter(is_declared).map(String::as_str).collect();
        let Ok(value) = HeaderValue::from_str(&active.join(", ")) else { return };
        if active.is_empty() {
            return;
        }
        if self.interface.version == Version::V0_3 {
            headers.insert(HeaderName::from_static("x-a2a-extensions"), value.clone());
        }
        headers.insert(HeaderName::from_static("a2a-extensions"), value);
    }

    /// Adds whose request it is, and where it came through.
    fn write_origin(&self, app: &App, headers: &mut HeaderMap, record: &mut OpenRecord) {
        let (agent, caller) = (&self.call.agent.agent, &self.call.caller.caller);
        record.trace.write(headers);
        self.call.chain.write(agent.name.as_str(), headers);
        let own = HeaderValue::from_static(concat!("doorward/", env!("CARGO_PKG_VERSION")));
        headers.insert(header::USER_AGENT, own);
        if agent.assertion {
            assertion::attach(app, caller, agent.card.origin().ascii_serialization().as_str(), headers);
        }
    }
}

/// The tenant of an interface in place of the caller's, who knows only ours.
fn with_tenant(params: &Params, tenant: Option<&str>) -> Result<Params, Refusal> {
    let mut params = params.clone();
    params.change(|splice, object| match tenant {
        Some(tenant) => splice.set_member(object, "tenant", quote(tenant).as_bytes()),
        None => {
            splice.remove_member(object, "tenant");
        }
    })?;
    Ok(params)
}

/// A refusal in the name of the agent.
pub(super) fn failed(call: &Call, failure: UpstreamFailure) -> Refusal {
    Reason::Agent(failure, call.agent.agent.name.to_string()).into()
}

fn not_of_this_version() -> Refusal {
    super::refused(
        doorward_protocol::a2a::ErrorKind::UnsupportedOperation,
        "the agent speaks a version that does not have this operation",
    )
}
