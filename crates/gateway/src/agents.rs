//! What is known of the agents: their approved cards, where they are asked, and the cards that callers see.
//!
//! A card is fetched in the background, judged, and pinned in the store by its first use; a later one that differs
//! waits for approval, and the approved one goes on being served. Requests read what is here and never wait for a
//! card, except for the very first.

mod facing;
mod fetch;
mod follow;
mod interface;
mod provenance;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use doorward_auth::{card, keys::hash};
use doorward_model::{Agent, Timestamp};
use doorward_protocol::{
    a2a::card::{Documents, UpstreamCard},
    json::Document,
};
use tokio::sync::OnceCell;

pub(crate) use facing::extended;
pub(crate) use fetch::trouble;
pub(crate) use follow::follow;
pub(crate) use interface::{Interface, findings};
pub(crate) use provenance::Provenance;

use crate::{App, routes::PublishedAgent, signer::Signer};

/// What is known of one agent, for as long as its declaration stays as it is.
#[derive(Default)]
pub(crate) struct Known {
    approved: ArcSwapOption<Approved>,
    /// Filled by the first attempt to learn of it, whatever came of it.
    asked: OnceCell<()>,
    /// Over HTTP+JSON of 0.3 it was seen to read a webhook only without the request around it.
    bare_webhooks: AtomicBool,
    notes: Mutex<Notes>,
}

/// What the watcher remembers.
#[derive(Debug, Default)]
struct Notes {
    /// What the present document is called by the agent.
    etag: Option<String>,
    /// When to ask again.
    due: Option<Timestamp>,
    /// Why there is no newer one.
    trouble: Option<String>,
    /// The digest of a rejected card that the agent goes on showing.
    rejected: Option<String>,
}

/// An approved card.
pub(crate) struct Approved {
    pub(crate) card: UpstreamCard,
    /// SHA-256 of its normal form, in hex.
    pub(crate) digest: String,
    pub(crate) since: Timestamp,
    /// Where the agent is asked, in the card's order; never empty.
    pub(crate) interfaces: Vec<Interface>,
}

/// The card as callers see it, signed.
pub(crate) struct Shown {
    /// Of which card.
    digest: String,
    /// Signed by which key.
    key: String,
    pub(crate) documents: Documents,
    /// Of what is signed: the same on every replica, whatever the signature.
    pub(crate) etag: String,
    pub(crate) since: Timestamp,
}

impl Known {
    /// The approved card. The first to ask waits for it to be fetched; who comes later does not.
    pub(crate) async fn approved(&self, app: &App, agent: &Agent) -> Option<Arc<Approved>> {
        if let Some(approved) = self.approved.load_full() {
            return Some(approved);
        }
        // Boxed, so that a request that finds a card does not carry the room for fetching one.
        self.asked.get_or_init(|| Box::pin(fetch::refresh(app, agent, self))).await;
        self.approved.load_full()
    }

    /// Why there is no card.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.notes().trouble.clone()
    }

    /// Whether it reads webhooks of 0.3 over HTTP+JSON without the request around them.
    pub(crate) fn takes_bare_webhooks(&self) -> bool {
        self.bare_webhooks.load(Ordering::Relaxed)
    }

    /// It was seen to read them so, or not so.
    pub(crate) fn note_bare_webhooks(&self, bare: bool) {
        self.bare_webhooks.store(bare, Ordering::Relaxed);
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PublishedAgent {
    /// The card as callers see it: made when it is first asked for, and again when the card or the key is another.
    pub(crate) async fn shown(&self, app: &App) -> Option<Arc<Shown>> {
        let approved = self.known.approved(app, &self.agent).await?;
        let key = app.signer().card_key();
        let present = self.shown.load_full();
        if let Some(shown) =
            present.filter(|shown| shown.digest == approved.digest && shown.key == key.key_id())
        {
            return Some(shown);
        }
        let published = facing::publish(&approved.card, &self.agent, &app.routes());
        let signature = card::sign(&key, published.payload(), &Signer::jku(app.routes().origin()));
        let shown = Arc::new(Shown {
            digest: approved.digest.clone(),
            key: key.key_id().to_owned(),
            documents: published.documents(&[signature]),
            etag: hash::hex(&hash::sha256(published.payload())),
            since: approved.since,
        });
        self.shown.store(Some(Arc::clone(&shown)));
        Some(shown)
    }
}

impl Approved {
    /// Reads a card that was approved, as the store keeps it: in its normal form.
    fn of(agent: &Agent, text: &str, digest: &str, since: Timestamp) -> Option<Self> {
        let document = document(Bytes::copy_from_slice(text.as_bytes()))?;
        let card = doorward_protocol::a2a::card::read(&document).ok()?;
        let interfaces = interface::usable(&card, &agent.card);
        (!interfaces.is_empty()).then(|| Self { card, digest: digest.to_owned(), since, interfaces })
    }
}

/// A card's text, within the bounds of cards.
pub(crate) fn document(text: Bytes) -> Option<Document> {
    Document::parse(text, doorward_protocol::a2a::card::MAX_DEPTH).ok()
}
