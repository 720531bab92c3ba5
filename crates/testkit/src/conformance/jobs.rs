//! Tools that become tasks where the client declared the tasks extension (SEP-2663).

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
        CreateTaskResult, JsonObject,
    },
    service::RequestContext,
    task_manager::{TaskContext, TaskExit, TaskOptions},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    content::{says, text},
    rounds,
    server::Upstream,
};

type Answer = Result<CallToolResponse, ErrorData>;

/// What a job does, with everything that it needs.
enum Job {
    Sleep { seconds: f64, label: String },
    FailAsTool,
    FailAsProtocol,
    ConfirmDelete { filename: String },
    TwoInputs,
    Greet { name: Value },
}

/// The tools of this module; `None` when it is not one of them.
pub(super) fn tool<'a>(
    upstream: &'a Upstream,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Option<impl Future<Output = Answer> + use<'a>> {
    let arguments = request.arguments.clone().unwrap_or_default();
    let step = match first_step(&request.name, &arguments, request)? {
        Step::Ask(key) => Err(upstream.question(key).map(|question| rounds::wants([(key, question)], None))),
        Step::Work(job) => Ok(job),
    };
    let client = context.client_capabilities();
    let tasks = client.is_some_and(|client| client.supports_tasks());
    let optional = request.name == "slow_compute" || request.name == "protocol_error_job";
    Some(async move {
        if !tasks && !optional {
            let needed = ClientCapabilities::builder().enable_tasks().build();
            return Err(ErrorData::missing_required_client_capability(needed));
        }
        match step {
            Err(question) => question,
            Ok(job) if tasks => Ok(start(upstream, job).into()),
            Ok(job) => at_once(job).await.map(Into::into),
        }
    })
}

/// What the first look at a call decides.
enum Step {
    Ask(&'static str),
    Work(Job),
}

fn first_step(name: &str, arguments: &JsonObject, request: &CallToolRequestParams) -> Option<Step> {
    Some(Step::Work(match name {
        "slow_compute" => Job::Sleep {
            seconds: arguments.get("seconds").and_then(Value::as_f64).unwrap_or(1.0).clamp(0.0, 600.0),
            label: text(arguments, "label", "unnamed").to_owned(),
        },
        "failing_job" => Job::FailAsTool,
        "protocol_error_job" => Job::FailAsProtocol,
        "confirm_delete" => {
            Job::ConfirmDelete { filename: text(arguments, "filename", "nothing").to_owned() }
        }
        "multi_input" => Job::TwoInputs,
        "test_tool_with_task" => match rounds::answer(request.input_responses.as_ref(), "user_name") {
            Some(answer) => Job::Greet { name: answer["content"]["name"].clone() },
            None => return Some(Step::Ask("user_name")),
        },
        _ => return None,
    }))
}

fn start(upstream: &Upstream, job: Job) -> CreateTaskResult {
    let questions = upstream.clone();
    let task = upstream.tasks().spawn(TaskOptions::default(), move |task| {
        Box::pin(async move { as_task(&questions, job, task).await })
    });
    CreateTaskResult::new(task)
}

async fn as_task(upstream: &Upstream, job: Job, task: TaskContext) -> Result<CallToolResult, TaskExit> {
    match job {
        Job::ConfirmDelete { filename } => {
            let answer = task.request_input("deletion", upstream.question("deletion")?).await?;
            Ok(says(format!("{filename}: {answer}")))
        }
        Job::TwoInputs => {
            let first = task.request_input("input-a", upstream.question("input-a")?);
            let second = task.request_input("input-b", upstream.question("input-b")?);
            let (first, second) = tokio::try_join!(first, second)?;
            Ok(says(json!([first, second]).to_string()))
        }
        job => tokio::select! {
            () = task.cancelled() => Err(TaskExit::Cancelled),
            result = at_once(job) => result.map_err(TaskExit::Error),
        },
    }
}

/// The work of a job that asks nothing.
async fn at_once(job: Job) -> Result<CallToolResult, ErrorData> {
    let moment = Duration::from_millis(200);
    match job {
        Job::Sleep { seconds, label } => {
            sleep(Duration::from_secs_f64(seconds)).await;
            Ok(says(format!("{label} took {seconds} s")))
        }
        Job::FailAsTool => {
            sleep(moment).await;
            Ok(CallToolResult::error(vec![ContentBlock::text("The job failed, as it should")]))
        }
        Job::FailAsProtocol => {
            sleep(moment).await;
            Err(ErrorData::internal_error("The job broke, as it should", None))
        }
        Job::Greet { name } => {
            sleep(moment).await;
            Ok(says(format!("Hello, {}!", name.as_str().unwrap_or("stranger"))))
        }
        Job::ConfirmDelete { .. } | Job::TwoInputs => {
            Err(ErrorData::internal_error("this job asks, so it is a task", None))
        }
    }
}
