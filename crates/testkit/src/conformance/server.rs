//! The upstream as the SDK sees it: one handler that hands every request to the module that knows it.
#![expect(
    deprecated,
    reason = "logging and legacy subscriptions are deprecated and still part of older revisions"
)]

use std::{
    borrow::Cow,
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use aws_lc_rs::rand;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
        CompleteResult, GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult,
        Implementation, InitializeRequestParams, InitializeResult, InputRequest, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
        PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
        RequestStateCodec, ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionContext},
    task_manager::TaskManager,
};
use serde_json::Value;

use super::{
    catalogue::{Catalogue, Questions},
    content, jobs,
    listeners::Listeners,
    rounds, talk,
};

/// How long clients may keep lists and resources, in milliseconds.
const FRESH_MS: u64 = 60_000;

type Context = RequestContext<RoleServer>;

/// One session's view of the upstream; what sessions have in common is behind the `Arc`.
#[derive(Clone)]
pub(super) struct Upstream {
    shared: Arc<Shared>,
    level: Arc<Mutex<LoggingLevel>>,
    session: Arc<OnceLock<u64>>,
}

struct Shared {
    catalogue: Catalogue,
    questions: Questions,
    versions: Vec<ProtocolVersion>,
    listeners: Listeners,
    states: RequestStateCodec,
    tasks: TaskManager,
}

impl Upstream {
    /// An upstream that speaks `versions`, with a key of its own for the states that travel with clients.
    pub(super) fn new(versions: Vec<ProtocolVersion>) -> io::Result<Self> {
        let mut key = vec![0; 32];
        rand::fill(&mut key).map_err(io::Error::other)?;
        let shared = Shared {
            catalogue: Catalogue::read()?,
            questions: Questions::read()?,
            versions,
            listeners: Listeners::default(),
            states: RequestStateCodec::try_new(key).map_err(io::Error::other)?,
            tasks: TaskManager::new(),
        };
        Ok(Self::of(Arc::new(shared)))
    }

    /// The same upstream for another session.
    pub(super) fn next_session(&self) -> Self {
        Self::of(Arc::clone(&self.shared))
    }

    fn of(shared: Arc<Shared>) -> Self {
        Self { shared, level: Arc::new(Mutex::new(LoggingLevel::Debug)), session: Arc::default() }
    }

    /// Who is told of changes.
    pub(super) fn listeners(&self) -> &Listeners {
        &self.shared.listeners
    }

    /// The tasks of all sessions.
    pub(super) fn tasks(&self) -> &TaskManager {
        &self.shared.tasks
    }

    /// What this session wants to hear of logs.
    pub(super) fn level(&self) -> LoggingLevel {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request for the client.
    pub(super) fn question(&self, name: &str) -> Result<InputRequest, ErrorData> {
        self.shared.questions.get(name)
    }

    /// Seals a state for the client to keep.
    pub(super) fn seal(&self, state: &Value) -> Result<String, ErrorData> {
        let sealed = self.shared.states.seal_json(state);
        sealed.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    /// Opens the state that a client brought back, if it brought one.
    pub(super) fn open(&self, state: Option<&str>) -> Result<Option<Value>, ErrorData> {
        let opened = state.map(|state| self.shared.states.open_json(state)).transpose();
        opened.map_err(|_| ErrorData::invalid_params("requestState is not what this server gave", None))
    }

    async fn watch(&self, uri: &str, wanted: bool) {
        if let Some(session) = self.session.get() {
            self.listeners().watch(*session, uri, wanted).await;
        }
    }
}

impl ServerHandler for Upstream {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("conformance-upstream", env!("CARGO_PKG_VERSION")))
            .with_instructions("Everything that the conformance suite asks of a server.")
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Owned(self.shared.versions.clone())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.shared.catalogue.tool(name).cloned()
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: Context,
    ) -> Result<InitializeResult, ErrorData> {
        let answer = self.negotiate_initialize(&request)?;
        context.peer.set_peer_info(request);
        let number = self.listeners().join(context.peer).await;
        // A second `initialize` in one session keeps the first number.
        let _ = self.session.set(number);
        Ok(answer)
    }

    async fn set_level(&self, request: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = request.level;
        Ok(())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let list = ListToolsResult::with_all_items(self.shared.catalogue.tools.clone());
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(answer) = rounds::tool(self, &request, &context) {
            return answer;
        }
        if let Some(job) = jobs::tool(self, &request, &context) {
            return job.await;
        }
        let arguments = request.arguments.unwrap_or_default();
        if let Some(answer) = content::tool(&request.name, &arguments) {
            return Ok(answer.into());
        }
        let answer = talk::tool(self, &request.name, &arguments, &context).await;
        answer.unwrap_or_else(|| Err(ErrorData::invalid_params("There is no such tool", None)))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let list = ListPromptsResult::with_all_items(self.shared.catalogue.prompts.clone());
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        if let Some(answer) = rounds::prompt(self, &request) {
            return answer;
        }
        content::prompt(&request.name, &request.arguments.unwrap_or_default()).map(Into::into)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let list = ListResourcesResult::with_all_items(self.shared.catalogue.resources.clone());
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let list = ListResourceTemplatesResult::with_all_items(self.shared.catalogue.templates.clone());
        Ok(list.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let content = content::resource(&request.uri)?;
        Ok(content.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        content::completion(&request)
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.listeners().listen(context).await;
        Ok(())
    }

    async fn subscribe(&self, request: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        self.watch(&request.uri, true).await;
        Ok(())
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        self.watch(&request.uri, false).await;
        Ok(())
    }

    async fn get_task(&self, request: GetTaskParams, _: Context) -> Result<GetTaskResult, ErrorData> {
        Ok(GetTaskResult::new(self.tasks().get_task(&request.task_id)?))
    }

    async fn update_task(&self, request: UpdateTaskParams, _: Context) -> Result<(), ErrorData> {
        self.tasks().update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(&self, request: CancelTaskParams, _: Context) -> Result<(), ErrorData> {
        self.tasks().cancel_task(&request.task_id)
    }
}
