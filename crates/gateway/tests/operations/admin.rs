//! Health, readiness and metrics: where they are answered, to whom, and what they say at the end.

use doorward_testkit::recorder::Recorder;

use crate::{
    client::Connection,
    program::{Place, configuration},
    soon,
};

const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

#[tokio::test(flavor = "multi_thread")]
async fn without_an_admin_listener_callers_get_them() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&configuration(&upstream, "", ""));
    let mut connection = Connection::to(program.address).await;
    for path in PROBES {
        let address = connection.ask("GET", path, &[("Host", "192.0.2.7:9090")], "").await.answer();
        assert_eq!(address.status, 200, "{path}: probes name addresses");
        // A page of somebody else's could name its own host, and would learn something from metrics only.
        let foreign = connection.ask("GET", path, &[("Host", "anything.example")], "").await.answer();
        assert_eq!(foreign.status, if path == "/metrics" { 421 } else { 200 }, "{path}");
        assert_eq!(connection.ask("POST", path, &[], "").await.answer().status, 405, "{path}");
    }
    let metrics = connection.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(metrics.body.contains("doorward_build_info{"), "{}", metrics.body);
    program.stop().await;
    assert_eq!(place.records().await.len(), 10, "there they are requests like any other");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_listener_has_them_alone() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&configuration(&upstream, "admin = \"127.0.0.1:0\"", ""));
    let mut public = Connection::to(program.address).await;
    let mut admin = Connection::to(program.admin.expect("it listens")).await;
    for path in PROBES {
        for method in ["GET", "POST", "OPTIONS"] {
            assert_eq!(public.ask(method, path, &[], "").await.answer().status, 404, "{method} {path}");
        }
        let answer = admin.ask("GET", path, &[("Host", "anything.example")], "").await.answer();
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{path}");
    }
    for path in ["/", "/mcp/demo", "/metrics/", "/.well-known/oauth-protected-resource/mcp/demo"] {
        assert_eq!(admin.get(path).await.status, 404, "{path} is not for this listener");
    }
    assert_eq!(admin.ask("POST", "/metrics", &[], "").await.answer().status, 404);
    assert_eq!(public.call("x").await.answer().status, 200);
    program.stop().await;
    assert_eq!(place.records().await.len(), 10, "what the admin listener answers leaves no record");
    assert!(upstream.requests_of("tools/call").len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_process_is_not_ready_and_serves_on_for_its_grace() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let listen = "admin = \"127.0.0.1:0\"\ngrace = \"1m\"";
    let mut program = place.start(&configuration(&upstream, listen, ""));
    let mut admin = Connection::to(program.admin.expect("it listens")).await;
    assert_eq!(admin.get("/readyz").await.body, "ready");
    program.signal("TERM");
    program.wait_for_log("stopping:");
    let turning = async {
        loop {
            let answer = admin.get("/readyz").await;
            if answer.status != 200 {
                break answer;
            }
        }
    };
    let answer = soon("the turn", turning).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "stopping"));
    assert_eq!(admin.get("/healthz").await.status, 200, "it is alive");
    let late = Connection::to(program.address).await.call("late").await.answer();
    assert_eq!(late.status, 200, "balancers that have not noticed still get answers");
    program.signal("INT");
    assert_eq!(program.ended().await.code(), Some(130), "the second signal insists");
}
