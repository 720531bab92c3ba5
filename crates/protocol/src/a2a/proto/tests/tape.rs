//! Messages of a table, as JSON and as bytes, made of arbitrary bytes: what a property test shrinks is the tape.

use serde_json::{Map, Value, json};

use super::super::{
    Schema,
    schema::{Field, Kind, Label},
    wire,
};

/// Decisions, one a byte; once they have run out, each is 0.
pub(super) struct Tape<'a>(pub(super) &'a [u8]);

impl Tape<'_> {
    fn below(&mut self, bound: u8) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.below(u8::try_from(choices.len()).unwrap()))]
    }

    fn text(&mut self) -> &'static str {
        self.one_of(&["", "a", "tasks/1", "é\u{10FFFF}", "\"\\\n\u{0}", "application/json", "null"])
    }
}

/// A message as JSON, of members that every reader understands the same.
pub(super) fn json(schema: &Schema, tape: &mut Tape<'_>, depth: usize) -> Value {
    let mut members = Map::new();
    let alternatives: Vec<_> = schema.fields.iter().filter(|field| field.label == Label::OneOf).collect();
    let chosen = (!alternatives.is_empty()).then(|| tape.one_of(&alternatives).number);
    for field in schema.fields {
        if depth == 0 || tape.below(3) == 0 || (field.label == Label::OneOf && chosen != Some(field.number)) {
            continue;
        }
        let name = if tape.below(4) == 1 { field.name } else { field.json };
        members.insert(name.to_owned(), member(field, tape, depth - 1));
    }
    // Their reader of `Empty` stumbles over anything.
    if !schema.fields.is_empty() && tape.below(8) == 1 {
        members.insert("unknown".to_owned(), json!({ "id": [1, null] }));
    }
    Value::Object(members)
}

fn member(field: &Field, tape: &mut Tape<'_>, depth: usize) -> Value {
    match field.label {
        Label::Repeated => (0..tape.below(4)).map(|_| single(field.kind, tape, depth)).collect(),
        Label::Map => {
            (0..tape.below(4)).map(|_| (tape.text().to_owned(), single(field.kind, tape, depth))).collect()
        }
        _ if tape.below(16) == 1 => Value::Null,
        _ => single(field.kind, tape, depth),
    }
}

fn single(kind: Kind, tape: &mut Tape<'_>, depth: usize) -> Value {
    match kind {
        Kind::Bool => Value::Bool(tape.below(2) == 1),
        Kind::Int32 => match tape.below(5) {
            0 => json!(0),
            1 => json!(-7),
            2 => json!("12"),
            3 => json!(i32::MIN),
            _ => json!(3.0),
        },
        Kind::String => json!(tape.text()),
        Kind::Bytes => json!(tape.one_of(&["", "AAECAw==", "-_-_", "+/+/"])),
        Kind::Enum(names) => match tape.below(3) {
            0 => json!(tape.one_of(names.0)),
            1 => json!(tape.below(3)),
            _ => json!(99),
        },
        Kind::Message(schema) => json(schema, tape, depth),
        Kind::Struct => (0..tape.below(4)).map(|_| (tape.text().to_owned(), any(tape, depth))).collect(),
        Kind::Value => any(tape, depth),
        Kind::Timestamp => json!(tape.one_of(&[
            "1970-01-01T00:00:00Z",
            "2026-11-21T16:58:01.25Z",
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999999Z",
            "2024-02-29T01:02:03.000001+02:30",
        ])),
        Kind::Duration => json!(tape.one_of(&["0s", "1.5s", "-2.000001s"])),
    }
}

fn any(tape: &mut Tape<'_>, depth: usize) -> Value {
    match tape.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(tape.text()),
        3 => json!(tape.below(200)),
        4 => json!(-0.5),
        5 => json!(1e300),
        6 => (0..tape.below(4)).map(|_| any(tape, depth - 1)).collect(),
        _ => (0..tape.below(4)).map(|_| (tape.text().to_owned(), any(tape, depth - 1))).collect(),
    }
}

/// A message as bytes: its fields in any order and any number of times, and some that nobody knows.
pub(super) fn bytes(schema: &Schema, tape: &mut Tape<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..tape.below(6) {
        if schema.fields.is_empty() || tape.below(10) == 1 {
            out.extend_from_slice(b"\xa0\x06\x05");
            continue;
        }
        let field = tape.one_of(schema.fields);
        if field.label == Label::Map {
            let entry = entry(field.kind, tape, depth);
            delimited(&mut out, field.number, &entry);
        } else {
            value(&mut out, field.number, field.kind, tape, depth);
        }
    }
    out
}

/// An entry of a map: each part missing, once or twice, in any order.
fn entry(kind: Kind, tape: &mut Tape<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..tape.below(4) {
        if tape.below(2) == 0 {
            delimited(&mut out, 1, tape.text().as_bytes());
        } else {
            value(&mut out, 2, kind, tape, depth);
        }
    }
    out
}

fn delimited(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    wire::write_tag(out, number, wire::DELIMITED);
    wire::write_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, number: u32, value: i64) {
    wire::write_tag(out, number, wire::VARINT);
    wire::write_int(out, value);
}

fn value(out: &mut Vec<u8>, number: u32, kind: Kind, tape: &mut Tape<'_>, depth: usize) {
    let inner = match kind {
        Kind::Bool => return varint(out, number, i64::from(tape.below(2))),
        Kind::Int32 | Kind::Enum(_) => {
            return varint(out, number, tape.one_of(&[0, 1, 2, 99, -1, i64::from(i32::MAX)]));
        }
        Kind::String => tape.text().as_bytes().to_vec(),
        Kind::Bytes => tape.one_of(&[&b""[..], b"\xff", b"\x00abc"]).to_vec(),
        Kind::Message(schema) if depth > 0 => bytes(schema, tape, depth - 1),
        Kind::Struct if depth > 0 => structure(tape, depth - 1),
        Kind::Value if depth > 0 => any_bytes(tape, depth - 1),
        Kind::Timestamp | Kind::Duration => {
            let mut out = Vec::new();
            for _ in 0..tape.below(4) {
                varint(&mut out, 1 + u32::from(tape.below(2)), i64::from(tape.below(200)));
            }
            out
        }
        _ => Vec::new(),
    };
    delimited(out, number, &inner);
}

fn structure(tape: &mut Tape<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..tape.below(4) {
        let entry = entry(Kind::Value, tape, depth);
        delimited(&mut out, 1, &entry);
    }
    out
}

fn any_bytes(tape: &mut Tape<'_>, depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..tape.below(4) {
        match tape.below(6) {
            0 => varint(&mut out, 1, i64::from(tape.below(3))),
            1 => {
                wire::write_tag(&mut out, 2, wire::FIXED64);
                out.extend_from_slice(&tape.one_of(&[0.0_f64, -1.5, 42.0, 1e-9]).to_le_bytes());
            }
            2 => delimited(&mut out, 3, tape.text().as_bytes()),
            3 => varint(&mut out, 4, i64::from(tape.below(2))),
            4 => delimited(&mut out, 5, &structure(tape, depth.saturating_sub(1))),
            _ => {
                let mut list = Vec::new();
                for _ in 0..if depth == 0 { 0 } else { tape.below(4) } {
                    let element = any_bytes(tape, depth - 1);
                    delimited(&mut list, 1, &element);
                }
                delimited(&mut out, 6, &list);
            }
        }
    }
    out
}
