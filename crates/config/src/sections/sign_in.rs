//! `[[sign_in]]`: OpenID providers that people sign in with, and whom of their people the operator lets in.
//!
//! Endpoints and keys are found later, elsewhere.

use std::{collections::BTreeSet, sync::Arc};

use doorward_model::{SignInAllow, SignInProvider};

use super::{Declared, issuer, refuse_doubles};
use crate::{
    address,
    context::{Context, shown},
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
    tree::Table,
};

pub(crate) const SPEC: Spec = Spec {
    name: "sign_in",
    shape: Shape::List,
    about: "An OpenID provider that people sign in with, beside local users. It sends them back to \
            `<public_url>/sign-in/callback/<name>`: register that address there.",
    keys: &[
        Key::new(
            "name",
            Kind::Text,
            "required",
            "what the sign-in page calls it, and the first part of its people's subjects: `<name>:<sub>`; not `client`, `api-key` or `mtls`",
        ),
        Key::new(
            "issuer",
            Kind::Text,
            "required",
            "its issuer, character for character: https, or http on loopback",
        ),
        Key::new("client_id", Kind::Text, "required", "Doorward's client there"),
        Key::new("client_secret", Kind::Secret, "none: a public client", "the client's secret"),
        Key::new(
            "allow",
            Kind::TextOrTable,
            "nobody",
            "whom of its people Doorward lets in: a table, or `\"anyone\"` who has an account there",
        ),
        Key::new(
            "scopes",
            Kind::Texts,
            "[\"openid\", \"email\", \"profile\"]",
            "what is asked for there; `openid` always is",
        ),
        Key::new("groups_claim", Kind::Text, "\"groups\"", "the claim that names a person's groups"),
    ],
};

pub(crate) const ALLOW: Spec = Spec {
    name: "sign_in.allow",
    shape: Shape::Inner,
    about: "Whom of a provider's people Doorward lets in: a person that any of the lists names. What they may open \
            is up to each virtual server.",
    keys: &[
        Key::new(
            "domains",
            Kind::Texts,
            "[]",
            "what stands after the `@` of e-mail addresses; only addresses that the provider says it verified count",
        ),
        Key::new("groups", Kind::Texts, "[]", "groups, as the provider's claim names them"),
        Key::new("subjects", Kind::Texts, "[]", "people, by the provider's `sub`"),
    ],
};

const ANYONE: &str = "anyone";

/// The declared sign-in providers.
pub(crate) type SignIns = Vec<Declared<Arc<SignInProvider>>>;

pub(crate) fn read(root: &Table, context: &Context<'_>) -> SignIns {
    let sections = Section::list(&SPEC, root, context);
    let declared: SignIns = sections.iter().map(declare).collect();
    refuse_doubles(&declared, context);
    declared
}

fn declare(section: &Section<'_>) -> Declared<Arc<SignInProvider>> {
    let name = issuer::name(section);
    let issuer = issuer::identifier(section);
    section.require("client_id");
    let client_id = present(section, "client_id");
    let client_secret = section.secret("client_secret");
    let allow = allow(section);
    let scopes = scopes(section);
    let groups_claim = present(section, "groups_claim").unwrap_or_else(|| "groups".to_owned());
    let written = section.written_name();
    let value = name.as_ref().zip(issuer).zip(client_id).map(|((name, issuer), client_id)| {
        Arc::new(SignInProvider {
            name: name.value.clone(),
            issuer,
            client_id,
            client_secret: client_secret.map(|secret| secret.value),
            scopes,
            groups_claim,
            allow,
        })
    });
    Declared { at: section.at.clone(), written, name, value }
}

/// A text that is not empty.
fn present(section: &Section<'_>, key: &str) -> Option<String> {
    let text = section.text(key)?;
    section.context.accept(&text.at, not_empty(text.value))
}

fn not_empty(text: &str) -> Result<String, Complaint> {
    if text.is_empty() { Err("expected a text that is not empty".into()) } else { Ok(text.to_owned()) }
}

fn scopes(section: &Section<'_>) -> Vec<String> {
    const OPENID: &str = "openid";
    if !section.has("scopes") {
        return [OPENID, "email", "profile"].map(str::to_owned).to_vec();
    }
    let mut scopes = vec![OPENID.to_owned()];
    for scope in section.texts_as("scopes", issuer::scope) {
        if !scopes.contains(&scope.value) {
            scopes.push(scope.value);
        }
    }
    scopes
}

fn allow(section: &Section<'_>) -> SignInAllow {
    if !section.has("allow") {
        // Of something that is no table, this would be a second complaint.
        if !section.is_empty() {
            let complaint = Complaint::new("without `allow` nobody of this provider gets in");
            section
                .context
                .warn(&section.at, complaint.hint(r#"such as allow = { domains = ["example.com"] }"#));
        }
        return SignInAllow::default();
    }
    if section.is_table("allow") {
        return section.table("allow", &ALLOW).map(|table| lists(&table)).unwrap_or_default();
    }
    let Some(word) = section.text("allow") else { return SignInAllow::default() };
    if word.value == ANYONE {
        return SignInAllow { anyone: true, ..SignInAllow::default() };
    }
    let complaint = Complaint::new(format!("expected a table or \"anyone\", found `{}`", shown(word.value)));
    section.context.mistake(&word.at, complaint.hint_if(did_you_mean(word.value, [ANYONE])));
    SignInAllow::default()
}

fn lists(table: &Section<'_>) -> SignInAllow {
    table.refuse_unknown(&[]);
    let allow = SignInAllow {
        anyone: false,
        domains: set(table.texts_as("domains", address::host)),
        groups: set(table.texts_as("groups", not_empty)),
        subjects: set(table.texts_as("subjects", not_empty)),
    };
    if allow == SignInAllow::default() {
        let complaint = Complaint::new("names nobody, so nobody of this provider gets in");
        table
            .context
            .warn(&table.at, complaint.hint("write \"anyone\" for everybody who has an account there"));
    }
    allow
}

fn set(found: Vec<Found<String>>) -> BTreeSet<String> {
    found.into_iter().map(|found| found.value).collect()
}
