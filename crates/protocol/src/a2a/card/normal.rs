//! From a tree to the normal form: only what 1.0 knows, of the types it says, cleaned, and nothing empty.

use serde_json::{Map, Value};

use super::{
    finding::{Findings, Path},
    schema::{Field, Label, MAX_ELEMENTS, Message, Type},
    text,
    tree::is_lasting,
};

/// What may not be where a field is.
const NO_TEXT: &str = "must be a string";
const NO_BOOL: &str = "must be true or false";
const NO_OBJECT: &str = "must be an object";
const NO_LIST: &str = "must be an array";

/// A message in normal form. Members of other types are complained about, unknown ones dropped.
pub(super) fn message(
    known: &Message,
    members: &Map<String, Value>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Map<String, Value> {
    let mut out = Map::new();
    for Field(name, of, label) in known.0 {
        let Some(value) = members.get(*name).filter(|value| !value.is_null()) else { continue };
        if let Some(value) = field(*of, *label, value, &path.member(name), findings) {
            out.insert((*name).to_owned(), value);
        }
    }
    out
}

/// What is left of a value when everything empty is taken out of it, from the inside: texts, lists, objects, `null`.
pub(super) fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(elements) => {
            let kept: Vec<_> = elements.into_iter().filter_map(without_empty).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(members) => {
            let kept = members.into_iter().filter_map(|(name, value)| Some((name, without_empty(value)?)));
            let kept: Map<_, _> = kept.collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Bool(_) | Value::Number(_) => Some(value),
    }
}

/// [`without_empty`] for an object that stays, even if nothing is left in it.
pub(super) fn without_empty_members(members: Map<String, Value>) -> Map<String, Value> {
    match without_empty(Value::Object(members)) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// A field's value; none when it is empty, the default where that is the same as absence, or wrong.
fn field(of: Type, label: Label, value: &Value, path: &Path<'_>, findings: &mut Findings) -> Option<Value> {
    match label {
        Label::Repeated | Label::RequiredList => list(of, value, path, findings),
        Label::Map | Label::RequiredMap => map(of, value, path, findings),
        Label::Implicit if *value == Value::Bool(false) => None,
        Label::Required | Label::Optional | Label::Implicit => single(of, value, path, findings),
    }
}

fn list(of: Type, value: &Value, path: &Path<'_>, findings: &mut Findings) -> Option<Value> {
    let Some(elements) = value.as_array() else { return refused(path, NO_LIST, findings) };
    if elements.len() > MAX_ELEMENTS {
        return refused(path, "has more than 500 elements", findings);
    }
    let each = elements.iter().enumerate();
    without_empty(
        each.filter_map(|(index, element)| single(of, element, &path.element(index), findings)).collect(),
    )
}

fn map(of: Type, value: &Value, path: &Path<'_>, findings: &mut Findings) -> Option<Value> {
    let Some(members) = value.as_object() else { return refused(path, NO_OBJECT, findings) };
    if members.len() > MAX_ELEMENTS {
        return refused(path, "has more than 500 members", findings);
    }
    let mut out = Map::new();
    for (name, value) in members {
        let path = path.member(name);
        if is_plain(name, &path, findings)
            && let Some(value) = single(of, value, &path, findings)
        {
            out.insert(name.clone(), value);
        }
    }
    without_empty(Value::Object(out))
}

fn single(of: Type, value: &Value, path: &Path<'_>, findings: &mut Findings) -> Option<Value> {
    match (of, value) {
        (Type::Prose, Value::String(written)) => {
            shown(written, &text::prose(written), text::MAX_PROSE, path, findings)
        }
        (Type::Line, Value::String(written)) => {
            shown(written, &text::line(written), text::MAX_LINE, path, findings)
        }
        (Type::Identifier, Value::String(written)) => identifier(written, path, findings),
        (Type::Bool, Value::Bool(_)) => Some(value.clone()),
        (Type::Message(known), Value::Object(members)) => {
            without_empty(Value::Object(message(known, members, path, findings)))
        }
        (Type::Struct, Value::Object(_)) => without_empty(parameters(value, path, findings)),
        (Type::Prose | Type::Line | Type::Identifier, _) => refused(path, NO_TEXT, findings),
        (Type::Bool, _) => refused(path, NO_BOOL, findings),
        (Type::Message(_) | Type::Struct, _) => refused(path, NO_OBJECT, findings),
    }
}

fn refused(path: &Path<'_>, problem: &'static str, findings: &mut Findings) -> Option<Value> {
    findings.complain(path, problem);
    None
}

fn shown(
    written: &str,
    cleaned: &str,
    limit: usize,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<Value> {
    note_hidden(written, cleaned, path, findings);
    let cut = text::cut(cleaned, limit);
    if *cut != *cleaned {
        findings.note(path, "is too long and was cut");
    }
    (!cut.is_empty()).then(|| Value::String(cut.into_owned()))
}

fn identifier(written: &str, path: &Path<'_>, findings: &mut Findings) -> Option<Value> {
    let cleaned = text::line(written);
    note_hidden(written, &cleaned, path, findings);
    if cleaned.chars().count() > text::MAX_IDENTIFIER {
        findings.note(path, "is longer than 2,048 characters and was left out");
        return None;
    }
    (!cleaned.is_empty()).then(|| Value::String(cleaned.into_owned()))
}

/// Whether a name that the card made up shows all of itself.
fn is_plain(name: &str, path: &Path<'_>, findings: &mut Findings) -> bool {
    let plain = !text::has_invisible(name);
    if !plain {
        findings.note(path, "has a name with invisible characters and was left out");
    }
    plain
}

/// White space is not worth a word.
fn note_hidden(written: &str, cleaned: &str, path: &Path<'_>, findings: &mut Findings) {
    let visible = |text: &str| text.chars().filter(|character| !character.is_whitespace()).count();
    if visible(written) != visible(cleaned) {
        findings.note(path, "holds invisible characters, which were left out");
    }
}

/// Parameters of an extension: any JSON, of which only texts are cleaned.
fn parameters(value: &Value, path: &Path<'_>, findings: &mut Findings) -> Value {
    match value {
        Value::String(written) => {
            let cleaned = text::prose(written);
            note_hidden(written, &cleaned, path, findings);
            Value::String(cleaned.into_owned())
        }
        Value::Number(number) if !is_lasting(number) => {
            findings.note(path, "is a number that readers disagree on and was left out");
            Value::Null
        }
        Value::Array(elements) => {
            let each = elements.iter().enumerate();
            each.map(|(index, element)| parameters(element, &path.element(index), findings)).collect()
        }
        Value::Object(members) => {
            let mut out = Map::new();
            for (name, value) in members {
                let path = path.member(name);
                if is_plain(name, &path, findings) {
                    out.insert(name.clone(), parameters(value, &path, findings));
                }
            }
            Value::Object(out)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
