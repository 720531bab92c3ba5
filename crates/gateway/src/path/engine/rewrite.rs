//! The outbound message: the caller's bytes with single members replaced.

use std::borrow::Cow;

use bytes::Bytes;
use doorward_guard::{exposure, uri_template::UriTemplate};
use doorward_model::{Kind, Timestamp};
use doorward_protocol::{
    json::{Document, Object, Splice, Value, quote},
    mcp::{Method, capabilities, modern::meta, request_id::Tag, target::Target},
    rpc::Message,
};

use super::super::{Reason, Refusal, trace::TraceContext};
use super::exchange::Progress;
use crate::{
    handles::{Holder, Sealers},
    routes::Published,
};

/// What rewriting needs to know besides the message.
pub(super) struct Context<'a> {
    pub(super) sealers: &'a Sealers,
    pub(super) holder: Holder<'a>,
    pub(super) now: Timestamp,
    pub(super) templates: &'a [UriTemplate],
    /// Whether requests of other callers travel on the same channel.
    pub(super) shares_channel: bool,
}

/// A request as it goes upstream.
pub(super) struct Rewritten {
    pub(super) body: Bytes,
    /// The upstream's own id of the task that the request names.
    pub(super) task: Option<String>,
    /// The progress token, where there is one.
    pub(super) progress: Option<Progress>,
}

/// What a request state is bound to.
pub(super) fn about(method: Method, target: &Target<'_>) -> String {
    format!("{}\n{}", method.name(), target.text().unwrap_or_default())
}

/// Rewrites a request: our id, our span, the upstream's own handles, and nothing that is hidden.
pub(super) fn request<'d>(
    context: &Context<'_>,
    document: &'d Document,
    message: &Message<'d>,
    (method, target): (Method, &Target<'_>),
    own_id: &str,
    trace: &mut TraceContext,
) -> Result<Rewritten, Refusal> {
    let mut splice = Splice::new(document);
    if let Some(id) = message.id() {
        splice.replace(id, quote(own_id));
    }
    let Some(params) = message.params() else {
        return Ok(Rewritten { body: splice.finish(), task: None, progress: None });
    };
    put_trace(params, trace, &mut splice);
    let progress = progress(context, params, own_id, &mut splice);
    let task = open_handles(context, params, (method, target), &mut splice)?;
    if method.may_require_input() {
        without_own_response(params, &mut splice);
    }
    match method {
        Method::Initialize => capabilities::without_client_tasks(params, &mut splice),
        Method::SubscriptionsListen => narrow_filter(context, params, &mut splice)?,
        _ => {}
    }
    Ok(Rewritten { body: splice.finish(), task, progress })
}

/// The key of Doorward's own input request: to connect an account.
pub(in crate::path) const CONNECT: &str = "doorward.connect";

/// What became of Doorward's own input request: `accept`, `decline` or `cancel`.
pub(super) fn own_response(params: Option<Object<'_>>) -> Option<Cow<'_, str>> {
    let responses = params?.get("inputResponses")?.as_object()?;
    responses.get(CONNECT)?.as_object()?.get("action")?.as_str()
}

/// What became of it is nothing to the upstream, which never asked.
fn without_own_response<'d>(params: Object<'d>, splice: &mut Splice<'d>) {
    let Some(responses) = params.get("inputResponses").and_then(Value::as_object) else { return };
    if responses.get(CONNECT).is_none() {
        return;
    }
    if responses.members().count() == 1 {
        splice.remove_member(params, "inputResponses");
    } else {
        splice.remove_member(responses, CONNECT);
    }
}

/// The progress token. Where many callers share a channel, the upstream gets our id in its place.
fn progress<'d>(
    context: &Context<'_>,
    params: Object<'d>,
    own_id: &str,
    splice: &mut Splice<'d>,
) -> Option<Progress> {
    let token = meta(params)?.get("progressToken")?;
    let given = Bytes::copy_from_slice(token.raw());
    if !context.shares_channel {
        return Some(Progress { sent: given.clone(), given });
    }
    let sent = quote(own_id);
    splice.replace(token, sent.clone());
    Some(Progress { given, sent: sent.into() })
}

/// A cancellation that names the request by our id.
pub(super) fn cancellation(document: &Document, tag: &Tag) -> Bytes {
    let mut splice = Splice::new(document);
    let params = document.root().as_object().and_then(|root| root.get("params")).and_then(Value::as_object);
    if let Some(id) = params.and_then(|params| params.get("requestId")) {
        splice.replace(id, quote(&tag.own(id.raw())));
    }
    splice.finish()
}

