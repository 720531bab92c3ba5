//! `doorward agent`: the cards of agents, which of them are approved, and which wait.
//!
//! What is shown is what `serve` has seen. Only where it has seen nothing the card is fetched here too, to say why: nothing
//! of it is kept.

mod card;

use std::process::ExitCode;

use anyhow::{anyhow, bail, ensure};
use doorward_egress::Egress;
use doorward_model::{Agent, Record, SignatureMode, Timestamp};
use doorward_protocol::a2a::card::{Diff, diff};
use doorward_store::{CardPin, SeenCard, WaitingCard};
use serde_json::{Value, json};

use self::card::{changes, escaped, pretty, read, signature};
use super::{
    opened::{Absent, Opened, with_store},
    say, say_aside,
};
use crate::{
    agents::{self, Provenance},
    app::egress_config,
    cli::{
        ConfigArgs,
        agent::{Agent as Command, AgentDecision, AgentShow},
    },
};

/// Who approves, where it is done here. No user can have it: names have no colon.
const BY: &str = "command:agent-approve";

/// Does what was asked for.
pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(args) => with_store(args, Absent::Refuse, async |opened| list(opened, args).await),
        Command::Show(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| show(opened, args).await)
        }
        Command::Approve(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| approve(opened, args).await)
        }
        Command::Reject(args) => {
            with_store(&args.config, Absent::Refuse, async |opened| reject(opened, args).await)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn list(opened: &Opened, args: &ConfigArgs) -> anyhow::Result<()> {
    let pins = opened.store.card_pins().await?;
    let agents = opened.loaded.snapshot.agents.values();
    let egress = Egress::new(&egress_config(&opened.loaded.settings, &opened.loaded.snapshot)?)?;
    let mut data = Vec::new();
    for agent in agents {
        let pin = pins.iter().find(|pin| pin.agent == agent.name);
        let trouble = if pin.is_some() { None } else { agents::trouble(&egress, agent).await };
        if args.json {
            data.push(as_json(agent, pin, trouble.as_deref()));
        } else {
            say(&escaped(&as_text(agent, pin, trouble.as_deref())));
        }
    }
    if args.json {
        say(&escaped(&Value::from(data).to_string()));
        return Ok(());
    }
    if opened.loaded.snapshot.agents.is_empty() {
        say_aside("the configuration publishes no agents; [[agent]] declares one");
    }
    Ok(())
}

async fn show(opened: &Opened, args: &AgentShow) -> anyhow::Result<()> {
    let (agent, pin) = pin(opened, &args.name).await?;
    if args.diff {
        return show_diff(agent, &pin, args);
    }
    let seen = if args.waiting { &waiting(&pin)?.card } else { &pin.approved };
    let (about, text) = if args.waiting { waiting_as(&pin) } else { approved_as(&pin) };
    let mut data = about.unwrap_or_default();
    data["agent"] = pin.agent.as_str().into();
    let provenance = Provenance::read(&seen.provenance);
    let shown = if args.original { provenance.original } else { pretty(&seen.card) };
    if args.config.json {
        let member = if args.original { "original" } else { "card" };
        data[member] =
            if args.original { shown.into() } else { serde_json::from_str(&seen.card).unwrap_or_default() };
        say(&escaped(&data.to_string()));
        return Ok(());
    }
    say_aside(&format!("{}: {text}, digest {}", pin.agent, seen.digest));
    say_aside(&format!("from {}, {}", provenance.from, signature(&seen.provenance)));
    say(&escaped(&shown));
    Ok(())
}

fn show_diff(agent: &Agent, pin: &CardPin, args: &AgentShow) -> anyhow::Result<()> {
    let (waiting, diff) = (waiting(pin)?, difference(pin)?);
    let findings = findings(agent, &waiting.card);
    if args.config.json {
        let mut data = changes(&diff).0;
        data["agent"] = pin.agent.as_str().into();
        data["approved"] = pin.approved.digest.as_str().into();
        data["waiting"] = waiting.card.digest.as_str().into();
        data["findings"] = json!(findings);
        say(&escaped(&data.to_string()));
    } else {
        say(&escaped(&changes(&diff).1));
        for finding in &findings {
            say(&escaped(finding));
        }
        say_aside(&format!(
            "`doorward agent approve {} --digest {}` approves it",
            pin.agent, waiting.card.digest
        ));
    }
    Ok(())
}

async fn approve(opened: &Opened, args: &AgentDecision) -> anyhow::Result<()> {
    let (agent, pin) = pin(opened, &args.name).await?;
    let digest = asked(&pin, args)?;
    let findings = findings(agent, &waiting(&pin)?.card);
    // What cannot be compared is shown for what it is, and may be approved: it was good when it was seen.
    let changes = difference(&pin).map(|diff| changes(&diff)).unwrap_or_default();
    if !opened.store.approve_card(&pin.agent, digest, BY, opened.now()).await? {
        return Err(meanwhile(&pin));
    }
    recorded(opened, "agent approve", &pin, digest).await?;
    if args.config.json {
        let mut data = changes.0;
        data["agent"] = pin.agent.as_str().into();
        data["approved"] = digest.into();
        data["before"] = pin.approved.digest.as_str().into();
        data["findings"] = json!(findings);
        say(&escaped(&data.to_string()));
    } else {
        say(&escaped(&format!("approved the card {digest} of {}\n{}", pin.agent, changes.1)));
        for finding in &findings {
            say(&escaped(finding));
        }
    }
    Ok(())
}

async fn reject(opened: &Opened, args: &AgentDecision) -> anyhow::Result<()> {
    let (_, pin) = pin(opened, &args.name).await?;
    let digest = asked(&pin, args)?;
    if !opened.store.reject_card(&pin.agent, digest).await? {
        return Err(meanwhile(&pin));
    }
    recorded(opened, "agent reject", &pin, digest).await?;
    let data = json!({ "agent": pin.agent.as_str(), "rejected": digest, "approved": pin.approved.digest });
    let text = format!(
        "rejected the card {digest} of {}; the approved one, {}, goes on being served",
        pin.agent, pin.approved.digest
    );
    say(&if args.config.json { data.to_string() } else { text });
    Ok(())
}

/// What is kept of an agent that the configuration publishes.
async fn pin<'o>(opened: &'o Opened, name: &str) -> anyhow::Result<(&'o Agent, CardPin)> {
    let agents = opened.loaded.snapshot.agents.values();
    let Some(agent) = agents.into_iter().find(|agent| agent.name.as_str() == name) else {
        bail!("the configuration publishes no agent `{name}`; `doorward agent list` shows them");
    };
    let pin = opened.store.card_pin(&agent.name).await?;
    let pin = pin.ok_or_else(|| {
        anyhow!("no card of `{name}` was seen yet: `doorward serve` fetches it from {}", agent.card)
    })?;
    Ok((agent, pin))
}

