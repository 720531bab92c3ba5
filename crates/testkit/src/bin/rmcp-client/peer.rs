//! One connection of the SDK, with requests and results as JSON, so that checks read like the wire.

#![expect(deprecated, reason = "what a later revision gives up must still be carried for those who use it")]

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt as _, ErrorData, RoleClient, ServiceError,
    model::{
        ClientConfig, ClientRequest, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams,
        ElicitResult, ElicitationAction, ListRootsResult, LoggingMessageNotificationParam, PingRequest,
        ProgressNotificationParam, ProtocolVersion, ResourceUpdatedNotificationParam,
    },
    service::{NotificationContext, RequestContext, RunningService, Subscription},
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{ANSWER, LIMIT};

/// A connection and what arrived on it.
pub(crate) struct Peer {
    service: RunningService<RoleClient, Person>,
}

/// The person and the model behind the client, and a memory of notifications as (method, params).
#[derive(Default)]
struct Person {
    arrived: Mutex<Vec<(&'static str, Value)>>,
    changed: Notify,
}

/// What keeps notifications coming until it is stopped.
pub(crate) enum Watch {
    Listening(Box<Subscription>),
    Subscribed(Vec<String>),
}

impl Peer {
    /// Connects and agrees on an era.
    pub(crate) async fn connect(url: &str, token: Option<String>, era: &str) -> Result<Self> {
        let mut config = StreamableHttpClientTransportConfig::with_uri(url);
        config.auth_header = token;
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        let lifecycle = match era {
            "legacy" => ClientLifecycleMode::Initialize,
            "modern" => ClientLifecycleMode::Discover { preferred_versions },
            "auto" => ClientLifecycleMode::Auto { preferred_versions, legacy_version: None },
            other => bail!("no era is called {other}"),
        };
        let transport = StreamableHttpClientTransport::from_config(config);
        let service = Person::default().serve_with_lifecycle(transport, lifecycle).await?;
        Ok(Self { service })
    }

    /// The revision that both sides agreed on.
    pub(crate) fn version(&self) -> String {
        self.service.peer_info().map(|info| info.protocol_version.to_string()).unwrap_or_default()
    }

    pub(crate) fn modern(&self) -> bool {
        self.version() == "2026-07-28"
    }

    pub(crate) async fn tools(&self) -> Result<Value> {
        wire(self.service.list_tools(None).await)
    }

    pub(crate) async fn resources(&self) -> Result<Value> {
        wire(self.service.list_resources(None).await)
    }

    pub(crate) async fn templates(&self) -> Result<Value> {
        wire(self.service.list_resource_templates(None).await)
    }

    pub(crate) async fn prompts(&self) -> Result<Value> {
        wire(self.service.list_prompts(None).await)
    }

    pub(crate) async fn call(&self, name: &str, arguments: Value) -> Result<Value> {
        self.call_with(json!({"name": name, "arguments": arguments})).await
    }

    /// `tools/call` with all its parameters.
    pub(crate) async fn call_with(&self, params: Value) -> Result<Value> {
        wire(self.service.call_tool(typed(params)?).await)
    }

    pub(crate) async fn read(&self, uri: &str) -> Result<Value> {
        wire(self.service.read_resource(typed(json!({"uri": uri}))?).await)
    }

    pub(crate) async fn prompt(&self, name: &str, arguments: Value) -> Result<Value> {
        wire(self.service.get_prompt(typed(json!({"name": name, "arguments": arguments}))?).await)
    }

    pub(crate) async fn complete(&self, params: Value) -> Result<Value> {
        wire(self.service.complete(typed(params)?).await)
    }

    pub(crate) async fn ping(&self) -> Result<Value> {
        wire(self.service.send_request(ClientRequest::PingRequest(PingRequest::default())).await)
    }

    pub(crate) async fn level(&self, level: &str) -> Result<()> {
        self.service.set_level(typed(json!({"level": level}))?).await.map_err(told)
    }

