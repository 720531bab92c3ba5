//! The record of a request: opened first, closed last.
//!
//! [`OpenRecord`] holds a reserved place in the ledger, so that closing can neither fail nor wait. Dropping
//! it closes it: a caller that vanishes, a stream that breaks and a panic all leave their record.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use doorward_model::{BatchMessage, Binding, Caller, ClientGrant, Decision, Fault, Name, Place, Record};
use doorward_store::{Durability, Slot};
use http::{Request, StatusCode};
use hyper::body::Incoming;

use super::{a2a, trace::TraceContext};
use crate::{
    App,
    identifiers::RequestId,
    metrics::Meters,
    routes::{Destination, Entrance},
};

/// Longest text of the caller's that a record keeps, in bytes.
const MAX_TEXT: usize = 512;

/// Most states of a task that a record keeps.
const MAX_STATES: usize = 32;

/// A record that is being written.
pub(crate) struct OpenRecord {
    record: Record,
    /// The record's reason, as one of the closed table.
    reason: &'static str,
    meters: Arc<Meters>,
    slot: Option<Slot>,
    started: Instant,
    durability: Durability,
    pub(super) id: RequestId,
    pub(super) trace: TraceContext,
    complete: bool,
}

impl OpenRecord {
    /// Opens a record, or finds that the ledger cannot take one.
    pub(super) fn open(app: &App, request: &Request<Incoming>, peer: SocketAddr) -> Option<Self> {
        let slot = app.ledger().reserve()?;
        let id = app.identifiers().next();
        let trace = TraceContext::of(request.headers(), id);
        let record = Record {
            time: app.clock().now().to_rfc3339(),
            request_id: id.hex(),
            trace_id: trace.trace_id().to_owned(),
            peer: Some(app.caller_address(request.headers(), peer.ip()).to_string()),
            http_method: request.method().as_str().to_owned(),
            path: clip(&a2a::without_secret(request.uri().path())),
            ..Record::default()
        };
        let durability = app.ledger().durability();
        let meters = Arc::clone(app.metrics().unrouted());
        meters.opened();
        Some(Self {
            record,
            reason: "unfinished",
            meters,
            slot: Some(slot),
            started: Instant::now(),
            durability,
            id,
            trace,
            complete: false,
        })
    }

    /// A part for one message of a batch. It takes no place in the ledger: what it notes counts once it is taken in.
    pub(super) fn part(&self) -> Self {
        Self {
            record: Record::default(),
            reason: "unfinished",
            meters: Arc::clone(&self.meters),
            slot: None,
            started: self.started,
            durability: Durability::Grouped,
            id: self.id,
            trace: self.trace.clone(),
            complete: false,
        }
    }

    /// Takes in what a part has noted of the message at a position, as often as it notes more. The last time is
    /// when the message has its answer.
    pub(super) fn take_in(&mut self, position: usize, part: &Self) {
        let message = BatchMessage {
            method: part.record.method.clone(),
            capability: part.record.capability.clone(),
            reason: part.reason.to_owned(),
            rpc_error: part.record.rpc_error,
            arguments: part.record.arguments.clone(),
            result: part.record.result.clone(),
        };
        match self.record.batch.get_mut(position) {
            Some(known) => *known = message,
            None => self.record.batch.push(message),
        }
        self.record.protocol_version.clone_from(&part.record.protocol_version);
    }

    /// Adds up a part whose message has its answer. Of several failures the first counts.
    pub(super) fn add_up(&mut self, part: &Self) {
        self.record.filtered += part.record.filtered;
        // They wait together.
        self.record.upstream_us = self.record.upstream_us.max(part.record.upstream_us);
        self.record.upstream = self.record.upstream.take().or_else(|| part.record.upstream.clone());
        self.record.rpc_error = self.record.rpc_error.or(part.record.rpc_error);
        if self.record.fault.is_none() && part.record.fault.is_some() {
            self.reason = part.reason;
            self.record.fault = part.record.fault;
            self.record.detail.clone_from(&part.record.detail);
        }
    }

    /// Names the virtual server or the agent.
    pub(super) fn door(&mut self, entrance: &Entrance) {
        self.opens(entrance);
        self.meters = Arc::clone(&entrance.meters);
    }

