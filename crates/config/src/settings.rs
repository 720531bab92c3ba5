//! What the file says about the process itself: read once at start, unlike the snapshot.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use doorward_model::{Secret, Snapshot};
use ipnet::IpNet;

use crate::{Warning, tree::Table};

/// A configuration without mistakes.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the process is started with.
    pub settings: Settings,
    /// What decides about requests.
    pub snapshot: Snapshot,
    /// What deserves a second look, in the order of the file.
    pub warnings: Vec<Warning>,
    /// What was written, for [`crate::export()`].
    pub document: Document,
}

/// The parsed document with its overrides; opaque.
#[derive(Clone)]
pub struct Document {
    pub(crate) root: Table,
}

impl Document {
    pub(crate) fn new(root: Table) -> Self {
        Self { root }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document(…)")
    }
}

/// What the process is started with; a change needs a restart.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[listen]`.
    pub listen: Listen,
    /// `store.url`.
    pub store_url: StoreUrl,
    /// `keys.master`.
    pub master_key: MasterKeySource,
    /// `[records]`.
    pub records: Records,
    /// `network.ca`: a PEM file of roots that are trusted besides the platform's. Not read here.
    pub ca: Option<PathBuf>,
}

/// `[listen]`, without what goes into the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Where callers are answered. Port 0 asks the system for a free one.
    pub address: SocketAddr,
    /// Where health and metrics are answered instead, when they are kept apart.
    pub admin: Option<SocketAddr>,
    /// Whose `Forwarded` and `X-Forwarded-For` are believed for the caller's address.
    pub trusted_proxies: Vec<IpNet>,
    /// TLS for callers; in clear when absent.
    pub tls: Option<Tls>,
    /// How long connections are still accepted after the process was told to stop.
    pub grace: Duration,
}

/// `listen.tls`: PEM files. Not read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, its chain after it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The roots of client certificates, when they are asked for.
    pub client_ca: Option<PathBuf>,
}

/// Where state is kept.
#[derive(Debug, Clone)]
pub enum StoreUrl {
    /// An SQLite database in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL database; the address, scheme included, may hold a password.
    Postgres(Secret),
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// This file, which is made at start as long as the store holds nothing sealed. Not read here.
    File(PathBuf),
    /// The value itself, from an environment variable.
    Value(Secret),
}

/// `[records]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// When a record counts as written.
    pub durability: Durability,
    /// Whether records are written to standard output too, one JSON document a line.
    pub stdout: bool,
}

/// When a record counts as written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Several records are written together; a crash may lose the last 200 ms, and the chain shows the gap.
    #[default]
    Grouped,
    /// Every record is on disk before its answer leaves.
    Strict,
}
