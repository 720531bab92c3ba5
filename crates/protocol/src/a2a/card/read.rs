//! Reading an agent's card: everything that is wrong with it at once, and the rest in normal form.

use serde_json::{Map, Value};

use super::{
    Form, MAX_BYTES, UpstreamCard,
    finding::{CardError, Findings, Path},
    interface::web,
    legacy,
    normal::{self, without_empty_members},
    schema::CARD,
    tree::tree,
};
use crate::json::Document;

/// Reads a card of 1.0, of 0.3 (which is translated) or of both (of which 1.0 counts). Its signatures are not looked at.
///
/// What 1.0 does not know is dropped, texts are cleaned and cut, and addresses of web pages that are none are left out;
/// [`UpstreamCard::notes`] says so. Empty and missing texts are fine here. The places of a card of 0.3 are named as those
/// of 1.0 that they become.
///
/// # Errors
/// [`CardError`] lists members of a wrong type, lists that are too long, and that there is no way to reach the agent.
pub fn read(document: &Document) -> Result<UpstreamCard, CardError> {
    read_members(document, true)
}

/// Reads what a signature of that form covers: for [`Form::Sdk`] and [`Form::Spec`] the members of 1.0 and no others, which
/// anybody can have added.
///
/// # Errors
/// As [`read`].
pub fn read_covered(document: &Document, form: Form) -> Result<UpstreamCard, CardError> {
    read_members(document, form.covers_all_members())
}

fn read_members(document: &Document, legacy_too: bool) -> Result<UpstreamCard, CardError> {
    let mut findings = Findings::default();
    let Some(mut members) = members(document, &mut findings) else { return findings.refuse() };
    if legacy_too {
        legacy::upgrade(&mut members);
    }
    let mut card = normal::message(&CARD, &members, &Path::Root, &mut findings);
    check_pages(&mut card, &mut findings);
    keep_named(&mut card, "skills", "id", &Path::Root, &mut findings);
    if let Some(Value::Object(capabilities)) = card.get_mut("capabilities") {
        keep_named(capabilities, "extensions", "uri", &Path::Root.member("capabilities"), &mut findings);
    }
    let view = UpstreamCard::of(without_empty_members(card), Vec::new());
    if view.usable().next().is_none() {
        let path = Path::Root.member("supportedInterfaces");
        findings.complain(&path, "names no address with a binding and a version that Doorward speaks");
    }
    Ok(UpstreamCard { notes: findings.finish()?, ..view })
}

fn members(document: &Document, findings: &mut Findings) -> Option<Map<String, Value>> {
    if document.bytes().len() > MAX_BYTES {
        findings.complain(&Path::Root, "is larger than 512 KiB");
        return None;
    }
    let ambiguous = "means different things to different readers and was left out";
    let tree = tree(document.root(), &Path::Root, &mut |path| findings.note(path, ambiguous));
    let Value::Object(members) = tree else {
        findings.complain(&Path::Root, "must be an object");
        return None;
    };
    Some(members)
}

/// Addresses that are shown to people lead to web pages.
fn check_pages(card: &mut Map<String, Value>, findings: &mut Findings) {
    let problem = "is no http or https address and was left out";
    for name in ["documentationUrl", "iconUrl"] {
        if card.get(name).and_then(Value::as_str).is_some_and(|url| web(url).is_none()) {
            findings.note(&Path::Root.member(name), problem);
            card.remove(name);
        }
    }
    let Some(Value::Object(provider)) = card.get_mut("provider") else { return };
    let path = Path::Root.member("provider");
    if provider.get("url").and_then(Value::as_str).is_some_and(|url| web(url).is_none()) {
        findings.note(&path.member("url"), problem);
        provider.remove("url");
    }
}

/// Drops the objects of a list that lack what they are known by.
fn keep_named(
    members: &mut Map<String, Value>,
    list: &str,
    name: &str,
    path: &Path<'_>,
    findings: &mut Findings,
) {
    let Some(Value::Array(elements)) = members.get_mut(list) else { return };
    let before = elements.len();
    elements.retain(|element| element.get(name).is_some());
    if elements.len() < before {
        findings.note(&path.member(list), "has elements without a name, which were left out");
    }
}
