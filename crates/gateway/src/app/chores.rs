//! What runs beside the requests for as long as the program does: following what others change, and forgetting.

use std::{sync::Arc, time::Duration};

use super::App;
use crate::{agents, push};

/// How long it is remembered whose tasks are that have ended, in seconds: 90 days.
const ENDED_TASKS: i64 = 90 * 24 * 3600;

/// How long it is remembered whose tasks are that nothing was heard of, in seconds: a year.
const IDLE_TASKS: i64 = 365 * 24 * 3600;

/// How often what has expired is taken out of the store.
const FORGET_EVERY: Duration = Duration::from_mins(5);

impl App {
    /// Starts what runs beside the requests.
    pub fn start(self: &Arc<Self>) {
        tokio::spawn(Arc::clone(&self.ended_sessions).follow(self.session_cursor));
        tokio::spawn(Arc::clone(&self.own_tokens).follow(self.revocation_cursor));
        tokio::spawn(Arc::clone(&self.connections).follow(self.connection_cursor));
        tokio::spawn(Arc::clone(&self.signer).follow());
        tokio::spawn(agents::follow(Arc::clone(self)));
        tokio::spawn(push::follow(Arc::clone(self)));
        tokio::spawn(Arc::clone(self).reap());
        tokio::spawn(Arc::clone(self).forget());
    }

    /// Takes out of the store what has expired.
    async fn forget(self: Arc<Self>) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            let now = self.clock.now();
            let forgotten = async {
                self.signer.forget(now).await?;
                self.store.forget_pushes(now).await?;
                self.store.forget_expired_tokens(now).await?;
                self.store.forget_tasks(now.plus_secs(-ENDED_TASKS), now.plus_secs(-IDLE_TASKS)).await?;
                self.store.forget_rates(now).await?;
                self.store.forget_unused_clients(now).await
            };
            if let Err(error) = forgotten.await {
                tracing::warn!(%error, "cannot forget what has expired");
            }
        }
    }

    /// Ends conversations that nobody uses.
    async fn reap(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.conversations.reap(&self.routes().snapshot.limits);
        }
    }
}
