//! The store as a command uses it, beside whatever serves from it at the same time.
//!
//! What a command changes is in the store when it ends; a running `serve` looks there. Each change leaves a record
//! in a chain of the command's own, because the chain of `serve` has one writer.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use doorward_auth::keys::hash;
use doorward_config::{Loaded, Overrides, StoreUrl};
use doorward_model::{Clock, Decision, Record, SystemClock, Timestamp};
use doorward_store::{Durability, Ledger, Store};

use super::{Checked, read};
use crate::{app::store_url, cli::ConfigArgs};

/// What to do when there is no store yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Make it, as `serve` would.
    Make,
    /// Say so: there is nothing in it to look at.
    Refuse,
}

/// The configuration and the open store.
pub(crate) struct Opened {
    pub(crate) loaded: Loaded,
    pub(crate) store: Store,
    clock: Arc<dyn Clock>,
}

/// Reads the configuration, opens the store, and closes it after `act`.
pub(crate) fn with_store<T>(
    args: &ConfigArgs,
    absent: Absent,
    act: impl AsyncFnOnce(&Opened) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    doorward_auth::install_crypto()?;
    // `serve` and `check` say what deserves a second look; here it would be said at every turn.
    let loaded = match read(args, Overrides::default())? {
        Checked::Good(loaded) => *loaded,
        Checked::Bad(mistakes) => bail!("the configuration has mistakes\n{mistakes}"),
    };
    if absent == Absent::Refuse {
        refuse_absent(&loaded.settings.store_url)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&store_url(&loaded.settings.store_url)).await;
        let store = store.context("the store cannot be opened")?;
        let opened = Opened { loaded, store, clock: Arc::new(SystemClock) };
        let outcome = act(&opened).await;
        opened.store.close().await;
        outcome
    })
}

/// Opening would make an SQLite store, and an empty one answers all too easily.
pub(crate) fn refuse_absent(store: &StoreUrl) -> anyhow::Result<()> {
    let missing = |path: &&Path| !path.exists();
    match store {
        StoreUrl::Sqlite(path) => match Some(path.as_path()).filter(missing) {
            Some(path) => bail!(
                "there is no store at {}: is this the right --config, or the right directory?",
                path.display()
            ),
            None => Ok(()),
        },
        StoreUrl::Postgres(_) => Ok(()),
    }
}

impl Opened {
    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes the record of what a command did, and returns when it is stored.
    ///
    /// `command` is what was typed after `doorward`, without its values; `detail` is what it did.
    pub(crate) async fn record(&self, command: &str, record: Record) -> anyhow::Result<()> {
        let chain = Store::fresh_chain()?;
        let clock = Arc::clone(&self.clock);
        let ledger = Ledger::start(self.store.clone(), clock, Durability::Strict, false, chain).await?;
        let record = Record {
            time: self.now().to_rfc3339(),
            request_id: hash::hex(&hash::random::<16>()),
            trace_id: hash::hex(&hash::random::<16>()),
            http_method: "COMMAND".to_owned(),
            path: format!("doorward {command}"),
            decision: Decision::Allowed,
            reason: "ok".to_owned(),
            ..record
        };
        let slot = ledger.reserve().context("the record cannot be written")?;
        let stored = slot.submit_and_wait(record).await;
        ledger.shutdown().await;
        stored.context("the record cannot be written")
    }
}
