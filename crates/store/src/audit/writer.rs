//! The one task that writes the log: it groups, serialises, chains, stores, and then tells those who wait.
//!
//! A group that the store refuses is kept and tried again, for as long as the process runs; meanwhile records pile
//! up behind it until [`Ledger::reserve`](super::Ledger::reserve) finds no slot and requests are refused.

use std::{io, sync::Arc, time::Duration};

use doorward_model::{Clock, Record};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    append::{self, Appended, End},
    chain::{Before, Entry, Head, StartBody, StopBody, kind},
    ledger::{Durability, Submitted, WINDOW_MS},
};
use crate::{Store, StoreError};

/// The most records of one transaction.
const GROUP: usize = 1_000;

/// How often the number of waiting records is looked at, within the window.
const LOOK: Duration = Duration::from_millis(20);

/// The longest that one attempt at a transaction may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// The first and the longest pause before the next attempt.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What the writer listens and speaks to.
pub(super) struct Feed {
    pub(super) received: mpsc::Receiver<Submitted>,
    pub(super) stopped: watch::Receiver<bool>,
    pub(super) output: Option<Box<dyn io::Write + Send>>,
}

/// Records that are stored together, each serialised as soon as it is taken: a record takes several times the memory.
#[derive(Default)]
struct Group {
    entries: Vec<Entry>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Group {
    fn add(&mut self, submitted: Submitted) {
        self.entries.push(record_entry(&submitted.record));
        self.waiting.extend(submitted.stored);
    }
}

/// A chain open for writing.
pub(super) struct Writer {
    store: Store,
    clock: Arc<dyn Clock>,
    durability: Durability,
    chain: String,
    head: Head,
    /// How long to go on trying after shutdown was asked for.
    shutdown: Duration,
}

impl Writer {
    /// Finds the chain's end and writes the `start` entry.
    pub(super) async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        durability: Durability,
        chain: String,
        shutdown: Duration,
    ) -> Result<Self, StoreError> {
        let (head, before) = match append::end_of(&store, &chain).await? {
            End::New => (append::create_head(&store, &chain).await?, Before::InOrder),
            End::Head { head, before } => (head, before),
            End::Tampered => {
                let mut writer = Self { store, clock, durability, chain, head: Head::genesis(), shutdown };
                writer.replace_chain().await?;
                return Ok(writer);
            }
        };
        let mut writer = Self { store, clock, durability, chain, head, shutdown };
        if matches!(before, Before::Gap { .. }) {
            tracing::warn!(
                chain = writer.chain,
                "the last run did not stop in order; the audit log shows a gap"
            );
        }
        let start = writer.start_entry(before, None);
        match append::append(&writer.store, &writer.chain, &writer.head, &[start]).await? {
            Appended::Stored(head) => writer.head = head,
            Appended::Tampered => writer.replace_chain().await?,
        }
        Ok(writer)
    }

    /// Writes until shutdown, or until all handles are gone.
    pub(super) async fn run(mut self, mut feed: Feed) {
        loop {
            let first = tokio::select! {
                () = stop_asked(&mut feed.stopped) => return self.finish(feed).await,
                first = feed.received.recv() => first,
            };
            if first.is_none() {
                return tracing::error!(chain = self.chain, "the audit log ends without a stop entry");
            }
            if self.durability == Durability::Grouped {
                collect(&mut feed).await;
            }
            self.write_waiting(&mut feed, first).await;
        }
    }

    /// Writes `first` and all that waits behind it, in groups. False when a group was given up.
    async fn write_waiting(&mut self, feed: &mut Feed, first: Option<Submitted>) -> bool {
        let mut group = Group::default();
        if let Some(first) = first {
            group.add(first);
        }
        loop {
            while group.entries.len() < GROUP
                && let Ok(next) = feed.received.try_recv()
            {
                group.add(next);
            }
            if group.entries.is_empty() {
                return true;
            }
            let full = group.entries.len() == GROUP;
            if !self.write_group(feed, std::mem::take(&mut group)).await {
                return false;
            }
            if !full {
                return true;
            }
        }
    }

    /// Stores one group, tells those who wait, and writes it to the output.
    async fn write_group(&mut self, feed: &mut Feed, group: Group) -> bool {
        let Group { entries, waiting } = group;
        if !self.store_entries(&mut feed.stopped, &entries).await {
            return false;
        }
        for stored in waiting {
            // Whoever waited may have gone away.
            let _ = stored.send(());
        }
        if let Some(output) = feed.output.take() {
            feed.output = print(output, &entries).await;
        }
        true
    }

