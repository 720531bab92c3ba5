//! The walk over a payload: reads a value in one dialect and writes it in the other.

use std::cell::Cell;

use super::super::{Dialect, Operation, TaskState, names, write::ObjectWriter};
use super::error::{Reason, Untranslatable};
use super::fields::Fields;
use super::payload::AtInput;
use super::shapes::{self, Field, Kind, Need, Shape};
use crate::json::{Value, write_str};

/// From where to where, and what was seen on the way.
pub(super) struct Walk {
    pub(super) from: Dialect,
    pub(super) to: Dialect,
    pub(super) input: AtInput,
    /// Whether something was not spelt as its dialect spells it.
    pub(super) varied: Cell<bool>,
    /// Whether it is parameters that are walked through.
    pub(super) asks: bool,
}

/// What every step answers.
pub(super) type Done = Result<(), Untranslatable>;

impl Walk {
    pub(super) fn new(from: Dialect, to: Dialect) -> Self {
        Self { from, to, input: AtInput::GoesOn, varied: Cell::new(false), asks: false }
    }

    pub(super) fn note(&self, varied: bool) {
        self.varied.set(self.varied.get() || varied);
    }

    /// Whether a text only moves, between dialects that agree on what it means.
    pub(super) fn same(&self) -> bool {
        self.from == self.to
    }

    /// An object whose members differ in nothing but their names.
    pub(super) fn object(&self, shape: &'static Shape, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let fields = Fields::read(self, shape, value)?;
        let mut object = self.begin(shape, out);
        self.members(&fields, &mut object)?;
        self.finish(&fields, object);
        Ok(())
    }

