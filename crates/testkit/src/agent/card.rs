//! Cards that fit an agent's interfaces, and the keys that sign them as the SDKs do.

use std::io;

use serde_json::{Map, Value, json};

use super::{Binding, Version};
use crate::issuer::{Key, KeyKind};

/// A key that signs cards (A2A 1.0 section 8.4).
#[derive(Debug)]
pub struct CardKey(Key);

impl CardKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(kind: KeyKind, id: &str) -> io::Result<Self> {
        Key::generate(kind, id.to_owned()).map(Self)
    }

    /// The public half in a set (RFC 7517 section 5).
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.0.jwk()] })
    }

    /// The card with one signature more, made as the SDKs make it: everything empty is left out of what is signed.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, card: &Value) -> io::Result<Value> {
        let mut signed = card.clone();
        let mut bare = card.clone();
        if let Some(members) = bare.as_object_mut() {
            members.remove("signatures");
        }
        let header = json!({ "alg": self.0.algorithm(), "kid": self.0.id(), "typ": "JOSE" });
        // Members are in the order of their names and numbers are whole: serde_json writes that as RFC 8785 does.
        let compact = self.0.sign(&header, &without_empty(bare).unwrap_or_default())?;
        let mut parts = compact.split('.');
        let (protected, signature) = (parts.next(), parts.nth(1));
        let entry = json!({ "protected": protected, "signature": signature });
        match signed["signatures"].as_array_mut() {
            Some(signatures) => signatures.push(entry),
            None => signed["signatures"] = json!([entry]),
        }
        Ok(signed)
    }
}

fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(without_empty).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(members) => {
            let kept = members.into_iter().filter_map(|(name, value)| Some((name, without_empty(value)?)));
            let members: Map<String, Value> = kept.collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        other => Some(other),
    }
}

/// A card that names these interfaces.
pub(super) fn fit(interfaces: &[(Binding, Version)], origin: &str, grpc: &str) -> Value {
    let url = |binding| match binding {
        Binding::JsonRpc => format!("{origin}/rpc"),
        Binding::HttpJson => format!("{origin}/rest"),
        Binding::Grpc => grpc.to_owned(),
    };
    let mut card = json!({
        "name": "Scripted agent",
        "description": "Does what the test says",
        "version": "1.0.0",
        "capabilities": { "streaming": true, "pushNotifications": true },
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{ "id": "echo", "name": "Echo", "description": "Says it again", "tags": ["test"] }],
    });
    if interfaces.iter().any(|(_, version)| *version == Version::V1_0) {
        let listed = interfaces.iter().map(|(binding, version)| {
            json!({ "url": url(*binding), "protocolBinding": name(*binding), "protocolVersion": number(*version) })
        });
        card["supportedInterfaces"] = listed.collect();
        card["capabilities"]["extendedAgentCard"] = true.into();
        return card;
    }
    card["protocolVersion"] = "0.3.0".into();
    card["supportsAuthenticatedExtendedCard"] = true.into();
    if let Some((first, _)) = interfaces.first() {
        card["url"] = url(*first).into();
        card["preferredTransport"] = name(*first).into();
    }
    let listed =
        interfaces.iter().map(|(binding, _)| json!({ "url": url(*binding), "transport": name(*binding) }));
    card["additionalInterfaces"] = listed.collect();
    card
}

fn name(binding: Binding) -> &'static str {
    match binding {
        Binding::JsonRpc => "JSONRPC",
        Binding::HttpJson => "HTTP+JSON",
        Binding::Grpc => "GRPC",
    }
}

fn number(version: Version) -> &'static str {
    match version {
        Version::V1_0 => "1.0",
        Version::V0_3 => "0.3",
    }
}
