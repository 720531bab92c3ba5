//! Reading bodies with a bound: the only way that Doorward takes a whole body into memory.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body;

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Longer than the limit, in bytes.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// The peer broke off.
    #[error("the body broke off")]
    Broken,
}

/// Reads a body of at most `limit` bytes. A body that announces more is refused unread.
pub async fn read_capped<B>(mut body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge(limit));
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        // Most bodies arrive in one piece; those are never copied.
        match (first.is_empty(), rest.is_empty()) {
            (true, true) => first = data,
            (_, true) => {
                rest.extend_from_slice(&first);
                first = Bytes::new();
                rest.extend_from_slice(&data);
            }
            _ => rest.extend_from_slice(&data),
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