    /// The error that a call ends with, with the tool's name taken out; an answer that is none is an error here.
    pub(crate) async fn refusal(&self, name: &str, arguments: Value) -> Result<Value> {
        let params = typed(json!({"name": name, "arguments": arguments}))?;
        match self.service.call_tool(params).await {
            Ok(result) => {
                let result = serde_json::to_value(result)?;
                ensure!(result["isError"] == true, "{name} was answered: {result}");
                Ok(json!({"isError": true, "text": result["content"].to_string().replace(name, "NAME")}))
            }
            Err(ServiceError::McpError(error)) => {
                Ok(json!({"code": error.code.0, "text": error.message.replace(name, "NAME")}))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The code that a read is refused with.
    pub(crate) async fn missing(&self, uri: &str) -> Result<Value> {
        match self.service.read_resource(typed(json!({"uri": uri}))?).await {
            Err(ServiceError::McpError(error)) => {
                let code = error.code.0;
                ensure!(code == -32602 || code == -32002, "code {code}: {}", error.message);
                Ok(json!(code))
            }
            Err(error) => Err(error.into()),
            Ok(result) => bail!("was answered: {}", serde_json::to_value(result)?),
        }
    }

    /// Calls a tool that reports progress, and gives back what it reported.
    pub(crate) async fn progress(&self, name: &str, arguments: Value, steps: u32) -> Result<Value> {
        let first = self.now();
        self.call(name, arguments).await?;
        // The last report may still be on its way to the handler.
        self.wait(first, "progress", |params| params["progress"] == json!(f64::from(steps))).await?;
        let arrived = self.arrived();
        let reports = arrived[first..].iter().filter(|(method, _)| *method == "progress");
        Ok(reports.map(|(_, params)| params["progress"].clone()).collect())
    }

    /// The stream is live: progress of a call that has not ended arrives, and the call can be given up.
    pub(crate) async fn give_up_after_first_progress(&self, name: &str, arguments: Value) -> Result<()> {
        let first = self.now();
        tokio::select! {
            ended = self.call(name, arguments) => bail!("ended before it was given up: {ended:?}"),
            seen = self.wait(first, "progress", |_| true) => seen.map(drop),
        }
    }

    /// Begins to watch: `subscriptions/listen`, or what the older revisions have for it.
    pub(crate) async fn watch(&self, tools: bool, uris: &[&str]) -> Result<Watch> {
        if self.modern() {
            let mut filter = json!({"resourceSubscriptions": uris});
            if tools {
                filter["toolsListChanged"] = json!(true);
            }
            let subscription = self.service.listen(typed(filter.clone())?).await?;
            let honoured = serde_json::to_value(subscription.acknowledged())?;
            ensure!(honoured == filter, "asked for {filter}, honoured {honoured}");
            return Ok(Watch::Listening(Box::new(subscription)));
        }
        for uri in uris {
            self.service.subscribe(typed(json!({"uri": uri}))?).await?;
        }
        Ok(Watch::Subscribed(uris.iter().map(|&uri| uri.to_owned()).collect()))
    }

    /// Waits for one more notification of this kind and this content, looking from `first` on.
    pub(crate) async fn seen(
        &self,
        watch: &mut Watch,
        first: usize,
        method: &'static str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let Watch::Listening(subscription) = watch else {
            return self.wait(first, method, wanted).await;
        };
        loop {
            let next = tokio::time::timeout(LIMIT, subscription.next()).await.context("nothing came")??;
            let message = serde_json::to_value(next.context("the subscription ended")?)?;
            let named = message["method"].as_str().is_some_and(|full| full.ends_with(method));
            if named && wanted(&message["params"]) {
                return Ok(message["params"].clone());
            }
        }
    }

    pub(crate) async fn stop(&self, watch: Watch) -> Result<()> {
        match watch {
            Watch::Listening(mut subscription) => subscription.cancel().await?,
            Watch::Subscribed(uris) => {
                for uri in uris {
                    self.service.unsubscribe(typed(json!({"uri": uri}))?).await?;
                }
            }
        }
        Ok(())
    }

    /// How many notifications arrived so far.
    pub(crate) fn now(&self) -> usize {
        self.arrived().len()
    }

    /// Waits for a notification that was not there when `first` was taken.
    pub(crate) async fn wait(
        &self,
        first: usize,
        method: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let person = self.service.service();
        loop {
            let changed = person.changed.notified();
            let found = self.arrived()[first..]
                .iter()
                .find(|(arrived, params)| *arrived == method && wanted(params))
                .map(|(_, params)| params.clone());
            if let Some(params) = found {
                return Ok(params);
            }
            changed.await;
        }
    }

    fn arrived(&self) -> Vec<(&'static str, Value)> {
        self.service.service().arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Person {
    fn keep(&self, method: &'static str, params: &impl Serialize) {
        let params = serde_json::to_value(params).unwrap_or_default();
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).push((method, params));
        self.changed.notify_waiters();
    }
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let info = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"elicitation": {"form": {}}, "sampling": {}, "roots": {}},
            "clientInfo": {"name": "rmcp-client", "version": "1.0.0"},
        });
        serde_json::from_value(info).unwrap_or_default()
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let content = json!({"name": "Ada", "check": true});
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(content))
    }

    async fn create_message(
        &self,
        _: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        answer(json!({
            "model": "none",
            "role": "assistant",
            "content": {"type": "text", "text": ANSWER},
            "stopReason": "endTurn",
        }))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        answer(json!({"roots": [{"uri": "file:///srv/peer", "name": "peer"}]}))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.keep("progress", &params);
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.keep("message", &params);
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.keep("resources/updated", &params);
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.keep("tools/list_changed", &Value::Null);
    }
}

fn answer<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    Ok(serde_json::from_value(value)?)
}

fn wire<T: Serialize>(result: Result<T, ServiceError>) -> Result<Value> {
    Ok(serde_json::to_value(result.map_err(told)?)?)
}

fn told(error: ServiceError) -> anyhow::Error {
    match error {
        ServiceError::McpError(ErrorData { code, message, data, .. }) => {
            anyhow!("{}: {message} {}", code.0, data.unwrap_or_default())
        }
        other => other.into(),
    }
}
