//! What a token may do, in words for people.

use std::{collections::BTreeSet, time::Duration};

use doorward_model::{Credential, Scope, Scopes};

use super::text::{self, shown};
use crate::routes::Destination;

/// One thing that a token may do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Power {
    /// The thing.
    pub(super) what: String,
    /// What it means.
    pub(super) means: &'static str,
    /// With which capabilities, where these are curated.
    pub(super) with: Vec<Capabilities>,
}

/// Capabilities of one kind, by name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// The kind, in the plural, where it is not said already.
    pub(super) kind: Option<&'static str>,
    /// Those that are seen at once.
    pub(super) first: Vec<String>,
    /// Those that are seen when asked for.
    pub(super) rest: Vec<String>,
}

/// An upstream behind a virtual server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UpstreamShown {
    /// The operator's name for it.
    pub(super) name: String,
    /// As whom Doorward calls it.
    pub(super) account: &'static str,
}

const SEEN_AT_ONCE: usize = 12;

/// What each scope opens at the destination.
pub(super) fn powers(scopes: Scopes, destination: &Destination) -> Vec<Power> {
    scopes.iter().filter_map(|scope| power(scope, destination)).collect()
}

fn power(scope: Scope, destination: &Destination) -> Option<Power> {
    let power = match scope {
        Scope::McpRead => see(destination),
        Scope::McpCall => call(destination),
        Scope::A2aRead => Power {
            what: format!("See what the agent {} does for you", destination.name()),
            means: "Your tasks there, their messages and results.",
            with: Vec::new(),
        },
        Scope::A2aSend => Power {
            what: format!("Send messages to the agent {} for you", destination.name()),
            means: "It can begin tasks, answer questions in them and cancel them.",
            with: Vec::new(),
        },
        Scope::OfflineAccess => return None,
    };
    Some(power)
}

fn see(destination: &Destination) -> Power {
    let mut with = Vec::new();
    if let Destination::Server(server) = destination {
        with.extend(capabilities(Some("Prompts"), server.curation.prompts.as_ref()));
        with.extend(capabilities(Some("Resources"), server.curation.resources.as_ref()));
        with.extend(capabilities(Some("Resource templates"), server.curation.resource_templates.as_ref()));
    }
    Power {
        what: format!("See what {} offers", destination.name()),
        means: "The list of its tools, and the contents of its prompts and resources.",
        with,
    }
}

fn call(destination: &Destination) -> Power {
    let tools = match destination {
        Destination::Server(server) => server.curation.tools.as_ref(),
        Destination::Agent(_) => None,
    };
    let (what, means) = match tools {
        None => (
            format!("Use all tools of {}", destination.name()),
            "Those that are added later too. Tools can read, change and delete things.",
        ),
        Some(tools) if tools.is_empty() => {
            (format!("Use tools of {}", destination.name()), "There are none at present.")
        }
        Some(_) => ("Use these tools".to_owned(), "Tools can read, change and delete things."),
    };
    Power { what, means, with: capabilities(None, tools).into_iter().collect() }
}

fn capabilities(kind: Option<&'static str>, names: Option<&BTreeSet<String>>) -> Option<Capabilities> {
    let mut first: Vec<String> = names?.iter().map(|name| shown(name, text::CAPABILITY)).collect();
    let rest = first.split_off(first.len().min(SEEN_AT_ONCE));
    (!first.is_empty()).then_some(Capabilities { kind, first, rest })
}

/// The upstreams behind a destination. Their addresses are the operator's business.
pub(super) fn upstreams(destination: &Destination) -> Vec<UpstreamShown> {
    let Destination::Server(server) = destination else { return Vec::new() };
    let account = match &server.upstream.credential {
        Credential::None => "called without an account",
        Credential::TokenExchange(_) | Credential::IdentityAssertion(_) => {
            "called in your name, with a token that your administrator's server gives"
        }
        Credential::Connection(connecting) if !connecting.shared => "called with your own account there",
        Credential::Header { .. }
        | Credential::ClientCredentials(_)
        | Credential::Connection(_)
        | Credential::Missing(_) => "called with an account that the operator set up",
    };
    vec![UpstreamShown { name: server.upstream.name.to_string(), account }]
}

/// Scopes in a line of a table.
pub(super) fn in_short(scopes: Scopes) -> String {
    let words: Vec<&str> = scopes.iter().filter_map(word).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn word(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::McpRead => Some("see what it offers"),
        Scope::McpCall => Some("use its tools"),
        Scope::A2aRead => Some("see your tasks"),
        Scope::A2aSend => Some("send messages"),
        Scope::OfflineAccess => None,
    }
}

/// A length of time in days, hours, minutes or seconds, whichever is the largest that says something; at least a
/// second.
pub(super) fn how_long(time: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = time.as_secs().max(1);
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests;
