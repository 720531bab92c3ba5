//! Checking all chains of a store, also while processes write to it.
//!
//! Chains are read page by page, without a long transaction: memory stays bounded, and SQLite can go on tidying
//! its write-ahead log.

use serde::Serialize;

use super::{
    append::head_of,
    check::{Broken, ChainCheck, Gap, OpenRun, StoredEntry, Verdict},
};
use crate::{Store, StoreError, engine::reading};

/// Entries that are in memory at once.
const PAGE: i64 = 128;

/// What the audit log of a store is like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// How many chains there are.
    pub chains: u64,
    /// How many entries, of every kind.
    pub entries: u64,
    /// How many records.
    pub records: u64,
    /// Where runs began after one that had not stopped in order.
    pub gaps: Vec<Gap>,
    /// Chains that do not end with a `stop`.
    pub open: Vec<OpenRun>,
    /// The first place that does not hold, of every chain that has one.
    pub broken: Vec<Broken>,
}

impl AuditReport {
    /// Whether every chain holds. Gaps and open runs are no tampering.
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    fn add(&mut self, verdict: Verdict) {
        self.chains += 1;
        self.entries += verdict.entries;
        self.records += verdict.records;
        self.gaps.extend(verdict.gaps);
        self.open.extend(verdict.open);
        self.broken.extend(verdict.broken);
    }
}

/// Checks every entry of every chain against its hash, its predecessor and the chain's head.
///
/// # Errors
/// When the database fails. Tampering is no error: it is in the report.
pub async fn verify_audit(store: &Store) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport::default();
    let mut chain = String::new();
    while let Some(next) = chain_after(store, &chain).await? {
        report.add(verify_chain(store, &next).await?);
        chain = next;
    }
    Ok(report)
}

async fn verify_chain(store: &Store, chain: &str) -> Result<Verdict, StoreError> {
    let head = head_of(store, chain).await?;
    let mut check = ChainCheck::new(chain.to_owned(), head);
    let mut from = Some(i64::MIN);
    while let Some(start) = from {
        let page = page(store, chain, start).await?;
        from = page.last().and_then(|entry| entry.seq.checked_add(1));
        for entry in page {
            check.push(entry);
        }
    }
    let head_now = head_of(store, chain).await?;
    Ok(check.finish(head_now.as_ref()))
}

/// The first chain after that name that has entries or a head.
async fn chain_after(store: &Store, chain: &str) -> Result<Option<String>, StoreError> {
    let next: Option<String> = reading!(store, pool => {
        sqlx::query_scalar(
            "SELECT MIN(chain) FROM (
                 SELECT MIN(chain) AS chain FROM audit WHERE chain > $1
                 UNION ALL
                 SELECT MIN(chain) AS chain FROM audit_head WHERE chain > $1
             ) AS firsts",
        )
        .bind(chain)
        .fetch_one(pool)
        .await?
    });
    Ok(next)
}

/// Entries of a chain from a number on. SQLite lets anyone store anything in a column: what is no text becomes an
/// empty text, and what is no number comes last.
async fn page(store: &Store, chain: &str, from: i64) -> Result<Vec<StoredEntry>, StoreError> {
    reading!(store, pool => {
        let rows = sqlx::query(
            "SELECT seq, kind, time, body, prev, hash FROM audit
             WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT $3",
        )
        .bind(chain)
        .bind(from)
        .bind(PAGE)
        .fetch_all(pool)
        .await?;
        let entry = |row| StoredEntry {
            seq: column(row, 0).unwrap_or(i64::MAX),
            kind: column(row, 1).unwrap_or_default(),
            time: column(row, 2).unwrap_or_default(),
            body: column(row, 3).unwrap_or_default(),
            prev: column(row, 4).unwrap_or_default(),
            hash: column(row, 5).unwrap_or_default(),
        };
        Ok(rows.iter().map(entry).collect())
    })
}

fn column<'r, R, T>(row: &'r R, index: usize) -> Option<T>
where
    R: sqlx::Row,
    usize: sqlx::ColumnIndex<R>,
    T: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    row.try_get(index).ok()
}
