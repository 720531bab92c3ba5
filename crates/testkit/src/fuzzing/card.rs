//! Agents' cards: whatever an agent says, what is published of it is in normal form.

use std::sync::LazyLock;

use bytes::Bytes;
use doorward_protocol::a2a::card::{self, Facing, Form, MAX_DEPTH, Scheme, Security, Signature};
use doorward_protocol::a2a::{Binding, Version};
use doorward_protocol::json::Document;
use serde_json::Value;

static SECURITY: LazyLock<Security> = LazyLock::new(|| Security {
    schemes: vec![
        ("corp".into(), Scheme::OpenIdConnect { url: "https://idp.example.com/".into() }),
        ("mtls".into(), Scheme::MutualTls),
    ],
    alternatives: vec![vec!["corp".into(), "mtls".into()]],
    scopes: Vec::new(),
});

fn facing() -> Facing<'static> {
    Facing {
        name: "helper",
        url: "https://gw.example.com/a2a/helper",
        grpc: Some("gw.example.com:443"),
        bindings: &Binding::ALL,
        versions: &Version::ALL,
        security: &SECURITY,
        push: true,
        extended: true,
        skills: None,
        extensions: None,
    }
}

/// A card is refused for a reason, or read. A read one is read again from its normal form without a change; what is
/// published of it is one text in all canonical forms, which another reader understands, and publishes to itself.
///
/// # Panics
/// If that does not hold.
pub fn agent_card(data: &[u8]) {
    let Ok(document) = Document::parse(Bytes::copy_from_slice(data), MAX_DEPTH) else { return };
    canonical(&document);
    let read = match card::read(&document) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.complaints.is_empty(), "refused without a reason");
            return;
        }
    };
    assert!(read.usable().next().is_some(), "a card that leads nowhere");
    let again = self::read(read.normal().into());
    assert_eq!(again.normal(), read.normal());
    assert!(card::diff(&read, &again).changes.is_empty());
    let published = card::publish(&read, &facing());
    let signature = Signature { protected: "AAAA".into(), signature: "BBBB".into() };
    let documents = published.documents(&[signature]);
    let (v1, hybrid) = (parse(documents.v1.clone()), parse(documents.hybrid.clone()));
    for (form, served) in Form::ALL.map(|form| (form, &v1)).into_iter().chain([(Form::Sdk, &hybrid)]) {
        let signed = card::canonical(form, served);
        assert_eq!(signed.as_deref(), Ok(published.payload()), "{form:?} is another text");
    }
    assert!(!hidden(published.payload()), "an invisible character is published");
    let again = card::publish(&self::read(documents.v1), &facing());
    assert_eq!(again.payload(), published.payload(), "what is published is not published as it is");
    for text in [&documents.v03, &documents.v03_proto] {
        assert!(serde_json::from_slice::<Value>(text).is_ok());
    }
}

/// The canonical text says the same as the card, to another reader.
fn canonical(document: &Document) {
    let Ok(text) = card::canonical(Form::Raw, document) else { return };
    let (Ok(Value::Object(mut theirs)), Ok(Value::Object(ours))) =
        (serde_json::from_slice(document.bytes()), serde_json::from_slice(&text))
    else {
        panic!("the canonical text is none")
    };
    theirs.remove("signatures");
    assert!(theirs.keys().eq(ours.keys()), "members were lost");
    assert_eq!(card::canonical(Form::Raw, &parse(text.clone().into())), Ok(text));
}

fn hidden(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).contains(['\u{200b}', '\u{202e}', '\u{feff}', '\u{e0041}', '\u{1b}'])
}

fn parse(text: Bytes) -> Document {
    match Document::parse(text, MAX_DEPTH) {
        Ok(document) => document,
        Err(error) => panic!("what is written is not read: {error}"),
    }
}

fn read(text: Bytes) -> card::UpstreamCard {
    match card::read(&parse(text)) {
        Ok(read) => read,
        Err(error) => panic!("what is written is refused: {error}"),
    }
}

/// Whether an input is a card that is read.
#[cfg(test)]
pub(super) fn accepted(data: &[u8]) -> bool {
    let document = Document::parse(Bytes::copy_from_slice(data), MAX_DEPTH);
    document.is_ok_and(|document| card::read(&document).is_ok())
}
