//! The tasks of a listener: counted, so that the end can wait for them, and cut off when they take too long.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long tasks may take to notice that they were cut off.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Spawns and remembers the tasks of one listener. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Spawner {
    tasks: TaskTracker,
    cut: CancellationToken,
}

impl Spawner {
    /// Runs a connection, until it ends or is cut off.
    pub(super) fn connection(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = connection => {}
                () = cut.cancelled() => {}
            }
        });
    }

    /// Ends all connections; what they were about is dropped, and leaves its records.
    pub(super) fn cut_off(&self) {
        self.cut.cancel();
    }

    /// Waits until every task has ended. False when some did not.
    pub(super) async fn ended(&self) -> bool {
        self.tasks.close();
        tokio::time::timeout(LAST_WAIT, self.tasks.wait()).await.is_ok()
    }
}

/// HTTP/2 runs every request as a task of its own; it ends with its connection.
impl<F> hyper::rt::Executor<F> for Spawner
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.tasks.spawn(future);
    }
}
