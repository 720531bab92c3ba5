//! What changed between two cards, for the person who approves it.
//!
//! Normal forms are compared: a change that callers could not see is none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{UpstreamCard, finding::Path, jcs, text::cut};

/// How many changes are listed.
const MAX_CHANGES: usize = 100;
/// How much is shown of a value, in characters.
const MAX_SHOWN: usize = 300;

/// The changes from one card to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The gravest first; of the same severity in the order of their paths. At most 100.
    pub changes: Vec<Change>,
    /// How many more there are.
    pub more: usize,
}

/// One value that is new, gone or another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place, such as `skills[id=translate].description`.
    pub path: String,
    /// What was there: JSON, cut where it is long.
    pub before: Option<String>,
    /// What is there now: JSON, cut where it is long.
    pub after: Option<String>,
    /// How much it matters.
    pub severity: Severity,
}

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Particulars.
    Low,
    /// What the agent says of itself, and can do: models choose by it, and take it for instructions.
    Medium,
    /// Where requests go, and what they must prove.
    High,
}

impl Severity {
    /// As findings name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Of a change in a member at the top of the card.
    fn of(member: &str) -> Self {
        match member {
            "supportedInterfaces" | "securitySchemes" | "securityRequirements" => Self::High,
            "name" | "description" | "capabilities" | "skills" => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// What changed from the approved card to the current one.
pub fn diff(approved: &UpstreamCard, current: &UpstreamCard) -> Diff {
    let mut changes = Vec::new();
    for name in names(&approved.normal, &current.normal) {
        let (before, after) = (approved.normal.get(name), current.normal.get(name));
        values(before, after, &Path::Root.member(name), Severity::of(name), &mut changes);
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.severity));
    let more = changes.len().saturating_sub(MAX_CHANGES);
    changes.truncate(MAX_CHANGES);
    Diff { changes, more }
}

fn names<'v>(before: &'v Map<String, Value>, after: &'v Map<String, Value>) -> BTreeSet<&'v String> {
    before.keys().chain(after.keys()).collect()
}

fn values(
    before: Option<&Value>,
    after: Option<&Value>,
    path: &Path<'_>,
    severity: Severity,
    changes: &mut Vec<Change>,
) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            for name in names(before, after) {
                values(before.get(name), after.get(name), &path.member(name), severity, changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after)))
            if are_objects(before) && are_objects(after) =>
        {
            elements(before, after, path, severity, changes);
        }
        (before, after) => changes.push(Change {
            path: path.to_string(),
            before: before.map(shown),
            after: after.map(shown),
            severity,
        }),
    }
}

fn are_objects(elements: &[Value]) -> bool {
    elements.iter().all(Value::is_object)
}

/// Skills and extensions are told apart by what they are known by, other objects by where they stand.
fn elements(
    before: &[Value],
    after: &[Value],
    path: &Path<'_>,
    severity: Severity,
    changes: &mut Vec<Change>,
) {
    for key in ["id", "uri"] {
        let (Some(old), Some(new)) = (by_key(before, key), by_key(after, key)) else { continue };
        let known: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for name in known {
            let (before, after) = (old.get(name).copied(), new.get(name).copied());
            values(before, after, &path.keyed(key, name), severity, changes);
        }
        return;
    }
    for index in 0..before.len().max(after.len()) {
        values(before.get(index), after.get(index), &path.element(index), severity, changes);
    }
}

/// The elements by a member; none if one lacks it or two share it.
fn by_key<'v>(elements: &'v [Value], key: &str) -> Option<BTreeMap<&'v str, &'v Value>> {
    let keyed = elements.iter().map(|element| Some((element.get(key)?.as_str()?, element)));
    let keyed: BTreeMap<_, _> = keyed.collect::<Option<_>>()?;
    (keyed.len() == elements.len()).then_some(keyed)
}

fn shown(value: &Value) -> String {
    let text = jcs::text(value);
    cut(&String::from_utf8_lossy(&text), MAX_SHOWN).into_owned()
}
