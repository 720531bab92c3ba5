//! `ListTasks`, from Doorward's own index: the agent sees one caller, and would list everybody's tasks (A2A 1.0 section
//! 3.1.4). What a task is now, the agent says itself.

use std::{sync::Arc, time::Instant};

use doorward_guard::Permit;
use doorward_model::Timestamp;
use doorward_protocol::{
    a2a::{ErrorKind, Operation, TaskState},
    json::{Object, Splice, quote},
};
use doorward_store::{StoredTask, TaskCursor, TaskFilter};

use super::{
    super::{Answer, Refusal, record::OpenRecord},
    call::Call,
    internal,
    send::{self, Talk},
};
use crate::App;

/// Tasks on a page that names no size.
const USUAL: u32 = 50;
/// Most tasks on a page.
const MOST: u32 = 100;

/// What is listed.
struct Page {
    filter: TaskFilter,
    size: u32,
    after: Option<TaskCursor>,
    history: Option<i64>,
    artifacts: bool,
}

/// Answers a list.
pub(super) async fn answer(
    app: &Arc<App>,
    call: Box<Call>,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let page = Page::read(app, &call)?;
    let name = &call.agent.agent.name;
    let found = app.store().tasks(name, &call.owner, &page.filter, page.after.as_ref(), page.size).await;
    let found = found.map_err(internal)?;
    let talk = send::begin(app, call, permit, record).await?;
    let tasks = rows(app, &talk, &found.tasks, &page, record).await?;
    let last = tasks.len().checked_sub(1).and_then(|last| found.tasks.get(last));
    let cut_short = last.filter(|_| tasks.len() < found.tasks.len());
    let cursor = |last: &StoredTask| TaskCursor { state_time: last.state_time, task: last.task.clone() };
    let next = cut_short.map(cursor).or(found.next);
    let next = next.map(|cursor| seal(app, &talk.call, &cursor)).unwrap_or_default();
    let result = format!(
        r#"{{"tasks":[{}],"nextPageToken":{},"pageSize":{},"totalSize":{}}}"#,
        tasks.join(","),
        quote(&next),
        page.size,
        found.total
    );
    talk.call.face.unary(Operation::ListTasks, result.as_bytes())
}

/// As many of these tasks, from the first on, as fit into one answer and can be had in the time of one; one at least. A
/// page may hold fewer than were asked for, and the next one goes on behind them.
async fn rows(
    app: &Arc<App>,
    talk: &Talk,
    found: &[StoredTask],
    page: &Page,
    record: &mut OpenRecord,
) -> Result<Vec<String>, Refusal> {
    let (since, mut room) = (Instant::now(), talk.call.agent.entrance.limits.response_body);
    let mut tasks = Vec::with_capacity(found.len());
    for stored in found {
        if !tasks.is_empty() && since.elapsed() > talk.call.agent.agent.timeout {
            break;
        }
        let text = row(app, talk, stored, page, record).await?;
        match room.checked_sub(text.len()) {
            Some(left) => room = left,
            None if tasks.is_empty() => room = 0,
            None => break,
        }
        tasks.push(text);
    }
    Ok(tasks)
}

/// One task: as the agent has it, or, where the agent has forgotten it or cannot tell it, as it was last seen. One such task
/// must not keep its owner from all others.
async fn row(
    app: &Arc<App>,
    talk: &Talk,
    stored: &StoredTask,
    page: &Page,
    record: &mut OpenRecord,
) -> Result<String, Refusal> {
    let answer = match talk.get_task(app, &stored.task, page.history, record).await {
        Err(refusal) if refusal.is_about_one_answer() => return Ok(last_seen(stored)),
        answer => answer?,
    };
    let document = match answer {
        Ok(document) => document,
        Err(failure) => {
            if failure.kind != ErrorKind::TaskNotFound {
                tracing::debug!(task = stored.task, %failure.message, "a task is listed as it was last seen");
            }
            return Ok(last_seen(stored));
        }
    };
    let object = document.root().as_object().ok_or_else(|| talk.invalid("a task is not an object"))?;
    let mut splice = Splice::new(&document);
    if !page.artifacts {
        splice.remove_member(object, "artifacts");
    }
    // No history is asked for: none is given (section 3.2.4).
    if page.history == Some(0) {
        splice.remove_member(object, "history");
    }
    let text = if splice.is_empty() { document.root().raw().to_vec() } else { splice.finish().to_vec() };
    String::from_utf8(text).map_err(|_| talk.invalid("a task is not text"))
}

