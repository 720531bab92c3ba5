//! Who may come in: `access` and the keys around it, the same for virtual servers and agents.
//!
//! Read as it is written. References to issuers and keys are followed in `publish`.

use doorward_model::Allow;

use super::unique;
use crate::{
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    tree::At,
};

/// What says who may stay.
const ALLOW_KEYS: &[Key] = &[
    Key::new("groups", Kind::Texts, "[]", "groups, as the token, the user or the key names them"),
    Key::new("users", Kind::Texts, "[]", "subjects; `api-key:<name>` is the key of that name"),
    Key::new("clients", Kind::Texts, "[]", "OAuth clients, and keys by their names"),
];

pub(crate) const SERVER_ALLOW: Spec = Spec {
    name: "server.allow",
    shape: Shape::Inner,
    about: "Who of those that get in may stay: a caller that any of the lists names.",
    keys: ALLOW_KEYS,
};

pub(crate) const AGENT_ALLOW: Spec =
    Spec { name: "agent.allow", shape: Shape::Inner, about: "As `server.allow`.", keys: ALLOW_KEYS };

/// A way in: a word of `access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Oauth,
    Jwt,
    ApiKey,
    Mtls,
    Open,
}

const WAYS: [(&str, Way); 5] = [
    ("oauth", Way::Oauth),
    ("jwt", Way::Jwt),
    ("api-key", Way::ApiKey),
    ("mtls", Way::Mtls),
    ("open", Way::Open),
];

/// Who may come in, as it is written.
pub(crate) struct AccessDraft<'a> {
    pub(crate) ways: Ways,
    pub(crate) allow_open: bool,
    /// Absent: every issuer.
    pub(crate) issuers: Option<Vec<Found<&'a str>>>,
    pub(crate) audience: Option<Found<&'a str>>,
    /// Absent: every key.
    pub(crate) api_keys: Option<Vec<Found<&'a str>>>,
    pub(crate) allow: Option<Allow>,
}

/// The ways in that are given.
pub(crate) struct Ways {
    pub(crate) at: At,
    given: Vec<Way>,
}

impl Ways {
    pub(crate) fn has(&self, way: Way) -> bool {
        self.given.contains(&way)
    }
}

/// Reads what a virtual server or an agent says of access; `allow_spec` is the table of its `allow`.
pub(super) fn read<'a>(section: &Section<'a>, allow_spec: &'static Spec) -> AccessDraft<'a> {
    let ways = ways(section);
    let allow = section.table("allow", allow_spec).map(|table| allow(&table));
    if allow.is_some() && ways.has(Way::Open) {
        let complaint = Complaint::new("`open` asks nobody who they are, so nobody can be told apart");
        section.mistake("allow", complaint.hint("leave out one of `allow` and \"open\""));
    }
    for (key, word, way) in
        [("issuers", "jwt", Way::Jwt), ("audience", "jwt", Way::Jwt), ("api_keys", "api-key", Way::ApiKey)]
    {
        if !ways.has(way) && section.has(key) {
            section.warn(key, format!("has no effect without access \"{word}\""));
        }
    }
    AccessDraft {
        ways,
        allow_open: section.boolean("allow_open").unwrap_or(false),
        issuers: section.texts("issuers"),
        audience: audience(section),
        api_keys: section.texts("api_keys").map(|names| unique(names, section.context)),
        allow,
    }
}

fn audience<'a>(section: &Section<'a>) -> Option<Found<&'a str>> {
    let audience = section.text("audience")?;
    if audience.value.is_empty() {
        section.context.mistake(&audience.at, "expected a text that is not empty");
        return None;
    }
    Some(audience)
}

fn ways(section: &Section<'_>) -> Ways {
    let at = section.at("access");
    if !section.has("access") {
        return Ways { at, given: vec![Way::Oauth] };
    }
    let words = section.text_or_texts("access");
    if words.as_ref().is_some_and(Vec::is_empty) {
        section.mistake(
            "access",
            Complaint::new("with no way in nobody gets in").hint("leave it out for \"oauth\""),
        );
    }
    let words = unique(words.unwrap_or_default(), section.context);
    let given = words.iter().filter_map(|word| section.meaning(word, "access", &WAYS)).collect();
    Ways { at, given }
}

fn allow(table: &Section<'_>) -> Allow {
    table.refuse_unknown(&[]);
    let names = |key| {
        let names = unique(table.texts(key).unwrap_or_default(), table.context);
        names.into_iter().filter_map(|name| {
            if name.value.is_empty() {
                table.context.mistake(&name.at, "expected a text that is not empty");
                return None;
            }
            Some(name.value.to_owned())
        })
    };
    let allow = Allow {
        groups: names("groups").collect(),
        users: names("users").collect(),
        clients: names("clients").collect(),
    };
    if allow.groups.is_empty() && allow.users.is_empty() && allow.clients.is_empty() {
        table.context.warn(
            &table.at,
            Complaint::new("names nobody, so nobody gets in").hint("leave it out for everybody"),
        );
    }
    allow
}
