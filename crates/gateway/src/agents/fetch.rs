//! Fetching an agent's card: judged first, then pinned. What is not good changes nothing.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use doorward_auth::{
    card::{self, Pinned, Standing},
    keys::{KeySet, hash},
};
use doorward_egress::{Bounds, Egress, Fetched, Trust};
use doorward_model::{Agent, CardKeys, SignatureMode};
use doorward_protocol::{
    a2a::card::{MAX_BYTES, UpstreamCard, diff, read, read_covered},
    json::Document,
};
use doorward_store::{CardPin, Observed, SeenCard};
use url::Url;

use super::{Approved, Known, Provenance, document, findings, interface};
use crate::App;

/// For how long a card may take.
const TIME: Duration = Duration::from_secs(10);
/// Largest key set, in bytes.
const MAX_KEYS: usize = 256 << 10;
/// When a card is asked for again, in seconds: as the agent says, within these bounds.
const AGAIN: std::ops::RangeInclusive<u64> = 15..=600;
/// When it is asked for again that says nothing, in seconds.
const AGAIN_USUALLY: u64 = 60;
/// When it is asked for again that could not be had, in seconds.
const AGAIN_AFTER_TROUBLE: i64 = 5;

/// Why there is no newer card.
type Trouble = String;

/// What is at the declared address.
enum Looked {
    /// What was there before.
    Same { max_age: Option<u64> },
    /// A card that can be used.
    Good { card: Box<UpstreamCard>, seen: SeenCard, etag: Option<String>, max_age: Option<u64> },
}

/// Asks for the card once, and notes what came of it.
pub(super) async fn refresh(app: &App, agent: &Agent, known: &Known) {
    let outcome = Box::pin(attempt(app, agent, known)).await;
    let now = app.clock().now();
    let mut notes = known.notes();
    match outcome {
        Ok(max_age) => {
            let again = max_age.unwrap_or(AGAIN_USUALLY).clamp(*AGAIN.start(), *AGAIN.end());
            notes.due = Some(now.plus_secs(i64::try_from(again).unwrap_or(i64::MAX)));
            if notes.trouble.take().is_some() {
                tracing::info!(agent = %agent.name, "the card can be had again");
            }
        }
        Err(trouble) => {
            notes.due = Some(now.plus_secs(AGAIN_AFTER_TROUBLE));
            if notes.trouble.as_ref() != Some(&trouble) {
                tracing::warn!(agent = %agent.name, card = %agent.card, why = %trouble, "the card cannot be used");
            }
            notes.trouble = Some(trouble);
        }
    }
}

async fn attempt(app: &App, agent: &Agent, known: &Known) -> Result<Option<u64>, Trouble> {
    let pin = app.store().card_pin(&agent.name).await.map_err(|error| error.to_string())?;
    if let Some(pin) = &pin {
        adopt(agent, known, pin);
    }
    let etag = known.notes().etag.clone().filter(|_| pin.is_some());
    match look(app.egress(), agent, etag.as_deref()).await? {
        Looked::Same { max_age } => Ok(max_age),
        Looked::Good { card, seen, etag, max_age } => {
            observe(app, agent, known, (&card, &seen)).await?;
            known.notes().etag = etag;
            Ok(max_age)
        }
    }
}

/// Why the card cannot be used that is at the declared address at this moment. None when it can.
pub(crate) async fn trouble(egress: &Egress, agent: &Agent) -> Option<String> {
    look(egress, agent, None).await.err()
}

/// Fetches a card and judges it.
async fn look(egress: &Egress, agent: &Agent, etag: Option<&str>) -> Result<Looked, Trouble> {
    let bounds = Bounds { bytes: MAX_BYTES, time: TIME };
    let fetched = egress.fetch_if_changed(&agent.card, Trust::Declared, bounds, etag).await;
    let (body, etag, max_age) = match fetched.map_err(|error| error.to_string())? {
        Fetched::Same { max_age } => return Ok(Looked::Same { max_age }),
        Fetched::Document { body, etag, max_age } => (body, etag, max_age),
    };
    let text = document(body).ok_or("it is not JSON, or is nested too deeply")?;
    let (card, standing) = judge(egress, agent, &text).await?;
    if interface::usable(&card, &agent.card).is_empty() {
        return Err("it names no interface that can be used".to_owned());
    }
    let seen = seen(agent, &text, &card, &standing)?;
    Ok(Looked::Good { card: Box::new(card), seen, etag, max_age })
}

/// Verifies the signature as far as the operator asks, then reads what it covers.
async fn judge(egress: &Egress, agent: &Agent, text: &Document) -> Result<(UpstreamCard, Standing), Trouble> {
    let mut sets = Vec::new();
    if agent.signature.mode != SignatureMode::Off {
        for keys in &agent.signature.keys {
            sets.push(key_set(egress, keys).await?);
        }
    }
    let pinned: Vec<_> =
        sets.iter().map(|(keys, url)| Pinned { keys, url: url.as_ref().map(Url::as_str) }).collect();
    let standing = card::judge(agent.signature.mode, text, &pinned)
        .map_err(|error| format!("its signature does not count: {error}"))?;
    let card = match &standing {
        Standing::Verified(verified) => read_covered(text, verified.form),
        Standing::Unchecked | Standing::Unsigned => read(text),
    };
    Ok((card.map_err(|error| error.to_string())?, standing))
}