fn last_seen(stored: &StoredTask) -> String {
    let context = stored.context.as_deref().map(|context| format!(r#","contextId":{}"#, quote(context)));
    format!(
        r#"{{"id":{}{},"status":{{"state":{},"timestamp":{}}}}}"#,
        quote(&stored.task),
        context.unwrap_or_default(),
        quote(&stored.state),
        quote(&stored.state_time.to_rfc3339())
    )
}

impl Page {
    fn read(app: &App, call: &Call) -> Result<Self, Refusal> {
        let document = call.params.v1();
        let params =
            document.root().as_object().ok_or_else(|| super::invalid("params", "must be an object"))?;
        let size = match number(params, "pageSize")? {
            None => USUAL,
            Some(size) => u32::try_from(size)
                .ok()
                .filter(|size| (1..=MOST).contains(size))
                .ok_or_else(|| super::invalid("pageSize", "from 1 to 100"))?,
        };
        let history = number(params, "historyLength")?;
        if history.is_some_and(|length| length < 0) {
            return Err(super::invalid("historyLength", "0 or more"));
        }
        let state = match text(params, "status")?.as_deref() {
            None | Some("TASK_STATE_UNSPECIFIED") => None,
            Some(name) => Some(
                TaskState::parse(name)
                    .filter(|state| state.name() == name)
                    .ok_or_else(|| super::invalid("status", "there is no such state"))?,
            ),
        };
        let since = match text(params, "statusTimestampAfter")? {
            None => None,
            Some(text) => Some(
                Timestamp::parse_rfc3339(&text)
                    .ok_or_else(|| super::invalid("statusTimestampAfter", "a time of RFC 3339"))?,
            ),
        };
        let after = match text(params, "pageToken")? {
            None => None,
            Some(token) => {
                Some(open(app, call, &token).ok_or_else(|| super::invalid("pageToken", "is none of ours"))?)
            }
        };
        let artifacts = match params.get("includeArtifacts").filter(|value| !value.is_null()) {
            None => false,
            Some(value) => {
                value.as_bool().ok_or_else(|| super::invalid("includeArtifacts", "true or false"))?
            }
        };
        let context = call.asked.context.clone();
        let filter = TaskFilter { context, state: state.map(|state| state.name().to_owned()), since };
        Ok(Self { filter, size, after, history, artifacts })
    }
}

fn number(params: Object<'_>, name: &str) -> Result<Option<i64>, Refusal> {
    let value = params.get(name).filter(|value| !value.is_null());
    value.map(|value| value.as_i64().ok_or_else(|| super::invalid(name, "a whole number"))).transpose()
}

fn text(params: Object<'_>, name: &str) -> Result<Option<String>, Refusal> {
    let Some(value) = params.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| super::invalid(name, "a text"))?;
    Ok(Some(text.into_owned()).filter(|text| !text.is_empty()))
}

fn seal(app: &App, call: &Call, cursor: &TaskCursor) -> String {
    let text = format!("{} {}", cursor.state_time.as_micros(), cursor.task);
    app.sealers().page(&text, &call.agent.agent.name, &call.caller.key)
}

fn open(app: &App, call: &Call, token: &str) -> Option<TaskCursor> {
    let text = app.sealers().open_page(token, &call.agent.agent.name, &call.caller.key)?;
    let (time, task) = text.split_once(' ')?;
    Some(TaskCursor { state_time: Timestamp::from_micros(time.parse().ok()?), task: task.to_owned() })
}
