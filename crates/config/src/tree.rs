//! The file as a tree in which every key and value knows where it was written.
//!
//! Only what configuration uses: a float or a date keeps its place and the name of its type, nothing else.

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{context::Context, mistake::Complaint};

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file, at that byte.
    Text(usize),
    /// In the environment variable of that name.
    Variable(String),
    /// In that option of the command line.
    Flag(&'static str),
}

/// Where something was written, and the dotted key that a reader would look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) place: Place,
    pub(crate) key: String,
}

/// A value and its place. Has no `Debug`: a store address may hold a password.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// Something that no key takes, by the name of its type.
    Other(&'static str),
}

/// A table: keys with their own places.
pub(crate) type Table = BTreeMap<String, Entry>;

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key_place: Place,
    pub(crate) node: Node,
}

impl Node {
    /// What a complaint calls this type.
    pub(crate) fn type_words(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "text",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(words) => words,
        }
    }
}

/// Reads TOML. Mistakes of syntax are reported, all of them; the tree is then what could be read.
pub(crate) fn read(text: &str, context: &Context<'_>) -> Table {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut hint = Some("the rest is checked once the file is TOML".to_owned());
    for error in errors {
        let at = At { place: Place::Text(error.span().map_or(0, |span| span.start)), key: String::new() };
        // The parser's own rendering would quote the line, and with it perhaps a secret.
        let message = error.message();
        if message == "duplicate key" {
            context.mistake(&at, Complaint::new("this key is given twice"));
        } else {
            context.unreadable(&at, Complaint::new(message).hint_if(hint.take()));
        }
    }
    convert_table(table.get_ref())
}

fn convert_table(table: &DeTable<'_>) -> Table {
    let entry = |value: &Spanned<DeValue<'_>>, place: usize| Entry {
        key_place: Place::Text(place),
        node: convert(value),
    };
    table.iter().map(|(key, value)| (key.get_ref().to_string(), entry(value, key.span().start))).collect()
}

fn convert(value: &Spanned<DeValue<'_>>) -> Node {
    let converted = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Value::Other("an integer beyond 64 bits"), Value::Integer),
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Array(items) => Value::List(items.iter().map(convert).collect()),
        DeValue::Table(table) => Value::Table(convert_table(table)),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date or time"),
    };
    Node { place: Place::Text(value.span().start), value: converted }
}
