//! `[[sign_in]]`: OpenID providers that people sign in with. Their keys are known; nobody signs in yet.

use super::later;
use crate::{
    context::Context,
    section::{Key, Kind, Section, Shape, Spec},
    tree::Table,
};

pub(crate) const SPEC: Spec = Spec {
    name: "sign_in",
    shape: Shape::List,
    about: "An OpenID provider that people sign in with.",
    keys: &[
        Key::new("name", Kind::Text, "required", "what the sign-in page calls it"),
        Key::new("issuer", Kind::Text, "required", "its issuer, character for character"),
        Key::new("client_id", Kind::Text, "required", "Doorward's client there"),
        Key::new("client_secret", Kind::Secret, "none", "the client's secret"),
        Key::new("allow", Kind::Table, "nobody", "`domains`, `groups`, `subjects` or `\"anyone\"`"),
    ],
};

pub(crate) fn read(root: &Table, context: &Context<'_>) {
    for section in Section::list(&SPEC, root, context) {
        context.mistake(&section.at, later::TEXT);
    }
}
