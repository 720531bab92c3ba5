//! The words of labels, from closed tables.

use doorward_model::Decision;
use doorward_protocol::{
    a2a::Operation,
    mcp::{Era, Method},
};

use crate::push;

pub(super) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Undecided => "undecided",
        Decision::Allowed => "allowed",
        Decision::Refused => "refused",
    }
}

pub(super) fn status_class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "none",
    }
}

/// The name in the tables of the protocols. Operations of A2A go by one name, whatever binding and version calls them.
pub(super) fn known_method(name: &str) -> &'static str {
    let of_mcp = Method::parse(name, Era::Modern).or_else(|| Method::parse(name, Era::Legacy));
    let of_a2a = || Operation::ALL.into_iter().map(Operation::name).chain([push::METHOD]);
    of_mcp.map(Method::name).or_else(|| of_a2a().find(|known| *known == name)).unwrap_or("other")
}
