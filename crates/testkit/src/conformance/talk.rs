//! Tools that speak with the client while they run: logs, progress, requests of their own, and a closed stream.
#![expect(deprecated, reason = "sampling and logging are deprecated and still part of every revision")]

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, InputRequest, JsonObject,
        LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ProtocolVersion,
    },
    service::RequestContext,
};
use serde_json::json;
use tokio::time::sleep;

use super::{
    content::{says, text},
    listeners::Change,
    rounds,
    server::Upstream,
    sessions::OwnStream,
};

/// The pause between two notifications of one call.
const PAUSE: Duration = Duration::from_millis(50);

/// The tools of this module; `None` when `name` is not one of them.
pub(super) async fn tool(
    upstream: &Upstream,
    name: &str,
    arguments: &JsonObject,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let answer = match name {
        "test_tool_with_logging" => {
            for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                log(upstream, context, line).await;
                sleep(PAUSE).await;
            }
            Ok(says("Logged three times").into())
        }
        "test_logging_tool" => {
            log(upstream, context, "The request asked for logs").await;
            Ok(says("Logged once, if that was wanted").into())
        }
        "test_tool_with_progress" => {
            progress(context).await;
            Ok(says("Made progress three times").into())
        }
        "test_reconnection" => {
            if let Some(stream) = context.extensions.get::<OwnStream>() {
                stream.close(Duration::from_millis(500)).await;
            }
            sleep(PAUSE * 2).await;
            Ok(says("Reconnection test completed").into())
        }
        "test_missing_capability" => needs_sampling(context),
        "test_sampling"
        | "test_elicitation"
        | "test_elicitation_sep1034_defaults"
        | "test_elicitation_sep1330_enums" => ask(upstream, name, arguments, context).await,
        _ => return announce(upstream, name).await.map(|()| Ok(says("Announced").into())),
    };
    Some(answer)
}

async fn announce(upstream: &Upstream, name: &str) -> Option<()> {
    let change = match name {
        "test_trigger_tool_change" => Change::Tools,
        "test_trigger_prompt_change" => Change::Prompts,
        "test_trigger_resource_change" => Change::Resources,
        "test_trigger_resource_update" => Change::Resource("test://watched-resource"),
        _ => return None,
    };
    upstream.listeners().announce(change).await;
    Some(())
}

/// Logs at `info`, as far as the client wants to hear it: by session before 2026-07-28, by request since.
async fn log(upstream: &Upstream, context: &RequestContext<RoleServer>, line: &str) {
    let wanted = if is_modern(context) { context.meta.log_level() } else { Some(upstream.level()) };
    if wanted.is_some_and(|level| severity(level) <= severity(LoggingLevel::Info)) {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line));
        let _ = context.peer.notify_logging_message(message.with_logger("conformance-upstream")).await;
    }
}

fn severity(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}

async fn progress(context: &RequestContext<RoleServer>) {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let report = ProgressNotificationParam::new(token, done).with_total(100.0);
            let _ = context.peer.notify_progress(report.with_message(format!("{done} of 100"))).await;
        }
        sleep(PAUSE).await;
    }
}

fn needs_sampling(context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
    if context.client_capabilities().is_some_and(|capabilities| capabilities.sampling.is_some()) {
        return Ok(says("The client offers sampling").into());
    }
    let needed = ClientCapabilities::builder().enable_sampling().build();
    Err(ErrorData::missing_required_client_capability(needed))
}

/// Asks the client something: by a request of our own before 2026-07-28, by an input that is required since.
async fn ask(
    upstream: &Upstream,
    name: &str,
    arguments: &JsonObject,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let question = question(upstream, name, arguments)?;
    if is_modern(context) {
        return Ok(rounds::wants([("answer", question)], None));
    }
    let answer = match question {
        InputRequest::CreateMessage(request) => {
            context.peer.create_message(request.params).await.map(|answer| json!(answer))
        }
        InputRequest::Elicitation(request) => {
            context.peer.create_elicitation(request.params).await.map(|answer| json!(answer))
        }
        _ => return Err(ErrorData::internal_error("the catalogue holds no such question", None)),
    };
    Ok(match answer {
        Ok(answer) => says(format!("{name} got {answer}")).into(),
        Err(error) => CallToolResult::error(vec![ContentBlock::text(format!("No answer: {error}"))]).into(),
    })
}

/// The question of a tool, worded as its arguments say.
fn question(upstream: &Upstream, tool: &str, arguments: &JsonObject) -> Result<InputRequest, ErrorData> {
    let (name, place, wording) = match tool {
        "test_sampling" => ("prompt", "/params/messages/0/content/text", text(arguments, "prompt", "Hello")),
        "test_elicitation" => ("contact", "/params/message", text(arguments, "message", "Who are you?")),
        "test_elicitation_sep1034_defaults" => ("defaults", "", ""),
        _ => ("choices", "", ""),
    };
    let mut question = json!(upstream.question(name)?);
    if !place.is_empty()
        && let Some(words) = question.pointer_mut(place)
    {
        *words = json!(wording);
    }
    serde_json::from_value(question).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// Whether this request is of 2026-07-28 or later.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}
