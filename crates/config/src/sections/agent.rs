//! `[[agent]]`: A2A agents. Their keys are known, so that a file can be written ahead; nothing is published yet.

use super::later;
use crate::{
    context::Context,
    section::{Key, Kind, Section, Shape, Spec},
    tree::Table,
};

pub(crate) const SPEC: Spec = Spec {
    name: "agent",
    shape: Shape::List,
    about: "An A2A agent that Doorward publishes at `/a2a/<name>`.",
    keys: &[
        Key::new("name", Kind::Text, "required", "its name and route"),
        Key::new("card", Kind::Text, "required", "the address of its agent card"),
        Key::new("access", Kind::TextOrTexts, "\"oauth\"", "who may come in, as for virtual servers"),
        Key::new("allow_open", Kind::Boolean, "false", "as for virtual servers"),
        Key::new("issuers", Kind::Texts, "every issuer", "as for virtual servers"),
        Key::new("audience", Kind::Text, "the agent's own address", "as for virtual servers"),
        Key::new("allow", Kind::Table, "everybody", "as for virtual servers"),
        Key::new("rate", Kind::Table, "none", "how often a caller may call"),
        Key::new(
            "bindings",
            Kind::Texts,
            "[\"jsonrpc\", \"http+json\"]",
            "what the published card offers, in this order",
        ),
    ],
};

pub(crate) fn read(root: &Table, context: &Context<'_>) {
    for section in Section::list(&SPEC, root, context) {
        context.mistake(&section.at, later::TEXT);
    }
}
