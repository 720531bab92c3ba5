//! One published card in the documents that are served: of 1.0, of 0.3, and of both at once.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    Published, jcs,
    legacy::SCHEMES,
    view::{objects, text},
};
use crate::a2a::Version;

/// One signature of a card: an entry of `signatures` (RFC 7515 section 7.2.1, with the payload detached).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The protected header, in base64url.
    pub protected: String,
    /// The signature, in base64url.
    pub signature: String,
}

/// A card as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    /// 1.0, signed.
    pub v1: Bytes,
    /// 0.3 as JSON-RPC and the well-known address have it, not signed.
    pub v03: Bytes,
    /// 0.3 as its proto has it: `GetAgentCard` of gRPC, `GET /v1/card`. Not signed.
    pub v03_proto: Bytes,
    /// 1.0, signed, with the members of 0.3 beside it. Those are not covered by the signatures.
    pub hybrid: Bytes,
}

impl Published {
    /// The documents, with these signatures of [`Published::payload`].
    pub fn documents(&self, signatures: &[Signature]) -> Documents {
        let mut v1 = self.card.clone();
        if !signatures.is_empty() {
            v1.insert("signatures".to_owned(), signatures.iter().map(Signature::member).collect());
        }
        let legacy = legacy_members(&self.card);
        let mut v03 = v1.clone();
        v03.retain(|name, _| !ONLY_V1.contains(&name.as_str()));
        if let Some(Value::Object(capabilities)) = v03.get_mut("capabilities") {
            capabilities.remove("extendedAgentCard");
        }
        v03.extend(legacy.clone());
        if let Some(Value::Object(schemes)) = v03.get_mut("securitySchemes") {
            schemes.values_mut().for_each(without_new_flows);
        }
        let mut hybrid = v1.clone();
        hybrid.extend(legacy);
        if let Some(schemes) = hybrid_schemes(&self.card) {
            hybrid.insert("securitySchemes".to_owned(), schemes);
        }
        let text = |members: &Map<String, Value>| Bytes::from(jcs::object_text(members));
        Documents {
            v1: text(&v1),
            v03_proto: text(&in_proto(v03.clone(), &self.card)),
            v03: text(&v03),
            hybrid: text(&hybrid),
        }
    }
}

/// Members that 0.3 does not know, and the signatures, which do not cover it.
const ONLY_V1: [&str; 4] = ["supportedInterfaces", "securityRequirements", "signatures", "securitySchemes"];

impl Signature {
    fn member(&self) -> Value {
        json!({ "protected": self.protected, "signature": self.signature })
    }
}

/// The members of 0.3 that say what 1.0 says otherwise.
fn legacy_members(card: &Map<String, Value>) -> Map<String, Value> {
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    let spoken: Vec<_> = objects(card, "supportedInterfaces")
        .filter(|interface| text(interface, "protocolVersion") == Version::V0_3.name())
        .collect();
    // Where 0.3 is not spoken, nothing is said in it.
    let Some(first) = spoken.first() else { return Map::new() };
    set("protocolVersion", "0.3.0".into());
    set("url", text(first, "url").into());
    set("preferredTransport", text(first, "protocolBinding").into());
    // All of them: the main one should be repeated (0.3.0 section 5.6.1).
    let each = spoken.iter().map(
        |interface| json!({ "url": interface.get("url"), "transport": interface.get("protocolBinding") }),
    );
    set("additionalInterfaces", each.collect());
    let extended = card.get("capabilities").and_then(|declared| declared.get("extendedAgentCard"));
    set("supportsAuthenticatedExtendedCard", (extended == Some(&Value::Bool(true))).into());
    let requirements: Vec<_> = objects(card, "securityRequirements").map(requirement).collect();
    if !requirements.is_empty() {
        set("security", requirements.into());
    }
    let schemes = card.get("securitySchemes").and_then(Value::as_object);
    let schemes: Map<_, _> = schemes
        .into_iter()
        .flatten()
        .filter_map(|(name, scheme)| Some((name.clone(), legacy_scheme(scheme)?.into())))
        .collect();
    if !schemes.is_empty() {
        set("securitySchemes", schemes.into());
    }
    members
}

/// `{ "schemes": { name: { "list": [scope] } } }` becomes `{ name: [scope] }`.
fn requirement(requirement: &Map<String, Value>) -> Value {
    let schemes = requirement.get("schemes").and_then(Value::as_object).into_iter().flatten();
    let lists = schemes
        .map(|(name, scopes)| (name.clone(), scopes.get("list").cloned().unwrap_or_else(|| json!([]))));
    lists.collect::<Map<_, _>>().into()
}

/// `{ "xSecurityScheme": { … } }` becomes `{ "type": "x", … }`. What 0.3 does not know (`pkceRequired`) stays in the
/// hybrid: clients of 0.3 ignore it, and clients of 1.0 that read the hybrid by its members of 0.3 (`a2a-sdk` does) find
/// what was signed.
fn legacy_scheme(scheme: &Value) -> Option<Map<String, Value>> {
    let (of, content) = SCHEMES.iter().find_map(|(of, member)| Some((*of, scheme.get(*member)?)))?;
    let mut members = content.as_object()?.clone();
    members.insert("type".to_owned(), of.into());
    if let Some(location) = members.remove("location") {
        members.insert("in".to_owned(), location);
    }
    Some(members)
}

/// Every scheme in both shapes. Both versions name the member `securitySchemes`; inside each scheme their names differ.
fn hybrid_schemes(card: &Map<String, Value>) -> Option<Value> {
    let schemes = card.get("securitySchemes")?.as_object()?;
    let both = schemes.iter().map(|(name, scheme)| {
        let mut members = scheme.as_object().cloned().unwrap_or_default();
        members.extend(legacy_scheme(scheme).unwrap_or_default());
        (name.clone(), Value::Object(members))
    });
    Some(both.collect::<Map<_, _>>().into())
}

/// The proto of 0.3 writes security as 1.0 does.
fn in_proto(mut v03: Map<String, Value>, card: &Map<String, Value>) -> Map<String, Value> {
    for (name, from) in [("security", "securityRequirements"), ("securitySchemes", "securitySchemes")] {
        if let Some(value) = card.get(from) {
            v03.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(Value::Object(schemes)) = v03.get_mut("securitySchemes") {
        let contents = schemes.values_mut().filter_map(Value::as_object_mut);
        contents.flat_map(|scheme| scheme.values_mut()).for_each(without_new_flows);
    }
    v03
}

/// Takes what 0.3 does not know out of a scheme's content.
fn without_new_flows(content: &mut Value) {
    let Some(flows) = content.get_mut("flows").and_then(Value::as_object_mut) else { return };
    flows.remove("deviceCode");
    flows.values_mut().filter_map(Value::as_object_mut).for_each(|flow| {
        flow.remove("pkceRequired");
    });
}
