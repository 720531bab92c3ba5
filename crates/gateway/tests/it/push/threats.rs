//! The attacks on webhooks that are known from other implementations.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_auth::keys::hash;
use doorward_testkit::recorder::Reply;

use super::*;

#[tokio::test]
async fn threat_ssrf_via_webhook_is_refused_at_registration() {
    let world = PushWorld::with((Binding::JsonRpc, Version::V1_0), "").await;
    let task = world.task("alice").await;
    for url in [
        world.receiver.url(),
        "http://localhost/".to_owned(),
        "http://10.0.0.7/".to_owned(),
        "http://192.168.1.1:8080/".to_owned(),
        "http://100.64.0.1/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::1]/".to_owned(),
        "http://[::ffff:127.0.0.1]/".to_owned(),
        "http://[fd00:ec2::254]/".to_owned(),
        "http://[64:ff9b::7f00:1]/".to_owned(),
        "http://2130706433/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "https://user:pass@hook.example/".to_owned(),
    ] {
        let mut config = world.config(&task, "c");
        config["url"] = json!(url);
        let refused = world.create("alice", &config).await;
        assert_eq!(refused.error_code(), -32602, "{url}: {}", refused.text());
        assert!(refused.text().contains("url"), "the field is named: {}", refused.text());
        let params = json!({
            "message": payload::user_message(Dialect::V1, "m", "x"),
            "configuration": { "taskPushNotificationConfig": config },
        });
        let refused = world.rpc("alice", "SendMessage", &params).send().await;
        assert!(
            refused.text().contains("configuration.taskPushNotificationConfig.url"),
            "{}",
            refused.text()
        );
    }
    assert!(world.agent.requests_of("CreateTaskPushNotificationConfig").is_empty());
    assert_eq!(world.agent.requests_of("SendMessage").len(), 1);
    assert!(world.receiver.deliveries().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn threat_ssrf_via_webhook_metadata_services_are_refused_whatever_is_allowed() {
    let everything = "[network]\nallow_private = [\"0.0.0.0/0\", \"::/0\"]";
    let world = PushWorld::with((Binding::JsonRpc, Version::V1_0), everything).await;
    let task = world.task("alice").await;
    for url in ["http://169.254.169.254/", "http://[::ffff:169.254.169.254]/", "http://100.100.100.200/"] {
        let mut config = world.config(&task, "c");
        config["url"] = json!(url);
        assert_eq!(world.create("alice", &config).await.error_code(), -32602, "{url}");
    }
    world.finish().await;
}

#[tokio::test]
async fn threat_ssrf_via_webhook_redirects_are_not_followed() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    let inner = Receiver::start().await.unwrap();
    world.gateway.clock.stop();
    world.receiver.once(Reply::empty(307).header("Location", &inner.url()));
    assert_eq!(world.tell(&task, "completed").await, [204]);
    world.advance_after_failure(&task, 2).await;
    assert_eq!(world.receiver.wait_for(2).await.unwrap()[1].target, "/hook", "again where it was registered");
    assert!(inner.deliveries().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn threat_webhook_hijack_other_callers_webhooks_do_not_exist() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    let asked = world.agent.requests().len();
    let one = |task: &str| json!({ "taskId": task, "id": "c" });
    for method in [
        "CreateTaskPushNotificationConfig",
        "GetTaskPushNotificationConfig",
        "ListTaskPushNotificationConfigs",
        "DeleteTaskPushNotificationConfig",
    ] {
        let answer = async |task: &str| {
            let mut params = one(task);
            if method.starts_with("Create") {
                params["url"] = json!(world.receiver.url_of("mallory"));
            }
            world.rpc("mallory", method, &params).send().await.observable()
        };
        let theirs = answer(&task).await;
        assert_eq!(theirs, answer("no-such-task").await, "{method}");
        assert!(theirs.2.contains("-32001"), "{}", theirs.2);
    }
    assert_eq!(world.agent.requests().len(), asked, "the agent is not asked");
    assert_eq!(world.tell(&task, "completed").await, [204]);
    assert_eq!(world.receiver.wait_for(1).await.unwrap()[0].target, "/hook");
    world.finish().await;
}

#[tokio::test]
async fn threat_webhook_hijack_a_callback_needs_both_halves_of_its_secret() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    let (url, token) = world.callback();
    let target = url.strip_prefix(&world.gateway.url()).unwrap();
    let event = payload::status_event(Dialect::V1, &task, "context-1", "completed");
    let other_token = "f1e2d3c4".repeat(8);
    let other_path = format!("/a2a/helper/push-notifications/{}", "0".repeat(32));
    let bearer = format!("Bearer {other_token}");
    let unknown_agent = world.post_as_stranger("/a2a/nobody/push-notifications/x", &[], &event).await;
    world.gateway.expect_record("POST /a2a/nobody/push-notifications/*");
    let seen = |answer: &Answer| (answer.status, answer.header("content-type").map(str::to_owned));
    for (target, headers) in [
        (target, vec![]),
        (target, vec![("X-A2A-Notification-Token", other_token.as_str())]),
        (target, vec![("Authorization", bearer.as_str())]),
        (target, vec![("X-A2A-Notification-Token", "")]),
        (other_path.as_str(), vec![("X-A2A-Notification-Token", token.as_str())]),
        ("/a2a/helper/push-notifications/", vec![("X-A2A-Notification-Token", token.as_str())]),
    ] {
        let answer = world.post_as_stranger(target, &headers, &event).await;
        world.gateway.expect_record(CALLBACK);
        assert_eq!(seen(&answer), seen(&unknown_agent), "{target} {headers:?}");
        assert_eq!(answer.status, 404);
        let strip = |answer: &Answer| {
            let mut body = answer.json();
            body["error"]["data"]["requestId"].take();
            body
        };
        assert_eq!(strip(&answer), strip(&unknown_agent));
    }
    // Either header will do, and the credential of those that send nothing else.
    let bearer = format!("Bearer {token}");
    for header in [("A2A-Notification-Token", token.as_str()), ("Authorization", bearer.as_str())] {
        assert_eq!(world.post_as_stranger(target, &[header], &event).await.status, 204);
        world.gateway.expect_record(CALLBACK);
    }
    world.gateway.plant(&token);
    assert_eq!(states(&world.receiver.wait_for(1).await.unwrap()), ["TASK_STATE_COMPLETED"]);
    world.finish().await;
}

#[tokio::test]
async fn threat_secret_theft_via_list_push_configs() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    let list = json!({ "taskId": task });
    let foreign = world.rpc("mallory", "ListTaskPushNotificationConfigs", &list).send().await;
    assert_eq!(foreign.error_code(), -32001);
    let own = world.rpc("alice", "ListTaskPushNotificationConfigs", &list).send().await;
    assert_eq!(own.result()["configs"][0]["authentication"], json!({ "scheme": "Bearer" }));
    let (url, token) = world.callback();
    for secret in [TOKEN, CREDENTIALS, &url, &token] {
        assert!(!own.text().contains(secret), "{}", own.text());
    }
    // That nothing of it is in the store, in records or in any answer is checked at the end of every test.
    world.gateway.plant(&token);
    world.finish().await;
}

