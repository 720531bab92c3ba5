//! Reads the members of an object by a [`Shape`], in every spelling that some reader takes.

use super::super::{Dialect, names};
use super::error::{Reason, Untranslatable};
use super::shapes::{Field, Shape};
use super::walk::Walk;
use crate::json::{Member, Value};

/// An object's members.
pub(super) struct Fields<'v> {
    pub(super) shape: &'static Shape,
    /// One for each field of the shape.
    values: Vec<Option<Value<'v>>>,
    /// Members that are not the protocol's.
    pub(super) foreign: Vec<Member<'v>>,
}

/// What a member's name says.
enum Said {
    /// The field of that number; the flag is for its own name.
    Field(usize, bool),
    /// Nothing certain: some readers take it for a field.
    Unclear,
    /// A member that another dialect has.
    Elsewhere,
    /// The discriminator of JSON-RPC of 0.3.
    Kind,
    Foreign,
}

impl<'v> Fields<'v> {
    pub(super) fn read(walk: &Walk, shape: &'static Shape, value: Value<'v>) -> Result<Self, Untranslatable> {
        let object = value.as_object().ok_or(Reason::Must("an object"))?;
        let mut fields = Self { shape, values: vec![None; shape.fields.len()], foreign: Vec::new() };
        for member in object.members() {
            match said(shape, walk.from, &member.name) {
                Said::Field(index, own_name) => {
                    walk.note(!own_name);
                    if fields.values[index].replace(member.value).is_some() {
                        return Err(Reason::Twice.at(shape.fields[index].name(walk.from)));
                    }
                }
                Said::Unclear => walk.note(true),
                // The discriminator is written anew.
                Said::Kind => {}
                Said::Elsewhere if walk.from != walk.to => {}
                Said::Elsewhere | Said::Foreign => fields.foreign.push(member),
            }
        }
        Ok(fields)
    }

    /// Every field with its value. `null` is as good as none.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Field, Option<Value<'v>>)> {
        let present = |value: &Option<Value<'v>>| value.filter(|value| !value.is_null());
        self.shape.fields.iter().zip(self.values.iter().map(present))
    }

    /// The value of the field that a dialect calls so. `null` is as good as none.
    pub(super) fn get(&self, dialect: Dialect, name: &str) -> Option<Value<'v>> {
        self.or_null(dialect, name).filter(|value| !value.is_null())
    }

    /// The value of the field that a dialect calls so, `null` too.
    pub(super) fn or_null(&self, dialect: Dialect, name: &str) -> Option<Value<'v>> {
        let index = self.shape.fields.iter().position(|field| field.name(dialect) == name)?;
        self.values.get(index).copied().flatten()
    }
}

fn said(shape: &Shape, from: Dialect, name: &str) -> Said {
    if name.is_empty() {
        return Said::Foreign;
    }
    if let Some(index) = shape.fields.iter().position(|field| field.name(from) == name) {
        return Said::Field(index, true);
    }
    if from == Dialect::V03Rpc && name == "kind" {
        return Said::Kind;
    }
    let spelt = |field: &Field| {
        let own = field.name(from);
        !own.is_empty() && (field.alias == name || (name.contains('_') && names::snake(own) == name))
    };
    if let Some(index) = shape.fields.iter().position(spelt) {
        return Said::Field(index, false);
    }
    let taken_for = |known: &str| !known.is_empty() && names::could_mean(name, known);
    if shape.fields.iter().any(|field| taken_for(field.name(from))) {
        return Said::Unclear;
    }
    let somewhere = |field: &Field| field.every_name().any(taken_for);
    if taken_for("kind") || shape.fields.iter().any(somewhere) {
        return Said::Elsewhere;
    }
    Said::Foreign
}
