use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use doorward_model::{BatchMessage, Name};

use super::*;
use crate::reference::compare;

fn record(status: u16, decision: Decision, method: Option<&str>, upstream: bool) -> Record {
    Record {
        status,
        decision,
        method: method.map(str::to_owned),
        upstream: upstream.then(|| "u".to_owned()),
        gateway_us: 80,
        upstream_us: 30_000,
        total_us: 31_000,
        ..Record::default()
    }
}

/// Metrics in which everything has happened.
fn busy() -> Metrics {
    let metrics = Metrics::new();
    let demo = metrics.server("demo");
    for (reason, record) in [
        ("ok", record(200, Decision::Allowed, Some("tools/call"), true)),
        ("ok", record(200, Decision::Allowed, Some("tools/call"), true)),
        ("upstream_timeout", record(200, Decision::Allowed, Some("tools/list"), true)),
        ("unknown_method", record(404, Decision::Refused, Some("evil\"} 1\n"), false)),
        ("unfinished", record(0, Decision::Undecided, None, false)),
    ] {
        demo.opened();
        demo.closed(&record, reason);
    }
    metrics.unrouted().opened();
    metrics.unrouted().closed(&record(404, Decision::Refused, None, false), "not_found");
    demo.opened();
    metrics.tls_failure();
    metrics.configuration_change(true);
    let helper = Name::parse("helper").expect("a name");
    for delivery in
        [Delivery::Queued, Delivery::Queued, Delivery::Failed, Delivery::Delivered, Delivery::GivenUp]
    {
        metrics.delivery(&helper, delivery);
    }
    metrics.ends().count(&Name::parse("u").expect("a name"));
    metrics
}

fn text(metrics: &Metrics) -> String {
    metrics.render(&Sample { streams: vec![("demo".to_owned(), 3)], slots: 6 })
}

