//! Stage 7 for who has not connected their account yet: what clients need before they can show anything is answered
//! here, so that what is missing is said where it is seen.
//!
//! Clients swallow errors of `initialize`, `server/discover` and lists: the server just seems broken. They get a server
//! with one tool instead, which says what to do; whatever else they ask is refused with the way out. A session that
//! begins so waits: it ends when there is a connection, and the client begins again with the upstream's.

use std::sync::Arc;

use doorward_guard::Permit;
use doorward_model::{CallerKey, Credential};
use doorward_protocol::{
    json::quote,
    mcp::{Era, Method, Revision, batch, target::Target},
    rpc,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{
    Answer, Reason, Refusal,
    engine::{Asked, Client, OwnSession, Purpose},
    examine,
    forward::no_credential,
    record::OpenRecord,
    refusal::tool_result,
};
use crate::{
    App,
    connections::NotConnected,
    credentials,
    handles::{Holder, Session},
    routes::Published,
};

/// A request to an upstream that wants a connection, as far as it can be answered without one.
pub(super) struct Unconnected {
    published: Arc<Published>,
    caller: CallerKey,
    era: Era,
    purpose: Purpose,
    client: Client,
    session: Option<OwnSession>,
}

impl Unconnected {
    /// What is kept of a request until it is known whether there is a connection; nothing where none is wanted.
    pub(super) fn of(asked: &Asked) -> Option<Self> {
        let exchange = &asked.exchange;
        matches!(exchange.published.server.upstream.credential, Credential::Connection(_)).then(|| Self {
            published: Arc::clone(&exchange.published),
            caller: exchange.caller.clone(),
            era: exchange.era,
            purpose: exchange.purpose.clone(),
            client: exchange.client,
            session: exchange.session.clone(),
        })
    }

    /// The answer in the place of a refusal, where a client would not show the refusal to anybody.
    pub(super) async fn answer(
        self,
        app: &App,
        refusal: Refusal,
        record: &mut OpenRecord,
    ) -> Result<Answer, Refusal> {
        let Some(missing) = refusal.not_connected().filter(|missing| missing.address().is_some()) else {
            return Err(refusal);
        };
        let answer = match &self.purpose {
            Purpose::Hearing => Answer::empty(StatusCode::ACCEPTED),
            Purpose::Stream => return Err(Reason::MethodNotAllowed("POST").into()),
            Purpose::End => {
                examine::forget_session(app, self.session.as_ref()).await;
                Answer::empty(StatusCode::OK)
            }
            Purpose::Answer { method, client_id } => {
                let Some(result) = self.result(*method, missing) else { return Err(refusal) };
                let body = rpc::response(Some(client_id), result.to_string().as_bytes());
                let mut answer = Answer::json(StatusCode::OK, body);
                if *method == Method::Initialize {
                    self.announce(app, &mut answer);
                }
                answer
            }
        };
        refusal.remark(record);
        Ok(answer)
    }

    fn result(&self, method: Method, missing: &NotConnected) -> Option<Value> {
        let mut result = match method {
            Method::Initialize => json!({
                "protocolVersion": self.revision().as_str(),
                "capabilities": { "tools": {} },
                "serverInfo": self.server_info(),
                "instructions": missing.message(),
            }),
            Method::ServerDiscover => json!({
                "supportedVersions": Revision::ALL.map(Revision::as_str),
                "capabilities": { "tools": {} },
                "instructions": missing.message(),
                "_meta": { "io.modelcontextprotocol/serverInfo": self.server_info() },
            }),
            Method::ToolsList => json!({ "tools": [self.tool(missing)] }),
            Method::PromptsList => json!({ "prompts": [] }),
            Method::ResourcesList => json!({ "resources": [] }),
            Method::ResourceTemplatesList => json!({ "resourceTemplates": [] }),
            Method::Ping => json!({}),
            _ => return None,
        };
        if self.era == Era::Modern {
            result["resultType"] = "complete".into();
            // It is another answer as soon as there is a connection.
            result["ttlMs"] = 0.into();
            result["cacheScope"] = "private".into();
        }
        Some(result)
    }

    /// The one tool that there is.
    fn tool(&self, missing: &NotConnected) -> Value {
        json!({
            "name": self.published.own_tool,
            "title": format!("Connect {}", missing.place.name()),
            "description": missing.message(),
            "inputSchema": { "type": "object", "properties": {}, "additionalProperties": false },
        })
    }

    /// The virtual server, since the upstream's own name for itself is not known.
    fn server_info(&self) -> Value {
        json!({ "name": self.published.server.name.as_str(), "version": env!("CARGO_PKG_VERSION") })
    }

    /// The revision that is agreed on.
    fn revision(&self) -> Revision {
        self.client.revision.filter(|revision| revision.era() == Era::Legacy).unwrap_or(Revision::V2025_11_25)
    }

    /// Gives the client a session that nobody upstream knows of.
    fn announce(&self, app: &App, answer: &mut Answer) {
        let session = Session {
            upstream_id: String::new(),
            is_conversation: false,
            has_batches: self.revision() == batch::REVISION,
            elicits_urls: self.client.elicits_urls,
            connection: None,
            expires: examine::end_of_session(app, &self.published),
        };
        let holder = Holder { published: &self.published, caller: &self.caller };
        if let Ok(value) = HeaderValue::from_str(&app.sealers().session(&session, holder)) {
            answer.headers.insert(HeaderName::from_static("mcp-session-id"), value);
        }
    }
}

/// Whether a request is for the tool of Doorward's own that leads to connecting.
pub(super) fn is_for_own_tool(asked: &Asked) -> bool {
    let own = asked.published().own_tool.as_deref();
    asked.exchange.method() == Some(Method::ToolsCall)
        && matches!(asked.target(), Target::Named(_, name) if own == Some(&**name))
}

/// Answers a call of that tool. It goes nowhere else.
pub(super) async fn call(
    app: &App,
    asked: &Asked,
    _permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    record.allow();
    let exchange = &asked.exchange;
    let (published, id) = (&exchange.published, exchange.client_id());
    let credential = &published.server.upstream.credential;
    let presented =
        credentials::attach(app, credential, &exchange.on_behalf, &mut http::HeaderMap::new()).await;
    if let Err(error) = presented {
        return Err(no_credential(published, &error).of(id).told(exchange.manner()));
    }
    if exchange.session.as_ref().is_some_and(|session| session.handle.is_waiting()) {
        return Err(Refusal::from(Reason::SessionUnknown).of(id));
    }
    let name = quote(published.server.upstream.name.as_str());
    let text = format!("the account at {name} is connected: list the tools again");
    let result = tool_result(exchange.era, &text, false).to_string();
    let body = rpc::response(id.map(AsRef::as_ref), result.as_bytes());
    Ok(Answer::json(StatusCode::OK, body))
}
