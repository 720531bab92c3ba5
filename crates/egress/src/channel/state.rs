//! How far a channel is: open, ending for a cause, ended.

use tokio::sync::watch;

use super::{Cause, Ending, Exit};

/// What the two halves and the tasks of a channel know in common.
#[derive(Debug)]
pub(crate) struct State {
    status: watch::Sender<Status>,
}

#[derive(Debug, Default)]
struct Status {
    cause: Option<Cause>,
    ending: Option<Ending>,
}

impl State {
    pub(crate) fn new() -> Self {
        Self { status: watch::Sender::new(Status::default()) }
    }

    /// Begins the end. The first cause stands.
    pub(crate) fn begin(&self, cause: Cause) {
        self.status.send_if_modified(|status| {
            let first = status.cause.is_none();
            status.cause.get_or_insert(cause);
            first
        });
    }

    /// Why the channel is ending; `None` while it is open.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.status.borrow().cause.clone()
    }

    /// Says that nothing is left of the channel.
    pub(crate) fn end(&self, exit: Option<Exit>) {
        self.status.send_if_modified(|status| {
            let first = status.ending.is_none();
            let cause = status.cause.get_or_insert(Cause::Closed).clone();
            status.ending.get_or_insert(Ending { cause, exit });
            first
        });
    }

    /// Waits for the cause.
    pub(crate) async fn closing(&self) -> Cause {
        self.wait(|status| status.cause.clone()).await
    }

    /// Waits until this side has closed the channel; for ever when something else ends it.
    pub(crate) async fn closed_here(&self) {
        self.wait(|status| status.cause.as_ref().filter(|cause| **cause == Cause::Closed).map(drop)).await;
    }

    /// Waits until nothing is left.
    pub(crate) async fn ended(&self) -> Ending {
        self.wait(|status| status.ending.clone()).await
    }

    async fn wait<T>(&self, found: impl Fn(&Status) -> Option<T>) -> T {
        let mut watched = self.status.subscribe();
        loop {
            if let Some(found) = found(&watched.borrow_and_update()) {
                return found;
            }
            if watched.changed().await.is_err() {
                // The sender is in `self`, so it outlives this future.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Ends a channel when its keeper ends, however that happens: nobody waits for a task that is gone.
#[derive(Debug)]
pub(crate) struct Finish(pub(crate) std::sync::Arc<State>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.end(None);
    }
}
