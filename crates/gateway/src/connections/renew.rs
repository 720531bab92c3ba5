//! Renewing a token: once for all who wait, in this process and in all that share the store.
//!
//! A task of its own does it, so that a caller who leaves ends nothing. Of several replicas one has the store's lease and
//! asks; the others wait for what it writes. The answer is in the store before anybody presents the new token: what was
//! lost between the provider's answer and that moment is remembered as begun, and explains a later refusal.

use std::{sync::Arc, time::Duration};

use doorward_model::Connecting;
use doorward_store::{Connection, RefreshLease, Refreshed};
use tokio::sync::watch;

use super::{
    Connections, Held, Key, NoToken, Renewed, Renewing,
    held::{Contents, Row},
    provider::{self, Refusal},
};
use crate::App;

/// How long one replica may take. Longer than an authorization server may, with what comes before and after it.
const LEASE: i64 = 45;
/// How long the asking in it may take; what is left of the lease is for writing what came of it.
const ASKING: Duration = Duration::from_secs(35);
/// How long others wait for it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often they look.
const LOOK: Duration = Duration::from_millis(100);
/// How long after a failure it is not tried again, in seconds.
const PAUSE: i64 = 2;
/// How often the result is written before it is given up, and how long to wait in between.
const WRITES: u32 = 20;
const WRITE_AGAIN: Duration = Duration::from_millis(250);

