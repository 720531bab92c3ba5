//! The document back as TOML: what was written and overridden, sections and keys in the order of the reference.
//!
//! Holds no secret, because the tree holds none: references stay references. The one exception, a password in a
//! plain `store.url`, is left out here.

use crate::{
    section::{Shape, Spec},
    sections,
    settings::Document,
    tree::{Node, Table, Value},
};

/// The document as TOML.
pub(crate) fn document(document: &Document) -> String {
    let mut out = String::new();
    for spec in sections::ALL {
        if spec.name.is_empty() {
            keys(&mut out, spec, &document.root);
            continue;
        }
        match (spec.shape, document.root.get(spec.name).map(|entry| &entry.node.value)) {
            (Shape::Single, Some(Value::Table(table))) => section(&mut out, spec, table, "[", "]"),
            (Shape::List, Some(Value::List(items))) => {
                for item in items {
                    if let Value::Table(table) = &item.value {
                        section(&mut out, spec, table, "[[", "]]");
                    }
                }
            }
            _ => {}
        }
    }
    out
}

fn section(out: &mut String, spec: &Spec, table: &Table, open: &str, close: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    out.extend([open, spec.name, close, "\n"]);
    keys(out, spec, table);
}

fn keys(out: &mut String, spec: &Spec, table: &Table) {
    for name in spec.names() {
        let Some(entry) = table.get(name) else { continue };
        let mut value = plain(&entry.node);
        if spec.name == "store"
            && let Value::Text(text) = &entry.node.value
            && let Some(safe) = sections::without_password(text)
        {
            value = toml::Value::String(safe);
        }
        out.extend([name, " = ", &value.to_string(), "\n"]);
    }
}

/// The value without places. What no key takes cannot stand in a document without mistakes.
fn plain(node: &Node) -> toml::Value {
    match &node.value {
        Value::Text(text) => toml::Value::String(text.clone()),
        Value::Integer(integer) => toml::Value::Integer(*integer),
        Value::Boolean(boolean) => toml::Value::Boolean(*boolean),
        Value::List(items) => toml::Value::Array(items.iter().map(plain).collect()),
        Value::Table(table) => {
            toml::Value::Table(table.iter().map(|(name, entry)| (name.clone(), plain(&entry.node))).collect())
        }
        Value::Other(words) => toml::Value::String((*words).to_owned()),
    }
}
