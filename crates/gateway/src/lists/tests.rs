use doorward_model::Caller;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn key_in(lists: &Lists, params: &'static str) -> Option<PageKey> {
    let (upstream, server) = (Name::parse("up").expect("a name"), Name::parse("demo").expect("a name"));
    let document = Document::parse(Bytes::from_static(params.as_bytes()), 32).expect("JSON");
    let params = document.root().as_object().expect("an object");
    lists.key((&upstream, &server), &Caller::Anonymous.key(), Method::ToolsList, params)
}

fn key(params: &'static str) -> Option<PageKey> {
    key_in(&Lists::new(), params)
}

fn kept(answer: &'static str) -> Lists {
    let lists = Lists::new();
    lists.keep(&key("{}").expect("a key"), &Bytes::from_static(answer.as_bytes()), 3, NOW);
    lists
}

fn recalled(lists: &Lists, now: Timestamp) -> Option<String> {
    let (answer, filtered) = lists.answer(&key_in(lists, "{}").expect("a key"), b"\"b\"", now)?;
    assert_eq!(filtered, 3);
    Some(String::from_utf8(answer.to_vec()).expect("text"))
}

#[test]
fn a_page_comes_back_with_the_new_id_and_the_time_that_is_left() {
    let lists = kept(r#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":5000,"tools":[{"name":"a"}],"x":1}}"#);
    assert_eq!(
        recalled(&lists, NOW.plus_secs(2)).as_deref(),
        Some(r#"{"jsonrpc":"2.0","id":"b","result":{"ttlMs":3000,"tools":[{"name":"a"}],"x":1}}"#)
    );
    assert_eq!(recalled(&lists, NOW.plus_secs(5)), None);
}

#[test]
fn what_may_not_be_kept_is_not() {
    for answer in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":0,"tools":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":-5,"tools":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":"9","tools":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","ttlMs":9000}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"","ttlMs":9000}}"#,
    ] {
        assert_eq!(recalled(&kept(answer), NOW), None, "{answer}");
    }
}

#[test]
fn what_was_asked_is_part_of_the_key() {
    let plain = key("{}").expect("a key");
    assert_eq!(key(r#"{"_meta":{"progressToken":1}}"#), Some(plain.clone()));
    for other in [
        r#"{"cursor":""}"#,
        r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#,
        r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"sampling":{}}}}"#,
    ] {
        assert_ne!(key(other), Some(plain.clone()), "{other}");
    }
    assert_eq!(key(r#"{"vendor":1}"#), None);
}

#[test]
fn a_change_forgets_the_lists_of_that_kind_and_upstream() {
    let page = r#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":5000,"tools":[]}}"#;
    let lists = kept(page);
    lists.changed(&Name::parse("up").expect("a name"), "notifications/prompts/list_changed");
    lists.changed(&Name::parse("other").expect("a name"), "notifications/tools/list_changed");
    assert!(recalled(&lists, NOW).is_some());
    lists.changed(&Name::parse("up").expect("a name"), "notifications/tools/list_changed");
    assert!(recalled(&lists, NOW).is_none());
}

#[test]
fn what_was_fetched_before_a_change_is_not_found_after_it() {
    let lists = Lists::new();
    let asked = key_in(&lists, "{}").expect("a key");
    lists.changed(&Name::parse("up").expect("a name"), "notifications/tools/list_changed");
    let late = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":5000,"tools":[]}}"#);
    lists.keep(&asked, &late, 3, NOW);
    assert!(recalled(&lists, NOW).is_none());
}
