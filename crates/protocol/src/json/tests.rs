//! The reader against tables of hostile texts.

mod random;
mod splice;

use std::fmt::Write as _;

use bytes::Bytes;

use super::*;

fn parse(text: impl AsRef<[u8]>) -> Result<Document, JsonError> {
    Document::parse(Bytes::copy_from_slice(text.as_ref()), 128)
}

fn document(text: &str) -> Document {
    parse(text).unwrap()
}

#[test]
fn accepts_what_the_standard_allows() {
    for text in [
        "0",
        "-0",
        "-1",
        "10",
        "1.5",
        "-0.0",
        "0e1",
        "0E+1",
        "1e-10",
        "1E400",
        "-123e65",
        "0.10",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        " null",
        "null\n",
        "\t\r\n 1 \t\r\n",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1]",
        "[1,2]",
        "[ 1 , 2 ]",
        "[[]]",
        "[{}]",
        "{\"\":0}",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "[{\"a\":1},{\"a\":1}]",
        "{\"a\":1,\"A\":2}",
        r#""\"\\\/\b\f\n\r\t\u0041""#,
        r#""\ud83d\ude00""#,
        r#""\uD83D\uDE00""#,
        r#""\u0000""#,
        r#"{"\u0000":1}"#,
        "\"\u{7f}\"",
        "\"\u{2028}\u{2029}\"",
        "\"é😀\u{10ffff}\"",
        r#""\uFEFF""#,
        "\"\u{feff}\"",
        // Halves of surrogate pairs: accepted as values.
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\udc00\ud800""#,
        r#""\ud800\ud800""#,
        r#""\ud800x""#,
        r#"["\ud800\n"]"#,
        "{\"a\":1 , \"b\" : [ 1 , { \"c\" : \"}\" } ] }",
        r#"["\\"]"#,
        r#"["\\\""]"#,
        r#"["a","]"]"#,
    ] {
        let found = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(found.bytes(), text.as_bytes());
        assert_eq!(found.root().raw(), text.trim_matches([' ', '\t', '\r', '\n']).as_bytes());
    }
}

