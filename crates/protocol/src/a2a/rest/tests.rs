use std::borrow::Cow;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::json::{Document, Value};

fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), 32).unwrap()
}

fn read(method: &str, path: &str, body: Option<&str>) -> Result<String, RestError> {
    let body = body.map(document);
    let params = params(&parse(method, path)?, body.as_ref())?;
    Ok(String::from_utf8(params.into_owned()).unwrap())
}

#[test]
fn a_body_to_which_the_path_adds_nothing_is_taken_as_it_is() {
    let body = document(r#" {"message":{"messageId":"m"},"x":1.0} "#);
    let merged = params(&parse("POST", "/message:send").unwrap(), Some(&body)).unwrap();
    assert!(matches!(merged, Cow::Borrowed(bytes) if bytes == &body.bytes()[..]));
    let merged = params(&parse("POST", "/t/message:send").unwrap(), Some(&body)).unwrap();
    assert!(matches!(merged, Cow::Owned(_)));
}

#[test]
fn every_path_of_both_versions_is_its_operation() {
    use Operation as O;
    use Version::{V0_3, V1_0};
    for (method, path, operation, version) in [
        ("POST", "/message:send", O::SendMessage, V1_0),
        ("POST", "/message:stream", O::SendStreamingMessage, V1_0),
        ("GET", "/tasks/t", O::GetTask, V1_0),
        ("GET", "/tasks", O::ListTasks, V1_0),
        ("POST", "/tasks/t:cancel", O::CancelTask, V1_0),
        ("POST", "/tasks/t:subscribe", O::SubscribeToTask, V1_0),
        ("GET", "/tasks/t:subscribe", O::SubscribeToTask, V1_0),
        ("POST", "/tasks/t/pushNotificationConfigs", O::CreatePushConfig, V1_0),
        ("GET", "/tasks/t/pushNotificationConfigs", O::ListPushConfigs, V1_0),
        ("GET", "/tasks/t/pushNotificationConfigs/c", O::GetPushConfig, V1_0),
        ("DELETE", "/tasks/t/pushNotificationConfigs/c", O::DeletePushConfig, V1_0),
        ("GET", "/extendedAgentCard", O::GetExtendedAgentCard, V1_0),
        ("POST", "/v1/message:send", O::SendMessage, V0_3),
        ("POST", "/v1/message:stream", O::SendStreamingMessage, V0_3),
        ("GET", "/v1/tasks/t", O::GetTask, V0_3),
        ("POST", "/v1/tasks/t:cancel", O::CancelTask, V0_3),
        ("POST", "/v1/tasks/t:subscribe", O::SubscribeToTask, V0_3),
        ("GET", "/v1/tasks/t:subscribe", O::SubscribeToTask, V0_3),
        ("POST", "/v1/tasks/t/pushNotificationConfigs", O::CreatePushConfig, V0_3),
        ("POST", "/v1/task/t/pushNotificationConfigs", O::CreatePushConfig, V0_3),
        ("GET", "/v1/tasks/t/pushNotificationConfigs", O::ListPushConfigs, V0_3),
        ("GET", "/v1/tasks/t/pushNotificationConfigs/c", O::GetPushConfig, V0_3),
        ("DELETE", "/v1/tasks/t/pushNotificationConfigs/c", O::DeletePushConfig, V0_3),
        ("GET", "/v1/card", O::GetExtendedAgentCard, V0_3),
    ] {
        for tenant in [None, Some("acme")] {
            let path = tenant.map_or_else(|| path.to_owned(), |tenant| format!("/{tenant}{path}"));
            let request = parse(method, &path).unwrap();
            assert_eq!((request.operation, request.version), (operation, version), "{method} {path}");
            assert_eq!(request.tenant.as_deref(), tenant, "{path}");
            assert_eq!(
                request.task.is_some(),
                path.contains("/t/") || path.contains("/t:") || path.ends_with("/t"),
                "{path}"
            );
            let wrong = parse("PATCH", &path).unwrap_err();
            let RestError::MethodNotAllowed(allow) = wrong else { panic!("{wrong}") };
            assert!(allow.split(", ").any(|allowed| allowed == method), "{method} {path}: {allow}");
        }
    }
}

#[test]
fn nothing_else_is_a_path() {
    for path in [
        "",
        "tasks",
        "/",
        "//",
        "/v1",
        "/v1/",
        "/v1/tasks",
        "/v1/extendedAgentCard",
        "/card",
        "/message",
        "/message:sends",
        "/message%3Asend/x",
        "/tasks/t/pushNotificationConfigs/c/d",
        "/a/b/tasks/t",
        "/tasks/t/",
        "/a/v1/tasks",
        "/message:send/",
    ] {
        let answer = parse("GET", path).map(|request| (request.operation, request.task));
        let refused = matches!(answer, Err(RestError::NotFound | RestError::Id(_)));
        assert!(refused, "{path}: {answer:?}");
    }
}

#[test]
fn ids_are_decoded_once_and_never_become_something_else() {
    for (path, id) in [
        ("/tasks/a%20b", "a b"),
        ("/tasks/%2561", "%61"),
        ("/tasks/a:b:c", "a:b:c"),
        ("/tasks/a%3Acancel", "a:cancel"),
        ("/tasks/a+b", "a+b"),
        ("/tasks/%F0%9F%98%80", "\u{1F600}"),
        ("/tasks/:cancelled", ":cancelled"),
    ] {
        let request = parse("GET", path).unwrap();
        assert_eq!((request.operation, request.task.as_deref()), (Operation::GetTask, Some(id)), "{path}");
    }
    let request = parse("POST", "/tasks/a:cancel:cancel").unwrap();
    assert_eq!(request.task.as_deref(), Some("a:cancel"));
    for path in [
        "/tasks/",
        "/tasks/a%2Fb",
        "/tasks/a%2fb",
        "/tasks/%00",
        "/tasks/%",
        "/tasks/%2",
        "/tasks/%zz",
        "/tasks/%FF",
        "/tasks/..",
        "/tasks/%2e%2E",
        "/tasks/%2e",
        "/tasks//pushNotificationConfigs",
        "/tasks/a/pushNotificationConfigs/",
        "/tasks/a/pushNotificationConfigs/%2F",
        "/%2F/tasks/a",
        "//tasks/a",
        "/tasks/:subscribe",
    ] {
        assert!(matches!(parse("GET", path), Err(RestError::Id(_))), "{path}");
    }
}

#[test]
fn a_verb_is_never_an_id_for_the_wrong_method() {
    assert_eq!(parse("GET", "/tasks/a:cancel"), Err(RestError::MethodNotAllowed("POST")));
    assert_eq!(parse("DELETE", "/tasks/a:subscribe"), Err(RestError::MethodNotAllowed("GET, POST")));
}

#[test]
fn path_and_query_become_typed_parameters() {
    for (method, path, params) in [
        ("GET", "/tasks/t?historyLength=3", r#"{"id":"t","historyLength":3}"#),
        ("GET", "/tasks/t?history_length=0&x=%zz&&=", r#"{"id":"t","historyLength":0}"#),
        ("GET", "/acme/tasks/t?tenant=acme", r#"{"id":"t","tenant":"acme"}"#),
        ("GET", "/tasks?tenant=acme&pageSize=", r#"{"tenant":"acme"}"#),
        (
            "GET",
            "/tasks?contextId=a%26b+c&status=TASK_STATE_WORKING&pageSize=5&pageToken=%7Bx%22&includeArtifacts=true\
             &statusTimestampAfter=2026-01-01T00%3A00%3A00Z",
            r#"{"contextId":"a&b c","status":"TASK_STATE_WORKING","pageSize":5,"pageToken":"{x\"","includeArtifacts":true,"statusTimestampAfter":"2026-01-01T00:00:00Z"}"#,
        ),
        ("GET", "/tasks?status=2", r#"{"status":"TASK_STATE_WORKING"}"#),
        ("GET", "/tasks/t/pushNotificationConfigs/c", r#"{"taskId":"t","id":"c"}"#),
        ("GET", "/tasks/t/pushNotificationConfigs?pageSize=2", r#"{"taskId":"t","pageSize":2}"#),
        ("GET", "/v1/tasks/t?historyLength=3", r#"{"name":"tasks/t","historyLength":3}"#),
        (
            "DELETE",
            "/v1/tasks/t/pushNotificationConfigs/c",
            r#"{"name":"tasks/t/pushNotificationConfigs/c"}"#,
        ),
        ("GET", "/v1/tasks/t/pushNotificationConfigs", r#"{"parent":"tasks/t"}"#),
        ("GET", "/v1/card", "{}"),
        ("GET", "/acme/extendedAgentCard", r#"{"tenant":"acme"}"#),
    ] {
        assert_eq!(read(method, path, None).as_deref(), Ok(params), "{path}");
    }
}

#[test]
fn a_query_that_is_not_of_its_type_or_says_it_twice_is_refused() {
    for (path, field) in [
        ("/tasks/t?historyLength=3.0", "historyLength"),
        ("/tasks/t?historyLength=99999999999", "historyLength"),
        ("/tasks/t?historyLength=1&history_length=1", "historyLength"),
        ("/tasks?status=busy", "status"),
        ("/tasks?status=9", "status"),
        ("/tasks?includeArtifacts=1", "includeArtifacts"),
        ("/tasks?pageToken=%FF", "pageToken"),
        ("/tasks?A2A-Version=1.0&a2a-version=0.3", "A2A-Version"),
    ] {
        assert_eq!(parse("GET", path), Err(RestError::Query(field)), "{path}");
    }
    assert_eq!(read("GET", "/acme/tasks?tenant=other", None), Err(RestError::Conflict("tenant")));
}

#[test]
fn the_version_in_the_query_is_told_apart() {
    let request = parse("POST", "/message:send?a=b&A2A-Version=1.0").unwrap();
    assert_eq!(request.version_in_query.as_deref(), Some("1.0"));
    assert_eq!(parse("POST", "/message:send?A2A-Version=").unwrap().version_in_query, None);
}

#[test]
fn bodies_are_kept_as_they_are_and_the_path_is_put_in() {
    for (method, path, body, params) in [
        ("POST", "/message:send", r#"{ "message" : 1.50 }"#, r#"{ "message" : 1.50 }"#),
        ("POST", "/acme/message:send", r#"{"message":{}}"#, r#"{"message":{},"tenant":"acme"}"#),
        ("POST", "/acme/message:send", r#"{"tenant":"acme"}"#, r#"{"tenant":"acme"}"#),
        ("POST", "/tasks/t:cancel", r#"{"metadata":{"a":1e2}}"#, r#"{"metadata":{"a":1e2},"id":"t"}"#),
        ("POST", "/tasks/t:cancel", "null", r#"{"id":"t"}"#),
        ("POST", "/tasks/t:subscribe", "{}", r#"{"id":"t"}"#),
        (
            "POST",
            "/tasks/t/pushNotificationConfigs",
            r#"{"task_id":"t","taskId":"","url":"u"}"#,
            r#"{"taskId":"t","url":"u"}"#,
        ),
        ("POST", "/v1/message:send", r#"{"request":{}}"#, r#"{"request":{}}"#),
        ("POST", "/v1/tasks/t:cancel", r#"{"name":"tasks/t"}"#, r#"{"name":"tasks/t"}"#),
        (
            "POST",
            "/v1/tasks/t/pushNotificationConfigs?configId=c",
            r#"{"name":"tasks/t","pushNotificationConfig":{"url":"u"}}"#,
            r#"{"parent":"tasks/t","configId":"c","config":{"name":"tasks/t","pushNotificationConfig":{"url":"u"}}}"#,
        ),
        (
            "POST",
            "/v1/tasks/t/pushNotificationConfigs",
            r#"{"config_id":"c","config":{"name":"tasks/t/pushNotificationConfigs/c"}}"#,
            r#"{"config_id":"c","config":{"name":"tasks/t/pushNotificationConfigs/c"},"parent":"tasks/t"}"#,
        ),
    ] {
        assert_eq!(read(method, path, Some(body)).as_deref(), Ok(params), "{path} {body}");
    }
    assert_eq!(read("POST", "/tasks/t:cancel", None).as_deref(), Ok(r#"{"id":"t"}"#));
    for (path, body) in
        [("/message:send", None), ("/message:send", Some("[]")), ("/tasks/t:cancel", Some("3"))]
    {
        assert_eq!(read("POST", path, body), Err(RestError::Body), "{path} {body:?}");
    }
}

#[test]
fn a_body_that_contradicts_the_path_is_refused_in_every_spelling() {
    for (path, body, field) in [
        ("/tasks/t:cancel", r#"{"id":"u"}"#, "id"),
        ("/tasks/t:cancel", r#"{"ID":"u"}"#, "id"),
        ("/tasks/t:cancel", r#"{"id":7}"#, "id"),
        ("/acme/message:send", r#"{"tenant":"b"}"#, "tenant"),
        ("/tasks/t/pushNotificationConfigs", r#"{"taskId":"t","task_id":"u"}"#, "taskId"),
        ("/tasks/t/pushNotificationConfigs", r#"{"TaskId":"u"}"#, "taskId"),
        ("/v1/tasks/t:cancel", r#"{"name":"tasks/u"}"#, "name"),
        ("/v1/tasks/t/pushNotificationConfigs", r#"{"parent":"tasks/u","config":{}}"#, "parent"),
        ("/v1/tasks/t/pushNotificationConfigs", r#"{"name":"tasks/tt"}"#, "config.name"),
        ("/v1/tasks/t/pushNotificationConfigs", r#"{"config":{"name":"tasks/u"}}"#, "config.name"),
    ] {
        assert_eq!(read("POST", path, Some(body)), Err(RestError::Conflict(field)), "{path} {body}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn parameters_become_requests() {
    use Operation as O;
    use Version::{V0_3, V1_0};
    for (version, operation, tenant, params, method, path, body) in [
        (V1_0, O::SendMessage, None, r#"{"message":{}}"#, "POST", "/message:send", Some(r#"{"message":{}}"#)),
        (
            V1_0,
            O::SendMessage,
            Some("a/c".replace('/', "")),
            r#"{"tenant":"x","message":{}}"#,
            "POST",
            "/ac/message:send",
            Some(r#"{"message":{}}"#),
        ),
        (
            V1_0,
            O::GetTask,
            None,
            r#"{"id":"a b:c","historyLength":0,"tenant":"x"}"#,
            "GET",
            "/tasks/a%20b%3Ac?historyLength=0",
            None,
        ),
        (
            V1_0,
            O::ListTasks,
            None,
            r#"{"status":"TASK_STATE_WORKING","includeArtifacts":false,"pageToken":"a&b","contextId":""}"#,
            "GET",
            "/tasks?status=TASK_STATE_WORKING&pageToken=a%26b&includeArtifacts=false",
            None,
        ),
        (
            V1_0,
            O::CancelTask,
            None,
            r#"{"id":"t","metadata":{"a":1}}"#,
            "POST",
            "/tasks/t:cancel",
            Some(r#"{"metadata":{"a":1}}"#),
        ),
        (V1_0, O::SubscribeToTask, None, r#"{"id":"t"}"#, "POST", "/tasks/t:subscribe", None),
        (
            V1_0,
            O::CreatePushConfig,
            None,
            r#"{"taskId":"t","url":"u"}"#,
            "POST",
            "/tasks/t/pushNotificationConfigs",
            Some(r#"{"taskId":"t","url":"u"}"#),
        ),
        (
            V1_0,
            O::GetPushConfig,
            None,
            r#"{"taskId":"t","id":"c"}"#,
            "GET",
            "/tasks/t/pushNotificationConfigs/c",
            None,
        ),
        (
            V1_0,
            O::DeletePushConfig,
            None,
            r#"{"taskId":"t","id":"c"}"#,
            "DELETE",
            "/tasks/t/pushNotificationConfigs/c",
            None,
        ),
        (
            V1_0,
            O::ListPushConfigs,
            None,
            r#"{"taskId":"t","pageSize":3}"#,
            "GET",
            "/tasks/t/pushNotificationConfigs?pageSize=3",
            None,
        ),
        (V1_0, O::GetExtendedAgentCard, None, "{}", "GET", "/extendedAgentCard", None),
        (V0_3, O::GetExtendedAgentCard, None, "{}", "GET", "/v1/card", None),
        (
            V0_3,
            O::GetTask,
            None,
            r#"{"name":"tasks/t","historyLength":2}"#,
            "GET",
            "/v1/tasks/t?historyLength=2",
            None,
        ),
        (V0_3, O::CancelTask, None, r#"{"name":"tasks/t"}"#, "POST", "/v1/tasks/t:cancel", Some("{}")),
        (V0_3, O::SubscribeToTask, None, r#"{"name":"tasks/t"}"#, "GET", "/v1/tasks/t:subscribe", None),
        (
            V0_3,
            O::CreatePushConfig,
            None,
            r#"{"parent":"tasks/t","config":{}}"#,
            "POST",
            "/v1/tasks/t/pushNotificationConfigs",
            Some(r#"{"parent":"tasks/t","config":{}}"#),
        ),
        (
            V0_3,
            O::DeletePushConfig,
            None,
            r#"{"name":"tasks/t/pushNotificationConfigs/c"}"#,
            "DELETE",
            "/v1/tasks/t/pushNotificationConfigs/c",
            None,
        ),
        (
            V0_3,
            O::ListPushConfigs,
            None,
            r#"{"parent":"tasks/t"}"#,
            "GET",
            "/v1/tasks/t/pushNotificationConfigs",
            None,
        ),
    ] {
        let outbound = format(version, operation, tenant.as_deref(), &document(params)).unwrap();
        let expected = RestOutbound {
            method,
            path_and_query: path.to_owned(),
            body: body.map(|body: &str| body.as_bytes().to_vec()),
        };
        assert_eq!(outbound, expected, "{operation:?} {params}");
        // What is sent is understood as what was meant.
        assert_eq!(parse(method, path).unwrap().operation, operation);
    }
}

#[test]
fn a_bare_webhook_is_understood_as_the_whole_request_is() {
    let params = document(
        r#"{"parent":"tasks/t","configId":"c d","config":{"name":"tasks/t/pushNotificationConfigs/c d","pushNotificationConfig":{"url":"u"}}}"#,
    );
    let outbound = format_bare_webhook(Some("acme"), &params).unwrap();
    assert_eq!(outbound.method, "POST");
    assert_eq!(outbound.path_and_query, "/acme/v1/tasks/t/pushNotificationConfigs?configId=c%20d");
    let body = String::from_utf8(outbound.body.unwrap()).unwrap();
    assert_eq!(
        body,
        r#"{"name":"tasks/t/pushNotificationConfigs/c d","pushNotificationConfig":{"url":"u"}}"#
    );
    let read = read("POST", "/v1/tasks/t/pushNotificationConfigs?configId=c%20d", Some(&body)).unwrap();
    assert_eq!(read.as_bytes(), params.root().raw());
    for (params, error) in [
        (r#"{"parent":"tasks/t"}"#, RestError::Missing("config")),
        (r#"{"parent":"tasks/t","config":"c"}"#, RestError::Missing("config")),
        (r#"{"parent":"tasks/a/b","config":{}}"#, RestError::Id("parent")),
    ] {
        assert_eq!(format_bare_webhook(None, &document(params)), Err(error), "{params}");
    }
}

#[test]
fn ids_that_would_mean_something_else_are_not_sent() {
    for id in ["", ".", "..", "a/b", "a\0", "a:cancel", "victim:subscribe"] {
        let params = document(&format!("{{\"id\":{}}}", crate::json::quote(id)));
        let answer = format(Version::V1_0, Operation::GetTask, None, &params);
        assert_eq!(answer, Err(RestError::Id("id")), "{id:?}");
    }
    for (operation, params, error) in [
        (Operation::GetTask, "{}", RestError::Missing("id")),
        (Operation::GetTask, r#"{"id":3}"#, RestError::Missing("id")),
        (Operation::GetPushConfig, r#"{"taskId":"t"}"#, RestError::Missing("id")),
        (Operation::GetTask, r#"{"id":"t","historyLength":"x"}"#, RestError::Missing("historyLength")),
    ] {
        assert_eq!(format(Version::V1_0, operation, None, &document(params)), Err(error), "{params}");
    }
    let params = document(r#"{"name":"tasks/a/b"}"#);
    assert_eq!(format(Version::V0_3, Operation::GetTask, None, &params), Err(RestError::Id("name")));
    assert_eq!(format(Version::V0_3, Operation::ListTasks, None, &document("{}")), Err(RestError::Unknown));
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_read(task in "\\PC{1,8}", config in "[a-z:%.+ ]{1,6}", old: bool, length in 1..9_i32) {
        let (version, params) = if old {
            (Version::V0_3, format!("{{\"name\":{}}}", crate::json::quote(&crate::a2a::names::config(&task, &config))))
        } else {
            let (task, config) = (crate::json::quote(&task), crate::json::quote(&config));
            (Version::V1_0, format!("{{\"taskId\":{task},\"id\":{config}}}"))
        };
        let Ok(outbound) = super::format(version, Operation::GetPushConfig, Some("t n"), &document(&params)) else {
            prop_assume!(false);
            return Ok(());
        };
        let request = parse(outbound.method, &outbound.path_and_query).unwrap();
        prop_assert_eq!(request.version, version);
        prop_assert_eq!(request.tenant.as_deref(), Some("t n"));
        prop_assert_eq!(request.task.as_deref(), Some(&*task));
        prop_assert_eq!(request.config.as_deref(), Some(&*config));
        let path = format!("/tasks/x?historyLength={length}");
        let request = parse("GET", &path).unwrap();
        let read = document(std::str::from_utf8(&super::params(&request, None).unwrap()).unwrap());
        let read = read.root().as_object().unwrap().get("historyLength").and_then(Value::as_i64);
        prop_assert_eq!(read, Some(i64::from(length)));
    }

    #[test]
    fn no_path_and_no_query_breaks_the_reader(path in "(/|:|%|\\?|&|=|\\.|tasks|v1|message:send|pushNotificationConfigs|%2F|[a-z]|\\PC){0,12}") {
        for method in ["GET", "POST", "DELETE"] {
            if let Ok(request) = parse(method, &path) {
                let params = super::params(&request, None);
                if let Ok(params) = params {
                    document(std::str::from_utf8(&params).unwrap());
                }
            }
        }
    }
}
