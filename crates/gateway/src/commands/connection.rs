//! `doorward connection`: who is connected where, and which authorization servers are approved.
//!
//! Nothing is sent anywhere from here: what is shown is what `serve` has seen, and what is decided it honours within a
//! second. No token is read.

use std::process::ExitCode;

use anyhow::{anyhow, bail, ensure};
use doorward_config::did_you_mean;
use doorward_model::{Connecting, Credential, Name, Place, Record, Snapshot, is_invisible};
use doorward_store::{Authority, Connection};
use serde_json::{Value, json};

use super::{
    opened::{Absent, Opened, with_store},
    say, say_aside,
};
use crate::cli::{
    ConfigArgs,
    connection::{Connection as Command, ConnectionDecision, ConnectionRemove},
};

/// Who approves, where it is done here. No user can have it: names have no colon.
const BY: &str = "command:connection-approve";
/// Connections that are read at a time.
const PAGE: u32 = 500;

/// Does what was asked for.
pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(args) => with_store(args, Absent::Refuse, async |opened| list(opened, args).await),
        Command::Approve(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| approve(opened, args).await)
        }
        Command::Reject(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| reject(opened, args).await)
        }
        Command::Remove(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| remove(opened, args).await)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn list(opened: &Opened, args: &ConfigArgs) -> anyhow::Result<()> {
    let authorities = opened.store.authorities().await?;
    let known = |place: &Place| authorities.iter().find(|known| known.place == place.key());
    let (places, connections) = (declared(&opened.loaded.snapshot), connections(opened).await?);
    if args.json {
        let places: Vec<_> = places.iter().map(|it| place_json(it, known(&it.place))).collect();
        let connections: Vec<_> = connections.iter().map(connection_json).collect();
        say(&json!({ "places": places, "connections": connections }).to_string());
        return Ok(());
    }
    for connecting in &places {
        say(&plain(&place_text(connecting, known(&connecting.place))));
    }
    for connection in &connections {
        say(&plain(&connection_text(connection)));
    }
    if places.is_empty() {
        say_aside("no upstream and no agent has a credential of the kind `oauth`");
    }
    Ok(())
}

async fn approve(opened: &Opened, args: &ConnectionDecision) -> anyhow::Result<()> {
    let (place, issuer, before) = waiting(opened, args).await?;
    if !opened.store.approve_authority(&place.key(), &issuer, BY, opened.now()).await? {
        return Err(meanwhile());
    }
    let detail = format!("authorization server {issuer} of {}; approved before: {before}", place.key());
    opened.record("connection approve", record(&place, detail)).await?;
    let data = json!({ "place": place.key(), "approved": issuer, "before": before });
    let text = format!("approved {issuer} for {}; connections that {before} gave have ended", place.key());
    say(&if args.config.json { data.to_string() } else { plain(&text) });
    Ok(())
}

async fn reject(opened: &Opened, args: &ConnectionDecision) -> anyhow::Result<()> {
    let (place, issuer, approved) = waiting(opened, args).await?;
    if !opened.store.reject_authority(&place.key(), &issuer).await? {
        return Err(meanwhile());
    }
    let detail = format!("authorization server {issuer} of {}; approved: {approved}", place.key());
    opened.record("connection reject", record(&place, detail)).await?;
    let data = json!({ "place": place.key(), "rejected": issuer, "approved": approved });
    let text = format!("rejected {issuer} for {}; {approved} stays", place.key());
    say(&if args.config.json { data.to_string() } else { plain(&text) });
    Ok(())
}

async fn remove(opened: &Opened, args: &ConnectionRemove) -> anyhow::Result<()> {
    let (place, person) = (place(&args.place)?, args.user.clone().unwrap_or_default());
    ensure!(args.shared || !person.is_empty(), "--user has no subject");
    let removed = opened.store.remove_connection(&place.key(), &person, opened.now()).await?;
    let whose = if args.shared { "everybody" } else { &person };
    let Some(removed) = removed else {
        ensure_declared(opened, &place)?;
        bail!("{} has no connection of {whose}; `doorward connection list` shows them", place.key());
    };
    let detail = format!("connection {} of {whose}, not revoked at {}", place.key(), removed.issuer);
    opened.record("connection remove", record(&place, detail)).await?;
    let data = json!({ "place": place.key(), "person": person, "issuer": removed.issuer });
    let text =
        format!("removed the connection of {whose} at {}; {} was not told", place.key(), removed.issuer);
    say(&if args.config.json { data.to_string() } else { plain(&text) });
    Ok(())
}

/// Everything that accounts are connected for, upstreams first.
fn declared(snapshot: &Snapshot) -> Vec<&Connecting> {
    let upstreams = snapshot.upstreams.values().map(|upstream| &upstream.credential);
    let credentials = upstreams.chain(snapshot.agents.values().map(|agent| &agent.credential));
    let connecting = credentials.filter_map(|credential| match credential {
        Credential::Connection(connecting) => Some(&**connecting),
        _ => None,
    });
    connecting.collect()
}

/// Says so where no account is connected, before anything else is found missing there.
fn ensure_declared(opened: &Opened, place: &Place) -> anyhow::Result<()> {
    let declared = declared(&opened.loaded.snapshot);
    if declared.iter().any(|it| it.place == *place) {
        return Ok(());
    }
    let kind = if matches!(place, Place::Agent(_)) { "agent" } else { "upstream" };
    let keys: Vec<String> = declared.iter().map(|it| it.place.key()).collect();
    let hint = did_you_mean(&place.key(), keys.iter().map(String::as_str));
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    bail!("no {kind} `{}` has a credential of the kind `oauth`{hint}", place.name())
}