/// The claims of a signature that the published keys verify.
async fn proven(world: &PushWorld, token: &str) -> (Value, Value) {
    let jwks = world.gateway.call("GET", "/.well-known/jwks.json").send().await;
    let keys = doorward_auth::keys::KeySet::parse(&jwks.body).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let [header, claims] = [0, 1].map(|part| {
        let part = URL_SAFE_NO_PAD.decode(message.split('.').nth(part).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&part).unwrap()
    });
    let algorithm = doorward_model::Algorithm::Es256;
    let is_signed = {
        let mut found = keys.find(header["kid"].as_str(), algorithm);
        found.any(|key| key.verifies(algorithm, message.as_bytes(), &signature))
    };
    assert!(is_signed, "{header}");
    (header, claims)
}

#[tokio::test]
async fn threat_push_replay_deliveries_are_signed_for_one_receiver_and_one_body() {
    let world = PushWorld::start().await;
    let task = world.task("alice").await;
    // Without credentials of its own, the signature is in `Authorization` too.
    let config = json!({ "taskId": task, "id": "c", "url": world.receiver.url() });
    world.create("alice", &config).await.result();
    world.gateway.clock.stop();
    world.receiver.once(Reply::empty(500));
    for state in ["working", "completed"] {
        assert_eq!(world.tell(&task, state).await, [204]);
    }
    world.advance_after_failure(&task, 2).await;
    let deliveries = world.receiver.wait_for(3).await.unwrap();
    let mut all = Vec::new();
    for delivery in &deliveries {
        let signature = delivery.header("doorward-signature").unwrap();
        assert_eq!(delivery.header("authorization"), Some(format!("Bearer {signature}").as_str()));
        let (header, claims) = proven(&world, signature).await;
        assert_eq!(header["typ"], "doorward-push+jwt");
        assert_eq!(claims["iss"], world.gateway.url());
        assert_eq!(claims["aud"], world.receiver.url().trim_end_matches("/hook"));
        assert_eq!(claims["taskId"], json!(task));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert_eq!(claims["request_body_sha256"], hash::hex(&hash::sha256(&delivery.body)));
        all.push(claims);
    }
    assert_eq!(all[0]["jti"], all[1]["jti"], "an attempt at the same delivery is known by it");
    assert_ne!(all[0]["iat"], all[1]["iat"], "and signed anew");
    assert_ne!(all[1]["jti"], all[2]["jti"]);
    world.finish().await;
}

