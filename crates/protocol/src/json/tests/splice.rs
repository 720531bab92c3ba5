//! Edits: exact bytes for the cases with names, and random edits against a model that edits a tree.

use proptest::prelude::*;

use super::{
    super::*,
    document,
    random::{render, trees},
};

/// Applies edits to a text whose root is an object.
fn edited(text: &str, edits: impl for<'d> FnOnce(&mut Splice<'d>, Object<'d>)) -> String {
    let document = document(text);
    let mut splice = Splice::new(&document);
    edits(&mut splice, document.root().as_object().unwrap());
    let out = splice.finish();
    assert!(Document::parse(out.clone(), 128).is_ok(), "{out:?}");
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn no_edits_give_the_same_bytes() {
    let document = document(" {\"a\" : 1} ");
    let mut splice = Splice::new(&document);
    let root = document.root().as_object().unwrap();
    assert!(!splice.remove_member(root, "b"));
    assert_eq!(splice.retain_members(root, |_| true), 0);
    assert!(splice.is_empty());
    let out = splice.finish();
    assert_eq!(out.as_ptr(), document.bytes().as_ptr());
    assert_eq!(out, document.bytes());
}

#[test]
fn removing_members_keeps_commas_right() {
    let text = "{ \"a\" : 1 , \"b\": 2,\n\"c\":3 }";
    for (names, expected) in [
        (&["a"][..], "{ \"b\": 2,\n\"c\":3 }"),
        (&["b"], "{ \"a\" : 1,\n\"c\":3 }"),
        (&["c"], "{ \"a\" : 1 , \"b\": 2 }"),
        (&["a", "b"], "{ \"c\":3 }"),
        (&["b", "a"], "{ \"c\":3 }"),
        (&["b", "c"], "{ \"a\" : 1 }"),
        (&["a", "c"], "{ \"b\": 2 }"),
        (&["a", "b", "c"], "{  }"),
    ] {
        let one_by_one = edited(text, |splice, root| {
            for name in names {
                assert!(splice.remove_member(root, name));
                assert!(!splice.remove_member(root, name), "it is gone");
            }
        });
        assert_eq!(one_by_one, expected, "{names:?}");
        let at_once = edited(text, |splice, root| {
            let removed = splice.retain_members(root, |member| !names.contains(&member.name.as_ref()));
            assert_eq!(removed, names.len());
        });
        assert_eq!(at_once, expected, "{names:?}");
    }
}

#[test]
fn removing_elements_keeps_commas_right() {
    let text = r#"{"l":[ 10 , [20] ,{"x":[30,31]}, 40 ]}"#;
    let cases: [(&[usize], &str); 6] = [
        (&[0], r#"{"l":[ [20] ,{"x":[30,31]}, 40 ]}"#),
        (&[1, 2], r#"{"l":[ 10, 40 ]}"#),
        (&[3], r#"{"l":[ 10 , [20] ,{"x":[30,31]} ]}"#),
        (&[0, 3], r#"{"l":[ [20] ,{"x":[30,31]} ]}"#),
        (&[0, 1, 3], r#"{"l":[ {"x":[30,31]} ]}"#),
        (&[0, 1, 2, 3], r#"{"l":[  ]}"#),
    ];
    for (numbers, expected) in cases {
        let out = edited(text, |splice, root| {
            let mut number = 0;
            let removed = splice.retain_elements(root.get("l").unwrap().as_array().unwrap(), |_| {
                number += 1;
                !numbers.contains(&(number - 1))
            });
            assert_eq!(removed, numbers.len());
        });
        assert_eq!(out, expected, "{numbers:?}");
    }
}

#[test]
fn setting_members_replaces_or_appends() {
    for (text, expected) in [
        ("{}", r#"{"n":[1]}"#),
        ("{ }", r#"{"n":[1] }"#),
        (" {\"a\":1 } ", " {\"a\":1,\"n\":[1] } "),
        ("{\"n\": 0 , \"a\":1}", "{\"n\": [1] , \"a\":1}"),
        ("{\"\\u006e\":0}", "{\"\\u006e\":[1]}"),
        ("{\"N\":0}", "{\"N\":0,\"n\":[1]}"),
    ] {
        assert_eq!(edited(text, |splice, root| splice.set_member(root, "n", b"[1]")), expected);
    }
    let quoted = edited("{}", |splice, root| splice.set_member(root, "a\"b\n", b"1"));
    assert_eq!(quoted, "{\"a\\\"b\\n\":1}");
}

#[test]
fn edits_of_one_object_compose_in_order() {
    let text = r#"{"a":1,"b":2,"c":3}"#;
    let all_then_append = edited(text, |splice, root| {
        assert_eq!(splice.retain_members(root, |_| false), 3);
        splice.set_member(root, "d", b"4");
        splice.set_member(root, "a", b"5");
    });
    assert_eq!(all_then_append, r#"{"d":4,"a":5}"#);
    let trailing_then_append = edited(text, |splice, root| {
        splice.set_member(root, "d", b"4");
        assert!(splice.remove_member(root, "c"));
        assert!(splice.remove_member(root, "b"));
    });
    assert_eq!(trailing_then_append, r#"{"a":1,"d":4}"#);
    let set_then_removed = edited(text, |splice, root| {
        splice.set_member(root, "b", b"20");
        splice.set_member(root, "d", b"4");
        assert!(splice.remove_member(root, "b"));
        assert!(splice.remove_member(root, "d"), "an appended member can be removed");
    });
    assert_eq!(set_then_removed, r#"{"a":1,"c":3}"#);
    let set_twice = edited(text, |splice, root| {
        splice.set_member(root, "c", b"30");
        splice.set_member(root, "c", b"31");
        splice.set_member(root, "e", b"5");
        splice.set_member(root, "e", b"6");
    });
    assert_eq!(set_twice, r#"{"a":1,"b":2,"c":31,"e":6}"#);
}

#[test]
fn edits_inside_what_goes_are_dropped() {
    let text = r#"{"a":{"x":[1,2],"y":0},"b":{"x":1}}"#;
    let inside = |splice: &mut Splice<'_>| assert!(!splice.is_empty());
    let removed = edited(text, |splice, root| {
        let a = root.get("a").unwrap().as_object().unwrap();
        splice.retain_elements(a.get("x").unwrap().as_array().unwrap(), |_| false);
        splice.replace(a.get("y").unwrap(), "7");
        splice.remove_member(root, "a");
        splice.set_member(a, "z", b"1");
        inside(splice);
    });
    assert_eq!(removed, r#"{"b":{"x":1}}"#);
    let replaced = edited(text, |splice, root| {
        let b = root.get("b").unwrap().as_object().unwrap();
        splice.set_member(b, "z", b"1");
        splice.replace(b.value(), "null");
        splice.remove_member(b, "x");
        splice.remove_member(root, "a");
    });
    assert_eq!(replaced, r#"{"b":null}"#);
    let nested = edited(text, |splice, root| {
        let a = root.get("a").unwrap().as_object().unwrap();
        splice.remove_member(a, "x");
        splice.set_member(a, "z", b"1");
        splice.set_member(root.get("b").unwrap().as_object().unwrap(), "z", b"2");
        splice.set_member(root, "c", b"3");
    });
    assert_eq!(nested, r#"{"a":{"y":0,"z":1},"b":{"x":1,"z":2},"c":3}"#);
    let whole = edited(text, |splice, root| {
        splice.remove_member(root, "a");
        splice.replace(root.value(), "[]");
    });
    assert_eq!(whole, "[]");
}

#[test]
#[should_panic(expected = "another document")]
fn a_value_of_another_document_is_refused() {
    let (one, other) = (document("{\"a\":1}"), document("{\"a\":1}"));
    Splice::new(&one).replace(other.root(), "2");
}

/// The model: a tree that is edited at once. Everything that stood in the document knows where.
struct Node {
    start: Option<usize>,
    body: Body,
}

enum Body {
    Raw(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

fn node(value: Value<'_>) -> Node {
    let body = if let Some(array) = value.as_array() {
        Body::Array(array.iter().map(node).collect())
    } else if let Some(object) = value.as_object() {
        Body::Object(object.members().map(|member| (member.name.into_owned(), node(member.value))).collect())
    } else {
        raw(value.raw()).body
    };
    Node { start: Some(value.span().start), body }
}

fn raw(raw: &[u8]) -> Node {
    Node { start: None, body: Body::Raw(String::from_utf8(raw.to_vec()).unwrap()) }
}

fn find(node: &mut Node, start: usize) -> Option<&mut Node> {
    if node.start == Some(start) {
        return Some(node);
    }
    match &mut node.body {
        Body::Raw(_) => None,
        Body::Array(items) => items.iter_mut().find_map(|item| find(item, start)),
        Body::Object(members) => members.iter_mut().find_map(|(_, value)| find(value, start)),
    }
}

/// Without white space, and with names written one way.
fn compact(node: &Node) -> String {
    match &node.body {
        Body::Raw(raw) => raw.clone(),
        Body::Array(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(",")),
        Body::Object(members) => {
            let member = |(name, value): &(String, Node)| format!("{}:{}", quote(name), compact(value));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Replace,
    Remove,
    RetainMembers,
    RetainElements,
    Set(String),
}

fn edits() -> impl Strategy<Value = Vec<(Edit, prop::sample::Index, prop::sample::Index)>> {
    let edit = prop_oneof![
        1 => Just(Edit::Replace),
        3 => Just(Edit::Remove),
        2 => Just(Edit::RetainMembers),
        3 => Just(Edit::RetainElements),
        3 => "[a-d]{0,1}".prop_map(Edit::Set),
    ];
    prop::collection::vec((edit, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..8)
}

fn all_values<'d>(value: Value<'d>, out: &mut Vec<Value<'d>>) {
    out.push(value);
    for inner in value.as_array().into_iter().flat_map(Array::iter) {
        all_values(inner, out);
    }
    for member in value.as_object().into_iter().flat_map(Object::members) {
        all_values(member.value, out);
    }
}

/// What is kept: chosen by position and by the edit's own number.
fn keeps(start: usize, salt: usize) -> bool {
    !(start / 3 + salt).is_multiple_of(3)
}

/// Makes one edit on both sides.
fn edit<'d>(splice: &mut Splice<'d>, model: &mut Node, edit: &Edit, target: Value<'d>, salt: usize) {
    let found = find(model, target.span().start);
    match edit {
        Edit::Replace => {
            splice.replace(target, salt.to_string());
            if let Some(node) = found {
                node.body = Body::Raw(salt.to_string());
            }
        }
        Edit::RetainElements => {
            let Some(array) = target.as_array() else { return };
            let removed = splice.retain_elements(array, |value| keeps(value.span().start, salt));
            if let Some(Node { body: Body::Array(items), .. }) = found {
                let before = items.len();
                items.retain(|item| keeps(item.start.unwrap(), salt));
                assert_eq!(removed, before - items.len());
            }
        }
        Edit::RetainMembers => {
            let Some(object) = target.as_object() else { return };
            let removed = splice.retain_members(object, |member| keeps(member.value.span().start, salt));
            if let Some(Node { body: Body::Object(members), .. }) = found {
                let before = members.len();
                members.retain(|(_, value)| value.start.is_none_or(|start| keeps(start, salt)));
                assert_eq!(removed, before - members.len());
            }
        }
        Edit::Remove => {
            let Some(object) = target.as_object() else { return };
            let count = object.members().count();
            let name = object.members().nth(salt % (count + 1)).map_or("d".into(), |member| member.name);
            let removed = splice.remove_member(object, &name);
            if let Some(Node { body: Body::Object(members), .. }) = found {
                let before = members.len();
                members.retain(|(known, _)| *known != name);
                assert_eq!(removed, members.len() < before);
            }
        }
        Edit::Set(name) => {
            let Some(object) = target.as_object() else { return };
            let value = format!("[{salt}]");
            splice.set_member(object, name, value.as_bytes());
            if let Some(Node { body: Body::Object(members), .. }) = found {
                match members.iter_mut().find(|(known, _)| known == name) {
                    Some((_, node)) => node.body = raw(value.as_bytes()).body,
                    None => members.push((name.clone(), raw(value.as_bytes()))),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn edits_equal_those_on_a_tree(tree in trees(), noise in prop::collection::vec(any::<u8>(), 1..20), edits in edits()) {
        let document = document(&render(&tree, &noise));
        let mut values = Vec::new();
        all_values(document.root(), &mut values);
        let mut splice = Splice::new(&document);
        let mut model = node(document.root());
        for (number, (what, target, salt)) in edits.iter().enumerate() {
            let target = values[target.index(values.len())];
            edit(&mut splice, &mut model, what, target, salt.index(1000) + number * 1000);
        }
        let out = splice.finish();
        let read = Document::parse(out.clone(), 128);
        prop_assert!(read.is_ok(), "{:?}: {:?}", read, out);
        prop_assert_eq!(compact(&node(read.unwrap().root())), compact(&model));
        let theirs: serde_json::Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(theirs, serde_json::from_str::<serde_json::Value>(&compact(&model)).unwrap());
    }

    #[test]
    fn replacing_with_the_same_changes_nothing(tree in trees(), noise in prop::collection::vec(any::<u8>(), 1..20)) {
        let document = document(&render(&tree, &noise));
        let mut values = Vec::new();
        all_values(document.root(), &mut values);
        for value in values {
            let mut splice = Splice::new(&document);
            splice.replace(value, value.raw());
            prop_assert_eq!(&splice.finish(), document.bytes());
        }
    }
}
