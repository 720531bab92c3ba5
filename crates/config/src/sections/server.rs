//! `[[server]]`: virtual servers as they are written. References to other sections are followed in `publish`.

mod capability;

use doorward_model::{Curation, Payloads, RateLimit};

use super::{
    Declared,
    access::{self, AccessDraft},
    later, rate, refuse_doubles, unique,
};
use crate::{
    context::{Context, shown},
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
    tree::Table,
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
            "who may come in: `oauth` (Doorward's own tokens), `jwt` (tokens of an issuer), `api-key` (keys of an \
             [[api_key]]), `mtls` (client certificates, with `listen.tls.client_ca`), `open` (nobody is asked), or a list \
             of several",
        ),
        Key::new("allow_open", Kind::Boolean, "false", "permits `open` on a listener that is not loopback"),
        Key::new("issuers", Kind::Texts, "every issuer", "whose tokens count, for `jwt`"),
        Key::new(
            "audience",
            Kind::Text,
            "this resource's URL",
            "what a token's `aud` must contain, for `jwt`",
        ),
        Key::new("api_keys", Kind::Texts, "every key", "which [[api_key]] count, for `api-key`"),
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
        Key::new("rate", Kind::Table, "none", "how often callers may call"),
    ],
};

/// A virtual server as it is written.
pub(crate) struct Draft<'a> {
    /// Absent after a mistake.
    pub(crate) upstream: Option<Found<&'a str>>,
    pub(crate) access: AccessDraft<'a>,
    pub(crate) curation: Curation,
    pub(crate) payloads: Payloads,
    pub(crate) rate: Option<RateLimit>,
}

/// The declared virtual servers.
pub(crate) type Servers<'a> = Vec<Declared<Draft<'a>>>;

pub(crate) fn read<'a>(root: &'a Table, context: &'a Context<'a>) -> Servers<'a> {
    let sections = Section::list(&SPEC, root, context);
    let drafts: Servers<'a> = sections.iter().map(declare).collect();
    refuse_doubles(&drafts, context);
    drafts
}

fn declare<'a>(section: &Section<'a>) -> Declared<Draft<'a>> {
    let name = section.name();
    let draft = Draft {
        upstream: upstream(section),
        access: access::read(section, &access::SERVER_ALLOW),
        curation: capability::curation(section),
        payloads: payloads(section),
        rate: rate::read(section, &rate::SERVER),
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

fn payloads(section: &Section<'_>) -> Payloads {
    let mut payloads = Payloads::default();
    for word in unique(section.texts("record").unwrap_or_default(), section.context) {
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
