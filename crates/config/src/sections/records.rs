//! `[records]`: how the audit log is written.

use crate::{
    Durability, Records,
    context::shown,
    mistake::Complaint,
    section::{Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
};

pub(crate) const SPEC: Spec = Spec {
    name: "records",
    shape: Shape::Single,
    about: "How the audit log is written. A change needs a restart.",
    keys: &[
        Key::new(
            "durability",
            Kind::Text,
            "\"grouped\"",
            "`grouped`: a crash may lose the last 200 ms, and the chain shows the gap; `strict`: on disk before the \
             answer leaves",
        ),
        Key::new(
            "stdout",
            Kind::Boolean,
            "false",
            "write records to standard output too, one JSON document a line",
        ),
    ],
};

pub(crate) fn read(section: &Section<'_>) -> Records {
    let durability = section.text("durability").and_then(|text| match text.value {
        "grouped" => Some(Durability::Grouped),
        "strict" => Some(Durability::Strict),
        other => {
            let complaint =
                Complaint::new(format!("expected `grouped` or `strict`, found `{}`", shown(other)));
            section.context.mistake(&text.at, complaint.hint_if(did_you_mean(other, ["grouped", "strict"])));
            None
        }
    });
    Records { durability: durability.unwrap_or_default(), stdout: section.boolean("stdout").unwrap_or(false) }
}
