use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn document(json: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(json.as_bytes()), 16).expect("JSON")
}

fn texts(json: &str) -> Result<Vec<String>, BatchError> {
    let messages = split(&document(json), 5)?;
    Ok(messages.iter().map(|message| String::from_utf8_lossy(message.bytes()).into_owned()).collect())
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#;
const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const RESULT: &str = r#"{"jsonrpc":"2.0","id":"s","result":{}}"#;

#[test]
fn messages_come_in_their_order_as_they_were_written() {
    let other = CALL.replace(":1,", r#": "1" ,"#);
    assert_eq!(texts(&format!("[{CALL} , {NOTE},{other}]")), Ok(vec![CALL.into(), NOTE.into(), other]));
    assert_eq!(texts(&format!("[{RESULT},{RESULT}]")), Ok(vec![RESULT.into(); 2]));
}

#[test]
fn what_is_no_batch_is_refused_with_the_message_that_is_to_blame() {
    let at = |position, error| Err(BatchError::Message(position, error));
    let with = |message: &str| format!("[{NOTE},{message}]");
    let modern = r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    for (json, wanted) in [
        ("[]".to_owned(), Err(BatchError::Empty)),
        ("{}".to_owned(), Err(BatchError::Empty)),
        (format!("[{}]", [NOTE; 6].join(",")), Err(BatchError::TooLong(5))),
        (with(RESULT), Err(BatchError::Mixed)),
        (format!("[{RESULT},{CALL}]"), Err(BatchError::Mixed)),
        (with("7"), at(1, EnvelopeError::NotAnObject.into())),
        (with(&format!("[{CALL}]")), at(1, EnvelopeError::Batch.into())),
        (with(r#"{"jsonrpc":"2.0"}"#), at(1, EnvelopeError::Shape.into())),
        (with(&CALL.replace("method", "Method")), at(1, EnvelopeError::CaseVariant.into())),
        (with(r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#), at(1, MessageError::Initialize)),
        (with(r#"{"jsonrpc":"2.0","id":1,"method":"\u0069nitialize"}"#), at(1, MessageError::Initialize)),
        (with(modern), at(1, MessageError::Modern)),
        (format!("[{CALL},{NOTE},{CALL}]"), at(2, MessageError::SameId)),
        (
            format!("[{},{}]", CALL.replace(":1,", r#":"a","#), CALL.replace(":1,", r#":"\u0061","#)),
            at(1, MessageError::SameId),
        ),
    ] {
        assert_eq!(texts(&json).map(|_| ()), wanted, "{json}");
    }
}

#[test]
fn what_an_upstream_sends_together_is_taken_apart_unread() {
    let elements = |text: &str| {
        let found = elements(&Bytes::copy_from_slice(text.as_bytes()), 8)?;
        Some(found.iter().map(|element| String::from_utf8_lossy(element).into_owned()).collect::<Vec<_>>())
    };
    assert_eq!(elements(" [7, {\"a\" :1}]"), Some(vec!["7".into(), "{\"a\" :1}".into()]));
    for none in ["", "{}", "[]", "[", "[1", "7", "[[[[[[[[[1]]]]]]]]]", r#"[{"a":1,"a":2}]"#] {
        assert_eq!(elements(none), None, "{none}");
    }
    let many =
        |count: usize| elements(&format!("[{}]", ["0"].repeat(count).join(","))).map(|found| found.len());
    assert_eq!((many(1000), many(1001)), (Some(1000), None));
}

#[test]
fn only_one_revision_has_batches() {
    for (version, has) in [("2025-03-26", true), ("2025-06-18", false), ("2024-11-05", false), ("", false)] {
        let answer = document(&format!(r#"{{"result":{{"protocolVersion":"{version}"}}}}"#));
        assert_eq!(are_agreed(&answer), has, "{version}");
    }
    assert!(!are_agreed(&document(r#"{"error":{"protocolVersion":"2025-03-26"}}"#)));
}

proptest! {
    #[test]
    fn a_batch_is_taken_apart_without_loss(ids in proptest::collection::vec(any::<Option<i32>>(), 1..12)) {
        let write = |id: &Option<i32>| match id {
            Some(id) => CALL.replace(":1,", &format!(":{id},")),
            None => NOTE.to_owned(),
        };
        let wanted: Vec<String> = ids.iter().map(write).collect();
        let mut named: Vec<i32> = ids.iter().flatten().copied().collect();
        named.sort_unstable();
        let unique = named.windows(2).all(|pair| pair[0] != pair[1]);
        let split = split(&document(&format!("[{}]", wanted.join(" ,\n"))), 12);
        match split {
            Ok(messages) => {
                prop_assert!(unique);
                let found: Vec<&[u8]> = messages.iter().map(|message| &message.bytes()[..]).collect();
                let wanted: Vec<&[u8]> = wanted.iter().map(String::as_bytes).collect();
                prop_assert_eq!(found, wanted);
            }
            Err(BatchError::Message(_, MessageError::SameId)) => prop_assert!(!unique),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
