//! Tools and a prompt that want input first (SEP-2322): `input_required`, then the same request again with the answers.
//!
//! The state that travels with the client is sealed; a state that does not open is refused, whatever came with it.

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
        InputRequest, InputRequiredResult, InputResponses, PromptMessage, Role,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use super::{content::says, server::Upstream};

type Answer = Result<CallToolResponse, ErrorData>;

/// The tools of this module; `None` when it is not one of them.
pub(super) fn tool(
    upstream: &Upstream,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Option<Answer> {
    let given = request.input_responses.as_ref();
    Some(match request.name.strip_prefix("test_input_required_result_") {
        None if request.name == "test_streaming_elicitation" => {
            upstream.question("value").map(|question| wants([("value", question)], None))
        }
        Some("elicitation") => simple(upstream, given, "user_name"),
        Some("sampling") => simple(upstream, given, "capital_question"),
        Some("list_roots") => simple(upstream, given, "client_roots"),
        Some("request_state" | "tampered_state") => confirmed(upstream, request),
        Some("multiple_inputs") => three_at_once(upstream, request),
        Some("multi_round") => one_after_the_other(upstream, request),
        Some("capabilities") => what_the_client_can(upstream, given, context),
        _ => return None,
    })
}

/// `prompts/get` of the prompt that wants an input; `None` for every other.
pub(super) fn prompt(
    upstream: &Upstream,
    request: &GetPromptRequestParams,
) -> Option<Result<GetPromptResponse, ErrorData>> {
    if request.name != "test_input_required_result_prompt" {
        return None;
    }
    if let Some(answer) = answer(request.input_responses.as_ref(), "user_context") {
        let text = format!("The context is {answer}");
        let message = PromptMessage::new_text(Role::User, text);
        return Some(Ok(GetPromptResult::new(vec![message]).into()));
    }
    let question = upstream.question("user_context");
    Some(question.map(|question| required([("user_context", question)], None).into()))
}

/// `input_required` with these questions and perhaps a state.
pub(super) fn wants<const N: usize>(
    questions: [(&str, InputRequest); N],
    state: Option<String>,
) -> CallToolResponse {
    required(questions, state).into()
}

fn required<'a>(
    questions: impl IntoIterator<Item = (&'a str, InputRequest)>,
    state: Option<String>,
) -> InputRequiredResult {
    let questions = questions.into_iter().map(|(key, question)| (key.to_owned(), question)).collect();
    InputRequiredResult::new(Some(questions), state)
}

/// The answer under `key`. What is not an object is no answer: it is asked for again.
pub(super) fn answer<'a>(given: Option<&'a InputResponses>, key: &str) -> Option<&'a Value> {
    given.and_then(|given| given.get(key)).filter(|answer| answer.is_object())
}

fn simple(upstream: &Upstream, given: Option<&InputResponses>, key: &'static str) -> Answer {
    match answer(given, key) {
        Some(answer) => Ok(says(format!("{key} is {answer}")).into()),
        None => Ok(wants([(key, upstream.question(key)?)], None)),
    }
}

fn confirmed(upstream: &Upstream, request: &CallToolRequestParams) -> Answer {
    let carried = upstream.open(request.request_state.as_deref())?;
    if carried.is_some() && answer(request.input_responses.as_ref(), "go_ahead").is_some() {
        return Ok(says("state-ok").into());
    }
    let state = upstream.seal(&json!("asked"))?;
    Ok(wants([("go_ahead", upstream.question("go_ahead")?)], Some(state)))
}

fn three_at_once(upstream: &Upstream, request: &CallToolRequestParams) -> Answer {
    let keys = ["user_name", "greeting", "client_roots"];
    let carried = upstream.open(request.request_state.as_deref())?;
    let given = request.input_responses.as_ref();
    if carried.is_some() && keys.iter().all(|key| answer(given, key).is_some()) {
        return Ok(says("All three inputs are here").into());
    }
    let [name, greeting, roots] = keys;
    let questions = [
        (name, upstream.question(name)?),
        (greeting, upstream.question(greeting)?),
        (roots, upstream.question(roots)?),
    ];
    Ok(wants(questions, Some(upstream.seal(&json!("asked"))?)))
}

fn one_after_the_other(upstream: &Upstream, request: &CallToolRequestParams) -> Answer {
    let carried = upstream.open(request.request_state.as_deref())?;
    let done = carried.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let keys = ["step1", "step2"];
    let given = request.input_responses.as_ref();
    let done = match keys.get(done.len()).filter(|_| carried.is_some()).and_then(|key| answer(given, key)) {
        Some(answer) => [done, vec![answer.clone()]].concat(),
        None => done,
    };
    match keys.get(done.len()) {
        Some(key) => Ok(wants([(key, upstream.question(key)?)], Some(upstream.seal(&json!(done))?))),
        None => Ok(says(format!("Both steps are done: {}", json!(done))).into()),
    }
}

fn what_the_client_can(
    upstream: &Upstream,
    given: Option<&InputResponses>,
    context: &RequestContext<RoleServer>,
) -> Answer {
    let client = context.client_capabilities().unwrap_or_default();
    let possible = [
        ("user_name", client.elicitation.is_some()),
        ("greeting", client.sampling.is_some()),
        ("client_roots", client.roots.is_some()),
    ];
    let missing: Vec<&str> = possible
        .iter()
        .filter(|(key, possible)| *possible && answer(given, key).is_none())
        .map(|(key, _)| *key)
        .collect();
    if missing.is_empty() {
        return Ok(says("Nothing is left to ask").into());
    }
    let questions: Result<Vec<_>, ErrorData> =
        missing.into_iter().map(|key| Ok((key, upstream.question(key)?))).collect();
    Ok(required(questions?, None).into())
}
