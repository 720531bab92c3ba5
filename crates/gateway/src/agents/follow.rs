//! Looking after the cards, for as long as the program runs: each is asked for again in its time, and what a command or
//! another replica approves counts within a second.

use std::{sync::Arc, time::Duration};

use doorward_store::{CardPinCursor, StoreError};

use super::fetch;
use crate::{App, routes::PublishedAgent};

/// How often approvals are looked for.
const POLL: Duration = Duration::from_millis(400);

/// How far the news about pins have been read.
#[derive(Default)]
struct Pins(CardPinCursor);

/// Looks after all agents' cards.
pub(crate) async fn follow(app: Arc<App>) {
    let mut pins = Pins::default();
    loop {
        for published in app.routes().agents() {
            if is_due(&app, published) {
                tokio::spawn(refresh(Arc::clone(&app), Arc::clone(published)));
            }
        }
        if let Err(error) = pins.catch_up(&app).await {
            tracing::warn!(%error, "cannot read which cards are approved");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Whether it is time to ask for a card; whoever is told so asks.
fn is_due(app: &App, published: &PublishedAgent) -> bool {
    let now = app.clock().now();
    let mut notes = published.known.notes();
    let is_due = notes.due.is_none_or(|due| due <= now);
    if is_due {
        notes.due = Some(now.plus_secs(60));
    }
    is_due
}

async fn refresh(app: Arc<App>, published: Arc<PublishedAgent>) {
    let known = &published.known;
    // The first attempt is one that requests may wait for.
    let mut first = false;
    known
        .asked
        .get_or_init(|| {
            first = true;
            fetch::refresh(&app, &published.agent, known)
        })
        .await;
    if !first {
        fetch::refresh(&app, &published.agent, known).await;
    }
}

impl Pins {
    async fn catch_up(&mut self, app: &App) -> Result<(), StoreError> {
        let (pins, cursor) = app.store().card_pins_since(self.0).await?;
        self.0 = cursor;
        let routes = app.routes();
        for pin in pins {
            if let Some(published) = routes.agent(pin.agent.as_str()) {
                fetch::adopt(&published.agent, &published.known, &pin);
            }
        }
        Ok(())
    }
}
