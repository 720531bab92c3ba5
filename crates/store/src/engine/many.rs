//! One statement for many rows, with a text for each of a few sizes: the database prepares each once.
//!
//! Rows that a size has too many are all NULL. The statement leaves them out.

use std::{iter::repeat_n, sync::OnceLock};

use super::{Places, Row, Statements, Value};
use crate::StoreError;

/// How many rows the texts take. SQLite copies what a statement changes in case it fails half-way; much larger ones cost
/// more than they save.
const SIZES: [usize; 3] = [1, 4, 16];

/// The most rows of one statement.
const MOST: usize = SIZES[SIZES.len() - 1];

/// A statement around `(VALUES …)` with so many rows of `N` columns: `column1`, `column2`, … on both engines.
pub(crate) struct ManyRows<const N: usize> {
    before: &'static str,
    after: &'static str,
    in_order: Texts,
    numbered: Texts,
}

/// A text for each size.
type Texts = [OnceLock<String>; SIZES.len()];

impl<const N: usize> ManyRows<N> {
    /// The statement, in front of and behind `(VALUES …)`.
    pub(crate) const fn new(before: &'static str, after: &'static str) -> Self {
        Self {
            before,
            after,
            in_order: [const { OnceLock::new() }; SIZES.len()],
            numbered: [const { OnceLock::new() }; SIZES.len()],
        }
    }

    /// Runs it with these rows, 16 at a time; says how many rows it touched.
    pub(crate) async fn run<S: Statements>(
        &'static self,
        tx: &mut S,
        rows: &[[Value<'_>; N]],
    ) -> Result<u64, StoreError> {
        let mut touched = 0;
        for rows in rows.chunks(MOST) {
            let (sql, values) = self.fill(rows, S::PLACES);
            touched += tx.run(sql, &values).await?;
        }
        Ok(touched)
    }

    /// Asks it about these rows, 16 at a time; gives what it finds, in no order.
    pub(crate) async fn rows<S: Statements, R: Row>(
        &'static self,
        tx: &mut S,
        rows: &[[Value<'_>; N]],
    ) -> Result<Vec<R>, StoreError> {
        let mut found = Vec::new();
        for rows in rows.chunks(MOST) {
            let (sql, values) = self.fill(rows, S::PLACES);
            found.extend(tx.rows(sql, &values).await?);
        }
        Ok(found)
    }

    /// The text for so many rows, and its values.
    fn fill<'a>(&'static self, rows: &[[Value<'a>; N]], places: Places) -> (&'static str, Vec<Value<'a>>) {
        let size = SIZES.iter().position(|size| rows.len() <= *size).unwrap_or(SIZES.len() - 1);
        let texts = match places {
            Places::InOrder => &self.in_order,
            Places::Numbered => &self.numbered,
        };
        let sql = texts[size].get_or_init(|| self.text(SIZES[size], places));
        let nothing = rows[0].map(Value::null);
        let rows = rows.iter().chain(repeat_n(&nothing, SIZES[size] - rows.len()));
        (sql, rows.flatten().copied().collect())
    }

    fn text(&self, rows: usize, places: Places) -> String {
        let row = |row: usize| {
            let values: Vec<String> = (1..=N).map(|column| places.place(row * N + column)).collect();
            format!("({})", values.join(", "))
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("{} (VALUES {}) {}", self.before, rows.join(", "), self.after)
    }
}
