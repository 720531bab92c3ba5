//! A card that was read: the few things that decide something, beside the normal form.

use serde_json::{Map, Value};

use super::{Interface, finding::Finding, jcs};
use crate::a2a::{Binding, Version};

/// An agent's own card, checked and in normal form.
#[derive(Debug, Clone)]
pub struct UpstreamCard {
    /// What the agent calls itself; may be empty.
    pub name: String,
    /// The agent's own version; may be empty.
    pub version: String,
    /// How it is reached, in its order of preference. At least one is usable.
    pub interfaces: Vec<Interface>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The extensions that it declares.
    pub extensions: Vec<Extension>,
    /// Its skills.
    pub skills: Vec<Skill>,
    /// What was dropped, cleaned or cut.
    pub notes: Vec<Finding>,
    pub(super) normal: Map<String, Value>,
}

/// The capabilities that decide which operations there are (A2A 1.0.1 section 3.3.4). What is not said is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Answers as streams.
    pub streaming: bool,
    /// Webhooks.
    pub push: bool,
    /// Another card for callers who are known.
    pub extended: bool,
}

/// An extension that a card declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// What it is known by.
    pub uri: String,
    /// Whether callers must know it.
    pub required: bool,
}

/// A skill that a card declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// What it is known by.
    pub id: String,
    /// What it is called; may be empty.
    pub name: String,
}

impl UpstreamCard {
    /// The interfaces that Doorward can use, in the card's order.
    pub fn usable(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(|interface| interface.usable())
    }

    /// The card in normal form as RFC 8785 text, with the agent's own addresses and security: what is approved and
    /// compared. It can be read again, to the same card. What is empty is not in it: neither is a requirement without scopes.
    pub fn normal(&self) -> Vec<u8> {
        jcs::object_text(&self.normal)
    }

    /// The view of a card that is in normal form.
    pub(super) fn of(normal: Map<String, Value>, notes: Vec<Finding>) -> Self {
        let capabilities = normal.get("capabilities").and_then(Value::as_object);
        let declared = |name: &str| {
            capabilities.and_then(|declared| declared.get(name)).and_then(Value::as_bool).unwrap_or(false)
        };
        Self {
            name: text(&normal, "name"),
            version: text(&normal, "version"),
            interfaces: objects(&normal, "supportedInterfaces").map(interface).collect(),
            capabilities: Capabilities {
                streaming: declared("streaming"),
                push: declared("pushNotifications"),
                extended: declared("extendedAgentCard"),
            },
            extensions: capabilities
                .map(|declared| objects(declared, "extensions").map(extension).collect())
                .unwrap_or_default(),
            skills: objects(&normal, "skills").map(skill).collect(),
            notes,
            normal,
        }
    }
}

fn interface(members: &Map<String, Value>) -> Interface {
    let named = text(members, "protocolBinding");
    let binding = Binding::ALL.into_iter().find(|binding| binding.card_name().eq_ignore_ascii_case(&named));
    Interface {
        url: text(members, "url"),
        binding,
        version: Version::parse(&text(members, "protocolVersion")).ok(),
        tenant: members.get("tenant").and_then(Value::as_str).map(str::to_owned),
    }
}

fn extension(members: &Map<String, Value>) -> Extension {
    Extension { uri: text(members, "uri"), required: members.get("required") == Some(&Value::Bool(true)) }
}

fn skill(members: &Map<String, Value>) -> Skill {
    Skill { id: text(members, "id"), name: text(members, "name") }
}

/// A member that is a text, or nothing.
pub(super) fn text(members: &Map<String, Value>, name: &str) -> String {
    members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The objects in a member that is a list.
pub(super) fn objects<'v>(
    members: &'v Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'v Map<String, Value>> {
    members.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}
