//! After the filter no reader finds a hidden entry: not one that keeps to the letter, not one that ignores case, not one
//! that takes the first or the last of two members.

use std::collections::BTreeSet;

use bytes::Bytes;
use doorward_protocol::{
    json::{Document, Splice},
    mcp::{Method, list::ListShape},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

const EXPOSED: [&str; 2] = ["echo", "naïve"];

fn name() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("echo")),
        Just(json!("naïve")),
        Just(json!("ECHO")),
        Just(json!("hidden")),
        Just(json!("echo ")),
        Just(json!(null)),
        Just(json!(1)),
        Just(json!(["echo"])),
        Just(json!({ "name": "echo" })),
    ]
}

fn entry(key: &'static str) -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        6 => Just(key.to_owned()),
        1 => Just(key.to_uppercase()),
        1 => Just(key[..1].to_uppercase() + &key[1..]),
        1 => Just("title".to_owned()),
        1 => Just(format!("{key} ")),
    ];
    let object = vec((keys, name()), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<String, Value>>()));
    prop_oneof![5 => object, 1 => name(), 1 => Just(json!([{ key: "hidden" }]))]
}

/// All that a reader who ignores case could take for the entry's name.
fn possible_names(entry: &Value, key: &str) -> BTreeSet<String> {
    let members = entry.as_object().into_iter().flatten();
    let named = members.filter(|(name, _)| name.eq_ignore_ascii_case(key));
    named.map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
}

proptest! {
    #[test]
    fn no_reader_finds_a_hidden_entry(
        (of, entries) in (0..4_usize).prop_flat_map(|which| {
            let key = ListShape::of(ListShape::METHODS[which]).map_or("name", |shape| shape.key);
            (Just(which), vec(entry(key), 0..6))
        }),
    ) {
        let shape = ListShape::of(ListShape::METHODS[of]).unwrap();
        let text = json!({ "x": 1, shape.entries: entries, "y": [] }).to_string();
        let document = Document::parse(Bytes::from(text), 32).unwrap();
        let result = document.root().as_object().unwrap();
        let mut splice = Splice::new(&document);
        let removed = shape.retain(result, &mut splice, |name| EXPOSED.contains(&name)).unwrap();
        let passed: Value = serde_json::from_slice(&splice.finish()).unwrap();
        let left = passed[shape.entries].as_array().unwrap();
        prop_assert_eq!(left.len() + removed, entries.len());
        for entry in left {
            let names = possible_names(entry, shape.key);
            prop_assert!(names.len() == 1 && names.iter().all(|name| EXPOSED.contains(&name.as_str())), "{}", entry);
        }
        // What may be shown for certain is still there, in order.
        let certain = |entry: &&Value| {
            let keys = entry.as_object().into_iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case(shape.key));
            keys.count() == 1 && entry[shape.key].as_str().is_some_and(|name| EXPOSED.contains(&name))
        };
        let wanted: Vec<&Value> = entries.iter().filter(certain).collect();
        prop_assert_eq!(left.iter().collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn a_result_is_guessed_by_its_entries_however_they_are_written() {
    for (text, method) in [
        (r#"{"tools":[]}"#, Some(Method::ToolsList)),
        (r#"{"T\u004fols":[]}"#, Some(Method::ToolsList)),
        (r#"{"prompts":7}"#, Some(Method::PromptsList)),
        (r#"{"resources":[]}"#, Some(Method::ResourcesList)),
        (r#"{"resourcetemplates":[]}"#, Some(Method::ResourceTemplatesList)),
        (r#"{"content":[{"tools":[]}]}"#, None),
        ("{}", None),
    ] {
        let document = Document::parse(Bytes::from(text), 32).unwrap();
        assert_eq!(ListShape::candidates(document.root().as_object().unwrap()).next(), method, "{text}");
    }
    assert_eq!(ListShape::of(Method::ToolsCall), None);
}
