//! What a signature covers (A2A 1.0.1 section 8.4), in the three readings of the specification that are in use.

use serde_json::{Map, Value};

use super::{
    MAX_BYTES,
    finding::Path,
    jcs,
    normal::without_empty_members,
    schema::{CARD, Field, Label, Message, Type},
    tree::tree,
};
use crate::json::Document;

/// A reading of what the signed text of a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// As the official SDKs do it: members of 1.0 only; defaults, and whatever is empty at any depth, do not count. What
    /// is stripped is not covered: neither a required member that is empty nor a requirement with an empty list of scopes.
    Sdk,
    /// As section 8.4.1 says it: members of 1.0 only; required ones count always, optional ones where they are set.
    Spec,
    /// The card as it came, without `signatures`.
    Raw,
}

/// Why a card has no canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// More than 512 KiB.
    #[error("the card is larger than 512 KiB")]
    TooLarge,
    /// The card is not a JSON object, or a member of 1.0 has another type than the specification says.
    #[error("the card does not have the shape of a card")]
    Shape,
    /// A number or a text that not every reader takes for the same (RFC 8785 section 3.1, RFC 7493 section 2).
    #[error("the card holds a number or a text that readers disagree on")]
    Ambiguous,
}

impl Form {
    /// All of them, in the order in which signatures are tried.
    pub const ALL: [Self; 3] = [Self::Sdk, Self::Spec, Self::Raw];

    /// As records name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sdk => "sdk",
            Self::Spec => "spec",
            Self::Raw => "raw",
        }
    }

    /// Whether members that 1.0 does not know are covered.
    pub(super) const fn covers_all_members(self) -> bool {
        matches!(self, Self::Raw)
    }
}

/// The canonical text (RFC 8785) of a card in one of the forms, without its signatures.
///
/// # Errors
/// [`NotCanonical`]
pub fn canonical(form: Form, card: &Document) -> Result<Vec<u8>, NotCanonical> {
    if card.bytes().len() > MAX_BYTES {
        return Err(NotCanonical::TooLarge);
    }
    let mut ambiguous = false;
    let tree = tree(card.root(), &Path::Root, &mut |_| ambiguous = true);
    let Value::Object(mut card) = tree else { return Err(NotCanonical::Shape) };
    if ambiguous {
        return Err(NotCanonical::Ambiguous);
    }
    card.remove("signatures");
    let covered = match form {
        Form::Raw => card,
        Form::Spec => message(&CARD, &card)?,
        Form::Sdk => without_empty_members(message(&CARD, &card)?),
    };
    Ok(jcs::object_text(&covered))
}

/// A message as ProtoJSON writes it once it was read: known members only, defaults as their labels say.
fn message(known: &Message, members: &Map<String, Value>) -> Result<Map<String, Value>, NotCanonical> {
    let mut out = Map::new();
    for Field(name, of, label) in known.0 {
        // `null` stands for the default of its field.
        let value = members.get(*name).filter(|value| !value.is_null());
        let kept = match value {
            Some(value) => field(*of, *label, value)?.filter(|value| keeps(*label, value)),
            None => absent(*of, *label),
        };
        if let Some(kept) = kept {
            out.insert((*name).to_owned(), kept);
        }
    }
    Ok(out)
}

/// Whether a value is written, given when its field is there.
fn keeps(label: Label, value: &Value) -> bool {
    match label {
        Label::Required | Label::Optional | Label::RequiredList | Label::RequiredMap => true,
        Label::Implicit | Label::Repeated | Label::Map => !is_default(value),
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null | Value::Number(_) => false,
    }
}

/// What stands for a field that is not there.
fn absent(of: Type, label: Label) -> Option<Value> {
    match label {
        Label::Required => match of {
            Type::Prose | Type::Line | Type::Identifier => Some(Value::String(String::new())),
            Type::Bool | Type::Message(_) | Type::Struct => None,
        },
        Label::RequiredList => Some(Value::Array(Vec::new())),
        Label::RequiredMap => Some(Value::Object(Map::new())),
        Label::Optional | Label::Implicit | Label::Repeated | Label::Map => None,
    }
}

fn field(of: Type, label: Label, value: &Value) -> Result<Option<Value>, NotCanonical> {
    match (label, value) {
        (Label::Repeated | Label::RequiredList, Value::Array(elements)) => {
            let each = elements.iter().map(|element| single(of, element));
            each.collect::<Result<_, _>>().map(|elements| Some(Value::Array(elements)))
        }
        (Label::Map | Label::RequiredMap, Value::Object(members)) => {
            let each = members.iter().map(|(name, value)| Ok((name.clone(), single(of, value)?)));
            each.collect::<Result<_, _>>().map(|members| Some(Value::Object(members)))
        }
        (Label::Required | Label::Optional | Label::Implicit, value) => single(of, value).map(Some),
        _ => Err(NotCanonical::Shape),
    }
}

fn single(of: Type, value: &Value) -> Result<Value, NotCanonical> {
    match (of, value) {
        (Type::Prose | Type::Line | Type::Identifier, Value::String(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Struct, Value::Object(_)) => Ok(value.clone()),
        (Type::Message(known), Value::Object(members)) => message(known, members).map(Value::Object),
        _ => Err(NotCanonical::Shape),
    }
}
