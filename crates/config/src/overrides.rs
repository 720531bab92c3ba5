//! Variables and options that stand for keys of the file: written over the tree before it is judged.
//!
//! Every key of a section that stands once has a variable: `DOORWARD_<SECTION>_<KEY>`. For a secret that variable
//! is the secret, and the same name with `_FILE` is the path of its file. Lists are separated by commas.

use crate::{
    context::{Context, shown},
    mistake::Complaint,
    section::{Key, Kind, Spec},
    sections,
    suggest::did_you_mean,
    tree::{At, Entry, Node, Place, Table, Value},
};

const PREFIX: &str = "DOORWARD_";
const FILE: &str = "_FILE";

/// Variables that the program takes and that stand for no key of the file.
const ELSEWHERE: [&str; 2] = ["DOORWARD_CONFIG", "DOORWARD_LOG"];

/// What Kubernetes sets for a service named `doorward`; nobody meant a key by it.
const SERVICE_LINKS: [&str; 2] = ["DOORWARD_PORT", "DOORWARD_SERVICE_"];

/// The variable of a key.
pub(crate) fn variable(spec: &Spec, key: &Key) -> String {
    if spec.name.is_empty() {
        return format!("{PREFIX}{}", key.name.to_uppercase());
    }
    format!("{PREFIX}{}_{}", spec.name.replace('.', "_").to_uppercase(), key.name.to_uppercase())
}

/// Whether a key has a variable. A table has none: the keys in it have.
pub(crate) fn has_variable(spec: &Spec, key: &Key) -> bool {
    spec.stands_once() && !matches!(key.kind, Kind::TextsOrContents | Kind::Table | Kind::TextOrTable)
}

/// Writes variables over the file, and options over variables.
pub(crate) fn apply(root: &mut Table, context: &Context<'_>) {
    for (spec, key) in overridable() {
        let name = variable(spec, key);
        if let Some(text) = set(&name, spec, key, context) {
            let value = from_text(key.kind, &name, &text);
            write(root, spec, key.name, &Place::Variable(name), value);
        } else if matches!(key.kind, Kind::Secret | Kind::TextOrSecret) {
            let name = format!("{name}{FILE}");
            if let Some(path) = set(&name, spec, key, context) {
                write(root, spec, key.name, &Place::Variable(name), reference("file", &path));
            }
        }
    }
    let flags = &context.env.overrides;
    for (flag, section, key, text) in [
        ("--listen", "listen", "address", &flags.listen),
        ("--public-url", "", "public_url", &flags.public_url),
    ] {
        let spec = sections::ALL.iter().find(|spec| spec.name == section);
        if let Some((spec, text)) = spec.zip(text.as_ref()) {
            write(root, spec, key, &Place::Flag(flag), Value::Text(text.clone()));
        }
    }
}

/// Warns of `DOORWARD_…` variables that nothing reads.
pub(crate) fn warn_of_unknown(context: &Context<'_>) {
    let mut known: Vec<String> = ELSEWHERE.map(str::to_owned).to_vec();
    for (spec, key) in overridable() {
        let name = variable(spec, key);
        if matches!(key.kind, Kind::Secret | Kind::TextOrSecret) {
            known.push(format!("{name}{FILE}"));
        }
        known.push(name);
    }
    let mut names = (context.env.names)();
    names.sort_unstable();
    for name in names {
        let of_others =
            SERVICE_LINKS.iter().any(|link| name.starts_with(link)) || context.is_referenced(&name);
        if name.starts_with(PREFIX) && !of_others && !known.contains(&name) {
            let hint = did_you_mean(&name, known.iter().map(String::as_str));
            let at = At { place: Place::Variable(shown(&name)), key: String::new() };
            context.warn(&at, Complaint::new("this variable stands for no key").hint_if(hint));
        }
    }
}

/// The keys that have variables.
fn overridable() -> impl Iterator<Item = (&'static Spec, &'static Key)> {
    let all = sections::ALL.into_iter().flat_map(|spec| spec.keys.iter().map(move |key| (spec, key)));
    all.filter(|(spec, key)| has_variable(spec, key))
}

/// The text of a variable. An empty one counts as not set: that is how templates of containers leave one out.
fn set(name: &str, spec: &Spec, key: &Key, context: &Context<'_>) -> Option<String> {
    let text = (context.env.var)(name)?;
    if text.is_empty() {
        let key =
            if spec.name.is_empty() { key.name.to_owned() } else { format!("{}.{}", spec.name, key.name) };
        context.warn(&At { place: Place::Variable(name.to_owned()), key }, "is empty and counts as not set");
        return None;
    }
    Some(text)
}

/// A variable's text as the type of its key; what does not fit stays text, and is judged as such.
fn from_text(kind: Kind, variable: &str, text: &str) -> Value {
    let as_text = || Value::Text(text.to_owned());
    match kind {
        Kind::Boolean => text.parse().map_or_else(|_| as_text(), Value::Boolean),
        Kind::Count(..) | Kind::Size(..) => text.parse().map_or_else(|_| as_text(), Value::Integer),
        Kind::Texts | Kind::TextOrTexts => {
            let place = Place::Variable(variable.to_owned());
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::List(
                items
                    .map(|item| Node { place: place.clone(), value: Value::Text(item.to_owned()) })
                    .collect(),
            )
        }
        // The reference, not the value: an export shows where the secret is.
        Kind::Secret | Kind::TextOrSecret => reference("env", variable),
        Kind::Text | Kind::Time(..) | Kind::TextsOrContents | Kind::Table | Kind::TextOrTable => as_text(),
    }
}

fn reference(kind: &str, to: &str) -> Value {
    // The reference is the program's own: its place is the override's, set by `write`.
    let node = Node { place: Place::Text(0), value: Value::Text(to.to_owned()) };
    Value::Table(Table::from([(kind.to_owned(), Entry { key_place: Place::Text(0), node })]))
}

fn write(root: &mut Table, spec: &Spec, key: &str, place: &Place, value: Value) {
    let entry = |value| Entry { key_place: place.clone(), node: Node { place: place.clone(), value } };
    let mut table = root;
    for part in spec.name.split('.').filter(|part| !part.is_empty()) {
        let section = table.entry(part.to_owned()).or_insert_with(|| entry(Value::Table(Table::new())));
        table = match &mut section.node.value {
            Value::Table(table) => table,
            // Not a table: the section's reader says so.
            _ => return,
        };
    }
    table.insert(key.to_owned(), entry(value));
}
