//! `[[issuer]]`: whose tokens callers may present. Keys are fetched later, elsewhere.
//!
//! What it says of names, issuers and scopes holds for sign-in providers too.

use std::{collections::BTreeMap, sync::Arc};

use doorward_model::{Algorithm, Issuer, Name};

use super::{Declared, refuse_doubles};
use crate::{
    address,
    context::{Context, shown},
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
    tree::Table,
};

pub(crate) const SPEC: Spec = Spec {
    name: "issuer",
    shape: Shape::List,
    about: "A trusted external token issuer whose JWTs callers may present where `access` has \"jwt\".",
    keys: &[
        Key::new(
            "name",
            Kind::Text,
            "required",
            "what virtual servers and agents call it; not `client`, `api-key` or `mtls`",
        ),
        Key::new(
            "issuer",
            Kind::Text,
            "required",
            "what `iss` must say, character for character: https, or http on loopback",
        ),
        Key::new("jwks_uri", Kind::Text, "by discovery", "where its keys are: https, or http on loopback"),
        Key::new(
            "algorithms",
            Kind::Texts,
            "all of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA",
            "the signature algorithms that are believed",
        ),
        Key::new("required_scope", Kind::Text, "none", "a scope that every token must have"),
        Key::new(
            "id_jag",
            Kind::Boolean,
            "false",
            "whether it may vouch for people at `/token` by identity assertion grants (ID-JAG, enterprise-managed \
             authorization); their subjects are `<name>:<sub>`",
        ),
    ],
};

/// The declared issuers.
pub(crate) type Issuers = Vec<Declared<Arc<Issuer>>>;

pub(crate) fn read(root: &Table, context: &Context<'_>) -> Issuers {
    let sections = Section::list(&SPEC, root, context);
    let declared: Issuers = sections.iter().map(declare).collect();
    refuse_doubles(&declared, context);
    refuse_same_issuer(&sections, context);
    declared
}

fn declare(section: &Section<'_>) -> Declared<Arc<Issuer>> {
    let name = name(section);
    let issuer = identifier(section);
    let jwks_uri = section
        .text("jwks_uri")
        .and_then(|text| section.context.accept(&text.at, address::protected(text.value)));
    let algorithms = algorithms(section);
    let required_scope =
        section.text("required_scope").and_then(|text| section.context.accept(&text.at, scope(text.value)));
    let id_jag = section.boolean("id_jag").unwrap_or(false);
    let written = section.written_name();
    let value = name.as_ref().zip(issuer).map(|(name, issuer)| {
        Arc::new(Issuer { name: name.value.clone(), issuer, jwks_uri, algorithms, required_scope, id_jag })
    });
    Declared { at: section.at.clone(), written, name, value }
}

fn algorithms(section: &Section<'_>) -> Vec<Algorithm> {
    let Some(written) = section.texts("algorithms") else { return Algorithm::ALL.to_vec() };
    if written.is_empty() {
        section.mistake("algorithms", "with no algorithm no token is believed");
    }
    let mut algorithms = Vec::new();
    for text in written {
        match Algorithm::parse(text.value) {
            Some(algorithm) if algorithms.contains(&algorithm) => {
                section.context.warn(&text.at, format!("`{}` is listed twice", algorithm.name()));
            }
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let complaint = Complaint::new(format!("unknown algorithm `{}`", shown(text.value)));
                let hint = if matches!(text.value, "none" | "HS256" | "HS384" | "HS512") {
                    Some("only asymmetric signatures are believed".to_owned())
                } else {
                    did_you_mean(text.value, Algorithm::ALL.map(Algorithm::name))
                };
                section.context.mistake(&text.at, complaint.hint_if(hint));
            }
        }
    }
    algorithms
}

/// The name of somebody who vouches for people: their subjects begin with it.
pub(super) fn name(section: &Section<'_>) -> Option<Found<Name>> {
    let name = section.name()?;
    let taken = [("client", "clients"), ("api-key", "API keys"), ("mtls", "client certificates")];
    let Some((word, whose)) = taken.into_iter().find(|(word, _)| *word == name.value.as_str()) else {
        return Some(name);
    };
    let complaint = Complaint::new(format!("the name `{word}` is taken: subjects of {whose} begin with it"));
    section.context.mistake(&name.at, complaint.hint("choose another name"));
    None
}

/// `issuer`, which counts as it is written.
pub(super) fn identifier(section: &Section<'_>) -> Option<String> {
    let text = section.required_text("issuer")?;
    section.context.accept(&text.at, address::issuer(text.value)).map(|()| text.value.to_owned())
}

/// One scope (RFC 6749 section 3.3).
pub(super) fn scope(text: &str) -> Result<String, Complaint> {
    let is_scope = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    if !text.is_empty() && text.bytes().all(is_scope) {
        return Ok(text.to_owned());
    }
    Err("expected one scope, without white space".into())
}

/// One issuer, one entry: with two, it would depend on their order which one judges a token.
fn refuse_same_issuer(sections: &[Section<'_>], context: &Context<'_>) {
    let mut seen = BTreeMap::new();
    for section in sections {
        let Some(text) = section.peek_text("issuer") else { continue };
        if let Some(first) = seen.get(text) {
            context.mistake(&section.at("issuer"), format!("is already declared by `{first}`"));
        } else {
            seen.insert(text, &section.at.key);
        }
    }
}
