//! Putting entries at the end of a chain, and finding that end again.
//!
//! The head's row is compared and swapped in the same transaction as the inserts. So two processes on one chain
//! cannot interleave: one of them finds the head moved, or its numbers taken, and chains its group anew.

use std::sync::LazyLock;

use super::chain::{Before, Entry, Head, Link, StartBody, kind, link};
use crate::{
    Store, StoreError,
    engine::{Places, reading, writing},
};

/// Attempts at one group while other writers move the head.
const ATTEMPTS: u32 = 32;

/// Entries per statement, largest first: few round trips to PostgreSQL, and three statements to prepare.
type Inserts = LazyLock<[(usize, String); 3]>;

static IN_ORDER: Inserts = LazyLock::new(|| inserts(Places::InOrder));
static NUMBERED: Inserts = LazyLock::new(|| inserts(Places::Numbered));

/// What became of a group.
#[derive(Debug)]
pub(super) enum Appended {
    /// It is stored; this is the head now.
    Stored(Head),
    /// The chain has entries beyond its head, or its numbers run out: someone else wrote here.
    Tampered,
}

/// How a chain ends.
#[derive(Debug)]
pub(super) enum End {
    /// With nothing: the chain is new.
    New,
    /// With this head.
    Head {
        /// Where to go on. When the tail was cut off the entries up to here are missing, and stay so visibly.
        head: Head,
        /// How the last run ended.
        before: Before,
    },
    /// With entries that the head does not cover.
    Tampered,
}

/// Appends `entries` to `chain`, whose head was last seen as `head`, in one transaction.
pub(super) async fn append(
    store: &Store,
    chain: &str,
    head: &Head,
    entries: &[Entry],
) -> Result<Appended, StoreError> {
    let mut head = head.clone();
    for _ in 0..ATTEMPTS {
        let Some(links) = link(chain, &head, entries) else { return Ok(Appended::Tampered) };
        let Some(last) = links.last() else { return Ok(Appended::Stored(head)) };
        let stored = Head { seq: last.seq, hash: last.hash.clone() };
        if insert_group(store, chain, &head, &stored, entries, &links).await? {
            return Ok(Appended::Stored(stored));
        }
        // A commit whose answer was lost looks like another writer.
        if hash_at(store, chain, stored.seq).await?.is_some_and(|hash| hash == stored.hash) {
            return Ok(Appended::Stored(stored));
        }
        match end_of(store, chain).await? {
            End::Head { head: moved, .. } => head = moved,
            End::New | End::Tampered => return Ok(Appended::Tampered),
        }
    }
    Err(StoreError::Contended)
}

/// Makes the head's row of a chain that has none.
pub(super) async fn create_head(store: &Store, chain: &str) -> Result<Head, StoreError> {
    let head = Head::genesis();
    writing!(store, tx => {
        sqlx::query("INSERT INTO audit_head (chain, seq, hash) VALUES ($1, $2, $3) ON CONFLICT (chain) DO NOTHING")
            .bind(chain)
            .bind(head.seq)
            .bind(&head.hash)
            .execute(&mut *tx)
            .await?;
    });
    Ok(head)
}

/// Reads how a chain ends. The last entry is read before the head: a writer in between can only make the head
/// newer, never the entry.
pub(super) async fn end_of(store: &Store, chain: &str) -> Result<End, StoreError> {
    let last: Option<(i64, String)> = reading!(store, pool => {
        sqlx::query_as("SELECT seq, kind FROM audit WHERE chain = $1 ORDER BY seq DESC LIMIT 1")
            .bind(chain)
            .fetch_optional(pool)
            .await?
    });
    let head = head_of(store, chain).await?;
    match (last, head) {
        (None, None) => Ok(End::New),
        (Some(_), None) => Ok(End::Tampered),
        (Some((seq, _)), Some(head)) if seq > head.seq => Ok(End::Tampered),
        (last, Some(head)) => {
            let in_order = head.seq == 0
                || last.is_some_and(|(seq, last_kind)| seq == head.seq && last_kind == kind::STOP);
            let before = if in_order {
                Before::InOrder
            } else {
                Before::Gap { lost_up_to_ms: lost_up_to_ms(store, chain).await? }
            };
            Ok(End::Head { head, before })
        }
    }
}

