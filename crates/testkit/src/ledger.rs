//! What a peer keeps of every request: the request, what became of it, and how tests wait for more.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use crate::recorder::Fate;

/// How long a test waits for something to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that came, oldest first.
#[derive(Debug)]
pub(crate) struct Ledger<T> {
    seen: Mutex<Vec<(T, Fate)>>,
    /// Counts changes, so that tests can wait for one.
    changes: watch::Sender<u64>,
}

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self { seen: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl<T: Clone> Ledger<T> {
    /// Keeps what came; returns its number.
    pub(crate) fn add(&self, entry: T) -> usize {
        let mut seen = self.lock();
        seen.push((entry, Fate::Open));
        let number = seen.len() - 1;
        drop(seen);
        self.changed();
        number
    }

    /// Keeps what became of an entry.
    pub(crate) fn settle(&self, number: usize, fate: Fate) {
        if let Some((_, known)) = self.lock().get_mut(number) {
            *known = fate;
        }
        self.changed();
    }

    /// All entries.
    pub(crate) fn all(&self) -> Vec<T> {
        self.lock().iter().map(|(entry, _)| entry.clone()).collect()
    }

    /// What became of them, in their order.
    pub(crate) fn fates(&self) -> Vec<Fate> {
        self.lock().iter().map(|(_, fate)| *fate).collect()
    }

    /// Whether this holds for any entry.
    pub(crate) fn any(&self, mut holds: impl FnMut(&T, Fate) -> bool) -> bool {
        self.lock().iter().any(|(entry, fate)| holds(entry, *fate))
    }

    /// Waits until something is found.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after ten seconds.
    pub(crate) async fn wait_until<F>(&self, mut found: impl FnMut() -> Option<F>) -> io::Result<F> {
        let mut changes = self.changes.subscribe();
        let search = async {
            loop {
                if let Some(found) = found() {
                    return Ok(found);
                }
                changes.changed().await.map_err(io::Error::other)?;
            }
        };
        timeout(PATIENCE, search).await?
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(T, Fate)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}
