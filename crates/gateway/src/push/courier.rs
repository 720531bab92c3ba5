//! Carries deliveries out of the store: each webhook's in their order, several webhooks at a time, and of these only a
//! share for one owner or one host, so that receivers that hang hold up nobody else's. What it has claimed and does not
//! report comes back when the lease ends, here or in another replica.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorward_auth::keys::hash;
use doorward_model::Timestamp;
use doorward_store::{Claimed, PushConfig, Shares, StoreError};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::{
    attempt,
    verdict::{Verdict, pause},
};
use crate::{App, metrics::Delivery};

/// How many deliveries are under way at a time.
const AT_ONCE: usize = 32;
/// How many of these may be for one owner of webhooks, or go to one host.
const SHARE: usize = 8;
/// How long a claim stands, in seconds: longer than an attempt takes.
const LEASE: i64 = 30;
/// How often the store is asked for what has become due, or was queued by another replica.
const POLL: Duration = Duration::from_millis(500);
/// How long attempts have to end when the program stops.
const LAST: Duration = Duration::from_secs(5);

/// What the courier and those who queue for it share.
pub(crate) struct Courier {
    wake: Notify,
    attempts: TaskTracker,
    under_way: Mutex<UnderWay>,
}

/// Which deliveries are under way.
struct UnderWay {
    count: usize,
    shares: Shares,
}

/// Counts a delivery in for as long as it is attempted.
struct Place {
    app: Arc<App>,
    push: PushConfig,
}

impl Default for Courier {
    fn default() -> Self {
        let under_way = UnderWay { count: 0, shares: Shares::of(SHARE) };
        Self { wake: Notify::new(), attempts: TaskTracker::new(), under_way: Mutex::new(under_way) }
    }
}

impl Courier {
    /// Something was queued.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the attempts that are under way, for a while.
    pub(crate) async fn finish(&self) {
        self.attempts.close();
        if tokio::time::timeout(LAST, self.attempts.wait()).await.is_err() {
            tracing::warn!("some deliveries to webhooks did not end in time; they are attempted again");
        }
    }
}

/// Delivers until no more connections come.
pub(crate) async fn follow(app: Arc<App>) {
    while !app.closing().is_cancelled() {
        let claimed = claim(&app).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read what is to be delivered to webhooks");
            Vec::new()
        });
        if claimed.is_empty() {
            tokio::select! {
                () = app.closing().cancelled() => return,
                () = app.courier().wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        for claimed in claimed {
            let place = Place::take(&app, &claimed);
            app.courier().attempts.spawn(async move {
                if let Err(error) = deliver(&place.app, &claimed).await {
                    tracing::warn!(%error, "cannot note what became of a delivery; it is attempted again");
                }
            });
        }
    }
}

async fn claim(app: &App) -> Result<Vec<Claimed>, StoreError> {
    let (places, shares) = {
        let under_way = app.courier().under_way();
        (AT_ONCE.saturating_sub(under_way.count), under_way.shares.clone())
    };
    let most = u32::try_from(places).unwrap_or(u32::MAX);
    app.store().claim_pushes(app.clock().now(), LEASE, most, &shares).await
}

impl Place {
    fn take(app: &Arc<App>, claimed: &Claimed) -> Self {
        let push = claimed.push.config.clone();
        let mut under_way = app.courier().under_way();
        under_way.count += 1;
        // What is claimed fits: only this task claims.
        under_way.shares.enter(&push);
        drop(under_way);
        Self { app: Arc::clone(app), push }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.app.courier().under_way();
        under_way.count -= 1;
        under_way.shares.leave(&self.push);
        drop(under_way);
        // The next one of this webhook may go, or somebody else's.
        self.app.courier().wake();
    }
}

/// Attempts a delivery once, and writes down what came of it.
async fn deliver(app: &App, claimed: &Claimed) -> Result<(), StoreError> {
    let verdict = attempt::attempt(app, claimed).await;
    let (store, now) = (app.store(), app.clock().now());
    let (id, attempt) = (claimed.id, claimed.attempt);
    let push = &claimed.push.config;
    let (agent, task) = (push.agent.as_str(), push.task.as_deref().unwrap_or_default());
    let (stands, became) = match verdict {
        Verdict::Arrived => (store.push_delivered(id, attempt, now).await?, Delivery::Delivered),
        Verdict::Again(error, asked) => {
            let chance = u16::from_be_bytes(hash::random::<2>());
            let wait = i64::try_from(pause(attempt, asked, chance).as_micros()).unwrap_or(i64::MAX);
            let at = Timestamp::from_micros(now.as_micros().saturating_add(wait));
            tracing::debug!(agent, task, error, attempt, "a delivery to a webhook failed");
            if at < claimed.expires {
                (store.retry_push(id, attempt, at, &error).await?, Delivery::Failed)
            } else {
                tracing::warn!(
                    agent,
                    task,
                    error,
                    "a delivery to a webhook is given up: it failed for too long"
                );
                (store.drop_push(id, attempt, now, &error).await?, Delivery::GivenUp)
            }
        }
        Verdict::Never(error) => {
            tracing::warn!(agent, task, error, "a delivery to a webhook is given up");
            (store.drop_push(id, attempt, now, &error).await?, Delivery::GivenUp)
        }
        Verdict::GiveUp(error) => {
            tracing::warn!(agent, task, error, "a webhook is given up");
            (store.stop_push(id, attempt, now, &error).await?, Delivery::GivenUp)
        }
    };
    // Otherwise somebody else has attempted it meanwhile, and counts it.
    if stands {
        app.metrics().delivery(&push.agent, became);
    }
    Ok(())
}