/// What is out of the ordinary about the interfaces of a card. Where it leads, Doorward's credential for the agent goes.
fn findings(agent: &Agent, seen: &SeenCard) -> Vec<String> {
    let card = read(seen).ok();
    let findings = card.map(|card| agents::findings(&card, &agent.card)).unwrap_or_default();
    findings.into_iter().map(|finding| format!("an interface {finding}")).collect()
}

fn waiting(pin: &CardPin) -> anyhow::Result<&WaitingCard> {
    pin.waiting.as_ref().ok_or_else(|| anyhow!("no card of `{}` waits for approval", pin.agent))
}

/// The digest of the card that waits, if it is the one that is meant.
fn asked<'p>(pin: &'p CardPin, args: &AgentDecision) -> anyhow::Result<&'p str> {
    let waits = waiting(pin)?.card.digest.as_str();
    if let Some(meant) = &args.digest {
        ensure!(
            meant.eq_ignore_ascii_case(waits),
            "--digest {meant}: the card that waits is {waits}; nothing was changed"
        );
    }
    Ok(waits)
}

fn meanwhile(pin: &CardPin) -> anyhow::Error {
    anyhow!("the card that waited is not there any more: see `doorward agent show {} --diff`", pin.agent)
}

/// What the card that waits would change.
fn difference(pin: &CardPin) -> anyhow::Result<Diff> {
    Ok(diff(&read(&pin.approved)?, &read(&waiting(pin)?.card)?))
}