    /// Names the caller.
    pub(super) fn caller(&mut self, caller: &Caller) {
        if let Some(identity) = caller.identity() {
            self.record.issuer = Some(identity.issuer.clone());
            self.record.subject = Some(identity.subject.clone());
            self.record.client.clone_from(&identity.client);
        }
    }

    /// Names a person who signed in, by Doorward's own word.
    pub(crate) fn person(&mut self, issuer: &str, subject: &str) {
        self.record.issuer = Some(issuer.to_owned());
        self.record.subject = Some(clip(subject));
    }

    /// Names the client that asks, as it says.
    pub(crate) fn client(&mut self, id: &str) {
        self.record.client = Some(clip(id));
    }

    /// Names the virtual server or the agent that tokens are asked for.
    pub(crate) fn opens(&mut self, entrance: &Entrance) {
        match &entrance.to {
            Destination::Server(server) => self.record.server = Some(server.name.to_string()),
            Destination::Agent(agent) => self.record.agent = Some(agent.name.to_string()),
        }
    }

    /// Notes a client grant that tokens were issued for, or that was taken back.
    pub(crate) fn client_grant(&mut self, issuer: &str, grant: &ClientGrant) {
        self.person(issuer, &grant.subject);
        self.client(&grant.client);
        let named = |kind: &str| grant.resource.rsplit_once(kind).map(|(_, name)| clip(name));
        (self.record.server, self.record.agent) = (named("/mcp/"), named("/a2a/"));
        self.record.detail = Some(format!("client grant {}", grant.id));
    }

    /// Notes a client grant that somebody took back: their own, or an administrator another person's.
    pub(crate) fn took_back(&mut self, grant: &ClientGrant) {
        self.client(&grant.client);
        self.record.detail = Some(clip(&format!("client grant {} of {}", grant.id, grant.subject)));
    }

    /// Names what an account is connected for.
    pub(crate) fn connects(&mut self, place: &Place) {
        match place {
            Place::Upstream(name) => self.record.upstream = Some(name.to_string()),
            Place::Agent(name) => self.record.agent = Some(name.to_string()),
        }
    }

    /// Notes that somebody connected an account, their own or the one for everybody.
    pub(crate) fn connected(&mut self, place: &Place, issuer: &str, person: &str) {
        let whose = if person.is_empty() { "everybody" } else { person };
        self.record.detail = Some(clip(&format!("connected {} of {whose} at {issuer}", place.key())));
    }

    /// Notes that somebody ended a connection, and whether the other side knows.
    pub(crate) fn disconnected(&mut self, place: &Place, issuer: &str, person: &str, told: bool) {
        let whose = if person.is_empty() { "everybody" } else { person };
        let there = if told { "revoked" } else { "not revoked" };
        let detail = format!("disconnected {} of {whose}, {there} at {issuer}", place.key());
        self.record.detail = Some(clip(&detail));
    }

    /// Notes the secret that an administrator stored or removed: its name.
    pub(crate) fn secret(&mut self, what: &str, name: &Name) {
        self.record.detail = Some(format!("{what} secret {name}"));
    }

    /// What people and errors call this request.
    pub(crate) fn id(&self) -> String {
        self.id.hex()
    }

