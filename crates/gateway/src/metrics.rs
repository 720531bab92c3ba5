//! What `/metrics` says.
//!
//! Labels are bounded: virtual servers and agents come from the configuration, methods from the tables of the protocols,
//! reasons from the table of refusals. Nothing that a caller writes becomes a label. Counting happens where a
//! record closes, on handles that are resolved once per virtual server; nothing here decides.

mod deliveries;
mod ends;
mod text;
mod words;

pub(crate) use deliveries::Delivery;
pub(crate) use ends::Ends;
pub(crate) use text::CONTENT_TYPE;
use words::{decision, known_method, status_class};

#[cfg(test)]
mod tests;

use std::sync::Arc;

use doorward_model::{Decision, Record};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

use self::deliveries::OfDelivery;

/// Upper bounds in seconds, of the OpenTelemetry conventions for MCP.
const BUCKETS: [f64; 14] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// What Doorward itself takes is far below the first of them.
const FINE: [f64; 7] = [0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005];

/// The label of requests that found no virtual server: no name can look like it.
const NO_SERVER: &str = "-";

/// One metric, as it is registered and as the reference page shows it.
pub(crate) struct Descriptor {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference page shows them"))]
    pub(crate) labels: &'static str,
    pub(crate) help: &'static str,
}

/// Every metric, in the order of the page.
pub(crate) const DESCRIPTORS: [Descriptor; 14] = [
    Descriptor {
        name: "doorward_requests_total",
        kind: "counter",
        labels: "`server`, `decision`, `reason`, `status`",
        help: "Requests that have ended, by virtual server, decision, reason and class of the HTTP status",
    },
    Descriptor {
        name: "doorward_messages_total",
        kind: "counter",
        labels: "`server`, `method`",
        help: "Messages of callers, by virtual server and method, or A2A operation; what no revision knows is `other`",
    },
    Descriptor {
        name: "doorward_request_duration_seconds",
        kind: "histogram",
        labels: "`server`",
        help: "Time from the arrival of a request to the last byte of its answer",
    },
    Descriptor {
        name: "doorward_gateway_duration_seconds",
        kind: "histogram",
        labels: "`server`",
        help: "Time in Doorward until the head of the answer, without waiting for the upstream",
    },
    Descriptor {
        name: "doorward_upstream_duration_seconds",
        kind: "histogram",
        labels: "`server`",
        help: "Time of waiting for the head of the upstream's answer, of requests that asked one",
    },
    Descriptor {
        name: "doorward_requests_in_flight",
        kind: "gauge",
        labels: "",
        help: "Requests that have not ended, open event streams among them",
    },
    Descriptor {
        name: "doorward_streams",
        kind: "gauge",
        labels: "`server`",
        help: "Open event streams, by virtual server, or by agent as `a2a/<name>`",
    },
    Descriptor {
        name: "doorward_connections",
        kind: "gauge",
        labels: "",
        help: "Open connections of callers",
    },
    Descriptor {
        name: "doorward_records_waiting",
        kind: "gauge",
        labels: "",
        help: "Records that are closed and not stored yet; at 65536 with the requests in flight, requests are refused",
    },
    Descriptor {
        name: "doorward_tls_failures_total",
        kind: "counter",
        labels: "",
        help: "TLS handshakes of callers that failed",
    },
    Descriptor {
        name: "doorward_configuration_changes_total",
        kind: "counter",
        labels: "`outcome`",
        help: "Changes of the configuration file that were seen, `applied` or `refused`",
    },
    Descriptor {
        name: "doorward_push_deliveries_total",
        kind: "counter",
        labels: "`server`, `outcome`",
        help: "Deliveries to webhooks, by agent, that were `queued`, that were `delivered`, attempts that `failed` and are repeated, and deliveries that were `given_up`",
    },
    Descriptor {
        name: "doorward_upstream_ends_total",
        kind: "counter",
        labels: "`upstream`",
        help: "Children and HTTP+SSE streams that ended by themselves or could not be started, by upstream",
    },
    Descriptor { name: "doorward_build_info", kind: "gauge", labels: "`version`", help: "Always 1" },
];

