//! What `/metrics` says of real requests.

use std::collections::BTreeSet;

use doorward_testkit::recorder::{Recorder, Reply};
use serde_json::json;

use crate::{
    client::Connection,
    program::{Place, configuration},
};

/// The value of a sample; the labels as they are written.
fn value(text: &str, sample: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{sample} is not in\n{text}")).parse().expect("a number")
}

fn series(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_where_they_went() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&configuration(&upstream, "admin = \"127.0.0.1:0\"", ""));
    let mut admin = Connection::to(program.admin.expect("it listens")).await;
    let mut connection = Connection::to(program.address).await;
    for _ in 0..3 {
        connection.call("x").await.answer();
    }
    upstream.once("tools/call", Reply::raw("text/plain", "nonsense"));
    connection.call("x").await.answer();
    assert_eq!(connection.get("/nowhere").await.status, 404);
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    let mut listening = Connection::to(program.address).await;
    listening.send_modern("demo", "subscriptions/listen", None, listen, &[]).await;
    assert_eq!(listening.head().await.expect("an answer").0, 200);

    let text = admin.get("/metrics").await.body;
    let demo = |rest: &str| format!("doorward_requests_total{{server=\"demo\",{rest}}}");
    for (sample, expected) in [
        (demo(r#"decision="allowed",reason="ok",status="2xx""#), 3.0),
        (demo(r#"decision="allowed",reason="upstream_invalid",status="2xx""#), 1.0),
        (
            r#"doorward_requests_total{server="-",decision="refused",reason="not_found",status="4xx"}"#
                .into(),
            1.0,
        ),
        (r#"doorward_messages_total{server="demo",method="tools/call"}"#.into(), 4.0),
        (r#"doorward_request_duration_seconds_count{server="demo"}"#.into(), 4.0),
        (r#"doorward_upstream_duration_seconds_count{server="demo"}"#.into(), 4.0),
        (r#"doorward_gateway_duration_seconds_count{server="-"}"#.into(), 1.0),
        ("doorward_requests_in_flight".into(), 1.0),
        (r#"doorward_streams{server="demo"}"#.into(), 1.0),
        ("doorward_connections".into(), 2.0),
    ] {
        assert!((value(&text, &sample) - expected).abs() < 0.5, "{sample} should be {expected}\n{text}");
    }
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_cannot_make_series() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&configuration(&upstream, "admin = \"127.0.0.1:0\"", ""));
    let mut admin = Connection::to(program.admin.expect("it listens")).await;
    let mut connection = Connection::to(program.address).await;
    let mut before = BTreeSet::new();
    for round in 0..3 {
        for what in 0..20 {
            let odd = format!("odd-{round}-{what}");
            let (path, method) = (format!("/{odd}"), format!("ODD{round}X{what}"));
            connection.get(&path).await;
            connection.ask(&method, "/mcp/demo", &[], "").await.answer();
            connection.get(&format!("/mcp/{odd}")).await;
            connection.modern("demo", &odd, None, json!({}), &[]).await.answer();
            connection.modern("demo", "tools/call", Some(&odd), json!({ "name": odd }), &[]).await.answer();
        }
        let text = admin.get("/metrics").await.body;
        assert!(!text.contains("odd") && !text.contains("ODD"), "{text}");
        let now = series(&text);
        assert!(round == 0 || now == before, "{:?}", now.difference(&before));
        before = now;
    }
    program.stop().await;
}
