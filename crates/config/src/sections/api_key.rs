//! `[[api_key]]`: keys that programs present instead of tokens. Only their digests are kept.

use std::{collections::BTreeMap, sync::Arc};

use doorward_auth::keys::hash;
use doorward_model::ApiKey;

use super::{Declared, credential, refuse_doubles, unique};
use crate::{
    context::Context,
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    tree::Table,
};

pub(crate) const SPEC: Spec = Spec {
    name: "api_key",
    shape: Shape::List,
    about: "A key that a program presents in the header `X-API-Key`, where `access` has \"api-key\". Who presents it is \
            the subject `api-key:<name>`. Draw it at random: `openssl rand -hex 32`.",
    keys: &[
        Key::new("name", Kind::Text, "required", "who presents it"),
        Key::new("value", Kind::Secret, "required", "the key; at least 20 characters"),
        Key::new("groups", Kind::Texts, "[]", "the groups of who presents it, for `allow`"),
    ],
};

/// What is shorter can be guessed, unless it is throttled.
const SHORTEST: usize = 20;

/// The declared keys.
pub(crate) type ApiKeys = Vec<Declared<Arc<ApiKey>>>;

pub(crate) fn read(root: &Table, context: &Context<'_>) -> ApiKeys {
    let sections = Section::list(&SPEC, root, context);
    let declared: ApiKeys = sections.iter().map(declare).collect();
    refuse_doubles(&declared, context);
    refuse_same_value(&sections, &declared, context);
    declared
}

fn declare(section: &Section<'_>) -> Declared<Arc<ApiKey>> {
    let name = section.name();
    let hash = credential::header_value(section, "value").map(|key| {
        if key.value.expose().chars().count() < SHORTEST {
            let complaint = Complaint::new(format!("is shorter than {SHORTEST} characters"));
            section.context.warn(&key.at, complaint.hint("draw it at random: openssl rand -hex 32"));
        }
        hash::hex(&hash::sha256(key.value.expose().as_bytes()))
    });
    let groups = groups(section);
    let value = name
        .as_ref()
        .zip(hash)
        .map(|(name, hash)| Arc::new(ApiKey { name: name.value.clone(), hash, groups }));
    Declared { at: section.at.clone(), written: section.written_name(), name, value }
}

fn groups(section: &Section<'_>) -> Vec<String> {
    let group = |group: Found<&str>| {
        if group.value.is_empty() {
            section.context.mistake(&group.at, "expected a text that is not empty");
            return None;
        }
        Some(group.value.to_owned())
    };
    let groups = unique(section.texts("groups").unwrap_or_default(), section.context);
    groups.into_iter().filter_map(group).collect()
}

/// One key, one name: with two, it would depend on their order who presents it.
fn refuse_same_value(sections: &[Section<'_>], declared: &ApiKeys, context: &Context<'_>) {
    let mut seen = BTreeMap::new();
    for (section, declared) in sections.iter().zip(declared) {
        let Some(key) = &declared.value else { continue };
        if let Some(first) = seen.get(&key.hash) {
            context.mistake(&section.at("value"), format!("is the same key as that of `{first}`"));
        } else {
            seen.insert(&key.hash, &section.at.key);
        }
    }
}
