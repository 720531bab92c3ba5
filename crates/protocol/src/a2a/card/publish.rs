//! The card that callers see: the agent's words, Doorward's addresses, security and policy.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    Security, UpstreamCard, jcs,
    normal::without_empty_members,
    view::{objects, text},
};
use crate::a2a::{Binding, Version};

/// How an agent faces callers. The texts are Doorward's own and are not checked.
#[derive(Debug, Clone, Copy)]
pub struct Facing<'a> {
    /// The agent's name at Doorward: the tenant of its gRPC interfaces, and its name where it gives itself none.
    pub name: &'a str,
    /// Where JSON-RPC and HTTP+JSON are: `<public_url>/a2a/<name>`.
    pub url: &'a str,
    /// Where gRPC is: `host:port`. Without it, gRPC is not offered.
    pub grpc: Option<&'a str>,
    /// The bindings on offer, in this order; at least one that has an address.
    pub bindings: &'a [Binding],
    /// The versions on offer. With 1.0 alone there is nothing of 0.3 in any document.
    pub versions: &'a [Version],
    /// What is asked of callers.
    pub security: &'a Security,
    /// Whether webhooks are relayed.
    pub push: bool,
    /// Whether the extended card is relayed.
    pub extended: bool,
    /// The skills to be shown, by id; absent means all.
    pub skills: Option<&'a BTreeSet<String>>,
    /// The extensions to be shown, by URI; absent means all. Those that callers must know are shown always: without them the
    /// agent would refuse what its card allows.
    pub extensions: Option<&'a BTreeSet<String>>,
}

/// A card to be published: in normal form, not signed yet.
#[derive(Debug, Clone)]
pub struct Published {
    pub(super) card: Map<String, Value>,
    payload: Vec<u8>,
}

impl Published {
    /// The card as RFC 8785 text: what is signed, whichever form a verifier prefers. The same for the same card, so that its
    /// digest tells whether the card changed, which a signature does not.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// What callers see of a card.
///
/// Interfaces and security are those of `facing`, every interface in 1.0 and then in 0.3; capabilities are what the agent,
/// Doorward and the policy have in common; skills keep no security of their own; signatures of the agent, which no longer
/// fit, are gone. What 1.0 requires and the agent left empty says something plain.
pub fn publish(card: &UpstreamCard, facing: &Facing<'_>) -> Published {
    let mut members = card.normal.clone();
    members.insert("supportedInterfaces".to_owned(), interfaces(facing));
    members.insert("capabilities".to_owned(), capabilities(card, facing));
    facing.security.write(&mut members);
    fill(&mut members, "name", facing.name);
    let name = text(&members, "name");
    fill(&mut members, "description", &format!("{name} is an agent that does not describe itself."));
    fill(&mut members, "version", "0");
    for modes in ["defaultInputModes", "defaultOutputModes"] {
        members.entry(modes).or_insert_with(|| json!(["text/plain"]));
    }
    members.insert("skills".to_owned(), skills(&members, facing));
    let whole = |provider: &Value| provider.get("url").is_some() && provider.get("organization").is_some();
    if !members.get("provider").is_some_and(whole) {
        members.remove("provider");
    }
    let card = without_empty_members(members);
    Published { payload: jcs::object_text(&card), card }
}

fn fill(members: &mut Map<String, Value>, name: &str, with: &str) {
    members.entry(name).or_insert_with(|| with.into());
}

/// 1.0 before 0.3: clients take the first one that they can use.
fn interfaces(facing: &Facing<'_>) -> Value {
    let each =
        Version::ALL.into_iter().filter(|version| facing.versions.contains(version)).flat_map(|version| {
            facing.bindings.iter().filter_map(move |binding| interface(facing, *binding, version))
        });
    each.collect()
}

/// gRPC has no path to tell agents apart: that is what the tenant is for.
fn interface(facing: &Facing<'_>, binding: Binding, version: Version) -> Option<Value> {
    let (url, tenant) = match binding {
        Binding::JsonRpc | Binding::HttpJson => (facing.url, None),
        Binding::Grpc => (facing.grpc?, Some(facing.name)),
    };
    Some(json!({
        "url": url,
        "protocolBinding": binding.card_name(),
        "protocolVersion": version.name(),
        "tenant": tenant,
    }))
}

fn capabilities(card: &UpstreamCard, facing: &Facing<'_>) -> Value {
    let declared = card.normal.get("capabilities").and_then(Value::as_object);
    let shown = |extension: &&Map<String, Value>| {
        let required = extension.get("required") == Some(&Value::Bool(true));
        required || facing.extensions.is_none_or(|allowed| allowed.contains(&text(extension, "uri")))
    };
    let extensions = declared.into_iter().flat_map(|declared| objects(declared, "extensions"));
    json!({
        "streaming": card.capabilities.streaming,
        "pushNotifications": card.capabilities.push && facing.push,
        "extendedAgentCard": card.capabilities.extended && facing.extended,
        "extensions": extensions.filter(shown).cloned().map(Value::Object).collect::<Vec<_>>(),
    })
}

/// The skills that are shown, each with everything that 1.0 requires; one that stands for the agent where none is left.
fn skills(card: &Map<String, Value>, facing: &Facing<'_>) -> Value {
    let shown = |skill: &&Map<String, Value>| {
        facing.skills.is_none_or(|allowed| allowed.contains(&text(skill, "id")))
    };
    let mut skills: Vec<_> = objects(card, "skills").filter(shown).cloned().map(complete).collect();
    if skills.is_empty() {
        let whole =
            json!({ "id": facing.name, "name": card.get("name"), "description": card.get("description") });
        skills.extend(whole.as_object().cloned().map(complete));
    }
    skills.into()
}

fn complete(mut skill: Map<String, Value>) -> Value {
    skill.remove("securityRequirements");
    let id = text(&skill, "id");
    fill(&mut skill, "name", &id);
    let name = text(&skill, "name");
    fill(&mut skill, "description", &name);
    skill.entry("tags").or_insert_with(|| json!([id]));
    skill.into()
}
