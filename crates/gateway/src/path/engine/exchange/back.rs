//! One translation of what an upstream says.

use doorward_guard::exposure;
use doorward_model::Timestamp;
use doorward_protocol::{
    json::{Array, Document, Object, Splice, Value, quote},
    mcp::{
        Era, Method, capabilities,
        list::ListShape,
        modern::{META_SUBSCRIPTION, meta},
    },
    rpc::Outcome,
};

use super::{Broken, Exchange, Fate, KINDS, Purpose, Verdict};
use crate::{handles::Sealers, path::engine::rewrite::withheld};

/// One translation.
pub(super) struct Back<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) sealers: &'a Sealers,
    pub(super) now: Timestamp,
}

impl Back<'_> {
    pub(super) fn response(
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

    pub(super) fn notification(&self, document: &Document, method: &str, params: Option<Object<'_>>) -> Fate {
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