#[test]
fn refuses_what_the_standard_does_not_allow() {
    let syntax = |offset| JsonError::Syntax { offset };
    for (text, expected) in [
        ("", JsonError::Empty),
        (" \n\t\r ", JsonError::Empty),
        ("1 2", JsonError::TrailingData { offset: 2 }),
        ("01", JsonError::TrailingData { offset: 1 }),
        ("-01", JsonError::TrailingData { offset: 2 }),
        ("0x1", JsonError::TrailingData { offset: 1 }),
        ("1_000", JsonError::TrailingData { offset: 1 }),
        ("{}}", JsonError::TrailingData { offset: 2 }),
        ("[]]", JsonError::TrailingData { offset: 2 }),
        ("{},", JsonError::TrailingData { offset: 2 }),
        ("nullx", JsonError::TrailingData { offset: 4 }),
        ("null\0", JsonError::TrailingData { offset: 4 }),
        ("null\u{feff}", JsonError::TrailingData { offset: 4 }),
        ("\"a\"\"b\"", JsonError::TrailingData { offset: 3 }),
        ("{} // x", JsonError::TrailingData { offset: 3 }),
        ("\u{feff}null", syntax(0)),
        ("\u{a0}null", syntax(0)),
        ("\u{b}1", syntax(0)),
        ("\u{c}1", syntax(0)),
        ("/* */1", syntax(0)),
        ("NaN", syntax(0)),
        ("Infinity", syntax(0)),
        ("-Infinity", syntax(1)),
        ("nul", syntax(0)),
        ("True", syntax(0)),
        ("+1", syntax(0)),
        (".5", syntax(0)),
        ("-", syntax(1)),
        ("--1", syntax(1)),
        ("-.5", syntax(1)),
        ("1.", syntax(2)),
        ("1.e1", syntax(2)),
        ("1e", syntax(2)),
        ("1e+", syntax(3)),
        ("1e+-1", syntax(3)),
        ("1e1.5", JsonError::TrailingData { offset: 3 }),
        ("0.1.2", JsonError::TrailingData { offset: 3 }),
        ("\"", syntax(1)),
        ("\"a", syntax(2)),
        ("'a'", syntax(0)),
        ("\"\\", syntax(2)),
        ("\"\\\"", syntax(3)),
        (r#""\a""#, syntax(2)),
        (r#""\x41""#, syntax(2)),
        (r#""\U0041""#, syntax(2)),
        (r#""\'""#, syntax(2)),
        (r#""\u00""#, syntax(3)),
        (r#""\u004""#, syntax(3)),
        (r#""\u004g""#, syntax(3)),
        (r#""\u+041""#, syntax(3)),
        (r#""\u 041""#, syntax(3)),
        (r#""\u00é""#, syntax(3)),
        ("\"\0\"", syntax(1)),
        ("\"a\nb\"", syntax(2)),
        ("\"\t\"", syntax(1)),
        ("\"\u{1f}\"", syntax(1)),
        ("\"more than twenty-four characters and then\ta tab\"", syntax(42)),
        ("[", syntax(1)),
        ("[1", syntax(2)),
        ("[1,", syntax(3)),
        ("[1,]", syntax(3)),
        ("[,1]", syntax(1)),
        ("[1,,2]", syntax(3)),
        ("[1 2]", syntax(3)),
        ("[1}", syntax(2)),
        ("[1:2]", syntax(2)),
        ("{", syntax(1)),
        ("{]", syntax(1)),
        ("{\"a\"", syntax(4)),
        ("{\"a\":", syntax(5)),
        ("{\"a\":1", syntax(6)),
        ("{\"a\":1,", syntax(7)),
        ("{\"a\":1,}", syntax(7)),
        ("{,}", syntax(1)),
        ("{\"a\"}", syntax(4)),
        ("{\"a\",1}", syntax(4)),
        ("{\"a\":}", syntax(5)),
        ("{\"a\"::1}", syntax(5)),
        ("{\"a\":1]", syntax(6)),
        ("{a:1}", syntax(1)),
        ("{1:1}", syntax(1)),
        ("{null:1}", syntax(1)),
        ("{'a':1}", syntax(1)),
        ("{\"a\":1 \"b\":2}", syntax(7)),
        ("{\"a\":1;\"b\":2}", syntax(6)),
        ("{\"a\":1,,\"b\":2}", syntax(7)),
        ("{\"a\" 1}", syntax(5)),
        ("{[]:1}", syntax(1)),
        ("]", syntax(0)),
        ("}", syntax(0)),
        (",", syntax(0)),
        (":", syntax(0)),
        // A name that has no text cannot be compared with others.
        (r#"{"\ud800":1}"#, syntax(1)),
        (r#"{"a":{"\udc00":1}}"#, syntax(6)),
        (r#"{"\ud800\u0041":1}"#, syntax(1)),
    ] {
        assert_eq!(parse(text).err(), Some(expected), "{text:?}");
    }
}

#[test]
fn finds_the_end_of_a_string_wherever_it_is() {
    for length in 0..150 {
        for filling in ["a", "\u{80}", "\u{7f}", "!", "#", "[", "]", " ", "é\u{7ff}"] {
            let text = filling.repeat(length);
            assert_eq!(document(&format!("[\"{text}\",1]")).root().as_array().unwrap().iter().count(), 2);
            let at = text.len() + 2;
            for control in ['\0', '\t', '\n', '\u{1f}'] {
                let text = format!("[\"{text}{control}{filling}\",1]");
                assert_eq!(parse(text).err(), Some(JsonError::Syntax { offset: at }));
            }
            let escaped = document(&format!("[\"{text}\\\"{text}\\\\\"]"));
            let value = escaped.root().as_array().unwrap().iter().next().unwrap();
            assert_eq!(value.as_str().unwrap(), format!("{text}\"{text}\\"));
        }
    }
}

#[test]
fn refuses_what_is_not_utf8() {
    for (bytes, offset) in [
        (&b"\"\xff\""[..], 1),
        (b"\"\xc3\"", 1),
        (b"\"\xc0\xaf\"", 1),
        (b"\"\xe0\x80\xaf\"", 1),
        (b"\"ab\xed\xa0\x80\"", 3),
        (b"\"\xf4\x90\x80\x80\"", 1),
        (b"{\"\x80\":1}", 2),
        (b"1\xff", 1),
        (b"\xff\xfe1\0", 0),
        (b"[1]\xc3", 3),
    ] {
        assert_eq!(parse(bytes).err(), Some(JsonError::Utf8 { offset }), "{bytes:?}");
    }
}

#[test]
fn counts_depth_from_the_root_container() {
    let nested = |open: &str, close: &str, levels: usize| open.repeat(levels) + close.repeat(levels).as_str();
    let at = |text: String, limit| Document::parse(text.into(), limit).map(|_| ());
    assert_eq!(at("1".into(), 0), Ok(()));
    assert_eq!(at("[]".into(), 0), Err(JsonError::TooDeep { offset: 0, limit: 0 }));
    assert_eq!(at("{}".into(), 1), Ok(()));
    assert_eq!(at("[[]]".into(), 1), Err(JsonError::TooDeep { offset: 1, limit: 1 }));
    assert_eq!(at("{\"a\":{}}".into(), 1), Err(JsonError::TooDeep { offset: 5, limit: 1 }));
    assert_eq!(at(nested("[", "]", 128), 128), Ok(()));
    assert_eq!(at(nested("[", "]", 129), 128), Err(JsonError::TooDeep { offset: 128, limit: 128 }));
    assert_eq!(at("[[],[],[[]]]".into(), 3), Ok(()), "siblings are not deeper");
    // Far beyond any thread's stack.
    let million = 1_000_000;
    assert_eq!(at(nested("[", "]", million), million), Ok(()));
    assert_eq!(at("{\"a\":".repeat(million), million), Err(JsonError::Syntax { offset: 5 * million }));
}

#[test]
fn refuses_a_name_twice_at_any_depth() {
    for (text, offset) in [
        (r#"{"a":1,"a":2}"#, 7),
        (r#"{"a":1,"b":2, "a":1}"#, 14),
        (r#"{"":1,"":1}"#, 6),
        (r#"[{"x":{"name":"safe","name":"danger"}}]"#, 21),
        (r#"{"name":1,"n\u0061me":2}"#, 10),
        (r#"{"n\u0061me":1,"name":2}"#, 15),
        (r#"{"\u006e\u0061me":1,"n\u0061m\u0065":2}"#, 20),
        (r#"{"a/b":1,"a\/b":2}"#, 9),
        (r#"{"\ud83d\ude00":1,"😀":2}"#, 18),
        (r#"{"a":{"b":1,"c":{"d":1}},"e":1,"a":2}"#, 31),
        (r#"{"a":{"b":1},"b":1,"c":{"b":1,"b":2}}"#, 30),
    ] {
        assert_eq!(parse(text).err(), Some(JsonError::DuplicateKey { offset }), "{text}");
    }
    // Different names that look alike in some way are different.
    for text in [
        r#"{"a":1,"A":1}"#,
        r#"{"é":1,"e\u0301":1}"#,
        r#"{"\\u0061":1,"a":1}"#,
        r#"{"a":{"a":1},"b":{"a":1}}"#,
    ] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn finds_a_duplicate_among_any_number_of_names() {
    for count in [2, 16, 31, 32, 33, 40, 3000] {
        for escaped in [false, true] {
            for position in [0, count / 2, count - 1] {
                let mut text = "{".to_owned();
                for number in 0..count {
                    write!(text, "\"k{number}\":{number},").unwrap();
                }
                let offset = text.len();
                let name = if escaped { format!("\\u006b{position}") } else { format!("k{position}") };
                let distinct = format!("{text}\"{name}x\":0}}");
                assert!(parse(distinct).is_ok(), "{count} {escaped} {position}");
                let twice = format!("{text}\"{name}\":0}}");
                assert_eq!(parse(twice).err(), Some(JsonError::DuplicateKey { offset }));
            }
        }
    }
}

#[test]
fn messages_do_not_echo_the_content() {
    let error = parse("{\"secret\":1,\"secret\":2}").unwrap_err();
    assert_eq!(error.to_string(), "duplicate member name at byte 12");
    let secret = document("{\"secret\":\"hunter2\"}");
    let debug = format!("{secret:?} {:?} {:?}", secret.root(), secret.root().as_object().unwrap());
    assert!(!debug.contains("secret") && !debug.contains("hunter2"), "{debug}");
}

#[test]
fn views_answer_from_the_bytes() {
    let text = r#" {"id" : 7, "t\u0065xt":"a\n\ud83d\ude00\"b" ,"list":[1, "]" ,{"}":"{"},[] ],"no":null,"yes":true,"n":-0.5e3} "#;
    let document = document(text);
    let root = document.root().as_object().unwrap();
    let names: Vec<_> = root.members().map(|member| member.name.into_owned()).collect();
    assert_eq!(names, ["id", "text", "list", "no", "yes", "n"]);
    for member in root.members() {
        let raw = &text[member.span.clone()];
        assert!(raw.starts_with('"') && raw.as_bytes().ends_with(member.value.raw()), "{raw}");
        assert_eq!(root.get(&member.name).unwrap().span(), member.value.span());
    }
    assert_eq!(root.get("id").unwrap().as_i64(), Some(7));
    assert_eq!(root.get("text").unwrap().as_str().unwrap(), "a\n😀\"b");
    assert_eq!(root.get("t\\u0065xt").map(Value::span), None, "names are compared unescaped");
    assert_eq!(root.get("n").unwrap().raw(), b"-0.5e3");
    assert_eq!(root.get("yes").unwrap().as_bool(), Some(true));
    assert!(root.get("no").unwrap().is_null());
    assert!(root.get("ID").is_none() && root.get("").is_none() && root.get("tex").is_none());
    let list = root.get("list").unwrap().as_array().unwrap();
    let raws: Vec<_> = list.iter().map(|value| std::str::from_utf8(value.raw()).unwrap()).collect();
    assert_eq!(raws, ["1", "\"]\"", "{\"}\":\"{\"}", "[]"]);
    let kinds: Vec<_> = list.iter().map(Value::kind).collect();
    assert_eq!(kinds, [Kind::Number, Kind::String, Kind::Object, Kind::Array]);
    let inner = list.iter().nth(2).unwrap().to_document(&document);
    assert_eq!(inner.bytes(), "{\"}\":\"{\"}");
    assert_eq!(inner.root().as_object().unwrap().get("}").unwrap().as_str().unwrap(), "{");
    let again = inner.root().as_object().unwrap().get("}").unwrap().to_document(&inner);
    assert_eq!(again.root().raw(), b"\"{\"");
}

#[test]
fn views_of_the_wrong_kind_are_none() {
    for text in ["1", "\"1\"", "[1]", "{\"1\":1}", "true", "null"] {
        let document = document(text);
        let root = document.root();
        assert_eq!(root.as_object().is_some(), text.starts_with('{'));
        assert_eq!(root.as_array().is_some(), text.starts_with('['));
        assert_eq!(root.as_str().is_some(), text.starts_with('"'));
        assert_eq!(root.as_i64().is_some(), text == "1");
        assert_eq!(root.as_bool().is_some(), text == "true");
        assert_eq!(root.is_null(), text == "null");
    }
    assert_eq!(document("false").root().as_bool(), Some(false));
}

#[test]
fn integers_are_read_as_written() {
    for (text, expected) in [
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("-0", Some(0)),
        ("9223372036854775808", None),
        ("1.0", None),
        ("1e2", None),
        ("10000000000000000000000", None),
    ] {
        assert_eq!(document(text).root().as_i64(), expected, "{text}");
    }
}

#[test]
fn half_a_surrogate_pair_has_no_text() {
    for text in [
        r#""\ud800""#,
        r#""\udfff""#,
        r#""a\ud800\u0041""#,
        r#""\ud83d\ud83d\ude00""#,
        r#""\ud800\n""#,
        r#""\ud800\\u""#,
    ] {
        assert_eq!(document(text).root().as_str(), None, "{text}");
        assert_eq!(document(text).root().raw(), text.as_bytes());
    }
}

#[test]
fn empty_containers_are_empty() {
    for (text, empty) in
        [("{}", true), ("{ \n}", true), ("{\"a\":1}", false), ("[\t]", true), ("[]", true), ("[[]]", false)]
    {
        let document = document(text);
        let root = document.root();
        let object = root.as_object().map(|object| (object.is_empty(), object.members().count() == 0));
        let array = root.as_array().map(|array| (array.is_empty(), array.iter().count() == 0));
        assert_eq!(object.or(array), Some((empty, empty)), "{text}");
    }
}

#[test]
fn finds_names_that_lenient_readers_confuse() {
    let variant = |text: &str, name| document(text).root().as_object().unwrap().has_case_variant(name);
    for text in
        [r#"{"Method":1}"#, r#"{"method":1,"METHOD":2}"#, r#"{"m\u0045thod":1}"#, r#"{"x":1,"methoD":1}"#]
    {
        assert!(variant(text, "method"), "{text}");
    }
    for text in [
        r#"{"method":1}"#,
        r#"{"methods":1,"metho":1}"#,
        r#"{"m\u0065thod":1}"#,
        "{}",
        r#"{"a":{"Method":1}}"#,
    ] {
        assert!(!variant(text, "method"), "{text}");
    }
    // What Go's encoding/json folds to ASCII.
    assert!(variant("{\"param\u{17f}\":1}", "params"));
    assert!(variant(r#"{"PARAM\u017F":1}"#, "params"));
    assert!(variant("{\"to\u{212a}en\":1}", "token"));
    assert!(variant("{\"to\u{4b}en\":1}", "to\u{212a}en"));
    // What it does not.
    assert!(!variant("{\"\u{131}d\":1}", "id"), "dotless i");
    assert!(!variant("{\"\u{130}d\":1}", "id"), "dotted capital I");
    assert!(!variant("{\"ﬁ\":1}", "fi"));
}

#[test]
fn strings_are_written_as_the_standard_demands() {
    assert_eq!(quote(""), r#""""#);
    assert_eq!(
        quote("a\"b\\c/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}é\u{2028}😀"),
        "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}é\u{2028}😀\""
    );
    let mut out = b"x".to_vec();
    write_str(&mut out, "y");
    assert_eq!(out, b"x\"y\"");
}
