//! How lists, sets of scopes and times stand in columns. What cannot be read back was not written by this program.

use doorward_model::{Scopes, Timestamp};

use crate::StoreError;

/// A list as JSON.
pub(crate) fn list(values: &[String]) -> String {
    serde_json::Value::from(values).to_string()
}

/// Reads a list back.
pub(crate) fn read_list(text: &str, column: &'static str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable(column))
}

/// Reads a set of scopes back.
pub(crate) fn read_scopes(text: &str, column: &'static str) -> Result<Scopes, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable(column))
}

/// Reads a time that may be missing.
pub(crate) fn read_time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}
