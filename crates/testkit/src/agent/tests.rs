use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use serde_json::json;

use super::*;
use crate::{issuer::KeyKind, recorder::Gate, webhook::Receiver};

/// Everything that comes back on a connection that ends after this one request.
async fn exchange(agent: &ScriptedAgent, method: &str, path: &str, body: &Value) -> String {
    let mut stream = send(agent, method, path, body).await;
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn send(agent: &ScriptedAgent, method: &str, path: &str, body: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(agent.origin().trim_start_matches("http://")).await.unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the parameters in place")]
fn call(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

fn message(dialect: Dialect, id: &str) -> Value {
    json!({ "message": payload::user_message(dialect, id, "hello") })
}

/// The `data` of every event.
fn events(answer: &str) -> Vec<Value> {
    let lines = answer.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|data| serde_json::from_str(data).unwrap()).collect()
}

async fn start() -> ScriptedAgent {
    ScriptedAgent::start().await.unwrap()
}

#[tokio::test]
async fn one_task_is_known_over_both_bindings_of_both_versions() {
    let agent = start().await;
    let sent =
        body(&exchange(&agent, "POST", "/rpc", &call("SendMessage", message(Dialect::V1, "m1"))).await);
    assert_eq!(sent["id"], 7);
    assert_eq!(sent["result"]["task"]["status"]["state"], "TASK_STATE_COMPLETED");
    let id = sent["result"]["task"]["id"].as_str().unwrap();
    let rest =
        body(&exchange(&agent, "GET", &format!("/rest/tasks/{id}?historyLength=1"), &Value::Null).await);
    assert_eq!(rest, sent["result"]["task"]);
    let old = body(&exchange(&agent, "POST", "/rpc", &call("tasks/get", json!({ "id": id }))).await);
    assert_eq!(old["result"]["status"]["state"], "completed");
    assert_eq!(old["result"]["kind"], "task");
    let proto = body(&exchange(&agent, "GET", &format!("/rest/v1/tasks/{id}"), &Value::Null).await);
    assert_eq!(proto, rest);
    let listed = body(&exchange(&agent, "GET", "/rest/acme/tasks", &Value::Null).await);
    assert_eq!(listed["totalSize"], 1);
    let elsewhere = exchange(&agent, "GET", "/rest/tasks?contextId=else%2Dwhere", &Value::Null).await;
    assert_eq!(body(&elsewhere)["tasks"], json!([]));
    assert_eq!(agent.requests()[5].parameter("contextId").as_deref(), Some("else-where"));

    let asked = agent.requests();
    let told = asked.iter().map(|asked| (asked.operation.as_str(), asked.version, asked.tenant.as_deref()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("SendMessage", Version::V1_0, None),
            ("GetTask", Version::V1_0, None),
            ("GetTask", Version::V0_3, None),
            ("GetTask", Version::V0_3, None),
            ("ListTasks", Version::V1_0, Some("acme")),
            ("ListTasks", Version::V1_0, None),
        ]
    );
    assert!(asked[1..4].iter().all(|asked| asked.task.as_deref() == Some(id)));
    assert!(agent.saw("historyLength=1") && !agent.saw("nothing"));
}

#[tokio::test]
async fn tasks_wait_end_and_are_missed_in_the_words_of_each_binding() {
    let agent = start().await;
    let asks = message(Dialect::V03Proto, "input-required-1");
    let sent = body(&exchange(&agent, "POST", "/rest/v1/message:send", &asks).await);
    assert_eq!(sent["task"]["status"]["state"], "TASK_STATE_INPUT_REQUIRED");
    let id = sent["task"]["id"].as_str().unwrap();
    let mut follow = message(Dialect::V1, "m2");
    follow["message"]["taskId"] = json!(id);
    let done = body(&exchange(&agent, "POST", "/rest/message:send", &follow).await);
    assert_eq!(done["task"]["id"], id);
    assert_eq!(done["task"]["status"]["state"], "TASK_STATE_COMPLETED");
    let refused = exchange(&agent, "POST", &format!("/rest/tasks/{id}:cancel"), &json!({})).await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert_eq!(body(&refused)["error"]["details"][0]["reason"], "TASK_NOT_CANCELABLE");
    agent.once("CancelTask", Answer::error(Fault::TASK_NOT_CANCELABLE.as_in_1_0_0().bare()));
    let older = exchange(&agent, "POST", &format!("/rest/tasks/{id}:cancel"), &json!({})).await;
    assert!(older.starts_with("HTTP/1.1 409") && !older.contains("details"), "{older}");
    let missed = body(&exchange(&agent, "POST", "/rpc", &call("GetTask", json!({ "id": "none" }))).await);
    assert_eq!(missed["error"]["code"], -32001);
    assert_eq!(missed["error"]["data"][0]["domain"], "a2a-protocol.org");
}

#[tokio::test]
async fn streams_follow_the_script_and_the_gate() {
    let agent = start().await;
    let whole =
        exchange(&agent, "POST", "/rpc", &call("message/stream", message(Dialect::V03Rpc, "m"))).await;
    let kinds: Vec<Value> = events(&whole).iter().map(|event| event["result"]["kind"].clone()).collect();
    assert_eq!(kinds, ["task", "status-update", "artifact-update", "status-update"]);
    assert_eq!(events(&whole)[3]["result"]["final"], true);

    let gate = Gate::default();
    let event = |state| payload::status_event(Dialect::V1, "t", "c", state);
    let stream = Stream::of([event("working"), event("completed")]).gated(&gate);
    agent.once("SendStreamingMessage", Answer::stream(stream));
    let mut open = send(&agent, "POST", "/rest/message:stream", &message(Dialect::V1, "m")).await;
    gate.release(1);
    let mut seen = Vec::new();
    while !seen.ends_with(b"\n\n\r\n") {
        assert_ne!(open.read_buf(&mut seen).await.unwrap(), 0);
    }
    assert!(!String::from_utf8(seen).unwrap().contains("COMPLETED"));
    assert_eq!(agent.fates().last(), Some(&Fate::Open));
    gate.end();
    open.shutdown().await.unwrap();
    let mut rest = String::new();
    open.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("COMPLETED") && rest.ends_with("0\r\n\r\n"), "{rest}");

    let broken = Stream::of([event("working")]).then_error(Fault::INTERNAL_ERROR).cut();
    agent.once("*", Answer::stream(broken));
    let broken = exchange(&agent, "POST", "/rpc", &call("SubscribeToTask", json!({ "id": "t" }))).await;
    assert!(broken.contains("event: error") && !broken.ends_with("0\r\n\r\n"), "{broken}");
    agent.wait_for_fate("SubscribeToTask", Fate::Cut).await.unwrap();
}

#[tokio::test]
async fn webhooks_are_kept_shown_and_called() {
    let agent = start().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.once(Reply::empty(503));
    let sent = body(
        &exchange(&agent, "POST", "/rpc", &call("SendMessage", message(Dialect::V1, "working-1"))).await,
    );
    let task = sent["result"]["task"]["id"].as_str().unwrap();
    let hook = json!({ "taskId": task, "url": receiver.url(), "token": "t0k",
        "authentication": { "scheme": "Bearer", "credentials": "s3cret" } });
    let made = body(&exchange(&agent, "POST", "/rpc", &call("CreateTaskPushNotificationConfig", hook)).await);
    let id = made["result"]["id"].as_str().unwrap();
    let old = body(
        &exchange(&agent, "POST", "/rpc", &call("tasks/pushNotificationConfig/list", json!({ "id": task })))
            .await,
    );
    assert_eq!(old["result"][0]["pushNotificationConfig"]["authentication"]["schemes"], json!(["Bearer"]));
    for status in [503, 204] {
        assert_eq!(agent.push(task, &json!({ "statusUpdate": {} })).await.unwrap(), [status]);
    }
    let deliveries = receiver.wait_for(2).await.unwrap();
    assert_eq!(deliveries[1].header("authorization"), Some("Bearer s3cret"));
    assert_eq!(deliveries[1].header("x-a2a-notification-token"), Some("t0k"));
    assert_eq!(deliveries[1].json(), json!({ "statusUpdate": {} }));
    let path = format!("/rest/tasks/{task}/pushNotificationConfigs/{id}");
    assert!(exchange(&agent, "DELETE", &path, &Value::Null).await.starts_with("HTTP/1.1 200"));
    assert!(exchange(&agent, "GET", &path, &Value::Null).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn cards_fit_the_interfaces_change_and_are_signed() {
    let old = ScriptedAgent::start_as(&[(Binding::HttpJson, Version::V0_3)]).await.unwrap();
    let card = body(&exchange(&old, "GET", "/.well-known/agent-card.json", &Value::Null).await);
    assert_eq!((&card["url"], &card["preferredTransport"]), (&json!(old.rest_url()), &json!("HTTP+JSON")));

    let agent = start().await;
    let key = CardKey::generate(KeyKind::Es256, "k1").unwrap();
    let mut card = agent.card();
    card["description"] = json!("");
    agent.set_card(card);
    agent.sign_card(&key).unwrap();
    let served = body(&exchange(&agent, "GET", "/.well-known/agent-card.json", &Value::Null).await);
    assert_eq!(served["signatures"].as_array().unwrap().len(), 1);
    assert_eq!(served["description"], "", "what is signed without it is served with it");
    let keys = body(&exchange(&agent, "GET", "/.well-known/jwks.json", &Value::Null).await);
    assert_eq!(keys["keys"][0]["kid"], "k1");
    agent.set_card_reply(Reply::empty(500));
    assert!(
        exchange(&agent, "GET", "/.well-known/agent-card.json", &Value::Null)
            .await
            .starts_with("HTTP/1.1 500")
    );
    assert_eq!(agent.requests_of("card").len(), 2);
}

/// One call over HTTP/2: the messages with their frames, and the trailers.
async fn grpc(agent: &ScriptedAgent, path: &str, message: &'static [u8]) -> (Bytes, Option<HeaderMap>) {
    let stream = TcpStream::connect(agent.grpc_authority()).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let running = tokio::spawn(connection);
    let uri = format!("http://{}{path}", agent.grpc_authority());
    let frame = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message].concat();
    let request =
        Request::post(uri).header("a2a-version", "1.0").body(Full::new(Bytes::from(frame))).unwrap();
    let answer = sender.send_request(request).await.unwrap().into_body();
    #[expect(clippy::disallowed_methods, reason = "our own agent sends what the test says")]
    let collected = answer.collect().await.unwrap();
    let trailers = collected.trailers().cloned();
    running.abort();
    (collected.to_bytes(), trailers)
}

#[tokio::test]
async fn over_grpc_there_is_what_the_script_has() {
    let agent = start().await;
    let (nothing, trailers) = grpc(&agent, "/lf.a2a.v1.A2AService/GetTask", b"\x0a\x01t").await;
    assert!(nothing.is_empty());
    assert_eq!(trailers.unwrap()["grpc-status"], "12");
    agent.once("SubscribeToTask", Answer::grpc(GrpcReply::of(["one".into(), "two".into()])));
    let (messages, trailers) = grpc(&agent, "/a2a.v1.A2AService/TaskSubscription", b"").await;
    assert_eq!(messages, &b"\0\0\0\0\x03one\0\0\0\0\x03two"[..]);
    assert_eq!(trailers.unwrap()["grpc-status"], "0");
    agent.once("*", Answer::grpc(GrpcReply::of(["half".into()]).without_trailers()));
    assert_eq!(grpc(&agent, "/lf.a2a.v1.A2AService/ListTasks", b"").await.1, None);
    agent.wait_for_fate("ListTasks", Fate::Answered).await.unwrap();
    let [get, subscribe, _] = agent.requests().try_into().unwrap();
    assert_eq!(get.request.body, &b"\x0a\x01t"[..]);
    assert_eq!(get.header("a2a-version"), Some("1.0"));
    assert_eq!((subscribe.binding, subscribe.version), (Binding::Grpc, Version::V0_3));
}