/// The stored head of a chain.
pub(super) async fn head_of(store: &Store, chain: &str) -> Result<Option<Head>, StoreError> {
    let row: Option<(i64, String)> = reading!(store, pool => {
        sqlx::query_as("SELECT seq, hash FROM audit_head WHERE chain = $1")
            .bind(chain)
            .fetch_optional(pool)
            .await?
    });
    Ok(row.map(|(seq, hash)| Head { seq, hash }))
}

/// What a crash of the last run may have taken, by the durability that its `start` names.
async fn lost_up_to_ms(store: &Store, chain: &str) -> Result<Option<u64>, StoreError> {
    let rows: Vec<(String, String)> = reading!(store, pool => {
        sqlx::query_as(
            "SELECT kind, body FROM audit WHERE chain = $1 AND kind <> 'record' ORDER BY seq DESC LIMIT 2",
        )
        .bind(chain)
        .fetch_all(pool)
        .await?
    });
    let start = rows.into_iter().find(|(row_kind, _)| row_kind == kind::START);
    let body = start.and_then(|(_, body)| serde_json::from_str::<StartBody>(&body).ok());
    Ok(body.and_then(|body| match body.durability.as_str() {
        "strict" => Some(0),
        "grouped" => Some(super::ledger::WINDOW_MS),
        _ => None,
    }))
}

async fn hash_at(store: &Store, chain: &str, seq: i64) -> Result<Option<String>, StoreError> {
    let hash = reading!(store, pool => {
        sqlx::query_scalar("SELECT hash FROM audit WHERE chain = $1 AND seq = $2")
            .bind(chain)
            .bind(seq)
            .fetch_optional(pool)
            .await?
    });
    Ok(hash)
}

/// Moves the head from `from` to `to` and inserts what lies between; false when the head was not at `from` or an
/// entry of one of these numbers exists.
async fn insert_group(
    store: &Store,
    chain: &str,
    from: &Head,
    to: &Head,
    entries: &[Entry],
    links: &[Link],
) -> Result<bool, StoreError> {
    let inserts = if store.is_sqlite() { &IN_ORDER } else { &NUMBERED };
    writing!(store, tx => {
        let moved = sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE chain = $3 AND seq = $4 AND hash = $5")
            .bind(to.seq)
            .bind(&to.hash)
            .bind(chain)
            .bind(from.seq)
            .bind(&from.hash)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if moved != 1 {
            return Ok(false);
        }
        let mut rest = entries.iter().zip(links);
        while let Some((rows, statement)) = inserts.iter().find(|(rows, _)| *rows <= rest.len()) {
            let mut insert = sqlx::query(statement.as_str());
            for (entry, link) in rest.by_ref().take(*rows) {
                insert = insert
                    .bind(chain)
                    .bind(link.seq)
                    .bind(entry.kind)
                    .bind(&entry.time)
                    .bind(&entry.body)
                    .bind(&link.prev)
                    .bind(&link.hash);
            }
            match insert.execute(&mut *tx).await {
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(false),
                outcome => outcome?,
            };
        }
    });
    Ok(true)
}

fn inserts(places: Places) -> [(usize, String); 3] {
    [64, 8, 1].map(|rows| (rows, insert(rows, places)))
}

/// The text that inserts so many entries.
fn insert(rows: usize, places: Places) -> String {
    let row = |row: usize| {
        let places: Vec<_> = (1..=7).map(|column| places.place(row * 7 + column)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<_> = (0..rows).map(row).collect();
    format!("INSERT INTO audit (chain, seq, kind, time, body, prev, hash) VALUES {}", rows.join(", "))
}