async fn recorded(opened: &Opened, command: &str, pin: &CardPin, digest: &str) -> anyhow::Result<()> {
    let detail = format!("card {digest}; approved before: {}", pin.approved.digest);
    let record = Record { agent: Some(pin.agent.to_string()), detail: Some(detail), ..Record::default() };
    opened.record(command, record).await
}

fn as_json(agent: &Agent, pin: Option<&CardPin>, trouble: Option<&str>) -> Value {
    json!({
        "name": agent.name.as_str(),
        "resource": agent.resource,
        "card": agent.card.as_str(),
        "trouble": trouble,
        "approved": pin.map(|pin| approved_as(pin).0),
        "waiting": pin.and_then(|pin| waiting_as(pin).0),
        "rejected": pin.and_then(|pin| pin.rejected.clone()),
    })
}

fn as_text(agent: &Agent, pin: Option<&CardPin>, trouble: Option<&str>) -> String {
    let Some(pin) = pin else {
        let why = trouble.unwrap_or("there is a good one now, for `doorward serve` to fetch");
        return format!("{}, no card was seen yet at {}: {why}", agent.name, agent.card);
    };
    let mut text = format!("{}, {}, {}", agent.name, approved_as(pin).1, signature(&pin.approved.provenance));
    if Provenance::read(&pin.approved.provenance).from != agent.card.as_str() {
        text.push_str(", from an address that is not declared any more");
    }
    let is_vouched_for = Provenance::read(&pin.approved.provenance).form.is_some();
    if agent.signature.mode == SignatureMode::Required && !is_vouched_for {
        text.push_str(", not served, for `signature` is required");
    }
    if pin.waiting.is_some() {
        text.extend(["; ", &waiting_as(pin).1]);
    }
    if pin.rejected.is_some() {
        text.push_str("; another one was rejected");
    }
    text
}

/// Since when a card is the approved one, and by whom.
fn approved_as(pin: &CardPin) -> (Option<Value>, String) {
    let since = pin.approved_at.to_rfc3339();
    let mut data = seen_as(&pin.approved);
    data["since"] = since.as_str().into();
    data["by"] = json!(pin.approved_by);
    let by = pin.approved_by.as_deref().map_or("by being the first".to_owned(), |by| format!("by {by}"));
    (Some(data), format!("approved {since} {by}"))
}

/// The card that waits, and how grave what it changes is.
fn waiting_as(pin: &CardPin) -> (Option<Value>, String) {
    let Some(waiting) = &pin.waiting else { return (None, String::new()) };
    let gravest = difference(pin).ok().and_then(|diff| Some(diff.changes.first()?.severity.word()));
    let (first, last) = (waiting.first_seen, waiting.last_seen);
    let mut data = seen_as(&waiting.card);
    for (member, moment) in [("first_seen", first), ("last_seen", last)] {
        data[member] = Timestamp::to_rfc3339(moment).into();
    }
    data["severity"] = json!(gravest);
    let text =
        format!("another one waits since {}, severity {}", first.to_rfc3339(), gravest.unwrap_or("unknown"));
    (Some(data), text)
}

fn seen_as(seen: &SeenCard) -> Value {
    let provenance = Provenance::read(&seen.provenance);
    let signature = provenance.form.map(|form| json!({ "form": form, "key": provenance.key }));
    json!({ "digest": seen.digest, "from": provenance.from, "signature": signature })
}
