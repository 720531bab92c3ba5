//! What callers of each version are served.

use super::*;

fn published(card: &Value) -> Value {
    let security = security();
    let facing = facing(&security);
    let published = publish(&read_value(card), &facing);
    assert_normal(&published, &facing);
    parsed(published.payload())
}

#[test]
fn only_doorwards_addresses_and_security_are_published() {
    for card in [full(), legacy()] {
        let text = published(&card).to_string();
        for upstream in ["agent.example", "idp.example/authorize", "openid\"", "X-Key", "BBBB", "SOAP"] {
            assert!(!text.contains(upstream), "{upstream} in {text}");
        }
    }
    let card = published(&full());
    let interfaces: Vec<_> = card["supportedInterfaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            ["protocolBinding", "protocolVersion", "url", "tenant"]
                .map(|name| each[name].as_str().unwrap_or("-"))
        })
        .collect();
    let (web, grpc) = ("https://gw.example/a2a/helper", "gw.example:443");
    assert_eq!(
        interfaces,
        [
            ["JSONRPC", "1.0", web, "-"],
            ["HTTP+JSON", "1.0", web, "-"],
            ["GRPC", "1.0", grpc, "helper"],
            ["JSONRPC", "0.3", web, "-"],
            ["HTTP+JSON", "0.3", web, "-"],
            ["GRPC", "0.3", grpc, "helper"],
        ]
    );
    assert!(
        card["skills"].as_array().unwrap().iter().all(|skill| skill.get("securityRequirements").is_none())
    );
}

/// An empty list of scopes would take the requirement out of what is signed (a2a-sdk 1.3.0).
#[test]
fn every_requirement_has_scopes() {
    let mut security = security();
    security.scopes.clear();
    let facing = facing(&security);
    let published = publish(&read_value(&full()), &facing);
    assert_normal(&published, &facing);
    let card = parsed(published.payload());
    let lists = card["securityRequirements"].as_array().unwrap().iter();
    let lists: Vec<_> = lists.flat_map(|each| each["schemes"].as_object().unwrap().values()).collect();
    assert_eq!(lists.len(), 6);
    assert!(lists.iter().all(|list| list["list"] == json!(["a2a"])));
    let open = Security::default();
    let card = parsed(publish(&read_value(&full()), &self::super::facing(&open)).payload());
    assert_eq!((card.get("securitySchemes"), card.get("securityRequirements")), (None, None));
}

#[test]
fn capabilities_are_what_agent_and_policy_have_in_common() {
    let security = security();
    let card = read_value(&full());
    for push in [false, true] {
        for extended in [false, true] {
            let published = publish(&card, &Facing { push, extended, ..facing(&security) });
            let card = parsed(published.payload());
            assert_eq!(card["capabilities"]["pushNotifications"], json!(push));
            assert_eq!(card["capabilities"]["extendedAgentCard"], json!(extended));
            assert_eq!(card["capabilities"]["streaming"], json!(true));
        }
    }
    let less = published(&legacy());
    assert_eq!(less["capabilities"]["pushNotifications"], json!(false), "the agent has none");
}

#[test]
fn skills_and_extensions_are_those_that_the_operator_shows() {
    let security = security();
    let card = read_value(&full());
    let (one, none) = (BTreeSet::from(["detect".to_owned()]), BTreeSet::new());
    let show = |skills, extensions| {
        let facing = Facing { skills, extensions, ..facing(&security) };
        let published = publish(&card, &facing);
        assert_normal(&published, &facing);
        let card = parsed(published.payload());
        let ids = |list: &Value, key: &str| -> Vec<String> {
            list.as_array().unwrap().iter().map(|each| each[key].as_str().unwrap().into()).collect()
        };
        (ids(&card["skills"], "id"), ids(&card["capabilities"]["extensions"], "uri"))
    };
    let (skills, extensions) = show(Some(&one), Some(&none));
    assert_eq!(skills, ["detect"]);
    assert_eq!(extensions, ["https://e.example/a"], "what callers must know cannot be hidden");
    // 1.0 requires one: the agent itself.
    assert_eq!(show(Some(&none), None).0, ["helper"]);
}

