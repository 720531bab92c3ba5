use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::json;

use super::*;

#[expect(clippy::disallowed_methods, reason = "the body is limited")]
async fn post(url: &str, body: &Value) -> (u16, String) {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(url).body(Full::from(body.to_string())).unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), 1 << 20).collect().await.unwrap();
    (status, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

async fn model() -> ScriptedModel {
    let call = |tool: &str| Call { tool: tool.to_owned(), arguments: json!({ "a": 2, "b": 40 }) };
    ScriptedModel::start([call("get-sum"), call("door get-sum")]).await.unwrap()
}

#[tokio::test]
async fn messages_call_one_after_the_other_and_repeat_what_came_back() {
    let model = model().await;
    let url = format!("{}/v1/messages?beta=true", model.url());
    let tools = json!([{ "name": "Bash" }, { "name": "mcp__door__get-sum" }]);
    let (_, first) = post(&url, &json!({ "messages": [], "tools": tools })).await;
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["stop_reason"], "tool_use");
    assert_eq!(first["content"][0]["name"], "mcp__door__get-sum");
    assert_eq!(first["content"][0]["input"], json!({ "a": 2, "b": 40 }));
    let result = |text: &str| {
        let content = json!([{ "type": "text", "text": text }]);
        json!({ "role": "user", "content": [{ "type": "tool_result", "content": content }] })
    };
    let once = json!([{ "role": "user", "content": "add" }, result("42")]);
    let (_, second) = post(&url, &json!({ "messages": once, "tools": tools })).await;
    assert!(second.contains(r#""id":"call_1""#), "{second}");
    let twice = json!([{ "role": "user", "content": "add" }, result("42"), result("43")]);
    let (_, third) = post(&url, &json!({ "stream": true, "messages": twice, "tools": tools })).await;
    assert!(third.starts_with("event: message_start\ndata: {"), "{third}");
    assert!(third.contains(r"The tools say: 42\n43") && third.ends_with("\n\n"), "{third}");
    let asked = model.asked();
    assert_eq!(asked.iter().map(|asked| asked.results.len()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(asked[0].offered.len(), 2);
}

#[tokio::test]
async fn responses_find_the_tool_in_a_namespace() {
    let model = model().await;
    let url = format!("{}/v1/responses", model.url());
    let space = json!({ "type": "namespace", "name": "mcp__door", "tools": [{ "name": "get_sum" }] });
    let tools = json!([{ "type": "function", "name": "sum" }, space]);
    let (_, first) = post(&url, &json!({ "stream": true, "input": [], "tools": tools })).await;
    assert!(first.contains(r#""namespace":"mcp__door""#) && first.contains("response.completed"), "{first}");
    let output = json!({ "type": "function_call_output", "call_id": "call_1", "output": "42" });
    let (_, second) = post(&url, &json!({ "input": [output, output], "tools": tools })).await;
    let second: Value = serde_json::from_str(&second).unwrap();
    assert_eq!(second["output"][0]["content"][0]["text"], "The tools say: 42\n42");
    let names: Vec<String> = model.asked()[0].offered.iter().map(Offered::plain).collect();
    assert_eq!(names, ["sum", "mcp_door_get_sum"]);
    assert_eq!(model.asked()[1].results, ["42", "42"]);
}

#[tokio::test]
async fn nothing_is_called_that_is_not_offered() {
    let model = model().await;
    let tools = json!([{ "name": "forget-sum" }, { "name": "get-sum-of" }]);
    let (_, said) = post(&format!("{}/v1/messages", model.url()), &json!({ "tools": tools })).await;
    assert!(said.contains("end_turn"), "{said}");
    assert_eq!(post(&format!("{}/v1/models", model.url()), &json!({})).await.0, 404);
}
