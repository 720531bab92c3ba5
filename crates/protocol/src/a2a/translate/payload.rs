//! What a call that sends is answered with, and what streams consist of: one of four objects, bare with a `kind` on
//! JSON-RPC of 0.3, and in a member of its name elsewhere.

use super::super::{Dialect, TaskState};
use super::error::{Reason, Untranslatable};
use super::fields::Fields;
use super::shapes::{self, Shape};
use super::walk::{Done, Walk, flag};
use crate::json::Value;

/// Whether a stream of 0.3 ends at `input-required`. The SDKs' layers for 0.3 go on, agents of 0.3 end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtInput {
    /// It goes on: the update is not final.
    GoesOn,
    /// It ends: the update is final.
    Ends,
}

/// The four, by the names of their members and their kinds.
const FOUR: [(&str, &Shape); 4] = [
    ("task", &shapes::TASK),
    ("message", &shapes::MESSAGE),
    ("statusUpdate", &shapes::STATUS_UPDATE),
    ("artifactUpdate", &shapes::ARTIFACT_UPDATE),
];

impl Walk {
    /// The answer to a call that sends: a task or a message.
    pub(super) fn sent(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        self.one_of(&FOUR[..2], value, out)
    }

    /// One event of a stream.
    pub(super) fn event(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        self.one_of(&FOUR, value, out)
    }

    fn one_of(&self, kinds: &[(&'static str, &'static Shape)], value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let (name, shape, value) = self.read_one(kinds, value)?;
        let wrapped = self.to != Dialect::V03Rpc;
        if wrapped {
            out.extend_from_slice(b"{\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
        }
        let written = match name {
            "statusUpdate" => self.status_update(value, out),
            _ => self.object(shape, value, out),
        };
        written.map_err(|error| if self.from == Dialect::V03Rpc { error } else { error.within(name) })?;
        if wrapped {
            out.push(b'}');
        }
        Ok(())
    }

    fn read_one<'v>(
        &self,
        kinds: &[(&'static str, &'static Shape)],
        value: Value<'v>,
    ) -> Result<(&'static str, &'static Shape, Value<'v>), Untranslatable> {
        if self.from == Dialect::V03Rpc {
            let kind =
                value.as_object().ok_or(Reason::Must("an object"))?.get("kind").and_then(Value::as_str);
            let found = kinds.iter().find(|(_, shape)| shape.kind == kind.as_deref());
            let (name, shape) = found.ok_or_else(|| Reason::Must("a kind that fits here").at("kind"))?;
            return Ok((name, shape, value));
        }
        let fields = Fields::read(self, &shapes::PAYLOAD, value)?;
        let mut there = kinds.iter().filter_map(|(name, shape)| {
            let value = fields.get(self.from, name)?;
            Some((*name, *shape, value))
        });
        match (there.next(), there.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(Reason::Content.into()),
        }
    }

    /// A status update, with `final` computed towards 0.3.
    fn status_update(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let fields = Fields::read(self, &shapes::STATUS_UPDATE, value)?;
        let mut object = self.begin(&shapes::STATUS_UPDATE, out);
        self.members(&fields, &mut object)?;
        if self.to != Dialect::V1 {
            let said = match self.from {
                Dialect::V1 => None,
                Dialect::V03Rpc | Dialect::V03Proto => fields.get(self.from, "final"),
            };
            let said = said.map(|value| flag(value).map_err(|error| error.within("final"))).transpose()?;
            object.bool("final", said.unwrap_or(false) || self.ends(&fields)?);
        }
        self.finish(&fields, object);
        Ok(())
    }

    fn ends(&self, update: &Fields<'_>) -> Result<bool, Untranslatable> {
        let Some(status) = update.get(self.from, "status") else { return Ok(false) };
        let status = Fields::read(self, &shapes::STATUS, status)?;
        let Some(state) = status.get(self.from, "state") else { return Ok(false) };
        let state = self.state(state)?;
        Ok(state.is_terminal() || state == TaskState::InputRequired && self.input == AtInput::Ends)
    }
}
