//! `[[agent]]`: A2A agents as they are written. References to other sections are followed in `publish`.

mod signature;

pub(crate) use signature::SPEC as SIGNATURE;

use std::{collections::BTreeSet, time::Duration};

use doorward_model::{A2aVersion, Binding, CardSignature, Credential, Name, Place, Quotas, RateLimit};
use url::Url;

use super::{
    Declared,
    access::{self, AccessDraft},
    credential::{self, Holder},
    rate, refuse_doubles, unique,
};
use crate::{
    address,
    context::Context,
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    tree::Table,
};

pub(crate) const SPEC: Spec = Spec {
    name: "agent",
    shape: Shape::List,
    about: "An A2A agent that Doorward publishes at `/a2a/<name>`.",
    keys: &[
        Key::new("name", Kind::Text, "required", "its name and route"),
        Key::new("card", Kind::Text, "required", "the address of its agent card: http or https"),
        Key::new("access", Kind::TextOrTexts, "\"oauth\"", "who may come in, as for virtual servers"),
        Key::new("allow_open", Kind::Boolean, "false", "as for virtual servers"),
        Key::new("issuers", Kind::Texts, "every issuer", "as for virtual servers"),
        Key::new("audience", Kind::Text, "the agent's own address", "as for virtual servers"),
        Key::new("api_keys", Kind::Texts, "every key", "as for virtual servers"),
        Key::new("allow", Kind::Table, "everybody who gets in", "as for virtual servers"),
        Key::new("rate", Kind::Table, "none", "how often callers may call"),
        Key::new(
            "bindings",
            Kind::Texts,
            "[\"jsonrpc\", \"http+json\"]",
            "what the published card offers, in this order: `jsonrpc`, `http+json`, `grpc`",
        ),
        Key::new(
            "versions",
            Kind::Texts,
            "[\"1.0\", \"0.3\"]",
            "the versions of A2A that callers may speak; with `1.0` alone the card has nothing of 0.3, which its signature does not cover",
        ),
        Key::new(
            "host",
            Kind::Text,
            "none",
            "another host name, without scheme, port and path, at whose root the card stands too",
        ),
        Key::new(
            "skills",
            Kind::Texts,
            "all",
            "the skills that the published card shows, by id; `[]` shows none",
        ),
        Key::new("credential", Kind::Table, "none", "what Doorward presents at the agent"),
        Key::new(
            "assertion",
            Kind::Boolean,
            "false",
            "whether the agent is told who calls: by a short-lived assertion that Doorward signs",
        ),
        Key::new(
            "signature",
            Kind::Table,
            "none is asked for",
            "what is asked of the signature of the agent's card",
        ),
        Key::new(
            "timeout",
            Kind::Time(Duration::from_millis(100), Duration::from_hours(24)),
            "\"10m\"",
            "until a whole answer, or the first event of a stream; long, because sending a message waits for the task to \
             end unless the caller asks otherwise",
        ),
        Key::new(
            "push",
            Kind::Boolean,
            "true",
            "whether callers may register webhooks, which Doorward then calls in the agent's stead",
        ),
        Key::new("quotas", Kind::Table, "as below", "how much of the agent one caller may hold at a time"),
        Key::new(
            "delegation_depth",
            Kind::Count(0, 100),
            "5",
            "through how many agents of this gateway a request may have come",
        ),
    ],
};

pub(crate) const QUOTAS: Spec = Spec {
    name: "agent.quotas",
    shape: Shape::Inner,
    about: "How much of an agent one caller may hold at a time.",
    keys: &[
        Key::new("tasks", MANY, "1000", "tasks that have not ended"),
        Key::new("input_required", MANY, "100", "tasks that wait for the caller"),
        Key::new("streams", MANY, "100", "open streams"),
    ],
};

const MANY: Kind = Kind::Count(1, 1_000_000);
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(10);
const DEFAULT_BINDINGS: [Binding; 2] = [Binding::JsonRpc, Binding::HttpJson];
const DEFAULT_DELEGATION_DEPTH: usize = 5;

/// An agent as it is written.
pub(crate) struct Draft<'a> {
    /// Absent after a mistake.
    pub(crate) card: Option<Url>,
    pub(crate) access: AccessDraft<'a>,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) versions: Vec<A2aVersion>,
    pub(crate) host: Option<Found<String>>,
    pub(crate) skills: Option<BTreeSet<String>>,
    /// Absent after a mistake.
    pub(crate) credential: Option<Credential>,
    pub(crate) assertion: bool,
    pub(crate) signature: CardSignature,
    pub(crate) timeout: Duration,
    pub(crate) push: bool,
    pub(crate) quotas: Quotas,
    pub(crate) delegation_depth: usize,
}

/// The declared agents.
pub(crate) type Agents<'a> = Vec<Declared<Draft<'a>>>;

