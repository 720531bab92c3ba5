//! How the store fails. No variant ever holds the address that was given: it may contain a password.

use std::{io, path::PathBuf, sync::Arc};

/// Why the store could not do what was asked. Always our own fault or the database's, never a caller's.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is not one of the two forms. Says what is wrong, not what was given.
    #[error("the store's address must be `sqlite:PATH` or `postgres://…`: {0}")]
    Address(&'static str),
    /// The file of the SQLite database, or its directory, cannot be made or opened.
    #[error("cannot create or open {}", path.display())]
    File {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database was not reached in time.
    #[error("the database did not answer within {0} seconds")]
    Unreachable(u64),
    /// The tables could not be brought to this program's version.
    #[error("the store's tables could not be made or updated")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database refused or failed a statement, or the connection broke.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A column, named here, holds what this program does not write.
    #[error("the column {0} holds what this program does not write")]
    Unreadable(&'static str),
    /// A text with a NUL in it was to be written.
    #[error("a text with a NUL in it cannot be stored")]
    Nul,
    /// An identifier is empty, or longer than [`LONGEST_ID`](crate::LONGEST_ID).
    #[error("an identifier must have 1 to {} bytes to be stored", crate::LONGEST_ID)]
    BadId,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// Other writers were faster every time. Safe to try again.
    #[error("other writers were faster, though there should be none")]
    Contended,
    /// The record is not stored yet; the ledger keeps it and goes on trying.
    #[error("the record is not stored yet; it is kept and tried again")]
    NotStored,
    /// The transaction failed in which this was to be written with others. Safe to try again.
    #[error("it could not be written with what was to be written together with it")]
    Group(#[source] Arc<StoreError>),
    /// The task that writes the index of tasks is gone.
    #[error("the index of tasks is written no more")]
    Stopped,
    /// The ledger has been shut down: the record is not stored.
    #[error("the ledger has been shut down")]
    Closed,
}
