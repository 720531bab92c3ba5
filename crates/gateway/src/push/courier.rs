//! Carries deliveries out of the store: each webhook's in their order, several webhooks at a time. What it has claimed
//! and does not report comes back when the lease ends, here or in another replica.

use std::{sync::Arc, time::Duration};

use doorward_auth::keys::hash;
use doorward_model::Timestamp;
use doorward_store::{Claimed, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use super::{
    attempt,
    verdict::{Verdict, pause},
};
use crate::App;

/// How many deliveries are under way at a time.
const AT_ONCE: usize = 32;
/// How long a claim stands, in seconds: longer than an attempt takes.
const LEASE: i64 = 30;
/// How often the store is asked for what has become due, or was queued by another replica.
const POLL: Duration = Duration::from_millis(500);
/// How long attempts have to end when the program stops.
const LAST: Duration = Duration::from_secs(5);

/// What the courier and those who queue for it share.
#[derive(Default)]
pub(crate) struct Courier {
    wake: Notify,
    attempts: TaskTracker,
}

impl Courier {
    /// Something was queued.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
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
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while !app.closing().is_cancelled() {
        let claimed = claim(&app, places.available_permits()).await.unwrap_or_else(|error| {
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
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let app = Arc::clone(&app);
            app.courier().attempts.clone().spawn(async move {
                if let Err(error) = deliver(&app, &claimed).await {
                    tracing::warn!(%error, "cannot note what became of a delivery; it is attempted again");
                }
                drop(place);
                // The next one of this webhook may go.
                app.courier().wake();
            });
        }
    }
}

async fn claim(app: &App, places: usize) -> Result<Vec<Claimed>, StoreError> {
    match u32::try_from(places).unwrap_or(u32::MAX) {
        0 => Ok(Vec::new()),
        most => app.store().claim_pushes(app.clock().now(), LEASE, most).await,
    }
}

/// Attempts a delivery once, and writes down what came of it.
async fn deliver(app: &App, claimed: &Claimed) -> Result<(), StoreError> {
    let verdict = attempt::attempt(app, claimed).await;
    let (store, now) = (app.store(), app.clock().now());
    let (id, attempt) = (claimed.id, claimed.attempt);
    let push = &claimed.push.config;
    let (agent, task) = (push.agent.as_str(), push.task.as_deref().unwrap_or_default());
    match verdict {
        Verdict::Arrived => store.push_delivered(id, attempt, now).await?,
        Verdict::Again(error, asked) => {
            let chance = u16::from_be_bytes(hash::random::<2>());
            let wait = i64::try_from(pause(attempt, asked, chance).as_micros()).unwrap_or(i64::MAX);
            let at = Timestamp::from_micros(now.as_micros().saturating_add(wait));
            tracing::debug!(agent, task, error, attempt, "a delivery to a webhook failed");
            if at < claimed.expires {
                store.retry_push(id, attempt, at, &error).await?
            } else {
                tracing::warn!(
                    agent,
                    task,
                    error,
                    "a delivery to a webhook is given up: it failed for too long"
                );
                store.drop_push(id, attempt, now, &error).await?
            }
        }
        Verdict::Never(error) => {
            tracing::warn!(agent, task, error, "a delivery to a webhook is given up");
            store.drop_push(id, attempt, now, &error).await?
        }
        Verdict::GiveUp(error) => {
            tracing::warn!(agent, task, error, "a webhook is given up");
            store.stop_push(id, attempt, now, &error).await?
        }
    };
    Ok(())
}