pub(crate) fn read<'a>(root: &'a Table, context: &'a Context<'a>) -> Agents<'a> {
    let sections = Section::list(&SPEC, root, context);
    let agents: Agents<'a> = sections.iter().map(declare).collect();
    refuse_doubles(&agents, context);
    agents
}

fn declare<'a>(section: &Section<'a>) -> Declared<Draft<'a>> {
    let (name, card) = (section.name(), card(section));
    let holder = name.as_ref().zip(card.as_ref()).map(|(name, card)| holder(&name.value, card));
    let draft = Draft {
        card,
        access: access::read(section, &access::AGENT_ALLOW),
        rate: rate::read(section, &rate::AGENT),
        bindings: bindings(section),
        versions: versions(section),
        host: host(section),
        skills: skills(section),
        credential: credential::read(section, &credential::AGENT, holder.as_ref()),
        assertion: section.boolean("assertion").unwrap_or(false),
        signature: signature::read(section),
        timeout: section.duration("timeout").unwrap_or(DEFAULT_TIMEOUT),
        push: section.boolean("push").unwrap_or(true),
        quotas: quotas(section),
        delegation_depth: section.number("delegation_depth").unwrap_or(DEFAULT_DELEGATION_DEPTH),
    };
    Declared { at: section.at.clone(), written: section.written_name(), name, value: Some(draft) }
}

/// Who presents a credential at an agent. Where exactly it is asked only its card says.
fn holder(name: &Name, card: &Url) -> Holder {
    let mut address = card.clone();
    address.set_path("");
    address.set_query(None);
    Holder { place: Place::Agent(name.clone()), address }
}

fn card(section: &Section<'_>) -> Option<Url> {
    let text = section.required_text("card")?;
    let url = address::destination_like("https://agent.example.com/.well-known/agent-card.json", text.value);
    let url = section.context.accept(&text.at, url)?;
    credential::warn_in_clear(section, &url, "agent");
    Some(url)
}

/// 1.0 is what cards are written and signed in, so it is always there.
fn versions(section: &Section<'_>) -> Vec<A2aVersion> {
    let Some(words) = section.texts("versions") else { return A2aVersion::ALL.to_vec() };
    let known = A2aVersion::ALL.map(|version| (version.name(), version));
    let mut versions = Vec::new();
    for word in words {
        let Some(version) = section.meaning(&word, "version", &known) else { continue };
        if versions.contains(&version) {
            section.context.mistake(&word.at, format!("`{version}` is listed twice"));
        } else {
            versions.push(version);
        }
    }
    if !versions.contains(&A2aVersion::V1_0) {
        let complaint = Complaint::new("agents are always published in 1.0");
        section.mistake("versions", complaint.hint("versions = [\"1.0\"], or leave it out for both"));
    }
    versions
}

fn bindings(section: &Section<'_>) -> Vec<Binding> {
    let Some(words) = section.texts("bindings") else { return DEFAULT_BINDINGS.to_vec() };
    if words.is_empty() {
        let complaint = Complaint::new("without a binding nobody can call the agent");
        section.mistake("bindings", complaint.hint("leave it out for \"jsonrpc\" and \"http+json\""));
    }
    let known = Binding::ALL.map(|binding| (binding.word(), binding));
    let mut bindings = Vec::new();
    for word in words {
        let Some(binding) = section.meaning(&word, "binding", &known) else { continue };
        if bindings.contains(&binding) {
            section.context.mistake(&word.at, format!("`{}` is listed twice", word.value));
        } else {
            bindings.push(binding);
        }
    }
    bindings
}

fn host(section: &Section<'_>) -> Option<Found<String>> {
    let text = section.text("host")?;
    let result = address::host(text.value)
        .map_err(|complaint| complaint.hint("without scheme, port and path, such as \"agent.example.com\""));
    section.context.accept(&text.at, result).map(|value| Found { value, at: text.at })
}

fn skills(section: &Section<'_>) -> Option<BTreeSet<String>> {
    if !section.has("skills") {
        if !section.is_empty() {
            let complaint = Complaint::new("shows all skills of the approved card");
            section.warn("skills", complaint.hint("list what is shown in `skills`"));
        }
        return None;
    }
    let skill = |skill: Found<&str>| {
        if skill.value.is_empty() {
            section.context.mistake(&skill.at, "a skill has an id");
            return None;
        }
        Some(skill.value.to_owned())
    };
    let skills = unique(section.texts("skills")?, section.context);
    Some(skills.into_iter().filter_map(skill).collect())
}

fn quotas(section: &Section<'_>) -> Quotas {
    let usual = Quotas::default();
    let Some(table) = section.table("quotas", &QUOTAS) else { return usual };
    table.refuse_unknown(&[]);
    Quotas {
        tasks: table.number("tasks").unwrap_or(usual.tasks),
        input_required: table.number("input_required").unwrap_or(usual.input_required),
        streams: table.number("streams").unwrap_or(usual.streams),
    }
}
