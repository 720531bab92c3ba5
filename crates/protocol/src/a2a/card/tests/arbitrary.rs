//! Any card: whatever an agent says, what is published of it is in normal form.

use super::*;

/// Any JSON that a generator of cards puts anywhere.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("")),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A text that may be empty, hidden, or absent.
fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!("")),
        Just(json!("\u{200b}")),
        Just(json!("text"))
    ]
}

fn texts() -> impl Strategy<Value = Value> {
    prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from)
}

prop_compose! {
    fn skill()(id in text(), name in text(), description in text(), tags in texts(), examples in texts(), modes in texts()) -> Value {
        json!({"id": id, "name": name, "description": description, "tags": tags, "examples": examples, "inputModes": modes})
    }
}

prop_compose! {
    fn extension()(uri in text(), description in text(), required in any::<bool>(), params in value()) -> Value {
        json!({"uri": uri, "description": description, "required": required, "params": {"p": params}})
    }
}

prop_compose! {
    /// A card of the right types, with anything in them.
    fn card()(
        name in text(), description in text(), version in text(), documentation in text(), provider in (text(), text()),
        flags in any::<(Option<bool>, Option<bool>, Option<bool>)>(),
        extensions in prop::collection::vec(extension(), 0..3),
        skills in prop::collection::vec(skill(), 0..4), modes in (texts(), texts()),
        v1 in any::<bool>(), more in value(),
    ) -> Value {
        let mut card = json!({
            "name": name, "description": description, "version": version, "documentationUrl": documentation,
            "provider": {"url": provider.0, "organization": provider.1},
            "capabilities": {"streaming": flags.0, "pushNotifications": flags.1, "extendedAgentCard": flags.2,
                             "extensions": extensions},
            "skills": skills, "defaultInputModes": modes.0, "defaultOutputModes": modes.1, "more": more,
        });
        if v1 {
            card["supportedInterfaces"] = json!([
                {"url": "https://a.example/", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
            ]);
        } else {
            card["url"] = json!("https://a.example/");
        }
        card
    }
}

/// A full card of which one value is another one.
fn mutated() -> impl Strategy<Value = Value> {
    let base = prop_oneof![Just(full()), Just(legacy())];
    (base, any::<prop::sample::Index>(), value()).prop_map(|(mut card, at, with)| {
        let mut pointers = Vec::new();
        collect(&card, "", &mut pointers);
        let pointer: &String = at.get(&pointers);
        *card.pointer_mut(pointer).unwrap() = with;
        card
    })
}

fn collect(value: &Value, pointer: &str, into: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    into.push(pointer.to_owned());
    for (name, value) in below {
        collect(value, &format!("{pointer}/{name}"), into);
    }
}

fn check(card: &Value) {
    let Ok(card) = read(&document(card)) else { return };
    let normal = Document::parse(Bytes::from(card.normal()), MAX_DEPTH).unwrap();
    let again = read(&normal).unwrap();
    assert_eq!(again.normal(), card.normal());
    assert_eq!(diff(&card, &again), Diff::default());
    let (security, open) = (security(), Security::default());
    for security in [&security, &open] {
        let facing = Facing { skills: None, ..facing(security) };
        assert_normal(&publish(&card, &facing), &facing);
    }
}

proptest! {
    // Cards are large, and each is published twice and read many times.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cards_of_any_content_are_published_in_normal_form(card in card()) {
        prop_assert!(read(&document(&card)).is_ok());
        check(&card);
    }

    #[test]
    fn cards_with_anything_in_one_place_are_refused_or_published_in_normal_form(card in mutated()) {
        check(&card);
    }

    #[test]
    fn arbitrary_documents_do_no_harm(value in value()) {
        check(&value);
    }

    #[test]
    fn differences_are_found_both_ways(one in card(), other in card()) {
        if let (Ok(one), Ok(other)) = (read(&document(&one)), read(&document(&other))) {
            let (there, back) = (diff(&one, &other), diff(&other, &one));
            prop_assert_eq!(there.changes.is_empty(), one.normal() == other.normal());
            prop_assert_eq!(there.changes.len() + there.more, back.changes.len() + back.more);
        }
    }
}
