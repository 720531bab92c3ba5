//! The audit log: one entry per request, chained by hashes so that a later change shows.
//!
//! A *chain* is written by one process at a time, entry by entry, numbered from 1 without holes. An entry is a
//! `start` (a run began), a `record`, or a `stop` (the run ended in order, with everything written). A run that
//! ends without `stop` is shown by the next `start` as a gap.
//!
//! What the chain proves: with an entry edited, taken out, put in or moved, [`verify_audit`] names the first place
//! that does not hold. What it cannot prove alone: that nobody rewrote a chain *and* its head from some entry on,
//! or took out a whole chain. For that, keep the hash of a head (or the lines on standard output) elsewhere.
//!
//! | module | what |
//! |---|---|
//! | `chain` | entries, heads, and how the hash is computed |
//! | `ledger` | the face to the request path: slots, never blocking |
//! | `writer` | the one task that groups, chains and stores |
//! | `append` | the statements behind it |
//! | `read` | records for people |
//! | `check`, `verify` | judging a chain; all chains of a store |

mod append;
mod chain;
mod check;
mod ledger;
mod read;
mod verify;
mod writer;

pub use check::{Broken, Gap, OpenRun, Why};
pub use ledger::{Durability, Ledger, Slot};
pub use read::StoredRecord;
pub use verify::{AuditReport, verify_audit};

#[cfg(test)]
mod tests;