async fn connections(opened: &Opened) -> anyhow::Result<Vec<Connection>> {
    let mut all: Vec<Connection> = Vec::new();
    loop {
        let after = all.last().map(|last| (last.place.as_str(), last.person.as_str()));
        let page = opened.store.connections(after, PAGE).await?;
        let full = page.len() >= PAGE as usize;
        all.extend(page);
        if !full {
            return Ok(all);
        }
    }
}

/// The authorization server that waits, if it is the one that is meant, and the approved one.
async fn waiting(opened: &Opened, args: &ConnectionDecision) -> anyhow::Result<(Place, String, String)> {
    let place = place(&args.place)?;
    ensure_declared(opened, &place)?;
    let known = opened.store.authority(&place.key()).await?;
    let known = known.ok_or_else(|| anyhow!("no authorization server of {} was seen yet", place.key()))?;
    let waits = known.waiting.map(|waiting| waiting.issuer);
    let waits =
        waits.ok_or_else(|| anyhow!("no authorization server of {} waits for approval", place.key()))?;
    if let Some(meant) = &args.issuer {
        ensure!(*meant == waits, "--issuer {meant}: the one that waits is {waits}; nothing was changed");
    }
    Ok((place, waits, known.issuer))
}

/// `upstream:<name>`, `agent:<name>`, or the name of an upstream.
fn place(text: &str) -> anyhow::Result<Place> {
    let (kind, name) = text.split_once(':').unwrap_or(("upstream", text));
    let name = Name::parse(name)?;
    match kind {
        "upstream" => Ok(Place::Upstream(name)),
        "agent" => Ok(Place::Agent(name)),
        _ => bail!("`{text}` is no place: write `upstream:NAME` or `agent:NAME`"),
    }
}

fn meanwhile() -> anyhow::Error {
    anyhow!("the authorization server that waited is not there any more: see `doorward connection list`")
}

fn record(place: &Place, detail: String) -> Record {
    let (mut record, name) = (Record { detail: Some(detail), ..Record::default() }, place.name().to_string());
    match place {
        Place::Upstream(_) => record.upstream = Some(name),
        Place::Agent(_) => record.agent = Some(name),
    }
    record
}

fn place_json(connecting: &Connecting, known: Option<&Authority>) -> Value {
    let approved = known.map(|known| {
        json!({ "issuer": known.issuer, "since": known.approved_at.to_rfc3339(), "by": known.approved_by })
    });
    let waiting = known.and_then(|known| known.waiting.as_ref()).map(|waiting| {
        json!({
            "issuer": waiting.issuer,
            "first_seen": waiting.first_seen.to_rfc3339(),
            "last_seen": waiting.last_seen.to_rfc3339(),
        })
    });
    json!({
        "place": connecting.place.key(),
        "resource": connecting.resource.as_str(),
        "shared": connecting.shared,
        "declared": connecting.issuer,
        "approved": approved,
        "waiting": waiting,
        "rejected": known.and_then(|known| known.rejected.clone()),
    })
}

fn place_text(connecting: &Connecting, known: Option<&Authority>) -> String {
    let whose = if connecting.shared { "one account for all" } else { "each person's own account" };
    let mut text = format!("{}, {whose}", connecting.place.key());
    match (known, &connecting.issuer) {
        (Some(known), _) => {
            let by =
                known.approved_by.as_deref().map_or("by being the first".to_owned(), |by| format!("by {by}"));
            let since = known.approved_at.to_rfc3339();
            text.extend([", ", &known.issuer, " approved ", &since, " ", &by]);
        }
        (None, Some(issuer)) => text.extend([", ", issuer, " by the configuration"]),
        (None, None) => text.push_str(", no authorization server was seen yet"),
    }
    if let Some(waiting) = known.and_then(|known| known.waiting.as_ref()) {
        text.extend(["; ", &waiting.issuer, " waits since ", &waiting.first_seen.to_rfc3339()]);
    }
    text
}

fn connection_json(connection: &Connection) -> Value {
    json!({
        "place": connection.place,
        "person": connection.person,
        "issuer": connection.issuer,
        "client": connection.client,
        "scopes": connection.scopes,
        "state": if connection.broken.is_some() { "broken" } else { "live" },
        "reason": connection.broken,
        "since": connection.created.to_rfc3339(),
        "refreshed": connection.refreshed.to_rfc3339(),
    })
}

fn connection_text(connection: &Connection) -> String {
    let whose = if connection.person.is_empty() { "everybody" } else { &connection.person };
    let state = connection.broken.as_ref().map_or("live".to_owned(), |why| format!("broken: {why}"));
    let since = connection.created.to_rfc3339();
    format!("{}, connection of {whose} at {} since {since}, {state}", connection.place, connection.issuer)
}

/// Without what is not seen on a terminal: issuers and subjects are texts of others.
fn plain(text: &str) -> String {
    text.chars().filter(|character| !is_invisible(*character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_an_upstream() {
        let key = |text: &str| place(text).map(|place| place.key()).ok();
        assert_eq!(key("notes").as_deref(), Some("upstream:notes"));
        assert_eq!(key("upstream:notes").as_deref(), Some("upstream:notes"));
        assert_eq!(key("agent:helper").as_deref(), Some("agent:helper"));
        for text in ["", "Notes", "server:x", "agent:", "agent:a:b"] {
            assert_eq!(key(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_hides_on_the_terminal() {
        assert_eq!(plain("a\u{9b}31m\u{202e}b\nc"), "a31mbc");
    }
}
