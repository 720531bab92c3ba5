//! W3C trace context: the caller's trace goes on through Doorward, as a child of its own.

use serde_json::{Value, json};

use crate::harness::{World, meta};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn parent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{SPAN}-{flags}")
}

fn with_meta(traceparent: &Value) -> Value {
    let mut meta = meta();
    meta["traceparent"] = traceparent.clone();
    json!({ "_meta": meta })
}

/// Trace id, span id and flags of what the upstream saw last, in its header and in `_meta`.
fn seen(world: &World) -> (Vec<String>, Value) {
    let request = world.recorder.requests().pop().unwrap();
    let header = request.header("traceparent").unwrap_or_default().to_owned();
    let parts = header.split('-').map(str::to_owned).collect();
    (parts, request.json()["params"]["_meta"]["traceparent"].clone())
}

#[tokio::test]
async fn the_callers_trace_goes_on_as_a_child_of_ours() {
    let world = World::strict("").await;
    for flags in ["01", "00"] {
        let call = world.gateway.modern("open", "tools/list", json!({}));
        let call = call.header("traceparent", &parent(TRACE, flags)).header("tracestate", "vendor=1,other=2");
        assert_eq!(call.send().await.status, 200);
        let (header, in_meta) = seen(&world);
        assert_eq!(header[..2], ["00", TRACE]);
        assert_eq!(header[3], flags, "sampled or not is the caller's word");
        assert_ne!(header[2], SPAN, "a span of our own");
        assert_eq!(header[2].len(), 16);
        assert_eq!(in_meta, header.join("-"), "and the same in `_meta`");
        let request = world.recorder.requests().pop().unwrap();
        assert_eq!(request.header("tracestate"), Some("vendor=1,other=2"));
        assert_eq!(world.gateway.last_record().await["trace_id"], TRACE);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_trace_in_the_message_is_closer_than_one_in_the_header() {
    let world = World::strict("").await;
    let inner = "1234567890abcdef1234567890abcdef";
    let params = with_meta(&parent(inner, "01").into());
    let call = world.gateway.modern("open", "tools/list", params.clone());
    assert_eq!(call.clone().send().await.status, 200);
    let (header, in_meta) = seen(&world);
    assert_eq!(header[1], inner);
    assert_eq!(in_meta, header.join("-"));
    assert_eq!(
        world.recorder.requests().pop().unwrap().json()["params"]["_meta"].as_object().unwrap().len(),
        4
    );

    let call = call.header("traceparent", &parent(TRACE, "00")).header("tracestate", "of=the-header");
    assert_eq!(call.send().await.status, 200);
    let (header, in_meta) = seen(&world);
    assert_eq!(header[1], inner);
    assert_eq!(in_meta, header.join("-"));
    let request = world.recorder.requests().pop().unwrap();
    assert_eq!(request.header("tracestate"), None, "state of another trace does not fit this one");

    let session = world.gateway.session("open", None).await;
    let params = json!({ "_meta": { "traceparent": parent(inner, "01") } });
    let call = world.gateway.legacy("open", Some(&session), "tools/list", &params);
    assert_eq!(call.send().await.status, 200);
    assert_eq!(seen(&world).0[1], inner, "within a session too");
    world.finish().await;
}

#[tokio::test]
async fn without_a_trace_there_is_one_of_ours_and_the_message_stays_as_it_was() {
    let world = World::strict("").await;
    assert_eq!(world.gateway.modern("open", "tools/list", json!({})).send().await.status, 200);
    let (header, in_meta) = seen(&world);
    let record = world.gateway.last_record().await;
    assert_eq!(header[1], record["trace_id"]);
    assert_eq!(header[3], "00");
    assert_eq!(in_meta, Value::Null, "nothing is put into a message that had none");
    world.finish().await;
}

#[tokio::test]
async fn malformed_traces_are_ignored_with_their_state() {
    let world = World::strict("").await;
    for bad in [
        String::new(),
        "x".into(),
        format!("00-{TRACE}-{SPAN}"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}x-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-0g"),
        format!("{}-{TRACE}", "0".repeat(70_000 / 10)),
    ] {
        let call = world.gateway.modern("open", "tools/list", json!({}));
        let call = call.header("traceparent", &bad).header("tracestate", "of=nothing");
        assert_eq!(call.send().await.status, 200, "{bad:?}");
        let (header, _) = seen(&world);
        let context = &bad[..bad.len().min(80)];
        assert_ne!(header[1], TRACE, "{context:?}");
        assert_eq!(world.recorder.requests().pop().unwrap().header("tracestate"), None, "{context:?}");
        assert_eq!(world.gateway.last_record().await["trace_id"], header[1], "{context:?}");
    }
    // In a message too: it is ignored as a trace, and replaced where there is another.
    for bad in [json!("x"), json!(7), json!(null), json!({ "a": 1 })] {
        let call = world.gateway.modern("open", "tools/list", with_meta(&bad));
        assert_eq!(call.send().await.status, 200, "{bad}");
        assert_ne!(seen(&world).0[1], TRACE);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_refused_request_is_found_by_its_trace() {
    let world = World::start().await;
    let call = world.gateway.call("POST", "/mcp/jwt").header("traceparent", &parent(TRACE, "01"));
    assert_eq!(call.send().await.status, 401);
    assert_eq!(world.gateway.last_record().await["trace_id"], TRACE);
    world.finish().await;
}