type Label = Arc<String>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfServer {
    server: Label,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    server: Label,
    decision: &'static str,
    reason: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMessage {
    server: Label,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfChange {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfBuild {
    version: &'static str,
}

type Durations = Family<OfServer, Histogram, fn() -> Histogram>;

/// All metrics of a process.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<OfRequest, Counter>,
    messages: Family<OfMessage, Counter>,
    total: Durations,
    gateway: Durations,
    upstream: Durations,
    in_flight: Gauge,
    streams: Family<OfServer, Gauge>,
    connections: Gauge,
    waiting: Gauge,
    tls_failures: Counter,
    changes: Family<OfChange, Counter>,
    deliveries: Family<OfDelivery, Counter>,
    ends: Ends,
    unrouted: Arc<Meters>,
}

/// Where the requests of one virtual server are counted.
pub(crate) struct Meters {
    server: Label,
    requests: Family<OfRequest, Counter>,
    messages: Family<OfMessage, Counter>,
    /// The usual outcome, found without a look-up.
    fine: Counter,
    total: Histogram,
    gateway: Histogram,
    upstream: Histogram,
    in_flight: Gauge,
}

/// What is measured only when somebody asks.
pub(crate) struct Sample {
    /// Open event streams by virtual server or agent.
    pub(crate) streams: Vec<(String, usize)>,
    /// Slots of the ledger that are taken: by open requests and by records that wait.
    pub(crate) slots: usize,
}

impl Metrics {
    /// Everything at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let requests = register(&mut registry, 0, Family::default());
        let messages = register(&mut registry, 1, Family::default());
        let total = register(&mut registry, 2, Durations::new_with_constructor(usual));
        let gateway = register(&mut registry, 3, Durations::new_with_constructor(fine));
        let upstream = register(&mut registry, 4, Durations::new_with_constructor(usual));
        let in_flight = register(&mut registry, 5, Gauge::default());
        let streams = register(&mut registry, 6, Family::default());
        let connections = register(&mut registry, 7, Gauge::default());
        let waiting = register(&mut registry, 8, Gauge::default());
        let tls_failures = register(&mut registry, 9, Counter::default());
        let changes: Family<OfChange, Counter> = register(&mut registry, 10, Family::default());
        for outcome in ["applied", "refused"] {
            changes.get_or_create_owned(&OfChange { outcome });
        }
        let deliveries = register(&mut registry, 11, Family::default());
        let ends = Ends::new(register(&mut registry, 12, Family::default()));
        let build: Family<OfBuild, Gauge> = register(&mut registry, 13, Family::default());
        build.get_or_create_owned(&OfBuild { version: env!("CARGO_PKG_VERSION") }).set(1);
        let durations = [&total, &gateway, &upstream];
        let unrouted = meters(NO_SERVER, &requests, &messages, durations, &in_flight);
        Self {
            registry,
            requests,
            messages,
            total,
            gateway,
            upstream,
            in_flight,
            streams,
            connections,
            waiting,
            tls_failures,
            changes,
            deliveries,
            ends,
            unrouted: Arc::new(unrouted),
        }
    }

    /// Where the requests of a virtual server are counted.
    pub(crate) fn server(&self, name: &str) -> Arc<Meters> {
        let durations = [&self.total, &self.gateway, &self.upstream];
        Arc::new(meters(name, &self.requests, &self.messages, durations, &self.in_flight))
    }

    /// Where requests are counted as long as their virtual server is not known.
    pub(crate) fn unrouted(&self) -> &Arc<Meters> {
        &self.unrouted
    }

    /// Counts a connection for as long as the guard lives.
    pub(crate) fn connection(&self) -> ConnectionGuard {
        self.connections.inc();
        ConnectionGuard(self.connections.clone())
    }

    /// A handshake failed.
    pub(crate) fn tls_failure(&self) {
        self.tls_failures.inc();
    }

    /// Where ends of children and streams are counted.
    pub(crate) fn ends(&self) -> Ends {
        self.ends.clone()
    }

    /// The configuration file changed, and was used or not.
    pub(crate) fn configuration_change(&self, applied: bool) {
        let outcome = if applied { "applied" } else { "refused" };
        self.changes.get_or_create_owned(&OfChange { outcome }).inc();
    }

    /// All metrics in the text format of Prometheus.
    pub(crate) fn render(&self, sample: &Sample) -> String {
        // Virtual servers that are gone have no streams to show.
        self.streams.clear();
        for (server, open) in &sample.streams {
            let of = OfServer { server: Label::new(server.clone()) };
            self.streams.get_or_create_owned(&of).set(i64::try_from(*open).unwrap_or(i64::MAX));
        }
        let slots = i64::try_from(sample.slots).unwrap_or(i64::MAX);
        self.waiting.set(slots.saturating_sub(self.in_flight.get()).max(0));
        let mut openmetrics = String::new();
        match prometheus_client::encoding::text::encode(&mut openmetrics, &self.registry) {
            Ok(()) => text::of_prometheus(&openmetrics),
            // Writing to a text does not fail.
            Err(_) => String::new(),
        }
    }
}

impl Meters {
    /// A request has arrived.
    pub(crate) fn opened(&self) {
        self.in_flight.inc();
    }

    /// A request has ended. `reason` is the record's, of the closed table.
    pub(crate) fn closed(&self, record: &Record, reason: &'static str) {
        self.in_flight.dec();
        let status = status_class(record.status);
        if (reason, status) == ("ok", "2xx") && record.decision == Decision::Allowed {
            self.fine.inc();
        } else {
            let (server, decision) = (Arc::clone(&self.server), decision(record.decision));
            self.requests.get_or_create(&OfRequest { server, decision, reason, status }).inc();
        }
        let of_batch = record.batch.iter().filter_map(|message| message.method.as_ref());
        for method in record.method.iter().chain(of_batch) {
            let of = OfMessage { server: Arc::clone(&self.server), method: known_method(method) };
            self.messages.get_or_create(&of).inc();
        }
        self.total.observe(seconds(record.total_us));
        self.gateway.observe(seconds(record.gateway_us));
        if record.upstream.is_some() {
            self.upstream.observe(seconds(record.upstream_us));
        }
    }
}

/// Counts a connection while it lives.
pub(crate) struct ConnectionGuard(Gauge);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn meters(
    name: &str,
    requests: &Family<OfRequest, Counter>,
    messages: &Family<OfMessage, Counter>,
    [total, gateway, upstream]: [&Durations; 3],
    in_flight: &Gauge,
) -> Meters {
    let server = Label::new(name.to_owned());
    let of_server = OfServer { server: Arc::clone(&server) };
    let fine = OfRequest { server: Arc::clone(&server), decision: "allowed", reason: "ok", status: "2xx" };
    Meters {
        fine: requests.get_or_create_owned(&fine),
        requests: requests.clone(),
        messages: messages.clone(),
        total: total.get_or_create_owned(&of_server),
        gateway: gateway.get_or_create_owned(&of_server),
        upstream: upstream.get_or_create_owned(&of_server),
        in_flight: in_flight.clone(),
        server,
    }
}

/// Registers the metric of a descriptor. The library writes `_total` and the final full stop itself.
fn register<M: Metric + Clone>(registry: &mut Registry, index: usize, metric: M) -> M {
    let Descriptor { name, help, .. } = &DESCRIPTORS[index];
    registry.register(name.trim_end_matches("_total"), *help, metric.clone());
    metric
}

fn usual() -> Histogram {
    Histogram::new(BUCKETS)
}

fn fine() -> Histogram {
    Histogram::new(FINE.into_iter().chain(BUCKETS))
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
