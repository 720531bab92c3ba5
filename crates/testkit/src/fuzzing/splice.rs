//! Edits of documents: what comes out is JSON, and what no edit touched is as it was.

use bytes::Bytes;
use doorward_protocol::json::{Document, Splice, Value};

use super::{
    DEPTH, first_line,
    json::{items, members},
};

/// How many values of a document can be chosen for an edit.
const CHOICES: usize = 200;

/// What is put in.
const VALUES: [&[u8]; 4] = [b"null", b"{\"new\": [1, 2]}", b"\"\\u00e9\"", b"[]"];

/// Names that are set: some exist in the corpus, the last one must be escaped.
const NAMES: [&str; 4] = ["name", "a", "", "q\"\n"];

/// The first line says what is edited, three bytes an edit: which value, what is done, and with what. The rest is the
/// document.
///
/// # Panics
/// If the edited text is not JSON, or differs outside of what was edited.
pub fn splice(data: &[u8]) {
    let (edits, text) = first_line(data);
    // What is put in is two levels deep.
    let Ok(document) = Document::parse(Bytes::copy_from_slice(text), DEPTH - 2) else { return };
    let mut values = Vec::new();
    collect(document.root(), &mut values);
    let mut together = Splice::new(&document);
    let mut touched: Vec<std::ops::Range<usize>> = Vec::new();
    for edit in edits.chunks_exact(3).take(16) {
        let value = values[usize::from(edit[0]) % values.len()];
        alone(&document, value, edit[1], edit[2]);
        apply(&mut together, value, edit[1], edit[2]);
        touched.push(value.span());
    }
    let edited = together.finish();
    is_json(&edited);
    let first = touched.iter().map(|span| span.start).min().unwrap_or(text.len());
    let last = touched.iter().map(|span| span.end).max().unwrap_or(0);
    frame(text, &edited, first.min(last), last);
}

fn collect<'d>(value: Value<'d>, into: &mut Vec<Value<'d>>) {
    if into.len() >= CHOICES {
        return;
    }
    into.push(value);
    if let Some(object) = value.as_object() {
        object.members().for_each(|member| collect(member.value, into));
    }
    if let Some(array) = value.as_array() {
        array.iter().for_each(|element| collect(element, into));
    }
}

/// Does one edit; says which items of a container stay, if it is one that takes items away.
fn apply<'d>(splice: &mut Splice<'d>, value: Value<'d>, what: u8, with: u8) -> Edit {
    let stays = |number: usize| (with >> (number % 8)) & 1 == 1;
    let mut number = 0;
    let mut keep = || {
        number += 1;
        stays(number - 1)
    };
    let raw = VALUES[usize::from(with) % VALUES.len()];
    let name = NAMES[usize::from(with >> 2) % NAMES.len()];
    match (value.as_object(), value.as_array(), what % 4) {
        (Some(object), _, 0) => {
            splice.retain_members(object, |_| keep());
            Edit::Retained
        }
        (Some(object), _, 1) => {
            splice.set_member(object, name, raw);
            Edit::Set(name, raw)
        }
        (Some(object), _, 2) => {
            splice.remove_member(object, name);
            Edit::Removed(name)
        }
        (_, Some(array), 0..3) => {
            splice.retain_elements(array, |_| keep());
            Edit::Retained
        }
        _ => {
            splice.replace(value, raw);
            Edit::Replaced(raw)
        }
    }
}

/// What was done to one value.
enum Edit {
    Retained,
    Set(&'static str, &'static [u8]),
    Removed(&'static str),
    Replaced(&'static [u8]),
}

/// One edit alone does what it says, and nothing else.
fn alone<'d>(document: &'d Document, value: Value<'d>, what: u8, with: u8) {
    let mut splice = Splice::new(document);
    let edit = apply(&mut splice, value, what, with);
    let edited = splice.finish();
    is_json(&edited);
    let span = value.span();
    frame(document.bytes(), &edited, span.start, span.end);
    let behind = document.bytes().len() - span.end;
    let inside = &edited[span.start..edited.len() - behind];
    let Ok(after) = Document::parse(Bytes::copy_from_slice(inside), DEPTH) else {
        panic!("the value that was edited is no value any more")
    };
    match edit {
        Edit::Replaced(raw) => assert_eq!(inside, raw),
        Edit::Retained => {
            let expected: Vec<_> =
                items(value).into_iter().enumerate().filter(|(at, _)| (with >> (at % 8)) & 1 == 1).collect();
            assert!(items(after.root()).into_iter().eq(expected.into_iter().map(|(_, raw)| raw)));
        }
        Edit::Set(name, raw) => {
            let set = after.root().as_object().and_then(|object| object.get(name)).map(Value::raw);
            assert_eq!(set, Some(raw));
            others_stay(value, after.root(), name);
        }
        Edit::Removed(name) => {
            assert!(after.root().as_object().is_some_and(|object| object.get(name).is_none()));
            others_stay(value, after.root(), name);
        }
    }
}

/// All members but one are what they were, in their order.
fn others_stay(before: Value<'_>, after: Value<'_>, name: &str) {
    let others = |value: Value<'_>| -> Vec<(String, Vec<u8>)> {
        let members = value.as_object().into_iter().flat_map(|object| object.members().collect::<Vec<_>>());
        let others = members.filter(|member| member.name != name);
        others.map(|member| (member.name.into_owned(), member.value.raw().to_vec())).collect()
    };
    assert_eq!(others(before), others(after));
}

/// Both readers take it, and no name stands twice.
fn is_json(text: &Bytes) {
    if let Err(error) = Document::parse(text.clone(), DEPTH) {
        panic!("Doorward does not read what it edited: {error}");
    }
    let theirs = serde_json::from_slice::<&serde_json::value::RawValue>(text);
    assert!(theirs.is_ok_and(|value| !value.get().starts_with('{') || members(value).is_some()));
}

/// The texts are equal before `start` and, counted from their ends, after `end`.
fn frame(before: &[u8], after: &[u8], start: usize, end: usize) {
    assert!(after.starts_with(&before[..start]), "changed before the edit");
    assert!(after.len() >= start + before.len() - end, "lost something around the edit");
    assert!(after.ends_with(&before[end..]), "changed after the edit");
}
