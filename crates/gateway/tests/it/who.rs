//! Who is calling: open doors, tokens of issuers, and everything that is no token for here.

use doorward_testkit::recorder::Recorder;
use serde_json::json;

use crate::harness::Gateway;

#[tokio::test]
async fn an_open_server_asks_nobody() {
    let recorder = Recorder::start().await.unwrap();
    let gateway = Gateway::start(&format!(
        r#"
        [[upstream]]
        name = "u"
        url = "{}"
        [[server]]
        name = "open"
        upstreams = ["u"]
        access = "open"
        "#,
        recorder.url()
    ))
    .await;
    let answer = gateway.modern("open", "tools/list", json!({})).send().await;
    assert_eq!(answer.result()["tools"].as_array().map(Vec::len), Some(3));
    let record = gateway.last_record().await;
    assert_eq!((&record["decision"], &record["reason"]), (&json!("allowed"), &json!("ok")));
    gateway.finish().await;
}