#[tokio::test]
async fn threat_header_injection_via_credentials() {
    let world = PushWorld::start().await;
    let task = world.task("alice").await;
    let evil = "x\r\nX-Admin: 1";
    for (member, field) in [
        (json!({ "token": evil }), "token"),
        (
            json!({ "authentication": { "scheme": "Bearer", "credentials": evil } }),
            "authentication.credentials",
        ),
        (json!({ "authentication": { "scheme": evil, "credentials": "c" } }), "authentication.scheme"),
        (json!({ "url": format!("{}\r\nX-Admin: 1", world.receiver.url()) }), "url"),
    ] {
        let mut config = world.config(&task, "c");
        for (name, value) in member.as_object().unwrap() {
            config[name] = value.clone();
        }
        let refused = world.create("alice", &config).await;
        assert_eq!(refused.error_code(), -32602, "{}", refused.text());
        assert!(refused.text().contains(field), "{}", refused.text());
    }
    assert!(world.agent.requests_of("CreateTaskPushNotificationConfig").is_empty());
    world.finish().await;
}

/// Half of a secret is in the path, whoever asks for it in whatever way.
#[tokio::test]
async fn callback_ids_are_not_in_records() {
    let world = PushWorld::start().await;
    world.webhook().await;
    let (url, _) = world.callback();
    let path = url.trim_start_matches(&world.gateway.url()).to_owned();
    world.gateway.plant(path.rsplit('/').next().unwrap());
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "POST"] {
        for name in ["helper", "nobody"] {
            let path = path.replace("helper", name);
            world.gateway.call(method, &path).unrecorded().send().await;
            world.gateway.expect_record(&format!("{method} /a2a/{name}/push-notifications/*"));
        }
    }
    let elsewhere = world.gateway.call("GET", &path).unrecorded().set("Host", "elsewhere.example");
    assert_eq!(elsewhere.send().await.status, 421);
    world.gateway.expect_record("GET /a2a/helper/push-notifications/*");
    world.finish().await;
}
