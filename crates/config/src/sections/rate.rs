//! `rate`: how often callers of a virtual server or an agent may call.

use std::time::Duration;

use doorward_model::{Rate, RateBy, RateLimit};

use crate::{
    context::shown,
    mistake::Complaint,
    quantity,
    section::{Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
};

const MANY: Kind = Kind::Count(1, 1_000_000);

const KEYS: &[Key] = &[
    Key::new("limit", MANY, "required", "how many requests in each `per`"),
    Key::new(
        "per",
        Kind::Text,
        "\"minute\"",
        "`second`, `minute`, `hour`, `day`, or a duration of 1s to 31d",
    ),
    Key::new(
        "by",
        Kind::Text,
        "\"caller\"",
        "who is counted as one: `caller` (a subject with a client), `subject`, `client`, or `all` (everybody together); \
         for open access each of the first three is the address",
    ),
    Key::new("burst", MANY, "`limit`", "how many of them may come at once"),
];

pub(crate) const SERVER: Spec = Spec {
    name: "server.rate",
    shape: Shape::Inner,
    about: "How often callers may call. Requests beyond it get 429 with `Retry-After`; each message of a batch counts.",
    keys: KEYS,
};

pub(crate) const AGENT: Spec =
    Spec { name: "agent.rate", shape: Shape::Inner, about: "As `server.rate`.", keys: KEYS };

const PERIODS: [(&str, Duration); 4] = [
    ("second", Duration::from_secs(1)),
    ("minute", Duration::from_mins(1)),
    ("hour", Duration::from_hours(1)),
    ("day", Duration::from_hours(24)),
];

const LONGEST: Duration = Duration::from_hours(31 * 24);

const BY: [(&str, RateBy); 4] = [
    ("caller", RateBy::Caller),
    ("subject", RateBy::Subject),
    ("client", RateBy::Client),
    ("all", RateBy::All),
];

/// The `rate` of a section, if it has one without mistakes; `spec` is the table of it.
pub(super) fn read(section: &Section<'_>, spec: &'static Spec) -> Option<RateLimit> {
    let table = section.table("rate", spec)?;
    table.refuse_unknown(&[]);
    table.require("limit");
    let limit = table.number("limit").and_then(|limit| u32::try_from(limit).ok());
    let per = if table.has("per") { period(&table) } else { Some(Duration::from_mins(1)) };
    let by = if table.has("by") { table.word("by", "way to count", &BY) } else { Some(RateBy::default()) };
    let burst = table.number("burst").and_then(|burst| u32::try_from(burst).ok());
    let limit = limit?;
    Some(RateLimit { rate: Rate::new(limit, per?, burst.unwrap_or(limit)), by: by? })
}

fn period(table: &Section<'_>) -> Option<Duration> {
    let text = table.text("per")?;
    if let Some((_, period)) = PERIODS.iter().find(|(word, _)| *word == text.value) {
        return Some(*period);
    }
    let result = match quantity::duration(text.value) {
        Ok(period) if (PERIODS[0].1..=LONGEST).contains(&period) => Ok(period),
        Ok(_) => Err(Complaint::new("must be between 1s and 31d")),
        Err(_) => {
            let complaint = Complaint::new(format!("unknown period `{}`", shown(text.value)));
            let hint = did_you_mean(text.value, PERIODS.map(|(word, _)| word));
            Err(complaint.hint("second, minute, hour, day, or a duration such as \"30s\"").hint_if(hint))
        }
    };
    table.context.accept(&text.at, result)
}
