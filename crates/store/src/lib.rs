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
//! | `users`, `browser_sessions` | local users; browsers in which somebody is signed in |
//! | `clients`, `consents` | OAuth clients, and what people need not be asked again |
//! | `codes`, `client_grants`, `tokens` | what clients were granted, from the code to the last refresh |
//! | `tasks` | whose A2A tasks and contexts are whose: [`TaskIndex`] writes, the store reads |
//! | `push` | webhooks, and the durable queue of what is delivered to them |
//! | `card_pins` | approved agent cards, and those that wait for approval |
//! | `connections` | what people's accounts upstream gave, and who refreshes it |
//! | `own_registrations` | Doorward's clients at other authorization servers |
//! | `authorities` | approved authorization servers of upstreams, and those that wait for approval |
//! | `secrets` | secrets that were entered, sealed |
//! | `rates` | how often, shared between replicas |
//! | `revocations` | what replicas must no longer remember |
//! | `once` | identifiers that count once |
//! | `keys` | wrapped data keys and sealed signing keys |
//! | `forget` | what has expired goes |
//! | `columns` | how lists, scopes and times stand in columns |
//!
//! Nothing here decides about a request, and nothing here holds a secret in clear.

mod audit;
mod authorities;
mod browser_sessions;
mod card_pins;
mod client_grants;
mod clients;
mod codes;
mod columns;
mod connections;
mod consents;
mod engine;
mod error;
mod forget;
#[cfg(test)]
mod harness;
mod keys;
mod once;
mod own_registrations;
mod push;
mod rates;
mod revocations;
mod secrets;
mod sessions;
mod tasks;
mod tokens;
mod users;

pub use audit::{
    AuditReport, Broken, Durability, Gap, Ledger, OpenRun, Slot, StoredRecord, Why, verify_audit,
};
pub use authorities::{Authority, WaitingAuthority};
pub use browser_sessions::{BrowserSession, NewBrowserSession};
pub use card_pins::{CardPin, CardPinCursor, Observed, SeenCard, WaitingCard};
pub use client_grants::GrantSeen;
pub use clients::StoredClient;
pub use codes::{NewCode, Redeemed, StoredCode};
pub use columns::LONGEST_ID;
pub use connections::{Connection, ConnectionCursor, NewConnection, RefreshLease, Refreshed};
pub use consents::Consent;
pub use engine::Store;
pub use error::StoreError;
pub use keys::{RewrappedDataKey, SigningKeyState, StoredDataKey, StoredSigningKey};
pub use own_registrations::OwnRegistration;
pub use push::{Claimed, NewDelivery, PushConfig, PutPush, Queued, Shares, StoredPushConfig};
pub use rates::Admission;
pub use revocations::{Revocation, RevocationCursor, Revoked};
pub use secrets::{PutSecret, SecretSeen, StoredSecret};
pub use sessions::{EndedSession, SessionCursor};
pub use tasks::{
    ContextNote, Noted, Owner, StoredTask, TaskCounts, TaskCursor, TaskFilter, TaskIndex, TaskNote, TaskPage,
    TaskPhase,
};
pub use tokens::{NewAccessToken, NewRefreshToken, Rotation, StoredAccessToken, StoredRefreshToken};
pub use users::{FirstAdministrator, User, UserChange};