#[test]
fn what_the_agent_left_empty_says_something_plain() {
    let card = published(
        &json!({"url": "https://agent.example/", "skills": [{"id": "a"}], "provider": {"organization": "X"}}),
    );
    assert_eq!(card["name"], "helper");
    assert_eq!(card["skills"], json!([{"id": "a", "name": "a", "description": "a", "tags": ["a"]}]));
    assert_eq!(card["defaultInputModes"], json!(["text/plain"]));
    assert_eq!(card.get("provider"), None, "half of one is none");
}

fn documents() -> (Documents, Published) {
    let security = security();
    let published = publish(&read_value(&full()), &facing(&security));
    let signature = Signature { protected: "AAAA".into(), signature: "BBBB".into() };
    (published.documents(&[signature]), published)
}

#[test]
fn the_pure_documents_know_one_version_each() {
    let (documents, published) = documents();
    let mut v1 = parsed(&documents.v1);
    assert_eq!(v1["signatures"], json!([{"protected": "AAAA", "signature": "BBBB"}]));
    v1.as_object_mut().unwrap().remove("signatures");
    assert_eq!(v1, parsed(published.payload()));
    let v03 = parsed(&documents.v03);
    for name in ["supportedInterfaces", "securityRequirements", "signatures"] {
        assert_eq!(v03.get(name), None, "{name}");
    }
    assert_eq!(v03["protocolVersion"], "0.3.0");
    assert_eq!(v03["url"], "https://gw.example/a2a/helper");
    assert_eq!(v03["preferredTransport"], "JSONRPC");
    assert_eq!(v03["additionalInterfaces"][2], json!({"url": "gw.example:443", "transport": "GRPC"}));
    assert_eq!(v03["supportsAuthenticatedExtendedCard"], true);
    assert_eq!(v03["capabilities"].get("extendedAgentCard"), None);
    assert_eq!(v03["security"][0], json!({"doorward": ["a2a:read", "a2a:send"]}));
    let schemes = &v03["securitySchemes"];
    let types = ["doorward", "machines", "corp", "jwt", "key", "mtls"]
        .map(|name| schemes[name]["type"].as_str().unwrap());
    assert_eq!(types, ["oauth2", "oauth2", "openIdConnect", "http", "apiKey", "mutualTLS"]);
    assert_eq!((&schemes["key"]["in"], &schemes["key"]["name"]), (&json!("header"), &json!("X-API-Key")));
    assert!(!v03.to_string().contains("SecurityScheme") && !v03.to_string().contains("pkce"));
}

#[test]
fn the_hybrid_is_the_signed_card_with_members_of_0_3_beside_it() {
    let (documents, _) = documents();
    let (v1, v03, hybrid) = (parsed(&documents.v1), parsed(&documents.v03), parsed(&documents.hybrid));
    assert_contains(&hybrid, &v1, "");
    assert_contains(&hybrid, &v03, "");
    assert_eq!(hybrid["signatures"], v1["signatures"]);
}

/// Everything in `part` is in `whole`, and lists are the same but for members of their objects.
fn assert_contains(whole: &Value, part: &Value, path: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                assert_contains(whole.get(name).unwrap_or(&Value::Null), value, &format!("{path}.{name}"));
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len(), "{path}");
            whole.iter().zip(part).for_each(|(whole, part)| assert_contains(whole, part, path));
        }
        _ => assert_eq!(whole, part, "{path}"),
    }
}

#[test]
fn a_card_of_0_3_reads_back_to_what_is_signed() {
    let (documents, _) = documents();
    let read = |document: &Bytes| {
        let card = read(&Document::parse(document.clone(), MAX_DEPTH).unwrap()).unwrap();
        parsed(&card.normal())
    };
    let (v1, v03) = (read(&documents.v1), read(&documents.v03));
    assert_eq!(read(&documents.hybrid), v1);
    for name in
        ["name", "description", "skills", "securityRequirements", "capabilities", "provider", "iconUrl"]
    {
        assert_eq!(v03[name], v1[name], "{name}");
    }
    assert_eq!(read(&documents.v03_proto), v03);
    let proto = parsed(&documents.v03_proto);
    assert_eq!(proto["security"][0]["schemes"]["doorward"]["list"], json!(["a2a:read", "a2a:send"]));
    assert_eq!(proto["securitySchemes"]["key"]["apiKeySecurityScheme"]["location"], "header");
    assert!(!proto.to_string().contains("pkce"));
}
