//! The reader against `serde_json`, with texts made at random: whole, damaged, and nearly JSON.

use std::{collections::BTreeMap, fmt::Write as _};

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{super::*, document, parse};

/// A value to be written with arbitrary white space and escapes.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Scalar(String),
    Text(String),
    Array(Vec<Tree>),
    Object(BTreeMap<String, Tree>),
}

/// Writes a tree; `noise` decides about white space and escapes, going round.
pub(super) fn render(tree: &Tree, noise: &[u8]) -> String {
    fn space(out: &mut String, noise: &mut impl Iterator<Item = u8>) {
        out.push_str(["", "", " ", "\n", "\t \r\n"][usize::from(noise.next().unwrap_or(0) % 5)]);
    }
    fn text(out: &mut String, text: &str, noise: &mut impl Iterator<Item = u8>) {
        out.push('"');
        for character in text.chars() {
            if noise.next().unwrap_or(0).is_multiple_of(8) {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04X}").unwrap();
                }
            } else {
                let quoted = quote(&character.to_string());
                out.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
        out.push('"');
    }
    fn go(out: &mut String, tree: &Tree, noise: &mut impl Iterator<Item = u8>) {
        space(out, noise);
        match tree {
            Tree::Scalar(raw) => out.push_str(raw),
            Tree::Text(value) => text(out, value, noise),
            Tree::Array(items) => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    out.push_str(if number == 0 { "" } else { "," });
                    go(out, item, noise);
                }
                space(out, noise);
                out.push(']');
            }
            Tree::Object(members) => {
                out.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    out.push_str(if number == 0 { "" } else { "," });
                    space(out, noise);
                    text(out, name, noise);
                    space(out, noise);
                    out.push(':');
                    go(out, value, noise);
                }
                space(out, noise);
                out.push('}');
            }
        }
        space(out, noise);
    }
    let mut out = String::new();
    go(&mut out, tree, &mut noise.iter().copied().cycle());
    out
}

pub(super) fn trees() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("-1.50E+07".to_owned()),
    ];
    let leaf = prop_oneof![scalar.prop_map(Tree::Scalar), any::<String>().prop_map(Tree::Text)];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let name = prop_oneof!["[a-c]{0,2}", any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::Array),
            prop::collection::btree_map(name, inner, 0..6).prop_map(Tree::Object),
        ]
    })
}

/// Pieces that make texts which are nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"b\":",
        "1",
        "-",
        "0",
        ".5",
        "e1",
        "E+",
        "true",
        "null",
        "fals",
        " ",
        "\n",
        "\\",
        "\\u0061",
        "\\ud83d",
        "\\ude00",
        "\\n",
        "\t",
        "\u{1}",
        "é",
        "{}",
        "[]",
        "[1,2]",
        "{\"a\":1}",
        "/",
        "\u{feff}",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Both readers agree, except on what only ours refuses.
fn agrees_with_serde_json(text: &str) {
    let theirs = serde_json::from_str::<&RawValue>(text);
    match parse(text) {
        Ok(document) => {
            let theirs = theirs.unwrap_or_else(|error| panic!("only we accept {text:?}: {error}"));
            assert_eq!(document.root().raw(), theirs.get().as_bytes());
        }
        Err(JsonError::DuplicateKey { .. } | JsonError::TooDeep { .. }) => {}
        Err(JsonError::Syntax { .. }) if text.to_lowercase().contains("\\ud") => {}
        Err(error) => assert!(theirs.is_err(), "only we refuse {text:?}: {error}"),
    }
}

/// Everything that the views say about a value, as `serde_json` would hold it.
fn to_serde(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Object => {
            let members = value.as_object().unwrap().members();
            members.map(|member| (member.name.into_owned(), to_serde(member.value))).collect()
        }
        Kind::Array => value.as_array().unwrap().iter().map(to_serde).collect(),
        Kind::String => value.as_str().unwrap().into_owned().into(),
        Kind::Bool => value.as_bool().unwrap().into(),
        Kind::Null => serde_json::Value::Null,
        Kind::Number => serde_json::from_slice(value.raw()).unwrap(),
    }
}

proptest! {
    #[test]
    fn agrees_on_nearly_json(text in nearly_json()) {
        agrees_with_serde_json(&text);
    }

    #[test]
    fn agrees_on_damaged_json(tree in trees(), noise in prop::collection::vec(any::<u8>(), 1..20), at in any::<prop::sample::Index>(), with in "[\\x00-\\x7f]{0,2}") {
        let mut text = render(&tree, &noise);
        let positions: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (from, to) = (at.index(positions.len()), at.index(positions.len()) + with.len());
        text.replace_range(positions[from]..positions[to.min(positions.len() - 1)], &with);
        agrees_with_serde_json(&text);
    }

    #[test]
    fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(document) = parse(&bytes) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(document.bytes()).is_ok());
        }
    }

    #[test]
    fn reads_what_was_written(tree in trees(), noise in prop::collection::vec(any::<u8>(), 1..20)) {
        let text = render(&tree, &noise);
        let document = document(&text);
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(to_serde(document.root()), expected);
    }

    #[test]
    fn members_are_picked_as_they_are_looked_up(tree in trees(), noise in prop::collection::vec(any::<u8>(), 1..20), at in any::<[prop::sample::Index; 2]>()) {
        let text = render(&tree, &noise);
        let document = document(&text);
        let Some(object) = document.root().as_object() else { return Ok(()) };
        let mut names: Vec<String> = object.members().map(|member| member.name.into_owned()).collect();
        names.push("missing".to_owned());
        let [first, second] = at.map(|at| names[at.index(names.len())].clone());
        prop_assume!(first != second);
        let span = |value: Option<Value<'_>>| value.map(Value::span);
        let looked_up = [&first, &second].map(|name| span(object.get(name)));
        prop_assert_eq!(object.pick([&first, &second]).map(span), looked_up);
    }

    #[test]
    fn quoted_text_reads_back(text in any::<String>()) {
        let quoted = quote(&text);
        prop_assert_eq!(&serde_json::from_str::<String>(&quoted).unwrap(), &text);
        let document = document(&quoted);
        prop_assert_eq!(document.root().as_str().unwrap(), text);
    }

    #[test]
    fn case_variants_are_symmetrical(left in "[kKsS\u{17f}\u{212a}iI_]{0,4}", right in "[kKsS\u{17f}\u{212a}iI_]{0,4}") {
        let variant = |written: &str, name: &str| {
            let text = format!("{{{}:0}}", quote(written));
            document(&text).root().as_object().unwrap().has_case_variant(name)
        };
        let expected = left != right && left.replace('\u{17f}', "s").to_lowercase() == right.replace('\u{17f}', "s").to_lowercase();
        prop_assert_eq!(variant(&left, &right), expected);
        prop_assert_eq!(variant(&right, &left), expected);
    }
}
