//! JSON to protobuf.

use super::*;

fn task() -> &'static Schema {
    response(Version::V1_0, Operation::GetTask)
}

fn list() -> &'static Schema {
    request(Version::V1_0, Operation::ListTasks)
}

fn message() -> &'static Schema {
    let Some((_, field)) = response(Version::V1_0, Operation::SendMessage).by_name("message") else {
        panic!()
    };
    let schema::Kind::Message(message) = field.kind else { panic!() };
    message
}

#[test]
fn bytes_are_those_that_the_wire_format_demands() {
    let bytes =
        encoded(request(Version::V1_0, Operation::GetTask), r#"{"id":"t","historyLength":0}"#).unwrap();
    assert_eq!(bytes, b"\x12\x01t\x18\x00");
    let negative = encoded(list(), r#"{"historyLength":-2}"#).unwrap();
    assert_eq!(negative, b"\x30\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    // A length of more than 127 takes two bytes.
    let long = "x".repeat(200);
    let bytes = encoded(task(), &format!(r#"{{"metadata":{{"k":"{long}"}}}}"#)).unwrap();
    assert_eq!(&bytes[..16], b"\x32\xd4\x01\x0a\xd1\x01\x0a\x01k\x12\xcb\x01\x1a\xc8\x01x");
}

#[test]
fn names_of_the_proto_are_read_and_those_of_json_written() {
    assert_eq!(through(task(), r#"{"id":"1","context_id":"c"}"#).unwrap(), r#"{"id":"1","contextId":"c"}"#);
    let old = response(Version::V0_3, Operation::GetTask);
    assert_eq!(
        through(old, r#"{"status":{"update":{"message_id":"m"}}}"#).unwrap(),
        r#"{"status":{"message":{"messageId":"m"}}}"#
    );
    let twice = encoded(task(), r#"{"contextId":"a","context_id":"b"}"#);
    assert_eq!(twice, Err(ProtoError::Twice { message: "Task", field: "contextId" }));
}

#[test]
fn null_is_as_good_as_nothing() {
    let nulls = r#"{"id":null,"status":null,"artifacts":null,"metadata":null}"#;
    assert_eq!(encoded(task(), nulls).unwrap(), b"");
    let part = r#"{"messageId":"m","parts":[{"text":null,"url":"u"}]}"#;
    assert_eq!(through(message(), part).unwrap(), r#"{"messageId":"m","parts":[{"url":"u"}]}"#);
    // A value can be null, and is.
    let data = r#"{"parts":[{"data":null}]}"#;
    assert_eq!(through(message(), data).unwrap(), data);
    // An element cannot be.
    assert!(encoded(message(), r#"{"parts":[null]}"#).is_err());
    assert!(encoded(message(), r#"{"extensions":[null]}"#).is_err());
}

#[test]
fn unknown_members_are_passed_over() {
    let json = r#"{"id":"1","generation":7,"":{},"status":{"x":[1]}}"#;
    assert_eq!(through(task(), json).unwrap(), r#"{"id":"1","status":{}}"#);
}

#[test]
fn alternatives_exclude_each_other() {
    let both = encoded(message(), r#"{"parts":[{"text":"","data":null}]}"#);
    assert_eq!(both, Err(ProtoError::Alternatives { message: "Part", field: "data" }));
    // An alternative is told from its default.
    let empty = r#"{"parts":[{"text":""},{"raw":""}]}"#;
    assert_eq!(through(message(), empty).unwrap(), empty);
}

#[test]
fn integers_are_read_in_every_form() {
    for (written, read) in [
        ("7", 7),
        ("\"7\"", 7),
        ("7.0", 7),
        ("7e0", 7),
        ("\"70e-1\"", 7),
        ("-0", 0),
        ("2147483647", i32::MAX),
    ] {
        let json = format!(r#"{{"pageSize":{written}}}"#);
        assert_eq!(through(list(), &json).unwrap(), format!(r#"{{"pageSize":{read}}}"#), "{written}");
    }
    for refused in [
        "7.5",
        "\"7.5\"",
        "2147483648",
        "1e10",
        "1e400",
        "\" 7\"",
        "\"+7\"",
        "\"07\"",
        "\"\"",
        "\"x\"",
        "true",
        "[]",
    ] {
        let error = encoded(list(), &format!(r#"{{"pageSize":{refused}}}"#)).unwrap_err();
        let expected = "a 32 bit integer";
        assert_eq!(error, ProtoError::Value { message: "ListTasksRequest", field: "pageSize", expected });
    }
}

#[test]
fn enumerations_are_read_by_name_and_number() {
    for (written, read) in [
        ("\"TASK_STATE_WORKING\"", r#"{"status":"TASK_STATE_WORKING"}"#),
        ("2", r#"{"status":"TASK_STATE_WORKING"}"#),
        ("2.0", r#"{"status":"TASK_STATE_WORKING"}"#),
        ("77", r#"{"status":77}"#),
        ("-1", r#"{"status":-1}"#),
        ("0", "{}"),
    ] {
        assert_eq!(through(list(), &format!(r#"{{"status":{written}}}"#)).unwrap(), read);
    }
    for refused in ["\"working\"", "\"2\"", "\"\"", "2.5", "4294967298", "{}"] {
        assert!(encoded(list(), &format!(r#"{{"status":{refused}}}"#)).is_err(), "{refused}");
    }
}

#[test]
fn bytes_are_read_in_both_alphabets_with_padding_or_without() {
    for written in ["-_8=", "-_8", "+/8=", "+/8"] {
        let json = format!(r#"{{"parts":[{{"raw":"{written}"}}]}}"#);
        assert_eq!(through(message(), &json).unwrap(), r#"{"parts":[{"raw":"+/8="}]}"#);
    }
    for refused in ["+_8=", "a", "a b=", "====", "é"] {
        assert!(encoded(message(), &format!(r#"{{"parts":[{{"raw":"{refused}"}}]}}"#)).is_err(), "{refused}");
    }
}

#[test]
fn any_json_is_a_value() {
    for data in [
        "null",
        "true",
        "\"\"",
        "0",
        "[]",
        "{}",
        r#"[null,[{"a":[1.5,false]}],-7]"#,
        r#"{"":{"b":null},"c":"\u0001"}"#,
    ] {
        let json = format!(r#"{{"parts":[{{"data":{data}}}]}}"#);
        assert_eq!(through(message(), &json).unwrap(), json);
    }
    for refused in ["1e999", "-1e999", r#""\ud800""#, r#"{"a":"\udc00"}"#] {
        assert!(encoded(message(), &format!(r#"{{"parts":[{{"data":{refused}}}]}}"#)).is_err(), "{refused}");
    }
}

#[test]
fn doubles_are_written_as_short_as_they_can_be_read_back() {
    for (written, read) in [
        ("42", "42"),
        ("42.0", "42"),
        ("4.2e1", "42"),
        ("-0.0", "-0"),
        ("0.1", "0.1"),
        ("9007199254740993", "9007199254740992"),
        ("100000000000000000000", "100000000000000000000"),
        ("1e21", "1e21"),
        ("1.5E300", "1.5e300"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("5e-324", "5e-324"),
        ("1e-400", "0"),
    ] {
        let json = |number| format!(r#"{{"metadata":{{"n":{number}}}}}"#);
        assert_eq!(through(task(), &json(written)).unwrap(), json(read));
    }
}

#[test]
fn other_types_are_refused_and_the_field_is_named() {
    for (json, field, expected) in [
        (r#"{"id":1}"#, "id", "a string"),
        (r#"{"id":"\ud800"}"#, "id", "a string"),
        (r#"{"history":{}}"#, "history", "an array"),
        (r#"{"metadata":[]}"#, "metadata", "an object"),
        (r#"{"metadata":"x"}"#, "metadata", "an object"),
    ] {
        let error = ProtoError::Value { message: "Task", field, expected };
        assert_eq!(encoded(task(), json), Err(error), "{json}");
    }
    assert_eq!(encoded(task(), "[]"), Err(ProtoError::NotAnObject { message: "Task" }));
    assert_eq!(encoded(task(), r#"{"status":[]}"#), Err(ProtoError::NotAnObject { message: "TaskStatus" }));
    let error = encoded(task(), r#"{"status":{"timestamp":1}}"#).unwrap_err();
    assert_eq!(error.to_string(), "`timestamp` of TaskStatus must be a time as RFC 3339 writes it");
    let streaming = encoded(card(Version::V1_0), r#"{"capabilities":{"streaming":"true"}}"#).unwrap_err();
    assert_eq!(streaming.to_string(), "`streaming` of AgentCapabilities must be true or false");
}

#[test]
fn what_other_readers_would_find_too_deep_is_refused() {
    let nested =
        |levels: usize| format!(r#"{{"metadata":{{"k":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
    // The task, the struct, its entry; a value and a list for each level.
    assert!(encoded(task(), &nested((DEEPEST - 3) / 2)).is_ok());
    assert_eq!(encoded(task(), &nested((DEEPEST - 3) / 2 + 1)), Err(ProtoError::TooDeep { limit: DEEPEST }));
}