async fn key_set(egress: &Egress, keys: &CardKeys) -> Result<(KeySet, Option<Url>), Trouble> {
    let (text, url) = match keys {
        CardKeys::Text(text) => (Bytes::copy_from_slice(text.as_bytes()), None),
        CardKeys::At(url) => {
            let fetched = egress.fetch(url, Trust::Declared, MAX_KEYS).await;
            let (text, _) = fetched.map_err(|error| format!("the keys at {url} cannot be had: {error}"))?;
            (text, Some(url.clone()))
        }
    };
    let set = KeySet::parse(&text).map_err(|error| format!("the pinned keys cannot be read: {error}"))?;
    Ok((set, url))
}

/// What the store keeps of a card: its normal form, and where that is from, with the original.
fn seen(
    agent: &Agent,
    text: &Document,
    card: &UpstreamCard,
    standing: &Standing,
) -> Result<SeenCard, Trouble> {
    let provenance = Provenance::of(agent.card.as_str(), standing, text.bytes());
    let normal = String::from_utf8(card.normal()).map_err(|_| "it is not text")?;
    let digest = hash::hex(&hash::sha256(normal.as_bytes()));
    Ok(SeenCard { card: normal, digest, provenance: provenance.to_text() })
}

async fn observe(
    app: &App,
    agent: &Agent,
    known: &Known,
    (card, seen): (&UpstreamCard, &SeenCard),
) -> Result<(), Trouble> {
    let now = app.clock().now();
    let failed = |error: doorward_store::StoreError| error.to_string();
    let (observed, mut pin) = app.store().observe_card(&agent.name, seen, now).await.map_err(failed)?;
    if !is_of(&pin, agent) {
        // The operator has declared another address: what is there now is what was meant.
        let cards = (&pin.approved, seen);
        if app.store().replace_card(&agent.name, cards, "configuration", now).await.map_err(failed)? {
            tracing::info!(agent = %agent.name, "the card at the address that is declared now is approved");
            pin.approved = seen.clone();
            pin.approved_at = now;
        }
    } else if observed == Observed::Approved && !is_vouched_for(&pin, agent) {
        // Nobody vouched for it when it was approved; somebody does now, for the same card.
        let (cards, by) = ((&pin.approved, seen), pin.approved_by.as_deref().unwrap_or("signature"));
        if app.store().replace_card(&agent.name, cards, by, now).await.map_err(failed)? {
            pin.approved = seen.clone();
        }
    } else if observed == Observed::New {
        report(agent, known, card, &pin);
    } else if observed == Observed::Rejected
        && known.notes().rejected.replace(seen.digest.clone()).as_ref() != Some(&seen.digest)
    {
        tracing::info!(agent = %agent.name, "the agent shows the card that was rejected; the approved one goes on being served");
    }
    adopt(agent, known, &pin);
    if is_vouched_for(&pin, agent) {
        return Ok(());
    }
    Err("the approved one was never verified, and `signature` is required now; another one waits for approval"
        .to_owned())
}

/// Whether a pin is of the card that is declared now.
fn is_of(pin: &CardPin, agent: &Agent) -> bool {
    Provenance::read(&pin.approved.provenance).from == agent.card.as_str()
}

/// Whether a good signature was found on a pin's card, where one is required.
fn is_vouched_for(pin: &CardPin, agent: &Agent) -> bool {
    agent.signature.mode != SignatureMode::Required
        || Provenance::read(&pin.approved.provenance).form.is_some()
}

/// Takes an approved card into use.
pub(super) fn adopt(agent: &Agent, known: &Known, pin: &CardPin) {
    let present = known.approved.load();
    let is_known = present.as_ref().is_some_and(|present| present.digest == pin.approved.digest);
    if is_known || !is_of(pin, agent) || !is_vouched_for(pin, agent) {
        return;
    }
    let approved = Approved::of(agent, &pin.approved.card, &pin.approved.digest, pin.approved_at);
    if let Some(approved) = approved {
        for finding in findings(&approved.card, &agent.card) {
            tracing::warn!(agent = %agent.name, finding, "an interface of the approved card is out of the ordinary");
        }
        known.approved.store(Some(Arc::new(approved)));
    } else {
        tracing::error!(agent = %agent.name, "the approved card of the store cannot be read");
    }
}

/// A card is another one than was approved: that is for the operator to see.
fn report(agent: &Agent, known: &Known, card: &UpstreamCard, pin: &CardPin) {
    let approved = known.approved.load();
    let changes = approved.as_ref().map(|approved| diff(&approved.card, card).changes).unwrap_or_default();
    let gravest = changes.first().map_or("low", |change| change.severity.word());
    let paths: Vec<_> = changes.iter().take(8).map(|change| change.path.as_str()).collect();
    tracing::warn!(
        agent = %agent.name,
        severity = gravest,
        changed = ?paths,
        approved = %pin.approved.digest,
        "the card is another one than was approved; the approved one goes on being served until `doorward agent approve`",
    );
}
