//! `agent.signature`: whose signatures on the agent's own card are believed.
//!
//! Sets of keys that stand in files are judged here; those at addresses are fetched later, elsewhere.

use doorward_auth::keys::KeySet;
use doorward_model::{CardKeys, CardSignature, SignatureMode};

use crate::{
    address,
    mistake::Complaint,
    section::{Key, Kind, Section, Shape, Spec, TextOrContent},
};

pub(crate) const SPEC: Spec = Spec {
    name: "agent.signature",
    shape: Shape::Inner,
    about: "What is asked of the signature of the agent's own card. A card never brings keys that are believed.",
    keys: &[
        Key::new(
            "mode",
            Kind::Text,
            "\"off\"",
            "`off`: signatures are not looked at; `if-present`: one that is there must be good; `required`: there must be \
             a good one",
        ),
        Key::new(
            "keys",
            Kind::TextsOrContents,
            "[]",
            "JWK sets whose signatures count: addresses (https, or http on loopback) or files",
        ),
    ],
};

const MODES: [(&str, SignatureMode); 3] = [
    ("off", SignatureMode::Off),
    ("if-present", SignatureMode::IfPresent),
    ("required", SignatureMode::Required),
];

pub(super) fn read(section: &Section<'_>) -> CardSignature {
    let Some(table) = section.table("signature", &SPEC) else { return CardSignature::default() };
    table.refuse_unknown(&[]);
    let mode = table.word("mode", "mode", &MODES);
    let items = table.texts_or_contents("keys").unwrap_or_default();
    let looks = matches!(mode, Some(SignatureMode::IfPresent | SignatureMode::Required));
    if looks && table.lists_nothing("keys") {
        let complaint = Complaint::new("without keys no signature is good");
        table.mistake("keys", complaint.hint("such as keys = [\"https://agent.example.com/jwks.json\"]"));
    }
    if table.has("keys") && (mode == Some(SignatureMode::Off) || !table.has("mode")) {
        table.warn("keys", "has no effect with mode \"off\"");
    }
    let keys = items.into_iter().filter_map(|item| keys(&table, item)).collect();
    CardSignature { mode: mode.unwrap_or_default(), keys }
}

fn keys(table: &Section<'_>, item: TextOrContent<'_>) -> Option<CardKeys> {
    match item {
        TextOrContent::Text(text) => {
            table.context.accept(&text.at, address::protected(text.value)).map(CardKeys::At)
        }
        TextOrContent::Content(content) => {
            let text = content.value.expose();
            table.context.accept(&content.at, judged(text)).map(|()| CardKeys::Text(text.to_owned()))
        }
    }
}

fn judged(text: &str) -> Result<(), Complaint> {
    match KeySet::parse(text.as_bytes()) {
        Ok(keys) if keys.is_empty() => Err("the set holds no key that can verify a signature".into()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string().into()),
    }
}
