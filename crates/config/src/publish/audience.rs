//! One audience never opens two resources, whatever kind they are of.

use std::{collections::BTreeMap, sync::Arc};

use doorward_model::{Access, Issuer, Name};

use super::{Entrance, World};
use crate::{mistake::Complaint, sections::AccessDraft, tree::At};

/// What opens an entrance to tokens of issuers.
pub(super) struct Audience<'a> {
    at: &'a At,
    entrance: Entrance<'a>,
    value: String,
    issuers: Vec<Arc<Issuer>>,
}

impl<'a> Audience<'a> {
    /// The audience of an entrance that takes tokens of issuers.
    pub(super) fn of(entrance: Entrance<'a>, draft: &'a AccessDraft<'_>, access: &Access) -> Option<Self> {
        access.jwt.as_ref().map(|jwt| Self {
            at: draft.audience.as_ref().map_or(&draft.ways.at, |audience| &audience.at),
            entrance,
            value: jwt.audience.clone(),
            issuers: jwt.issuers.clone(),
        })
    }
}

impl World<'_> {
    /// Complains of audiences that are the address of another entrance, and of those that open two.
    pub(super) fn refuse_shared_audiences<'a>(
        &self,
        entrances: impl Iterator<Item = Entrance<'a>>,
        audiences: &[Audience<'a>],
    ) {
        let resources: BTreeMap<String, Entrance<'a>> =
            entrances.filter_map(|entrance| Some((self.resource(entrance)?, entrance))).collect();
        let mut opened: BTreeMap<(&str, &Name), Entrance<'a>> = BTreeMap::new();
        let refuse = |entry: &Audience<'_>, message: String| {
            let complaint = Complaint::new(message).hint("one audience never opens two resources");
            self.context.mistake(entry.at, complaint);
        };
        for entry in audiences {
            if let Some(other) = resources.get(&entry.value).filter(|other| **other != entry.entrance) {
                refuse(entry, format!("this audience is the address of the {other}"));
                continue;
            }
            let shared = entry.issuers.iter().find_map(|issuer| {
                let other = opened.get(&(entry.value.as_str(), &issuer.name))?;
                (*other != entry.entrance).then_some((*other, &issuer.name))
            });
            if let Some((other, issuer)) = shared {
                refuse(
                    entry,
                    format!("a token of the issuer `{issuer}` for this audience opens the {other} too"),
                );
            }
            for issuer in &entry.issuers {
                opened.entry((&entry.value, &issuer.name)).or_insert(entry.entrance);
            }
        }
    }
}
