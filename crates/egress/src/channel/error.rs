//! Why a message was not sent, and why a channel ended. None of these texts holds a message, a header, an
//! argument or a variable.

use std::time::Duration;

use crate::{EgressError, Phase};

/// Why a message was not sent, or a channel not opened.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The command cannot be started.
    #[error("the command cannot be started: {0}")]
    Start(String),
    /// The channel has ended; nothing of the message was sent.
    #[error("the channel has ended: {0}")]
    Closed(Cause),
    /// The channel ended while the message was on its way.
    #[error("the channel ended while sending: {0}")]
    Interrupted(Cause),
    /// A message for a pipe has a raw line break in it, which would make two of it.
    #[error("the message has a raw line break in it")]
    RawNewline,
    /// A message of the upstream has more bytes than allowed. The channel has ended.
    #[error("a message has more than {0} bytes")]
    TooLarge(usize),
    /// The request for the stream, or the one with the message, failed.
    #[error(transparent)]
    Http(#[from] EgressError),
    /// The answer to the request for the stream is not an event stream.
    #[error("the answer is not an event stream")]
    NotAnEventStream,
    /// The stream does not begin with an endpoint that messages may be sent to.
    #[error("the stream's endpoint: {0}")]
    Endpoint(&'static str),
}

impl ChannelError {
    /// When it happened, for deciding whether a retry is safe.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Interrupted(_) | Self::TooLarge(_) => Phase::AfterSending,
            Self::Http(error) => error.phase(),
            _ => Phase::BeforeSending,
        }
    }
}

/// What made a channel end. The first cause stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// This side closed it.
    #[error("closed by this side")]
    Closed,
    /// The child exited or closed a pipe, or the stream was over.
    #[error("the upstream ended it")]
    PeerGone,
    /// The upstream took nothing of a message for this long.
    #[error("the upstream took no input for {0:?}")]
    Stalled(Duration),
    /// The upstream sent nothing for this long.
    #[error("the upstream was silent for {0:?}")]
    Idle(Duration),
    /// A message had more than this many bytes.
    #[error("a message has more than {0} bytes")]
    TooLarge(usize),
    /// The stream broke off.
    #[error("the stream broke: {0}")]
    Broken(String),
}

/// How a channel ended, known when nothing is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What began the end.
    pub cause: Cause,
    /// How the child exited, when there was one.
    pub exit: Option<Exit>,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.exit {
            Some(exit) => write!(f, "{} ({exit})", self.cause),
            None => write!(f, "{}", self.cause),
        }
    }
}

/// How a child exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exit {
    /// With this exit code.
    #[error("exit code {0}")]
    Code(i32),
    /// By this signal.
    #[error("signal {0}")]
    Signal(i32),
}