    /// Opens an object, with the discriminator that JSON-RPC of 0.3 wants.
    pub(super) fn begin<'o>(&self, shape: &Shape, out: &'o mut Vec<u8>) -> ObjectWriter<'o> {
        let mut object = ObjectWriter::begin(out);
        if let Some(kind) = shape.kind.filter(|_| self.to == Dialect::V03Rpc) {
            object.string("kind", kind);
        }
        object
    }

    /// Writes the members that are nobody's, where they may stay, and closes the object.
    pub(super) fn finish(&self, fields: &Fields<'_>, mut object: ObjectWriter<'_>) {
        if self.to != Dialect::V03Proto || self.same() {
            for member in &fields.foreign {
                object.raw(&member.name, member.value.raw());
            }
        }
        object.end();
    }

    /// Writes the members that have no function of their own.
    pub(super) fn members(&self, fields: &Fields<'_>, object: &mut ObjectWriter<'_>) -> Done {
        for (field, value) in fields.iter().filter(|(field, _)| !matches!(field.kind, Kind::Special)) {
            let (name, read_as) = (field.name(self.to), field.name(self.from));
            match value {
                Some(_) if name.is_empty() => {}
                Some(value) => {
                    self.member(field, value, name, object).map_err(|error| error.within(read_as))?;
                }
                None if field.need == Need::Required => return Err(Reason::Missing.at(read_as)),
                None if field.need == Need::Default => self.default(field.kind, object.member(name)),
                None => {}
            }
        }
        Ok(())
    }

    fn member(&self, field: &Field, value: Value<'_>, name: &str, object: &mut ObjectWriter<'_>) -> Done {
        match field.kind {
            Kind::Text | Kind::Time => match (text(value)?, field.need) {
                (b"\"\"", Need::Required) => return Err(Reason::Missing.into()),
                (b"\"\"", Need::Optional) => {}
                _ if matches!(field.kind, Kind::Time) => self.time(value, object.member(name)),
                (raw, _) => object.raw(name, raw),
            },
            Kind::Texts => {
                let mut texts = elements(value)?;
                if let Some(at) = texts.clone().position(|text| text.as_str().is_none()) {
                    return Err(Reason::Must("a string").at(&format!("[{at}]")));
                }
                if texts.next().is_some() {
                    object.raw(name, value.raw());
                }
            }
            Kind::Struct => {
                value.as_object().ok_or(Reason::Must("an object"))?;
                object.raw(name, value.raw());
            }
            Kind::Flag => object.bool(name, flag(value)?),
            Kind::Integer => self.integer(value, name, object)?,
            Kind::History => self.history(value, name, object)?,
            Kind::State => write_str(object.member(name), self.state_name(self.state(value)?, value)),
            Kind::Role => write_str(object.member(name), self.role(value)?),
            Kind::Task => self.task_name(value, object.member(name))?,
            Kind::Object(shape) => self.object(shape, value, object.member(name))?,
            Kind::List(shape) => {
                self.list(value, name, object, |value, out| self.object(shape, value, out), field.need)?;
            }
            Kind::Parts => self.list(value, name, object, |value, out| self.part(value, out), field.need)?,
            Kind::Authentication => self.authentication(value, object.member(name))?,
            Kind::Special => {}
        }
        Ok(())
    }

    /// An array of what `one` writes. An empty one is as good as none.
    fn list(
        &self,
        value: Value<'_>,
        name: &str,
        object: &mut ObjectWriter<'_>,
        one: impl Fn(Value<'_>, &mut Vec<u8>) -> Done,
        need: Need,
    ) -> Done {
        if elements(value)?.next().is_none() && need == Need::Optional && !self.same() {
            return Ok(());
        }
        array(value, object.member(name), one)
    }

    /// What a proto leaves out.
    fn default(&self, kind: Kind, out: &mut Vec<u8>) {
        match kind {
            Kind::Object(shape) => {
                let mut object = self.begin(shape, out);
                for field in shape.fields.iter().filter(|field| field.need == Need::Default) {
                    self.default(field.kind, object.member(field.name(self.to)));
                }
                object.end();
            }
            Kind::List(_) | Kind::Parts => out.extend_from_slice(b"[]"),
            Kind::State => write_str(out, TaskState::Unspecified.name_in(self.to)),
            Kind::Role => write_str(out, self.no_role()),
            _ => out.extend_from_slice(b"\"\""),
        }
    }

    fn integer(&self, value: Value<'_>, name: &str, object: &mut ObjectWriter<'_>) -> Done {
        let number = integer(value, self.from)?;
        object.raw(name, number.to_string().as_bytes());
        Ok(())
    }

    /// 0 is all of it in the proto of 0.3, and nothing elsewhere.
    fn history(&self, value: Value<'_>, name: &str, object: &mut ObjectWriter<'_>) -> Done {
        let number = integer(value, self.from)?;
        let number = match (number, self.same()) {
            (..0, _) => return Err(Reason::Must("a number from 0 on").into()),
            (0, false) if self.from == Dialect::V03Proto => return Ok(()),
            (0, false) if self.to == Dialect::V03Proto => 1,
            (number, _) => number,
        };
        object.raw(name, number.to_string().as_bytes());
        Ok(())
    }

    /// 1.0 wants UTC to be called `Z` (section 5.6.1); 0.3 takes it.
    fn time(&self, value: Value<'_>, out: &mut Vec<u8>) {
        let raw = value.raw();
        match raw.strip_suffix(b"+00:00\"") {
            Some(instant) if !self.same() => {
                out.extend_from_slice(instant);
                out.extend_from_slice(b"Z\"");
            }
            _ => out.extend_from_slice(raw),
        }
    }

    /// The state that a value names. In what an agent tells, one that is not known is not specified; in what is asked for
    /// it is a mistake.
    pub(super) fn state(&self, value: Value<'_>) -> Result<TaskState, Untranslatable> {
        let number = value.as_i64().filter(|_| self.from != Dialect::V03Rpc);
        let known = match (value.as_str(), number) {
            (Some(name), _) => TaskState::parse(&name),
            (None, Some(number)) => {
                usize::try_from(number).ok().and_then(|number| TaskState::ALL.get(number).copied())
            }
            (None, None) => return Err(Reason::Must("a state").into()),
        };
        match known {
            None if self.asks => Err(Reason::Must("a state").into()),
            known => Ok(known.unwrap_or(TaskState::Unspecified)),
        }
    }

    fn state_name(&self, state: TaskState, value: Value<'_>) -> &'static str {
        let name = state.name_in(self.to);
        self.note(value.as_str().is_none_or(|written| written != name));
        name
    }

    fn role(&self, value: Value<'_>) -> Result<&'static str, Untranslatable> {
        let number = value.as_i64().filter(|_| self.from != Dialect::V03Rpc);
        let name = match (value.as_str().as_deref(), number) {
            (Some("user" | "ROLE_USER"), _) | (None, Some(1)) if self.to == Dialect::V03Rpc => "user",
            (Some("agent" | "ROLE_AGENT"), _) | (None, Some(2)) if self.to == Dialect::V03Rpc => "agent",
            (Some("user" | "ROLE_USER"), _) | (None, Some(1)) => "ROLE_USER",
            (Some("agent" | "ROLE_AGENT"), _) | (None, Some(2)) => "ROLE_AGENT",
            (Some("ROLE_UNSPECIFIED"), _) | (None, Some(0)) => self.no_role(),
            _ => return Err(Reason::Must("a role").into()),
        };
        self.note(value.as_str().is_none_or(|written| written != name));
        Ok(name)
    }

    /// JSON-RPC of 0.3 has no third role; the SDKs take what is not the user's for the agent's.
    const fn no_role(&self) -> &'static str {
        if matches!(self.to, Dialect::V03Rpc) { "agent" } else { "ROLE_UNSPECIFIED" }
    }

    fn task_name(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let written = value.as_str().ok_or(Reason::Must("a string"))?;
        let id = if self.from == Dialect::V03Proto {
            names::parse_task(&written).ok_or(Reason::Must("`tasks/` and an id"))?
        } else {
            &*written
        };
        match self.to {
            _ if id.is_empty() => return Err(Reason::Missing.into()),
            Dialect::V03Proto if names::is_id(id) => write_str(out, &names::task(id)),
            Dialect::V03Proto => return Err(Reason::Must("an id that a resource name can carry").into()),
            Dialect::V1 | Dialect::V03Rpc => write_str(out, id),
        }
        Ok(())
    }

    /// The parameters of a call that sends.
    pub(super) fn send(&self, operation: Operation, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let fields = Fields::read(self, &shapes::SEND, value)?;
        let mut object = ObjectWriter::begin(out);
        self.members(&fields, &mut object)?;
        if let Some(value) = fields.get(self.from, "configuration") {
            let written = self.configuration(value, object.member("configuration"));
            written.map_err(|error| error.within("configuration"))?;
        } else if operation == Operation::SendMessage && self.to == Dialect::V03Proto && !self.same() {
            object.raw("configuration", br#"{"blocking":true}"#);
        }
        self.finish(&fields, object);
        Ok(())
    }

    /// Blocking is the default of 1.0 and what JSON-RPC of 0.3 is taken to mean; in the proto of 0.3 it must be said.
    fn configuration(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let fields = Fields::read(self, &shapes::CONFIGURATION, value)?;
        let mut object = ObjectWriter::begin(out);
        self.members(&fields, &mut object)?;
        let own = if self.from == Dialect::V1 { "returnImmediately" } else { "blocking" };
        let said = fields.get(self.from, own);
        let said = said.map(|value| flag(value).map_err(|error| error.within(own))).transpose()?;
        let blocks = match self.from {
            Dialect::V1 => !said.unwrap_or(false),
            Dialect::V03Rpc => said.unwrap_or(true),
            Dialect::V03Proto => said.unwrap_or(false),
        };
        match self.to {
            _ if said.is_none() && self.same() => {}
            Dialect::V1 => object.bool("returnImmediately", !blocks),
            Dialect::V03Rpc | Dialect::V03Proto => object.bool("blocking", blocks),
        }
        self.finish(&fields, object);
        Ok(())
    }
}

impl TaskState {
    /// What a dialect calls it. The proto of 0.3 writes one of them differently.
    const fn name_in(self, dialect: Dialect) -> &'static str {
        match (dialect, self) {
            (Dialect::V03Rpc, _) => self.name_0_3(),
            (Dialect::V03Proto, Self::Canceled) => "TASK_STATE_CANCELLED",
            (Dialect::V1 | Dialect::V03Proto, _) => self.name(),
        }
    }
}

/// A string, as it is written.
pub(super) fn text(value: Value<'_>) -> Result<&[u8], Untranslatable> {
    value.as_str().map(|_| value.raw()).ok_or(Reason::Must("a string").into())
}

pub(super) fn flag(value: Value<'_>) -> Result<bool, Untranslatable> {
    value.as_bool().ok_or(Reason::Must("true or false").into())
}

/// 32 bits with a sign. Protos take it as a string too, and with zeros behind the point.
fn integer(value: Value<'_>, from: Dialect) -> Result<i32, Untranslatable> {
    let written = value.as_str().filter(|_| from != Dialect::V03Rpc);
    let number = match &written {
        Some(text) => text.parse().ok(),
        None => std::str::from_utf8(value.raw()).ok().and_then(whole),
    };
    number.ok_or(Reason::Must("a whole number of 32 bits").into())
}

fn whole(text: &str) -> Option<i32> {
    let (number, zeros) = text.split_once('.').unwrap_or((text, ""));
    if zeros.bytes().all(|byte| byte == b'0') { number.parse().ok() } else { None }
}

pub(super) fn elements(value: Value<'_>) -> Result<impl Iterator<Item = Value<'_>> + Clone, Untranslatable> {
    Ok(value.as_array().ok_or(Reason::Must("an array"))?.iter())
}

/// Writes an array of what `one` writes.
pub(super) fn array(
    value: Value<'_>,
    out: &mut Vec<u8>,
    one: impl Fn(Value<'_>, &mut Vec<u8>) -> Done,
) -> Done {
    out.push(b'[');
    for (at, element) in elements(value)?.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        one(element, out).map_err(|error| error.within(&format!("[{at}]")))?;
    }
    out.push(b']');
    Ok(())
}
