//! `[[upstream]]`: MCP servers that Doorward calls, over HTTP or as child processes, and what it presents there.

mod command;
pub(crate) mod sandbox;

pub(crate) use command::variable_name;

use std::{sync::Arc, time::Duration};

use doorward_model::{Name, Place, Transport, Upstream};
use url::Url;

use super::{
    Declared,
    credential::{self, Holder},
    refuse_doubles,
};
use crate::{
    address,
    context::{Context, shown},
    mistake::Complaint,
    section::{Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
    tree::Table,
};

pub(crate) const SPEC: Spec = Spec {
    name: "upstream",
    shape: Shape::List,
    about: "An MCP server that Doorward calls: exactly one of `url` and `command`. A `url` is trusted at exactly \
            this host and port; a `command` can stand only in this file.",
    keys: &[
        Key::new("name", Kind::Text, "required", "what virtual servers, errors and records call it"),
        Key::new("url", Kind::Text, "required without `command`", "its MCP endpoint: http or https"),
        Key::new(
            "transport",
            Kind::Text,
            "\"auto\"",
            "what the `url` speaks: `http` (Streamable HTTP) or `sse` (HTTP+SSE of 2024-11-05); `auto` begins with \
             `http` and falls back to `sse` where an `initialize` is answered with 400, 404 or 405 and the `url` has an \
             event stream that names an endpoint",
        ),
        Key::new(
            "command",
            Kind::Texts,
            "required without `url`",
            "a program that speaks MCP over its standard input and output, and its arguments; no shell reads them. A \
             program with a `/` is relative to this file, another one is looked for in `PATH`",
        ),
        Key::new(
            "env",
            Kind::Table,
            "`{}`",
            "variables of the `command`, each `NAME = \"text\"` or `NAME = { env = \"NAME\" }` or \
             `NAME = { file = \"path\" }`. Besides them `PATH`, `HOME`, `LANG` and `TMPDIR` pass, nothing else; \
             variables that make a program load other code are refused",
        ),
        Key::new("directory", Kind::Text, "Doorward's own", "the working directory of the `command`"),
        Key::new(
            "sandbox",
            Kind::Table,
            "none",
            "what the `command` may touch; without it, all that Doorward itself may",
        ),
        Key::new(
            "timeout",
            Kind::Time(Duration::from_millis(100), Duration::from_hours(1)),
            "\"60s\"",
            "until the first byte of an answer; streams have idle time-outs of their own",
        ),
        Key::new(
            "credential",
            Kind::Table,
            "none",
            "what Doorward presents at the `url`; a `command` gets its secrets by `env`",
        ),
    ],
};

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// The declared upstreams.
pub(crate) type Upstreams = Vec<Declared<Arc<Upstream>>>;

pub(crate) fn read(root: &Table, context: &Context<'_>) -> Upstreams {
    let sections = Section::list(&SPEC, root, context);
    let declared: Upstreams = sections.iter().map(declare).collect();
    refuse_doubles(&declared, context);
    declared
}

fn declare(section: &Section<'_>) -> Declared<Arc<Upstream>> {
    let name = section.name();
    let transport = if section.has("command") { child(section) } else { remote(section) };
    let timeout = section.duration("timeout").unwrap_or(DEFAULT_TIMEOUT);
    let holder =
        name.as_ref().zip(transport.as_ref()).and_then(|(name, transport)| holder(&name.value, transport));
    let credential = credential::read(section, &credential::UPSTREAM, holder.as_ref());
    let written = section.written_name();
    let value = name.as_ref().zip(transport).zip(credential).map(|((name, transport), credential)| {
        Arc::new(Upstream { name: name.value.clone(), transport, timeout, credential })
    });
    Declared { at: section.at.clone(), written, name, value }
}

/// Who presents a credential at an upstream. A child process gets none.
fn holder(name: &Name, transport: &Transport) -> Option<Holder> {
    let (Transport::Http(url) | Transport::Auto(url) | Transport::Sse(url)) = transport else { return None };
    Some(Holder { place: Place::Upstream(name.clone()), address: url.clone() })
}

/// An upstream that is a child process.
fn child(section: &Section<'_>) -> Option<Transport> {
    for (key, complaint) in [
        ("url", Complaint::new("expected exactly one of `url` and `command`")),
        ("transport", Complaint::new("a `command` is always reached over its standard input and output")),
        ("credential", Complaint::new("is for a `url`").hint("give a `command` its secrets by `env`")),
    ] {
        if section.has(key) {
            section.mistake(key, complaint);
        }
    }
    command::read(section).map(Transport::Stdio)
}

/// An upstream that is somewhere on the network.
fn remote(section: &Section<'_>) -> Option<Transport> {
    for key in ["env", "directory", "sandbox"] {
        if section.has(key) {
            section.mistake(key, "is for a `command`");
        }
    }
    if !section.has("url") && !section.is_empty() {
        let complaint = Complaint::new("is missing").hint("or `command`, for a server that is a program");
        section.mistake("url", complaint);
    }
    let url = section.text("url");
    let url = url.and_then(|url| section.context.accept(&url.at, address::destination(url.value)));
    if let Some(url) = &url {
        credential::warn_in_clear(section, url, "upstream");
    }
    let speaks = spoken(section)?;
    url.map(speaks)
}

/// What stands at a `url`, by the word for it.
fn spoken(section: &Section<'_>) -> Option<fn(Url) -> Transport> {
    if !section.has("transport") {
        return Some(Transport::Auto);
    }
    let word = section.text("transport")?;
    match word.value {
        "auto" => Some(Transport::Auto),
        "http" => Some(Transport::Http),
        "sse" => Some(Transport::Sse),
        other => {
            let complaint = Complaint::new(format!("unknown transport `{}`", shown(other)));
            let hint = did_you_mean(other, ["auto", "http", "sse"]);
            let complaint = complaint.hint("known: auto, http, sse; for stdio write `command`").hint_if(hint);
            section.context.mistake(&word.at, complaint);
            None
        }
    }
}
