use bytes::Bytes;

use super::*;

fn read(json: &str) -> Result<&'static str, EnvelopeError> {
    let document = Document::parse(Bytes::copy_from_slice(json.as_bytes()), 16).expect("JSON");
    Message::read(&document).map(|message| match message {
        Message::Request { .. } => "request",
        Message::Notification { .. } => "notification",
        Message::Response { outcome: Outcome::Result(_), .. } => "result",
        Message::Response { outcome: Outcome::Error(_), .. } => "error",
    })
}

#[test]
fn messages_are_told_apart() {
    for (json, expected) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#, Ok("request")),
        (r#"{"jsonrpc":"2.0","id":"","method":"a","params":{}}"#, Ok("request")),
        (r#"{"jsonrpc":"2.0","method":"a"}"#, Ok("notification")),
        (r#"{"jsonrpc":"2.0","id":0,"result":{}}"#, Ok("result")),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#, Ok("error")),
        (r#"{"jsonrpc":"2.0","error":{}}"#, Ok("error")),
        (r"[]", Err(EnvelopeError::Batch)),
        (r"1", Err(EnvelopeError::NotAnObject)),
        (r#"{"id":1,"method":"a"}"#, Err(EnvelopeError::Version)),
        (r#"{"jsonrpc":2.0,"id":1,"method":"a"}"#, Err(EnvelopeError::Version)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, Err(EnvelopeError::Id)),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#, Err(EnvelopeError::Id)),
        (r#"{"jsonrpc":"2.0","id":[],"method":"a"}"#, Err(EnvelopeError::Id)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#, Err(EnvelopeError::Shape)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#, Err(EnvelopeError::Shape)),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Err(EnvelopeError::Shape)),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, Err(EnvelopeError::Shape)),
        (r#"{"jsonrpc":"2.0","id":1}"#, Err(EnvelopeError::Shape)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}"#, Err(EnvelopeError::CaseVariant)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","Param\u017f":{}}"#, Err(EnvelopeError::CaseVariant)),
    ] {
        assert_eq!(read(json), expected, "{json}");
    }
}

#[test]
fn an_id_has_at_most_256_bytes() {
    let json = |n: usize| format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"a"}}"#, "x".repeat(n));
    assert_eq!(read(&json(254)), Ok("request"));
    assert_eq!(read(&json(255)), Err(EnvelopeError::Id));
}

#[test]
fn error_responses_are_json_rpc() {
    let text =
        error_response(Some(b"\"a\""), code::INVALID_PARAMS, "no \"such\" thing", Some(r#"{"uri":"x"}"#));
    assert_eq!(
        String::from_utf8_lossy(&text),
        r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"no \"such\" thing","data":{"uri":"x"}}}"#
    );
}
