//! The way back: what an upstream says, translated for the caller who asked.
//!
//! Ids become the caller's again, handles are sealed, hidden capabilities go, everything else passes byte
//! for byte. What is not a valid message of the protocol does not pass.

use std::sync::Arc;

use bytes::Bytes;
use doorward_guard::{exposure, uri_template::UriTemplate};
use doorward_model::{Caller, CallerKey, Kind, Scope, Timestamp};
use doorward_protocol::{
    json::{Array, Document, Object, Splice, Value, quote},
    mcp::{
        Era, Method, capabilities,
        list::ListShape,
        modern::{META_SUBSCRIPTION, meta},
        request_id::Tag,
    },
    rpc::{Message, Outcome},
};

mod verdict;

pub(in crate::path) use verdict::{Broken, Fate, Verdict};

use super::rewrite::withheld;
use crate::{
    handles::{Holder, Sealers, Session},
    lists::PageKey,
    path::lease::Lease,
    routes::Published,
};

/// Everything that can be curated.
const KINDS: [Kind; 4] = [Kind::Tool, Kind::Prompt, Kind::Resource, Kind::ResourceTemplate];

/// What is remembered of a request until its answer is complete.
pub(in crate::path) struct Exchange {
    pub(in crate::path) published: Arc<Published>,
    pub(in crate::path) caller: CallerKey,
    /// For whom Doorward speaks upstream, where it presents something for each caller.
    pub(in crate::path) on_behalf: Caller,
    pub(in crate::path) era: Era,
    pub(in crate::path) purpose: Purpose,
    pub(in crate::path) tag: Tag,
    /// What a request state is bound to.
    pub(in crate::path) about: String,
    pub(in crate::path) templates: Vec<UriTemplate>,
    /// The progress token, where the request has one.
    pub(in crate::path) progress: Option<Progress>,
    /// Where the answer is kept, if it is a page of a list that may be.
    pub(in crate::path) page: Option<PageKey>,
    /// An endless stream does not outlive the caller's credential.
    pub(in crate::path) lease: Lease,
    /// The caller's session.
    pub(in crate::path) session: Option<OwnSession>,
    /// Whether `initialize` asks for the revision that has batches.
    pub(in crate::path) wants_batches: bool,
}

/// A progress token, as JSON text.
#[derive(Debug, Clone)]
pub(in crate::path) struct Progress {
    /// What the caller gave.
    pub(in crate::path) given: Bytes,
    /// What the upstream got: on a shared channel a token must be unique, so it is the request's own id.
    pub(in crate::path) sent: Bytes,
}

/// What a request wants of the upstream.
#[derive(Debug, Clone)]
pub(in crate::path) enum Purpose {
    /// An answer.
    Answer {
        /// What is asked.
        method: Method,
        /// The caller's id, as JSON text.
        client_id: Bytes,
    },
    /// To be heard: a notification, or the response to a request of the server.
    Hearing,
    /// The stream of a session: GET.
    Stream,
    /// The end of a session: DELETE.
    End,
}

/// A session that a request named.
#[derive(Debug, Clone)]
pub(in crate::path) struct OwnSession {
    pub(in crate::path) handle: Session,
    /// What its end is remembered by.
    pub(in crate::path) hash: String,
}

impl Exchange {
    /// The scope that a token of Doorward's must have for this. Notifications, and what only opens or ends a
    /// session, need none.
    pub(in crate::path) fn scope(&self) -> Option<Scope> {
        match &self.purpose {
            Purpose::Answer { method, .. } if method.acts() => Some(Scope::McpCall),
            Purpose::Answer { method, .. } if method.reads() => Some(Scope::McpRead),
            _ => None,
        }
    }

    /// Translates one message of the upstream.
    pub(in crate::path) fn examine(
        &self,
        sealers: &Sealers,
        now: Timestamp,
        depth: usize,
        data: Bytes,
    ) -> Result<Verdict, Broken> {
        let document = Document::parse(data, depth).map_err(|error| Broken(error.to_string()))?;
        let message = Message::read(&document).map_err(|error| Broken(error.to_string()))?;
        let back = Back { exchange: self, sealers, now };
        match message {
            Message::Response { id, outcome } => back.response(&document, id, outcome),
            Message::Notification { method, params } => {
                let method = method.as_str().unwrap_or_default();
                let list_changed = method.ends_with("/list_changed").then(|| method.to_string());
                Ok(Verdict {
                    list_changed,
                    ..Verdict::message(back.notification(&document, &method, params))
                })
            }
            // Requests from a server are a thing of sessions; 2026-07-28 forbids them.
            Message::Request { .. } if self.era == Era::Legacy => Ok(Verdict::message(Fate::Pass)),
            Message::Request { .. } => Ok(Verdict::message(Fate::Drop)),
        }
    }

