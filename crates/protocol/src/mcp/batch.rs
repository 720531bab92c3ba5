//! JSON-RPC batches, which of all revisions only 2025-03-26 has (`basic/index`, batching): which array is one, and of
//! which messages.
//!
//! A batch is taken apart here and its messages are judged one by one elsewhere. What may not be in any batch is
//! refused here, so that nobody else need know that batches exist. What upstreams send together is only taken apart.

use std::collections::HashSet;

use bytes::Bytes;

use super::{Method, Revision, modern};
use crate::{
    json::{Document, Value},
    rpc::{EnvelopeError, Message},
};

/// The revision that has batches.
pub const REVISION: Revision = Revision::V2025_03_26;

/// Why an array is not a batch. Positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// An array without elements.
    #[error("a batch has at least one message")]
    Empty,
    /// More messages than allowed.
    #[error("a batch has at most {0} messages")]
    TooLong(usize),
    /// Responses beside requests or notifications.
    #[error("a batch has either responses, or requests and notifications")]
    Mixed,
    /// One of the messages may not be in a batch.
    #[error("{1}")]
    Message(usize, MessageError),
}

/// Why a message may not be in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is not a message.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// `initialize` stands alone: what may follow depends on its answer.
    #[error("`initialize` is never part of a batch")]
    Initialize,
    /// Its `_meta` names a version, so it belongs to a revision that has no batches.
    #[error("a message whose `_meta` names a protocol version is sent alone")]
    Modern,
    /// Two requests have the same id.
    #[error("another request of the batch has the same id")]
    SameId,
}

/// The messages of a batch, in their order, each a document of its own.
///
/// # Errors
/// When the array is not a batch of at most `most` messages. The first mistake counts.
pub fn split(document: &Document, most: usize) -> Result<Vec<Document>, BatchError> {
    let array = document.root().as_array().filter(|array| !array.is_empty()).ok_or(BatchError::Empty)?;
    let elements: Vec<Value<'_>> = array.iter().take(most.saturating_add(1)).collect();
    if elements.len() > most {
        return Err(BatchError::TooLong(most));
    }
    let mut messages = Vec::with_capacity(elements.len());
    let (mut ids, mut responses) = (HashSet::new(), 0);
    for (position, element) in elements.into_iter().enumerate() {
        let message = element.to_document(document);
        let is_response = check(&message, &mut ids).map_err(|error| BatchError::Message(position, error))?;
        responses += usize::from(is_response);
        messages.push(message);
    }
    if responses == 0 || responses == messages.len() { Ok(messages) } else { Err(BatchError::Mixed) }
}

/// Most messages of a batch that an upstream sends.
const MOST_RECEIVED: usize = 1000;

/// The messages of a batch that an upstream sends, as they are and unread. None when the text is no array, or none of
/// a sensible length.
pub fn elements(text: &Bytes, depth: usize) -> Option<Vec<Bytes>> {
    if text.trim_ascii_start().first() != Some(&b'[') {
        return None;
    }
    let document = Document::parse(text.clone(), depth).ok()?;
    let elements = document.root().as_array()?.iter().take(MOST_RECEIVED + 1);
    let elements: Vec<Bytes> = elements.map(|element| document.bytes().slice(element.span())).collect();
    (1..=MOST_RECEIVED).contains(&elements.len()).then_some(elements)
}

/// Whether the answer to an `initialize` agrees on the revision that has batches.
pub fn are_agreed(answer: &Document) -> bool {
    let result = answer.root().as_object().and_then(|root| root.get("result"));
    Revision::named_by(result.and_then(Value::as_object)) == Some(REVISION)
}

/// Checks one message; says whether it is a response.
fn check(document: &Document, ids: &mut HashSet<String>) -> Result<bool, MessageError> {
    let message = Message::read(document)?;
    if modern::is_modern(&modern::HeaderText::Absent, Some(&message)) {
        return Err(MessageError::Modern);
    }
    if message.method().as_deref() == Some(Method::Initialize.name()) {
        return Err(MessageError::Initialize);
    }
    match message {
        Message::Request { id, .. } if !ids.insert(meaning(id)) => Err(MessageError::SameId),
        Message::Response { .. } => Ok(true),
        _ => Ok(false),
    }
}

/// An id as it is meant, however it is written: the string `1` is not the number 1.
fn meaning(id: Value<'_>) -> String {
    match (id.as_str(), id.as_i64()) {
        (Some(text), _) => format!("\"{text}"),
        (None, Some(number)) => number.to_string(),
        (None, None) => String::from_utf8_lossy(id.raw()).into_owned(),
    }
}

#[cfg(test)]
mod tests;
