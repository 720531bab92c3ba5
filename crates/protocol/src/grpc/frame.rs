//! Messages in a stream of bytes: a flag, a length of four bytes, the message.

use bytes::{BufMut as _, Bytes, BytesMut};

/// How many bytes are before a message.
const PREFIX: usize = 5;

/// Why a stream of messages cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrpcError {
    /// A message is larger than allowed: `RESOURCE_EXHAUSTED`.
    #[error("a message is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that one message may have.
        limit: usize,
    },
    /// A message says that it is compressed, and no encoding was agreed upon: `UNIMPLEMENTED` from a caller, `INTERNAL` from
    /// an agent.
    #[error("a message is compressed")]
    Compressed,
    /// A message begins with a flag that does not exist.
    #[error("not a stream of gRPC messages")]
    Malformed,
}

/// Cuts a stream that arrives in arbitrary pieces into messages. After an error it holds nothing and stays in that state.
#[derive(Debug)]
pub struct FrameReader {
    max_message_bytes: usize,
    /// What arrived last and is not cut.
    chunk: Bytes,
    /// The beginning of a message, with its prefix, that came in earlier pieces.
    carry: BytesMut,
    failed: Option<GrpcError>,
}

impl FrameReader {
    /// A reader at the start of a stream, of messages of at most so many bytes without their prefix.
    pub fn new(max_message_bytes: usize) -> Self {
        Self { max_message_bytes, chunk: Bytes::new(), carry: BytesMut::new(), failed: None }
    }

    /// Takes the next piece of the stream. Call [`Self::next_message`] until it has no more before taking another: the limit
    /// is looked at there.
    pub fn push(&mut self, chunk: Bytes) {
        if self.failed.is_some() {
            return;
        }
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let mut both = BytesMut::from(std::mem::take(&mut self.chunk));
            both.extend_from_slice(&chunk);
            self.chunk = both.freeze();
        }
    }

    /// The next whole message, without its prefix, or `None` when more bytes are needed. A message that arrived in one piece
    /// is a slice of that piece.
    ///
    /// # Errors
    /// When a message is too large, compressed, or none; and from then on.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, GrpcError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.cut().inspect_err(|error| {
            *self = Self { failed: Some(*error), ..Self::new(self.max_message_bytes) };
        })
    }

    fn cut(&mut self) -> Result<Option<Bytes>, GrpcError> {
        if self.carry.is_empty() {
            let Some(end) = self.end_of(&self.chunk)?.filter(|end| *end <= self.chunk.len()) else {
                self.carry.extend_from_slice(&std::mem::take(&mut self.chunk));
                return Ok(None);
            };
            return Ok(Some(self.chunk.split_to(end).slice(PREFIX..)));
        }
        self.fill(PREFIX);
        let Some(end) = self.end_of(&self.carry)? else { return Ok(None) };
        self.fill(end);
        if self.carry.len() < end {
            return Ok(None);
        }
        Ok(Some(self.carry.split().freeze().slice(PREFIX..)))
    }

    /// Moves bytes from the chunk to what came earlier, until that has `length` of them.
    fn fill(&mut self, length: usize) {
        let missing = length.saturating_sub(self.carry.len()).min(self.chunk.len());
        self.carry.extend_from_slice(&self.chunk.split_to(missing));
    }

    fn end_of(&self, bytes: &[u8]) -> Result<Option<usize>, GrpcError> {
        end_of(bytes, self.max_message_bytes)
    }

    /// Whether the stream may end here: between two messages, all of which were taken out.
    pub fn is_clean_end(&self) -> bool {
        self.failed.is_none() && self.chunk.is_empty() && self.carry.is_empty()
    }
}

/// Where the message that `bytes` begin with ends, as its prefix says; `None` while the prefix is not whole.
fn end_of(bytes: &[u8], limit: usize) -> Result<Option<usize>, GrpcError> {
    match bytes.first() {
        None | Some(0) => {}
        Some(1) => return Err(GrpcError::Compressed),
        Some(_) => return Err(GrpcError::Malformed),
    }
    let Some(&[_, a, b, c, d]) = bytes.first_chunk::<PREFIX>() else { return Ok(None) };
    match usize::try_from(u32::from_be_bytes([a, b, c, d])) {
        Ok(length) if length <= limit => Ok(Some(PREFIX + length)),
        _ => Err(GrpcError::TooLarge { limit }),
    }
}

/// As much of a stream's first message as is there, without its prefix, and whether that is all of it. `None` while the
/// prefix is not whole.
///
/// # Errors
/// As [`FrameReader::next_message`].
pub fn first_message(stream: &[u8], limit: usize) -> Result<Option<(&[u8], bool)>, GrpcError> {
    Ok(end_of(stream, limit)?.map(|end| (&stream[PREFIX..end.min(stream.len())], end <= stream.len())))
}

/// A message with its prefix. Messages are bounded far below the four gigabytes that a prefix can say.
pub fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(message);
    framed.freeze()
}