fn put_trace<'d>(params: Object<'d>, trace: &mut TraceContext, splice: &mut Splice<'d>) {
    let meta = meta(params);
    if let Some(parent) = meta.and_then(|meta| meta.get("traceparent")).and_then(Value::as_str) {
        trace.adopt(&parent);
    }
    if !trace.from_caller {
        return;
    }
    let parent = quote(&trace.traceparent());
    match meta {
        Some(meta) => splice.set_member(meta, "traceparent", parent.as_bytes()),
        None if params.get("_meta").is_none() => {
            splice.set_member(params, "_meta", format!(r#"{{"traceparent":{parent}}}"#).as_bytes());
        }
        None => {}
    }
}

/// Replaces handles of ours by what they stand for. A handle that is not this caller's opens to nothing.
fn open_handles<'d>(
    context: &Context<'_>,
    params: Object<'d>,
    (method, target): (Method, &Target<'_>),
    splice: &mut Splice<'d>,
) -> Result<Option<String>, Refusal> {
    let Context { sealers, holder, now, .. } = context;
    if method.is_list() {
        replace(params, "cursor", "the cursor", splice, |text| {
            sealers.open_cursor(text, method.name(), *holder)
        })?;
    }
    if method.may_require_input() {
        let about = about(method, target);
        replace(params, "requestState", "the request state", splice, |text| {
            sealers.open_state(text, &about, *now, *holder)
        })?;
    }
    if method.is_task() {
        return replace(params, "taskId", "the task", splice, |text| sealers.open_task(text, *holder));
    }
    Ok(None)
}

fn replace<'d>(
    params: Object<'d>,
    name: &str,
    what: &'static str,
    splice: &mut Splice<'d>,
    open: impl FnOnce(&str) -> Option<String>,
) -> Result<Option<String>, Refusal> {
    let Some(value) = params.get(name) else { return Ok(None) };
    let opened = value.as_str().and_then(|text| open(&text));
    let opened = opened.ok_or(Reason::HandleInvalid(what))?;
    splice.replace(value, quote(&opened));
    Ok(Some(opened))
}

/// Most URIs, and most tasks, of one listen filter.
const MAX_FILTER: usize = 1000;

/// Takes out of a listen filter what this virtual server does not show.
fn narrow_filter<'d>(
    context: &Context<'_>,
    params: Object<'d>,
    splice: &mut Splice<'d>,
) -> Result<(), Refusal> {
    const MEMBERS: [&str; 5] = [
        "toolsListChanged",
        "promptsListChanged",
        "resourcesListChanged",
        "resourceSubscriptions",
        "taskIds",
    ];
    let malformed = || Reason::InvalidParams("`params.notifications` is not a filter".into());
    let filter = params.get("notifications").and_then(Value::as_object).ok_or_else(malformed)?;
    for list in ["resourceSubscriptions", "taskIds"].into_iter().filter_map(|name| filter.get(name)) {
        let count = list.as_array().ok_or_else(malformed)?.iter().take(MAX_FILTER + 1).count();
        if count > MAX_FILTER {
            return Err(malformed().into());
        }
    }
    if MEMBERS.iter().any(|name| filter.has_case_variant(name)) {
        return Err(Reason::InvalidParams(
            "a member of `params.notifications` is written in another case".into(),
        )
        .into());
    }
    let published = context.holder.published;
    let withheld = withheld(published);
    splice.retain_members(filter, |member| match &*member.name {
        "toolsListChanged" => !withheld.tools,
        "promptsListChanged" => !withheld.prompts,
        "resourcesListChanged" => !withheld.resources,
        _ => true,
    });
    if let Some(uris) = filter.get("resourceSubscriptions").and_then(Value::as_array) {
        splice.retain_elements(uris, |uri| {
            let uri = uri.as_str().unwrap_or_default();
            published.exposure.clear(exposure::Asked::Uri(&uri), context.templates).is_ok()
        });
    }
    if let Some(ids) = filter.get("taskIds").and_then(Value::as_array) {
        let open =
            |id: Value<'_>| context.sealers.open_task(&id.as_str().unwrap_or_default(), context.holder);
        splice.retain_elements(ids, |id| open(id).is_some());
        for (id, opened) in ids.iter().filter_map(|id| open(id).map(|opened| (id, opened))) {
            splice.replace(id, quote(&opened));
        }
    }
    Ok(())
}

/// The groups of capabilities that a virtual server shows nothing of.
pub(super) fn withheld(published: &Published) -> capabilities::Withheld {
    let exposure = &published.exposure;
    capabilities::Withheld {
        tools: exposure.shows_nothing_of(Kind::Tool),
        prompts: exposure.shows_nothing_of(Kind::Prompt),
        resources: exposure.shows_nothing_of(Kind::Resource)
            && exposure.shows_nothing_of(Kind::ResourceTemplate),
    }
}