    /// Who handles are given to.
    pub(in crate::path) fn holder(&self) -> Holder<'_> {
        Holder { published: &self.published, caller: &self.caller }
    }

    /// The caller's id, as JSON text, when an answer is owed.
    pub(in crate::path) fn client_id(&self) -> Option<&Bytes> {
        match &self.purpose {
            Purpose::Answer { client_id, .. } => Some(client_id),
            _ => None,
        }
    }

    /// The method of a request that is owed an answer.
    pub(in crate::path) fn method(&self) -> Option<Method> {
        match &self.purpose {
            Purpose::Answer { method, .. } => Some(*method),
            _ => None,
        }
    }

    /// Whether nothing ends the answer but one of the two sides: a session's stream, or a listen stream.
    pub(in crate::path) fn is_endless(&self) -> bool {
        matches!(self.purpose, Purpose::Stream) || self.listens()
    }

    /// Whether this is a listen stream: every message on it names the request that opened it.
    pub(in crate::path) fn listens(&self) -> bool {
        self.method() == Some(Method::SubscriptionsListen)
    }
}

/// One translation.
struct Back<'a> {
    exchange: &'a Exchange,
    sealers: &'a Sealers,
    now: Timestamp,
}

impl Back<'_> {
    fn response(
        &self,
        document: &Document,
        id: Option<Value<'_>>,
        outcome: Outcome<'_>,
    ) -> Result<Verdict, Broken> {
        let (method, client_id) = self.whose(id, &outcome)?;
        let mut splice = Splice::new(document);
        let root = document.root().as_object().ok_or_else(|| Broken("not an object".into()))?;
        splice.set_member(root, "id", &client_id);
        let mut filtered = 0;
        let mut error_code = None;
        match outcome {
            Outcome::Result(_) => {
                // A view that lives as long as the splice.
                let result = root
                    .get("result")
                    .and_then(Value::as_object)
                    .ok_or_else(|| Broken("no result".into()))?;
                filtered = match method {
                    Some(method) => self.result(method, result, &client_id, &mut splice)?,
                    None => self.result_of_unknown(result, &client_id, &mut splice)?,
                };
            }
            Outcome::Error(error) => {
                error_code = Some(error.get("code").and_then(Value::as_i64).unwrap_or(0));
            }
        }
        let fate = Fate::Replace(splice.finish());
        Ok(Verdict {
            fate,
            is_answer: true,
            error_code,
            filtered,
            list_changed: None,
            document: Some(document.clone()),
        })
    }

    /// Which request an answer is for. On a resumed stream the id itself says so.
    fn whose(
        &self,
        id: Option<Value<'_>>,
        outcome: &Outcome<'_>,
    ) -> Result<(Option<Method>, Vec<u8>), Broken> {
        let named = id.and_then(Value::as_str).and_then(|own| self.exchange.tag.client(&own));
        match (&self.exchange.purpose, named, outcome) {
            (Purpose::Answer { method, client_id }, Some(named), _) if *named == **client_id => {
                Ok((Some(*method), named))
            }
            // An error that names no request of ours (`null`, or "server-error" as some servers write)
            // answers the only request there was.
            (Purpose::Answer { method, client_id }, None, Outcome::Error(_)) => {
                Ok((Some(*method), client_id.to_vec()))
            }
            (Purpose::Stream, Some(named), _) => Ok((None, named)),
            _ => Err(Broken("an answer whose id was never asked".into())),
        }
    }

    /// Edits the result of a request that is not at hand, as everything that it could be.
    fn result_of_unknown<'d>(
        &self,
        result: Object<'d>,
        client_id: &[u8],
        splice: &mut Splice<'d>,
    ) -> Result<usize, Broken> {
        let mut filtered = 0;
        for method in ListShape::candidates(result) {
            filtered += self.result(method, result, client_id, splice)?;
        }
        if result.get("capabilities").is_some() {
            filtered += self.result(Method::Initialize, result, client_id, splice)?;
        }
        Ok(filtered)
    }

    /// Edits a result; returns how many entries of a list were taken out.
    fn result<'d>(
        &self,
        method: Method,
        result: Object<'d>,
        client_id: &[u8],
        splice: &mut Splice<'d>,
    ) -> Result<usize, Broken> {
        let holder = self.exchange.holder();
        let mut filtered = 0;
        if let Some(shape) = ListShape::of(method) {
            if self.exchange.published.exposure.filters(shape.kind) {
                let shows = |name: &str| self.exchange.published.exposure.lists(shape.kind, name);
                filtered = shape.retain(result, splice, shows).map_err(|error| Broken(error.to_string()))?;
            }
            seal(result, "nextCursor", splice, |text| self.sealers.cursor(text, method.name(), holder));
        }
        let filters_anything = KINDS.iter().any(|kind| self.exchange.published.exposure.filters(*kind));
        if filters_anything && matches!(method, Method::Initialize | Method::ServerDiscover) {
            // Free text that tells how to use the whole server names what is hidden.
            splice.remove_member(result, "instructions");
        }
        match method {
            Method::Initialize => capabilities::withhold(result, withheld(&self.exchange.published), splice),
            Method::ServerDiscover => {
                capabilities::withhold(result, withheld(&self.exchange.published), splice);
                capabilities::keep_spoken_versions(result, splice);
            }
            Method::SubscriptionsListen => name_subscription(result, client_id, splice),
            _ => {}
        }
        if self.exchange.era == Era::Modern {
            self.seal_handles(method, result, splice);
            self.keep_private(result, splice);
        }
        Ok(filtered)
    }

    /// What an upstream calls public is, behind a door that asks who is there, for those inside: no cache may
    /// share it across authorization contexts.
    fn keep_private<'d>(&self, result: Object<'d>, splice: &mut Splice<'d>) {
        let scope = result.get("cacheScope");
        if let Some(scope) = scope.filter(|_| !self.exchange.published.server.access.open)
            && scope.as_str().as_deref() == Some("public")
        {
            splice.replace(scope, quote("private"));
        }
    }

    fn seal_handles<'d>(&self, method: Method, result: Object<'d>, splice: &mut Splice<'d>) {
        let holder = self.exchange.holder();
        if method.may_require_input() {
            seal(result, "requestState", splice, |text| {
                self.sealers.state(text, &self.exchange.about, self.now, holder)
            });
        }
        let is_task = result.get("resultType").and_then(Value::as_str).as_deref() == Some("task");
        if is_task || method.is_task() {
            seal(result, "taskId", splice, |text| self.sealers.task(text, holder));
        }
    }

    fn notification(&self, document: &Document, method: &str, params: Option<Object<'_>>) -> Fate {
        if !self.shows(method, params) {
            return Fate::Drop;
        }
        let mut splice = Splice::new(document);
        let root = document.root().as_object();
        let params = root.and_then(|root| root.get("params")).and_then(Value::as_object);
        let Some(params) = params else { return Fate::Pass };
        if let (true, Some(client_id)) = (self.exchange.listens(), self.exchange.client_id()) {
            name_subscription(params, client_id, &mut splice);
        }
        if self.exchange.era == Era::Modern {
            self.seal_tasks(method, params, &mut splice);
        }
        if let (Some(progress), Some(token)) = (&self.exchange.progress, params.get("progressToken"))
            && token.raw() == progress.sent
            && progress.sent != progress.given
        {
            splice.replace(token, progress.given.to_vec());
        }
        if splice.is_empty() { Fate::Pass } else { Fate::Replace(splice.finish()) }
    }

    fn seal_tasks<'d>(&self, method: &str, params: Object<'d>, splice: &mut Splice<'d>) {
        let holder = self.exchange.holder();
        match method {
            "notifications/tasks" => seal(params, "taskId", splice, |text| self.sealers.task(text, holder)),
            "notifications/subscriptions/acknowledged" => {
                let ids = params
                    .get("notifications")
                    .and_then(Value::as_object)
                    .and_then(|filter| filter.get("taskIds"));
                for id in ids.and_then(Value::as_array).into_iter().flat_map(Array::iter) {
                    if let Some(text) = id.as_str() {
                        splice.replace(id, quote(&self.sealers.task(&text, holder)));
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a notification is about something that this virtual server shows.
    fn shows(&self, method: &str, params: Option<Object<'_>>) -> bool {
        let withheld = withheld(&self.exchange.published);
        match method {
            "notifications/tools/list_changed" => !withheld.tools,
            "notifications/prompts/list_changed" => !withheld.prompts,
            "notifications/resources/list_changed" => !withheld.resources,
            "notifications/resources/updated" => params.is_some_and(|params| {
                let uri = params.get("uri").and_then(Value::as_str).unwrap_or_default();
                let asked = exposure::Asked::Uri(&uri);
                !params.has_case_variant("uri")
                    && self.exchange.published.exposure.clear(asked, &self.exchange.templates).is_ok()
            }),
            _ => true,
        }
    }
}

/// Replaces a string member by its sealed form.
fn seal<'d>(object: Object<'d>, name: &str, splice: &mut Splice<'d>, seal: impl FnOnce(&str) -> String) {
    if let Some(value) = object.get(name)
        && let Some(text) = value.as_str()
    {
        splice.replace(value, quote(&seal(&text)));
    }
}

/// Puts the caller's id where the upstream put ours.
fn name_subscription<'d>(holder: Object<'d>, client_id: &[u8], splice: &mut Splice<'d>) {
    if let Some(id) = meta(holder).and_then(|meta| meta.get(META_SUBSCRIPTION)) {
        splice.replace(id, client_id);
    }
}

#[cfg(test)]
mod tests;