impl Connections {
    /// What comes of renewing `seen`: begun here, or joined.
    pub(super) async fn renewed(
        self: &Arc<Self>,
        connecting: &Arc<Connecting>,
        key: &Key,
        seen: &Arc<Held>,
    ) -> Renewed {
        let mut outcome = {
            let (mut memory, now) = (self.memory(), self.clock.now());
            match memory.known.get(key) {
                Some(known) if known.version > seen.version => return Ok(Arc::clone(known)),
                _ => {}
            }
            match memory.renewing.get(key) {
                Some(renewing) if renewing.counts(now) => renewing.outcome.clone(),
                _ => {
                    let outcome = self.renew_apart(
                        Arc::clone(connecting),
                        key.clone(),
                        Arc::clone(seen),
                        memory.changes,
                    );
                    memory.renewing.insert(key.clone(), Renewing { outcome: outcome.clone(), until: None });
                    outcome
                }
            }
        };
        let outcome = outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err(NoToken::Away("the renewal was broken off".to_owned())))
    }

    fn renew_apart(
        self: &Arc<Self>,
        connecting: Arc<Connecting>,
        key: Key,
        seen: Arc<Held>,
        changes: u64,
    ) -> watch::Receiver<Option<Renewed>> {
        let (told, outcome) = watch::channel(None);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let renewed = this.renew(&connecting, &key, &seen).await;
            this.settle(&key, &renewed, changes);
            told.send_replace(Some(renewed));
        });
        outcome
    }

    /// Remembers what came of it, before anybody hears; unless a change was heard of since it began, after `changes`: what
    /// was removed meanwhile does not come back, and the store is asked again.
    pub(super) fn settle(&self, key: &Key, renewed: &Renewed, changes: u64) {
        let until = self.clock.now().plus_secs(PAUSE);
        let mut memory = self.memory();
        match renewed {
            Ok(held) => {
                memory.renewing.remove(key);
                if memory.changes == changes {
                    memory.known.put(key.clone(), Arc::clone(held));
                } else {
                    memory.known.pop(key);
                }
            }
            Err(NoToken::Away(why)) => {
                tracing::warn!(place = %key.place, %why, "a connection cannot be renewed now");
                memory
                    .renewing
                    .retain(|_, renewing| renewing.until.is_none_or(|end| end > until.plus_secs(-PAUSE)));
                if let Some(renewing) = memory.renewing.get_mut(key) {
                    renewing.until = Some(until);
                }
            }
            Err(NoToken::Never | NoToken::Broken(_)) => {
                memory.renewing.remove(key);
                memory.known.pop(key);
            }
        }
    }

    /// Gets the lease and asks, or waits for who has it.
    async fn renew(&self, connecting: &Arc<Connecting>, key: &Key, seen: &Held) -> Renewed {
        let app = self.app.upgrade().ok_or_else(|| NoToken::Away("Doorward is stopping".to_owned()))?;
        if seen.is_renewable() {
            // Before the lease: how long it takes to find a server is not bounded, and nobody waits for it.
            let found = crate::connect::authority(&app, connecting).await;
            found.map_err(|error| NoToken::Away(error.to_string()))?;
        }
        let waiting = async {
            loop {
                let row = self.store.connection(&key.place, &key.person).await.map_err(NoToken::store)?;
                let held = Arc::new(self.open(key, row.clone())?);
                let Some(row) = row.filter(|row| row.version == seen.version) else {
                    return Ok((held, None));
                };
                if !held.is_renewable() {
                    return Ok((held, Some((row, None))));
                }
                let now = self.clock.now();
                let until = now.plus_secs(LEASE);
                let lease = self.store.claim_refresh(&key.place, &key.person, row.version, now, until).await;
                if let Some(lease) = lease.map_err(NoToken::store)? {
                    return Ok((held, Some((row, Some(lease)))));
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        let waited = waited
            .map_err(|_| NoToken::Away("another replica is renewing it, and does not finish".to_owned()))?;
        match waited? {
            (held, None) => Ok(held),
            (held, Some((_, None))) => Err(self.unrenewable(connecting, key, held).await),
            (held, Some((row, Some(lease)))) => {
                self.ask((&app, connecting), key, (&row, &held), &lease).await
            }
        }
    }

    /// A token that ends and cannot be renewed.
    async fn unrenewable(&self, connecting: &Connecting, key: &Key, held: Arc<Held>) -> NoToken {
        let name = connecting.place.name();
        if held.lives(self.clock.now()) {
            return NoToken::Away(format!("{name} gave nothing to renew the connection with"));
        }
        let why = format!("it has expired, and {name} gave nothing to renew it with");
        self.give_up(key, &held, why).await
    }

    async fn ask(
        &self,
        (app, connecting): (&Arc<App>, &Arc<Connecting>),
        key: &Key,
        (row, held): (&Connection, &Arc<Held>),
        lease: &RefreshLease,
    ) -> Renewed {
        let asked = tokio::time::timeout(ASKING, provider::refresh(app, connecting, held)).await;
        match asked.unwrap_or_else(|_| Err(Refusal::lost("the authorization server is too slow"))) {
            Ok(granted) => {
                let refresh = granted.refresh.as_ref().or(held.contents.refresh.as_ref());
                let contents = Contents::new(&granted.token, refresh, held.contents.steps.clone());
                let now = self.clock.now();
                let expires = granted.ends(now);
                let scopes = granted.scopes.map_or_else(|| held.scopes.clone(), |scopes| scopes.to_string());
                let sealed = contents.seal(&self.envelope, Row::of(row));
                let refreshed = Refreshed { scopes, sealed, expires, now };
                self.commit(key, row, refreshed).await
            }
            Err(Refusal::Ended(code)) => {
                let name = connecting.place.name();
                let why = if lease.interrupted {
                    format!(
                        "{name} refused to renew it ({code}): an earlier renewal was interrupted, by a restart or a lost \
                         answer, after {name} had replaced the old token and before the new one was stored"
                    )
                } else {
                    format!("{name} refused to renew it ({code})")
                };
                Err(self.give_up(key, held, why).await)
            }
            Err(Refusal::Away { why, is_uncertain }) => {
                let released = self.store.release_refresh(&key.place, &key.person, lease, is_uncertain).await;
                if let Err(error) = released {
                    tracing::warn!(%error, "the lease of a renewal could not be given back; it ends by itself");
                }
                Err(NoToken::Away(why))
            }
        }
    }

    /// Writes what was granted, then reads it back as everybody will.
    async fn commit(&self, key: &Key, row: &Connection, refreshed: Refreshed) -> Renewed {
        for _ in 0..WRITES {
            match self.store.finish_refresh(&key.place, &key.person, row.version, &refreshed).await {
                Ok(_) => {
                    // None: it was removed, or connected anew meanwhile. What is there now counts.
                    let row = self.store.connection(&key.place, &key.person).await.map_err(NoToken::store)?;
                    return self.open(key, row).map(Arc::new);
                }
                Err(error) => {
                    tracing::error!(place = %key.place, %error, "a renewed token could not be stored; trying again");
                    tokio::time::sleep(WRITE_AGAIN).await;
                }
            }
        }
        Err(NoToken::Away("the renewed token could not be stored".to_owned()))
    }

    /// Ends the use of a connection, and says so once.
    pub(super) async fn give_up(&self, key: &Key, held: &Held, why: String) -> NoToken {
        let now = self.clock.now();
        match self.store.break_connection(&key.place, &key.person, held.version, &why, now).await {
            Ok(true) => self.tell_broken(key, &why),
            Ok(false) => {}
            Err(error) => return NoToken::store(error),
        }
        self.forget(std::iter::once((key.place.clone(), key.person.clone())));
        NoToken::Broken(why)
    }
}

impl Renewing {
    /// Whether to wait for it, or to take its failure for an answer.
    fn counts(&self, now: doorward_model::Timestamp) -> bool {
        match self.until {
            // Closed without an outcome: the task is gone.
            None => self.outcome.has_changed().is_ok() || self.outcome.borrow().is_some(),
            Some(until) => now < until,
        }
    }
}
