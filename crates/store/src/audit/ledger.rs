//! The face of the log to the request path.
//!
//! A request reserves a [`Slot`] before anything else; when none is free it is refused, for what cannot be recorded
//! must not happen. From then on closing its record can neither fail nor wait. Nothing is serialised, hashed or
//! stored in the caller's task.

use std::{future::Future, io, sync::Arc, time::Duration};

use doorward_model::{Clock, Record};
use serde::Serialize;
use tokio::sync::{
    mpsc::{self, OwnedPermit},
    oneshot, watch,
};

use super::writer::{self, Writer};
use crate::{Store, StoreError};

/// The longest that a grouped record waits before its group is written, in milliseconds.
pub(super) const WINDOW_MS: u64 = 200;

/// When a record counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Records are collected for up to 200 ms and written together; a crash may lose that much.
    Grouped,
    /// Everything that waits is written at once, and callers wait for it with [`Slot::submit_and_wait`].
    Strict,
}

impl Durability {
    /// The word for it in configuration and in `start` entries.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Grouped => "grouped",
            Self::Strict => "strict",
        }
    }
}

/// The open audit log of this process. Clones are the same log.
///
/// Dropping it without [`Ledger::shutdown`] still writes what was submitted, but no `stop`: the next run shows a gap.
#[derive(Debug, Clone)]
pub struct Ledger {
    inbox: mpsc::Sender<Submitted>,
    stop: Arc<watch::Sender<bool>>,
    durability: Durability,
    patience: Duration,
}

/// The right to close one record. Dropping it unused gives it back.
#[derive(Debug)]
pub struct Slot {
    permit: OwnedPermit<Submitted>,
    writer: Arc<watch::Sender<bool>>,
    patience: Duration,
}

/// A record on its way to the writer.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) record: Record,
    pub(super) stored: Option<oneshot::Sender<()>>,
}

/// What tests turn.
pub(super) struct Settings {
    /// Slots in all: open requests and records that wait.
    pub(super) capacity: usize,
    /// How long [`Slot::submit_and_wait`] waits for the commit.
    pub(super) patience: Duration,
    /// How long [`Ledger::shutdown`] goes on trying when the store fails.
    pub(super) shutdown: Duration,
    /// Where stored records are written as JSON lines.
    pub(super) output: Option<Box<dyn io::Write + Send>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            capacity: 65_536,
            patience: Duration::from_secs(5),
            shutdown: Duration::from_secs(5),
            output: None,
        }
    }
}

impl Ledger {
    /// Continues `chain` (see [`Store::claim_chain`]) with a `start` entry and spawns the one task that writes.
    ///
    /// With `stdout`, records go to standard output too, one JSON document a line, after they are stored.
    ///
    /// # Errors
    /// When the store fails. An end that was tampered with is no error: it is left as it is for
    /// [`verify_audit`](crate::verify_audit) to show, and a new chain is started.
    pub async fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        durability: Durability,
        stdout: bool,
        chain: String,
    ) -> Result<Self, StoreError> {
        let output = stdout.then(|| Box::new(io::stdout()) as Box<dyn io::Write + Send>);
        let settings = Settings { output, ..Settings::default() };
        Self::start_with(store, clock, durability, chain, settings).await
    }

    pub(super) async fn start_with(
        store: Store,
        clock: Arc<dyn Clock>,
        durability: Durability,
        chain: String,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let (inbox, received) = mpsc::channel(settings.capacity);
        let (stop, stopped) = watch::channel(false);
        let writer = Writer::open(store, clock, durability, chain, settings.shutdown).await?;
        tokio::spawn(writer.run(writer::Feed { received, stopped, output: settings.output }));
        Ok(Self { inbox, stop: Arc::new(stop), durability, patience: settings.patience })
    }

    /// Takes the right to close one record, at once. `None` when 65,536 slots are taken by open requests and by
    /// records that wait for the store, or after shutdown: the request must then be refused.
    pub fn reserve(&self) -> Option<Slot> {
        let permit = self.inbox.clone().try_reserve_owned().ok()?;
        Some(Slot { permit, writer: self.stop.clone(), patience: self.patience })
    }

    /// Writes everything that was submitted, then a `stop` entry, and ends the log. Slots that are still open lose
    /// their records; the `stop` entry and a log line say how many. Safe to call twice.
    ///
    /// When the store fails it is tried again for some 5 seconds before the rest is given up with a log line.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        // The writer holds the only receiver for as long as it runs.
        self.stop.closed().await;
    }

    /// Goes away without shutdown, as a crash would, and waits for the writer to notice.
    #[cfg(test)]
    pub(super) async fn abandon(self) {
        drop(self.inbox);
        self.stop.closed().await;
    }

    /// How many of the slots are taken, by open requests and by records that wait for the store.
    pub fn taken(&self) -> usize {
        self.inbox.max_capacity() - self.inbox.capacity()
    }

    /// When records count as written.
    pub fn durability(&self) -> Durability {
        self.durability
    }
}

impl Slot {
    /// Closes the record. Never waits, never fails; after shutdown the record is lost with a log line.
    pub fn submit(self, record: Record) {
        self.send(Submitted { record, stored: None });
    }

    /// Closes the record at once, and resolves when it is stored. The record is safe when the future is dropped.
    ///
    /// # Errors
    /// [`StoreError::NotStored`] when it took more than 5 seconds; the record is kept and tried again.
    /// [`StoreError::Closed`] when the ledger was shut down: the record is lost.
    pub fn submit_and_wait(
        self,
        record: Record,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let (stored, waiting) = oneshot::channel();
        let (patience, writer) = (self.patience, self.writer.clone());
        self.send(Submitted { record, stored: Some(stored) });
        async move {
            tokio::select! {
                biased;
                outcome = waiting => outcome.map_err(|_| StoreError::Closed),
                // a record that came too late stays in the channel, where nobody answers for it
                () = writer.closed() => Err(StoreError::Closed),
                () = tokio::time::sleep(patience) => Err(StoreError::NotStored),
            }
        }
    }

    fn send(self, submitted: Submitted) {
        if self.permit.send(submitted).is_closed() {
            tracing::error!("a record was closed during or after shutdown and may be lost");
        }
    }
}
