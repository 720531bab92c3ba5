//! Cards of 0.3 in the words of 1.0 (A2A 1.0.1 appendix A; 0.3.0 section 5.5). Nothing is checked: members of a wrong type
//! are carried over as they are, to be found where they end up.

use serde_json::{Map, Value, json};

/// The security schemes: `type` of 0.3, and the member of 1.0 that holds its content.
pub(super) const SCHEMES: [(&str, &str); 5] = [
    ("apiKey", "apiKeySecurityScheme"),
    ("http", "httpAuthSecurityScheme"),
    ("oauth2", "oauth2SecurityScheme"),
    ("openIdConnect", "openIdConnectSecurityScheme"),
    ("mutualTLS", "mtlsSecurityScheme"),
];

/// Gives a card the members of 1.0 that it has only in the words of 0.3. Those of 1.0 count where there are both.
pub(super) fn upgrade(card: &mut Map<String, Value>) {
    if is_missing(card, "supportedInterfaces")
        && let Some(interfaces) = interfaces(card)
    {
        card.insert("supportedInterfaces".to_owned(), interfaces);
    }
    upgrade_requirements(card);
    if let Some(Value::Array(skills)) = card.get_mut("skills") {
        skills.iter_mut().filter_map(Value::as_object_mut).for_each(upgrade_requirements);
    }
    if let Some(Value::Object(schemes)) = card.get_mut("securitySchemes") {
        schemes.values_mut().for_each(upgrade_scheme);
    }
    upgrade_extended(card);
}

fn is_missing(card: &Map<String, Value>, name: &str) -> bool {
    match card.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::Array(elements)) => elements.is_empty(),
        Some(_) => false,
    }
}

/// Main address first. All of them are of the card's version.
fn interfaces(card: &Map<String, Value>) -> Option<Value> {
    let version = card.get("protocolVersion").filter(|version| !version.is_null());
    let version = version.cloned().unwrap_or_else(|| "0.3.0".into());
    let interface = |url: &Value, transport: Option<&Value>| {
        let transport = transport.filter(|transport| !transport.is_null() && *transport != "");
        let binding = transport.cloned().unwrap_or_else(|| "JSONRPC".into());
        json!({ "url": url, "protocolBinding": binding, "protocolVersion": version })
    };
    let main = card.get("url").filter(|url| !url.is_null());
    let mut list: Vec<_> =
        main.map(|url| interface(url, card.get("preferredTransport"))).into_iter().collect();
    let more = card.get("additionalInterfaces").and_then(Value::as_array);
    for other in more.into_iter().flatten() {
        let other = interface(other.get("url").unwrap_or(&Value::Null), other.get("transport"));
        // The main one is usually repeated.
        if !list.contains(&other) {
            list.push(other);
        }
    }
    (!list.is_empty()).then_some(Value::Array(list))
}

/// `security` becomes `securityRequirements`, for a card or a skill.
fn upgrade_requirements(holder: &mut Map<String, Value>) {
    if !is_missing(holder, "securityRequirements") {
        return;
    }
    let Some(Value::Array(security)) = holder.get("security") else { return };
    let requirements: Vec<_> = security.iter().map(upgrade_requirement).collect();
    holder.insert("securityRequirements".to_owned(), requirements.into());
}

fn upgrade_requirement(requirement: &Value) -> Value {
    match requirement {
        // The proto of 0.3 wrote it as 1.0 does.
        Value::Object(schemes) if !schemes.get("schemes").is_some_and(Value::is_object) => {
            let lists = schemes.iter().map(|(name, scopes)| (name.clone(), json!({ "list": scopes })));
            json!({ "schemes": lists.collect::<Map<_, _>>() })
        }
        other => other.clone(),
    }
}

fn upgrade_scheme(scheme: &mut Value) {
    let Some(members) = scheme.as_object_mut() else { return };
    if SCHEMES.iter().any(|(_, member)| members.contains_key(*member)) {
        return;
    }
    let of = members.get("type").and_then(Value::as_str);
    let Some((_, member)) = SCHEMES.iter().find(|(name, _)| of == Some(*name)) else { return };
    let mut content = std::mem::take(members);
    if let Some(location) = content.remove("in") {
        content.insert("location".to_owned(), location);
    }
    members.insert((*member).to_owned(), content.into());
}

fn upgrade_extended(card: &mut Map<String, Value>) {
    if card.get("supportsAuthenticatedExtendedCard") != Some(&Value::Bool(true)) {
        return;
    }
    let capabilities = card.entry("capabilities").or_insert_with(|| json!({}));
    if let Some(capabilities) = capabilities.as_object_mut() {
        capabilities.entry("extendedAgentCard").or_insert(Value::Bool(true));
    }
}