    /// Tries until the entries are stored; false when shutdown was asked for and its time has run out.
    async fn store_entries(&mut self, stopped: &mut watch::Receiver<bool>, entries: &[Entry]) -> bool {
        let mut wait = BACK_OFF.0;
        let mut deadline = None;
        loop {
            let error = match tokio::time::timeout(ATTEMPT, self.try_entries(entries)).await {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => error,
                Err(_) => StoreError::Unreachable(ATTEMPT.as_secs()),
            };
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, waiting = entries.len(), "records are not stored; trying again");
            if *stopped.borrow() {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.shutdown);
                if Instant::now() >= deadline {
                    return false;
                }
                tokio::time::sleep(wait.min(self.shutdown)).await;
            } else {
                pause(stopped, wait).await;
            }
            wait = (wait * 2).min(BACK_OFF.1);
        }
    }

    async fn try_entries(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        loop {
            match append::append(&self.store, &self.chain, &self.head, entries).await? {
                Appended::Stored(head) => {
                    self.head = head;
                    return Ok(());
                }
                Appended::Tampered => self.replace_chain().await?,
            }
        }
    }

    /// Leaves a chain whose end was tampered with as it is, evidence included, and goes on with a new one.
    async fn replace_chain(&mut self) -> Result<(), StoreError> {
        tracing::error!(
            chain = self.chain,
            "the end of the audit chain was tampered with; starting a new chain"
        );
        let chain = Store::fresh_chain()?;
        let head = append::create_head(&self.store, &chain).await?;
        let start = self.start_entry(Before::Gap { lost_up_to_ms: None }, Some(self.chain.clone()));
        match append::append(&self.store, &chain, &head, &[start]).await? {
            Appended::Stored(head) => (self.chain, self.head) = (chain, head),
            Appended::Tampered => return Err(StoreError::Contended),
        }
        Ok(())
    }

    /// Writes what waits and the `stop` entry.
    async fn finish(mut self, mut feed: Feed) {
        feed.received.close();
        let written = self.write_waiting(&mut feed, None).await;
        let open = feed.received.max_capacity() - feed.received.capacity();
        if open > 0 {
            tracing::error!(open, "shut down with open requests; their records are lost");
        }
        let stop = self.entry(kind::STOP, &StopBody { open });
        if !written || !self.store_entries(&mut feed.stopped, &[stop]).await {
            tracing::error!(chain = self.chain, "the store kept failing; records are lost at shutdown");
        }
    }

    fn start_entry(&self, before: Before, replaces: Option<String>) -> Entry {
        let (gap, lost_up_to_ms) = match before {
            Before::InOrder => (false, None),
            Before::Gap { lost_up_to_ms } => (true, lost_up_to_ms),
        };
        let body = StartBody { gap, lost_up_to_ms, durability: self.durability.name().to_owned(), replaces };
        self.entry(kind::START, &body)
    }

    fn entry(&self, kind: &'static str, body: &impl serde::Serialize) -> Entry {
        Entry { kind, time: self.clock.now().to_rfc3339(), body: json(body) }
    }
}

fn record_entry(record: &Record) -> Entry {
    // PostgreSQL cannot hold NUL in a text; one such record would block all that follow.
    Entry { kind: kind::RECORD, time: record.time.replace('\0', ""), body: json(record) }
}

/// JSON never contains NUL: strings escape it.
fn json(body: &impl serde::Serialize) -> String {
    serde_json::to_string(body).unwrap_or_else(|error| {
        tracing::error!(%error, "an audit entry cannot be serialised");
        r#"{"unserialisable":true}"#.to_owned()
    })
}

/// Waits until the window of a group is over, or a full group waits: what is stored early takes no memory. Looks now
/// and then instead of being woken by each record.
async fn collect(feed: &mut Feed) {
    let deadline = Instant::now() + Duration::from_millis(WINDOW_MS);
    while Instant::now() < deadline && feed.received.len() < GROUP && !*feed.stopped.borrow() {
        pause(&mut feed.stopped, LOOK).await;
    }
}

/// Waits for so long, or until shutdown is asked for.
async fn pause(stopped: &mut watch::Receiver<bool>, time: Duration) {
    tokio::select! {
        () = stop_asked(stopped) => {}
        () = tokio::time::sleep(time) => {}
    }
}

/// Resolves when shutdown is asked for; never when the last handle goes away without asking.
async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Writes bodies as lines, in one piece, where blocking is allowed. Gives the output back unless its task died.
async fn print(
    mut output: Box<dyn io::Write + Send>,
    entries: &[Entry],
) -> Option<Box<dyn io::Write + Send>> {
    let mut lines = String::with_capacity(entries.iter().map(|entry| entry.body.len() + 1).sum());
    for entry in entries {
        lines.push_str(&entry.body);
        lines.push('\n');
    }
    let written = tokio::task::spawn_blocking(move || {
        let outcome = output.write_all(lines.as_bytes()).and_then(|()| output.flush());
        (output, outcome)
    });
    match written.await {
        Ok((output, outcome)) => {
            if let Err(error) = outcome {
                tracing::error!(%error, "stored records cannot be written to standard output");
            }
            Some(output)
        }
        Err(error) => {
            tracing::error!(%error, "standard output is given up");
            None
        }
    }
}
