//! `[[server]]`: virtual servers as they are written. References to other sections are followed in `publish`.

mod capability;

use doorward_model::{Allow, Curation, Payloads};

use super::{Declared, later, refuse_doubles};
use crate::{
    context::{Context, shown},
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
    tree::{At, Table},
};

pub(crate) const SPEC: Spec = Spec {
    name: "server",
    shape: Shape::List,
    about: "A virtual server: an MCP endpoint that Doorward publishes at `/mcp/<name>`.",
    keys: &[
        Key::new("name", Kind::Text, "required", "its name and route"),
        Key::new(
            "upstreams",
            Kind::Texts,
            "required",
            "whose capabilities it shows; exactly one in this version",
        ),
        Key::new(
            "access",
            Kind::TextOrTexts,
            "\"oauth\"",
            "who may come in: `oauth` (Doorward's own tokens), `jwt` (tokens of an issuer), `open` (nobody is asked), \
             or a list of several",
        ),
        Key::new("allow_open", Kind::Boolean, "false", "permits `open` on a listener that is not loopback"),
        Key::new("issuers", Kind::Texts, "every issuer", "whose tokens count, for `jwt`"),
        Key::new(
            "audience",
            Kind::Text,
            "this resource's URL",
            "what a token's `aud` must contain, for `jwt`",
        ),
        Key::new("allow", Kind::Table, "everybody who gets in", "who may stay"),
        Key::new("tools", Kind::Texts, "all", "the tools that are shown, by name; `[]` shows none"),
        Key::new("prompts", Kind::Texts, "all", "the prompts that are shown, by name; `[]` shows none"),
        Key::new("resources", Kind::Texts, "all", "the resources that are shown, by URI; `[]` shows none"),
        Key::new(
            "resource_templates",
            Kind::Texts,
            "all",
            "the resource templates that are shown, by URI template; `[]` shows none",
        ),
        Key::new("record", Kind::Texts, "[]", "content that records keep, redacted: `arguments`, `results`"),
    ],
};

pub(crate) const ALLOW: Spec = Spec {
    name: "server.allow",
    shape: Shape::Inner,
    about: "Who of those that get in may stay: a caller that any of the lists names.",
    keys: &[
        Key::new("groups", Kind::Texts, "[]", "groups, as the token names them"),
        Key::new("users", Kind::Texts, "[]", "subjects"),
        Key::new("clients", Kind::Texts, "[]", "OAuth clients"),
    ],
};

/// A virtual server as it is written.
pub(crate) struct Draft<'a> {
    /// Absent after a mistake.
    pub(crate) upstream: Option<Found<&'a str>>,
    pub(crate) ways: Ways,
    pub(crate) allow_open: bool,
    /// Absent: every issuer.
    pub(crate) issuers: Option<Vec<Found<&'a str>>>,
    pub(crate) audience: Option<Found<&'a str>>,
    pub(crate) allow: Option<Allow>,
    pub(crate) curation: Curation,
    pub(crate) payloads: Payloads,
}

/// The words of `access`.
pub(crate) struct Ways {
    pub(crate) at: At,
    pub(crate) open: bool,
    pub(crate) oauth: bool,
    pub(crate) jwt: bool,
}

/// The declared virtual servers.
pub(crate) type Drafts<'a> = Vec<Declared<Draft<'a>>>;

pub(crate) fn read<'a>(root: &'a Table, context: &'a Context<'a>) -> Drafts<'a> {
    let sections = Section::list(&SPEC, root, context);
    let drafts: Drafts<'a> = sections.iter().map(declare).collect();
    refuse_doubles(&drafts, context);
    drafts
}

fn declare<'a>(section: &Section<'a>) -> Declared<Draft<'a>> {
    let name = section.name();
    let ways = ways(section);
    let allow = section.table("allow", &ALLOW).map(|table| allow(&table));
    if allow.is_some() && ways.open {
        let complaint = Complaint::new("`open` asks nobody who they are, so nobody can be told apart");
        section.mistake("allow", complaint.hint("leave out one of `allow` and \"open\""));
    }
    let audience = section.text("audience").filter(|audience| {
        let present = !audience.value.is_empty();
        if !present {
            section.context.mistake(&audience.at, "expected a text that is not empty");
        }
        present
    });
    if !ways.jwt {
        for key in ["issuers", "audience"].into_iter().filter(|key| section.has(key)) {
            section.warn(key, "has no effect without access \"jwt\"");
        }
    }
    let draft = Draft {
        upstream: upstream(section),
        ways,
        allow_open: section.boolean("allow_open").unwrap_or(false),
        issuers: section.texts("issuers"),
        audience,
        allow,
        curation: capability::curation(section),
        payloads: payloads(section),
    };
    Declared { at: section.at.clone(), written: section.written_name(), name, value: Some(draft) }
}

fn upstream<'a>(section: &Section<'a>) -> Option<Found<&'a str>> {
    section.require("upstreams");
    let upstreams = section.texts("upstreams")?;
    if upstreams.len() > later::UPSTREAMS_PER_SERVER {
        section.mistake("upstreams", format!("several upstreams in one virtual server: {}", later::TEXT));
    }
    if upstreams.is_empty() {
        section.mistake("upstreams", "a virtual server needs an upstream");
    }
    upstreams.into_iter().next()
}

fn ways(section: &Section<'_>) -> Ways {
    let mut ways = Ways { at: section.at("access"), open: false, oauth: false, jwt: false };
    if !section.has("access") {
        ways.oauth = true;
    }
    let words = section.text_or_texts("access");
    if words.as_ref().is_some_and(Vec::is_empty) {
        section.mistake(
            "access",
            Complaint::new("with no way in nobody gets in").hint("leave it out for \"oauth\""),
        );
    }
    for word in words.unwrap_or_default() {
        let seen = match word.value {
            "open" => &mut ways.open,
            "oauth" => &mut ways.oauth,
            "jwt" => &mut ways.jwt,
            other => {
                section.context.mistake(&word.at, unknown_way(other));
                continue;
            }
        };
        if std::mem::replace(seen, true) {
            section.context.warn(&word.at, format!("`{}` is listed twice", word.value));
        }
    }
    ways
}

fn unknown_way(word: &str) -> Complaint {
    if later::ACCESS.contains(&word) {
        return Complaint::new(format!("access `{word}`: {}", later::TEXT));
    }
    let known = ["oauth", "jwt", "open"];
    let complaint = Complaint::new(format!("unknown access `{}`", shown(word)));
    complaint
        .hint("known: oauth, jwt, open")
        .hint_if(did_you_mean(word, known.into_iter().chain(later::ACCESS)))
}

fn allow(table: &Section<'_>) -> Allow {
    table.refuse_unknown(&[]);
    let names = |key| {
        let names = capability::unique(table.texts(key).unwrap_or_default(), table.context);
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

fn payloads(section: &Section<'_>) -> Payloads {
    let mut payloads = Payloads::default();
    for word in capability::unique(section.texts("record").unwrap_or_default(), section.context) {
        match word.value {
            "arguments" => payloads.arguments = true,
            "results" => payloads.results = true,
            other => {
                let complaint =
                    Complaint::new(format!("expected `arguments` or `results`, found `{}`", shown(other)));
                let hint = did_you_mean(other, ["arguments", "results"]);
                section.context.mistake(&word.at, complaint.hint_if(hint));
            }
        }
    }
    payloads
}
