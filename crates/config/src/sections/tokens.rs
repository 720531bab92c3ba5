//! `[tokens]`: the lives of Doorward's own tokens. Checked already, used once Doorward issues tokens.

use std::time::Duration;

use super::later;
use crate::section::{Key, Kind, Section, Shape, Spec};

pub(crate) const SPEC: Spec = Spec {
    name: "tokens",
    shape: Shape::Single,
    about: "The lives of Doorward's own tokens. It issues none in this version, so the section is checked and has no \
            effect.",
    keys: &[Key::new(
        "access_ttl",
        Kind::Time(Duration::from_secs(10), Duration::from_hours(24)),
        "\"1h\"",
        "how long an access token is good for",
    )],
};

pub(crate) fn read(section: &Section<'_>) {
    if section.duration("access_ttl").is_some() {
        section.warn("access_ttl", later::NO_EFFECT);
    }
}