#[test]
fn the_messages_of_a_batch_are_counted_each() {
    let metrics = Metrics::new();
    let methods = ["tools/call", "tools/list", "tools/call"];
    let message = |method: &str| BatchMessage { method: Some(method.to_owned()), ..BatchMessage::default() };
    let batch = methods.map(message).into();
    let demo = metrics.server("demo");
    demo.opened();
    demo.closed(&Record { batch, ..record(200, Decision::Allowed, None, true) }, "ok");
    let text = text(&metrics);
    for line in [
        r#"doorward_messages_total{server="demo",method="tools/call"} 2"#,
        r#"doorward_messages_total{server="demo",method="tools/list"} 1"#,
        r#"doorward_requests_total{server="demo",decision="allowed",reason="ok",status="2xx"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn operations_of_agents_are_counted_by_their_names() {
    let metrics = Metrics::new();
    let agent = metrics.server("a2a/helper");
    for method in ["SendMessage", "SendMessage", "PushNotification", "sendmessage"] {
        agent.opened();
        agent.closed(&record(200, Decision::Allowed, Some(method), true), "ok");
    }
    let text = text(&metrics);
    for line in [
        r#"doorward_messages_total{server="a2a/helper",method="SendMessage"} 2"#,
        r#"doorward_messages_total{server="a2a/helper",method="PushNotification"} 1"#,
        r#"doorward_messages_total{server="a2a/helper",method="other"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn what_happened_is_counted() {
    let metrics = busy();
    let guard = metrics.connection();
    let text = text(&metrics);
    for line in [
        r#"doorward_requests_total{server="demo",decision="allowed",reason="ok",status="2xx"} 2"#,
        r#"doorward_requests_total{server="demo",decision="allowed",reason="upstream_timeout",status="2xx"} 1"#,
        r#"doorward_requests_total{server="demo",decision="refused",reason="unknown_method",status="4xx"} 1"#,
        r#"doorward_requests_total{server="demo",decision="undecided",reason="unfinished",status="none"} 1"#,
        r#"doorward_requests_total{server="-",decision="refused",reason="not_found",status="4xx"} 1"#,
        r#"doorward_messages_total{server="demo",method="tools/call"} 2"#,
        r#"doorward_messages_total{server="demo",method="other"} 1"#,
        r#"doorward_request_duration_seconds_count{server="demo"} 5"#,
        r#"doorward_request_duration_seconds_bucket{le="0.05",server="demo"} 5"#,
        r#"doorward_gateway_duration_seconds_bucket{le="0.0001",server="demo"} 5"#,
        r#"doorward_gateway_duration_seconds_bucket{le="0.00005",server="demo"} 0"#,
        r#"doorward_upstream_duration_seconds_count{server="demo"} 3"#,
        r#"doorward_streams{server="demo"} 3"#,
        "doorward_requests_in_flight 1",
        "doorward_records_waiting 5",
        "doorward_connections 1",
        "doorward_tls_failures_total 1",
        r#"doorward_configuration_changes_total{outcome="applied"} 1"#,
        r#"doorward_configuration_changes_total{outcome="refused"} 0"#,
        r#"doorward_push_deliveries_total{server="a2a/helper",outcome="queued"} 2"#,
        r#"doorward_push_deliveries_total{server="a2a/helper",outcome="failed"} 1"#,
        r#"doorward_push_deliveries_total{server="a2a/helper",outcome="delivered"} 1"#,
        r#"doorward_push_deliveries_total{server="a2a/helper",outcome="given_up"} 1"#,
        "# TYPE doorward_requests_total counter",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
    assert!(!text.contains("evil"), "what callers write is no label");
    drop(guard);
    assert!(self::text(&metrics).contains("\ndoorward_connections 0\n"));
}

#[test]
fn virtual_servers_that_are_gone_have_no_streams() {
    let metrics = busy();
    assert!(text(&metrics).contains("doorward_streams{server=\"demo\"} 3"));
    let text = metrics.render(&Sample { streams: vec![("other".to_owned(), 0)], slots: 0 });
    assert!(!text.contains("doorward_streams{server=\"demo\"}"), "{text}");
}

#[test]
fn upstreams_that_end_are_counted_by_name() {
    let metrics = busy();
    metrics.ends().count(&Name::parse("u").expect("a name"));
    assert!(text(&metrics).contains("\ndoorward_upstream_ends_total{upstream=\"u\"} 2\n"));
}

#[test]
fn the_same_server_goes_on_counting() {
    let metrics = busy();
    let again = metrics.server("demo");
    again.opened();
    again.closed(&record(200, Decision::Allowed, None, false), "ok");
    assert!(text(&metrics).contains("reason=\"ok\",status=\"2xx\"} 3"));
}

/// Name and type of every metric of a text.
fn families(text: &str) -> BTreeSet<(&str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
}

#[test]
fn every_metric_is_described() {
    let text = text(&busy());
    let described: BTreeSet<_> = DESCRIPTORS.iter().map(|known| (known.name, known.kind)).collect();
    assert_eq!(families(&text), described);
    for known in &DESCRIPTORS {
        let help = format!("# HELP {} {}.", known.name, known.help);
        assert!(text.lines().any(|line| line == help), "{help}");
        let sample = text.lines().find(|line| line.starts_with(known.name)).expect("a sample");
        for label in known.labels.split(", ").filter(|label| !label.is_empty()) {
            assert!(sample.contains(&format!("{}=\"", label.trim_matches('`'))), "{sample} has no {label}");
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\n`GET /metrics` answers in the text format of Prometheus, on `listen.admin` when that is set. \
         Durations are in seconds. Labels have few values: `server` is a virtual server of the configuration, an agent as \
         `a2a/<name>`, or `-` for requests that found none; `decision` and `reason` are those of the [record](audit-record.md), and \
         [refusals](refusals.md) lists the reasons; `status` is `2xx`, `4xx` and so on, `none` when nothing was \
         answered; `method` is a method of MCP, an operation of A2A, `PushNotification` where an agent calls back, or `other`. Nothing that a caller writes becomes a label.\n\n\
         | metric | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for Descriptor { name, kind, labels, help } in &DESCRIPTORS {
        let _ = writeln!(page, "| `{name}` | {kind} | {labels} | {help} |");
    }
    let list = |bounds: &[f64]| bounds.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    let _ = write!(
        page,
        "\nBuckets of durations: {}. `doorward_gateway_duration_seconds` has finer ones before them: {}.\n",
        list(&BUCKETS),
        list(&FINE),
    );
    page
}

#[test]
fn the_page_of_metrics_is_current() {
    compare("metrics.md", &page());
}

#[test]
fn promtool_has_nothing_to_say() {
    let Some(program) = std::env::var_os("DOORWARD_TEST_PROMTOOL") else {
        println!("DOORWARD_TEST_PROMTOOL is not set: promtool was not asked");
        return;
    };
    let mut promtool = Command::new(program);
    promtool.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut promtool = promtool.spawn().expect("promtool, which `cargo xtask tools` installs");
    let mut stdin = promtool.stdin.take().expect("a pipe");
    stdin.write_all(text(&busy()).as_bytes()).expect("it reads");
    drop(stdin);
    assert!(promtool.wait().expect("it ends").success());
}