    /// Notes the size of the request's body.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.record.request_bytes = bytes as u64;
    }

    /// Notes what is asked.
    pub(super) fn asked(&mut self, version: Option<&str>, method: Option<&str>, capability: Option<&str>) {
        // Told several times of a request, as more of it is understood.
        let note = |known: &mut Option<String>, said: Option<&str>| {
            if known.as_deref() != said {
                *known = said.map(clip);
            }
        };
        note(&mut self.record.protocol_version, version);
        note(&mut self.record.method, method);
        note(&mut self.record.capability, capability);
    }

    /// Notes the binding of A2A that the caller uses.
    pub(super) fn binding(&mut self, binding: Binding) {
        self.record.binding = Some(binding.word().to_owned());
    }

    /// Notes where an agent is asked: binding and version.
    pub(super) fn interface(&mut self, label: &str) {
        self.record.upstream_interface = Some(label.to_owned());
    }

    /// Notes the task and the context that a request or its answer is about.
    pub(super) fn about(&mut self, task: Option<&str>, context: Option<&str>) {
        let note = |known: &mut Option<String>, said: Option<&str>| {
            if let Some(said) = said.filter(|said| known.as_deref() != Some(*said)) {
                *known = Some(clip(said));
            }
        };
        note(&mut self.record.task, task);
        note(&mut self.record.context, context);
    }

    /// Notes the state that a task was seen in.
    pub(super) fn state(&mut self, name: &str) {
        let states = &mut self.record.states;
        if states.len() < MAX_STATES && states.last().is_none_or(|last| last != name) {
            states.push(name.to_owned());
        }
    }

    /// Notes that a stream has begun to say something.
    pub(super) fn first_event(&mut self) {
        self.record.first_event_us = Some(micros(self.started));
    }

    /// Keeps redacted arguments.
    pub(super) fn arguments(&mut self, redacted: String) {
        self.record.arguments = Some(redacted);
    }

    /// Keeps a redacted result.
    pub(super) fn result(&mut self, redacted: String) {
        self.record.result = Some(redacted);
    }

    /// Every check passed.
    pub(crate) fn allow(&mut self) {
        self.record.decision = Decision::Allowed;
        self.reason = "ok";
    }

    /// Names the upstream that is being asked.
    pub(super) fn upstream(&mut self, name: &str) {
        self.record.upstream = Some(name.to_owned());
    }

    /// Adds time spent waiting for an upstream.
    pub(super) fn waited(&mut self, since: Instant) {
        self.record.upstream_us += micros(since);
    }

    /// Notes a failure: a refusal, or a broken upstream after everything was allowed.
    pub(crate) fn failed(&mut self, reason: &'static str, detail: Option<String>, fault: Fault) {
        if self.record.decision == Decision::Undecided && fault == Fault::Caller {
            self.record.decision = Decision::Refused;
        }
        self.reason = reason;
        self.record.detail = detail.map(|detail| clip(&detail));
        self.record.fault = Some(fault);
    }

    /// Whether a failure was noted already.
    pub(crate) fn has_failed(&self) -> bool {
        self.record.fault.is_some()
    }

    /// Notes a refusal by policy: the caller did nothing wrong on the wire.
    pub(super) fn rpc_error(&mut self, code: i64) {
        self.record.rpc_error = Some(code);
    }

    /// Counts capabilities that the filter took out.
    pub(super) fn filtered(&mut self, count: usize) {
        self.record.filtered += count as u64;
    }

    /// Notes the answer's head: Doorward's own time ends here.
    pub(super) fn head(&mut self, status: StatusCode) {
        self.record.status = status.as_u16();
        self.record.gateway_us = micros(self.started).saturating_sub(self.record.upstream_us);
    }

    /// The answer is a stream of events.
    pub(super) fn streams(&mut self) {
        self.record.streamed = true;
    }

    /// Counts bytes of the answer.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.record.response_bytes += bytes as u64;
    }

    /// The answer is complete, as far as Doorward owes one.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }

    /// Whether the answer must not be sent before its record is on disk.
    pub(super) fn is_strict(&self) -> bool {
        self.durability == Durability::Strict
    }

    /// Closes the record; with strict durability, returns only when it is stored.
    pub(super) async fn close(&mut self) {
        self.complete();
        self.commit().await;
    }

    /// Hands the record in; with strict durability, waits until it is stored. Later notes are lost.
    pub(super) async fn commit(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        let record = self.finish();
        if !self.is_strict() {
            slot.submit(record);
        } else if let Err(error) = slot.submit_and_wait(record).await {
            tracing::error!(%error, "a record could not be stored in time; it is kept and tried again");
        }
    }

    fn finish(&mut self) -> Record {
        let mut record = std::mem::take(&mut self.record);
        self.reason.clone_into(&mut record.reason);
        record.total_us = micros(self.started);
        record.aborted = !self.complete;
        self.meters.closed(&record, self.reason);
        record
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            let record = self.finish();
            slot.submit(record);
        }
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn clip(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let mut end = MAX_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
