//! Whose word counts for the address in records.

use doorward_testkit::recorder::Recorder;

use crate::{
    client::Connection,
    program::{Place, configuration},
};

async fn peers(listen: &str) -> Vec<String> {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&configuration(&upstream, listen, ""));
    let mut connection = Connection::to(program.address).await;
    for headers in [
        vec![],
        vec![("X-Forwarded-For", "6.6.6.6, 192.0.2.7")],
        vec![("Forwarded", "for=6.6.6.6, for=\"[2001:db8::7]:99\";proto=https")],
        vec![("Forwarded", "for=6.6.6.6"), ("X-Forwarded-For", "192.0.2.7")],
    ] {
        assert_eq!(connection.call_with("x", &headers).await.answer().status, 200);
    }
    program.stop().await;
    assert!(!upstream.saw("192.0.2.7") && !upstream.saw("2001:db8::7"), "it is for records only");
    let text = |record: &serde_json::Value| record["peer"].as_str().unwrap_or_default().to_owned();
    place.records().await.iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_tells_the_callers_address() {
    let told = peers("trusted_proxies = [\"127.0.0.0/8\"]").await;
    assert_eq!(told, ["127.0.0.1", "192.0.2.7", "2001:db8::7", "127.0.0.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_does() {
    assert_eq!(peers("trusted_proxies = [\"10.0.0.0/8\"]").await, ["127.0.0.1"; 4]);
    assert_eq!(peers("").await, ["127.0.0.1"; 4]);
}
