//! How lists, sets of scopes, times and foreign identifiers stand in columns. What cannot be read back was not written by this program.

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

/// The longest identifier of an agent's making that is stored, in bytes: PostgreSQL bounds what an index holds.
pub const LONGEST_ID: usize = 512;

/// Refuses an identifier that cannot be stored.
pub(crate) fn check_id(id: &str) -> Result<(), StoreError> {
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(StoreError::BadId);
    }
    if id.contains('\0') { Err(StoreError::Nul) } else { Ok(()) }
}
