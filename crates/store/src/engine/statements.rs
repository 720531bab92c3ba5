//! Statements with their values, in a form that both engines take: what several transactions have in common is an
//! ordinary function over [`Statements`]. The SQL itself passes through untouched.
//!
//! PostgreSQL takes no text with a NUL in it, and SQLite takes it and cuts it off here and there. So nothing is written
//! with one, and whoever asks for one finds nothing.

use doorward_model::{Name, Timestamp};
use sqlx::{FromRow, PgConnection, SqliteConnection, postgres::PgRow, sqlite::SqliteRow};

use super::{reading, writing};
use crate::{Store, StoreError};

/// What stands in a column: there are no other types.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(Option<&'a str>),
    Number(Option<i64>),
}

/// The values of `$1`, `$2`, … in their order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::engine::Value::from($value)),*] };
}

pub(crate) use values;

/// A row that either engine can give: a tuple, or a struct that derives `FromRow`.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}

impl<R> Row for R where R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{}

/// A connection to either engine; inside [`writing!`], the transaction.
pub(crate) trait Statements: Send {
    /// How texts that are put together say where a value goes.
    const PLACES: Places;

    /// Runs a statement; says how many rows it touched.
    fn run(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The only row, if there is one.
    fn row<R: Row>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<R>, StoreError>> + Send;

    /// All rows: the statement bounds them.
    fn rows<R: Row>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<R>, StoreError>> + Send;
}

/// How a statement says where its values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// `?`, in their order: SQLite's driver looks each place up that has a name, one after the other, which takes the
    /// square of their number.
    InOrder,
    /// `$1`, `$2`, …
    Numbered,
}

impl Places {
    /// The place of a value, counted from one.
    pub(crate) fn place(self, number: usize) -> String {
        match self {
            Self::InOrder => "?".to_owned(),
            Self::Numbered => format!("${number}"),
        }
    }
}

/// Binds the values to the statement.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        if !$values.iter().all(Value::can_be_stored) {
            return Err(StoreError::Nul);
        }
        for value in $values {
            query = match *value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            };
        }
        query
    }};
}

macro_rules! statements_of {
    ($connection:ty, $places:expr) => {
        impl Statements for $connection {
            const PLACES: Places = $places;

            async fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
                Ok(bound!(sqlx::query(sql), values).execute(self).await?.rows_affected())
            }

            async fn row<R: Row>(
                &mut self,
                sql: &'static str,
                values: &[Value<'_>],
            ) -> Result<Option<R>, StoreError> {
                Ok(bound!(sqlx::query_as(sql), values).fetch_optional(self).await?)
            }

            async fn rows<R: Row>(
                &mut self,
                sql: &'static str,
                values: &[Value<'_>],
            ) -> Result<Vec<R>, StoreError> {
                Ok(bound!(sqlx::query_as(sql), values).fetch_all(self).await?)
            }
        }
    };
}

statements_of!(SqliteConnection, Places::InOrder);
statements_of!(PgConnection, Places::Numbered);

impl Store {
    /// One statement in a transaction of its own; says how many rows it touched.
    pub(crate) async fn run(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(writing!(self, tx => tx.run(sql, values).await?))
    }

    /// Reads the only row, if there is one.
    pub(crate) async fn row<R: Row>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<R>, StoreError> {
        if !values.iter().all(Value::can_be_stored) {
            return Ok(None);
        }
        reading!(self, pool => pool.acquire().await?.row(sql, values).await)
    }

    /// Reads all rows: the statement bounds them.
    pub(crate) async fn rows<R: Row>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, StoreError> {
        if !values.iter().all(Value::can_be_stored) {
            return Ok(Vec::new());
        }
        reading!(self, pool => pool.acquire().await?.rows(sql, values).await)
    }
}

/// Raises a counter, and holds its row until the commit: others who raise it wait, and see what this one did.
pub(crate) async fn raise(tx: &mut impl Statements, counter: &str) -> Result<i64, StoreError> {
    let raised = tx
        .row::<(i64,)>(
            "UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value",
            values![counter],
        )
        .await?;
    let (value,) = raised.ok_or(sqlx::Error::RowNotFound)?;
    Ok(value)
}

impl Value<'_> {
    /// Nothing, of the same type.
    pub(crate) fn null(self) -> Self {
        match self {
            Self::Text(_) => Self::Text(None),
            Self::Number(_) => Self::Number(None),
        }
    }

    fn can_be_stored(&self) -> bool {
        !matches!(self, Self::Text(Some(text)) if text.contains('\0'))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(text: &'a Option<String>) -> Self {
        Self::Text(text.as_deref())
    }
}

impl<'a> From<&'a Name> for Value<'a> {
    fn from(name: &'a Name) -> Self {
        Self::Text(Some(name.as_str()))
    }
}

impl From<Option<bool>> for Value<'_> {
    fn from(yes: Option<bool>) -> Self {
        Self::Number(yes.map(i64::from))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<Timestamp>> for Value<'_> {
    fn from(time: Option<Timestamp>) -> Self {
        Self::Number(time.map(Timestamp::as_micros))
    }
}

impl From<bool> for Value<'_> {
    fn from(yes: bool) -> Self {
        Self::Number(Some(i64::from(yes)))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Number(Some(time.as_micros()))
    }
}

#[cfg(test)]
mod tests;
