//! What other replicas and commands change, and what the operator is told.

use std::{sync::Arc, time::Duration};

use doorward_model::{Decision, Fault, Record};
use doorward_store::ConnectionCursor;

use super::{Connections, Key, Presented};

/// How often the store is asked: a change counts within a second.
const POLL: Duration = Duration::from_millis(300);
/// After so many failures in a row something may have been missed: the store tells removals for a day.
const BLIND: u32 = 12 * 3600;

impl Connections {
    /// Follows the store's feed for as long as the program runs.
    pub(crate) async fn follow(self: Arc<Self>, mut cursor: ConnectionCursor) {
        let mut failures = 0;
        loop {
            tokio::time::sleep(POLL).await;
            match self.store.connections_changed(cursor).await {
                Ok((changed, next)) => {
                    if failures > BLIND {
                        self.forget_all();
                    }
                    (failures, cursor) = (0, next);
                    self.forget(changed);
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "cannot read which connections changed");
                }
            }
        }
    }

    /// Forgets what is known of these connections: the store is asked again.
    pub(super) fn forget(&self, changed: impl IntoIterator<Item = (String, String)>) {
        let mut changed = changed.into_iter().map(|(place, person)| Key { place, person }).peekable();
        if changed.peek().is_none() {
            return;
        }
        let mut memory = self.memory();
        memory.changes += 1;
        for key in changed {
            memory.known.pop(&key);
        }
        let count = memory.changes;
        drop(memory);
        self.changes.send_replace(count);
    }

    fn forget_all(&self) {
        let mut memory = self.memory();
        memory.changes += 1;
        memory.known.clear();
        let count = memory.changes;
        drop(memory);
        self.changes.send_replace(count);
    }

    /// Done when the person has another connection there, or none.
    pub(crate) async fn ended(&self, presented: &Presented) {
        let mut changes = self.changes.subscribe();
        loop {
            // Until the store answers, nobody knows; the stream ends and the client comes again.
            if self.held(&presented.key).await.map_or(true, |held| held.id != presented.held.id) {
                return;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Says once, in the log and in the records, that a connection is of no use any more.
    pub(super) fn tell_broken(&self, key: &Key, why: &str) {
        tracing::warn!(place = %key.place, why, "a connection is of no use any more");
        let Some(app) = self.app.upgrade() else { return };
        let Some(slot) = app.ledger().reserve() else { return };
        let (upstream, agent) = match key.place.split_once(':') {
            Some(("agent", name)) => (None, Some(name.to_owned())),
            Some((_, name)) => (Some(name.to_owned()), None),
            None => (None, None),
        };
        let (request, trace) = (app.identifiers().next(), app.identifiers().next());
        slot.submit(Record {
            time: self.clock.now().to_rfc3339(),
            request_id: request.hex(),
            trace_id: trace.hex(),
            // Nobody asked for it, as nobody asked for what a command does.
            http_method: "EVENT".to_owned(),
            path: "connection broken".to_owned(),
            status: 200,
            subject: (!key.person.is_empty()).then(|| key.person.clone()),
            upstream,
            agent,
            decision: Decision::Undecided,
            reason: "connection_broken".to_owned(),
            detail: Some(why.to_owned()),
            fault: Some(Fault::Upstream),
            ..Record::default()
        });
    }
}
