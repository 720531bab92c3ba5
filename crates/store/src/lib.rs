//! What Doorward remembers: the only SQL of the program, on SQLite or PostgreSQL.
//!
//! Both engines run the same statements and the same migrations; the engine is chosen by the address that
//! [`Store::open`] gets. Rows are not the types of the model: what is stored is written here, column by column.
//!
//! | module | what |
//! |---|---|
//! | `engine` | addresses, connections, transactions |
//! | `audit` | the hash-chained log of records: [`Ledger`] writes, [`verify_audit`] checks, the store reads |
//! | `sessions` | legacy MCP sessions that their clients ended |
//!
//! Nothing here decides about a request, and nothing here holds a secret in clear.

mod audit;
mod engine;
mod error;
#[cfg(test)]
mod harness;
mod sessions;

pub use audit::{
    AuditReport, Broken, Durability, Gap, Ledger, OpenRun, Slot, StoredRecord, Why, verify_audit,
};
pub use engine::Store;
pub use error::StoreError;
pub use sessions::{EndedSession, SessionCursor};
