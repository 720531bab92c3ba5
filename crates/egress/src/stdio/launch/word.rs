//! The one line that a launcher says about itself, before anything of the command has run.

use std::fmt;

use tokio::io::{AsyncRead, AsyncReadExt as _};

const READY: &str = "doorward: ready";
const READY_BUT: &str = "doorward: ready, but ";
const REFUSED: &str = "doorward: not started: ";

/// Longer lines are not a launcher's.
const LONGEST: usize = 4 << 10;

/// How far a launcher got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stdio) enum Word<T = String> {
    /// All that was asked for holds, and the command comes next.
    Ready {
        /// What the kernel has no words for, beyond what was asked.
        missing: Option<T>,
    },
    /// The command is not started.
    Refused(String),
}

impl<T: fmt::Display> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { missing: None } => f.write_str(READY),
            Self::Ready { missing: Some(missing) } => write!(f, "{READY_BUT}{missing}"),
            // One line, whatever a path has in it.
            Self::Refused(reason) => write!(f, "{REFUSED}{}", reason.replace(char::is_control, " ")),
        }
    }
}

impl Word {
    /// Reads the line, and not a byte of what follows it. `None` when it is not a launcher's: whatever runs there
    /// is not confined.
    pub(in crate::stdio) async fn hear<R: AsyncRead + Unpin>(stderr: &mut R) -> Option<Self> {
        let mut line = Vec::new();
        loop {
            match stderr.read_u8().await {
                Ok(b'\n') => return Self::read(std::str::from_utf8(&line).ok()?),
                Ok(byte) if line.len() < LONGEST => line.push(byte),
                _ => return None,
            }
        }
    }

    fn read(line: &str) -> Option<Self> {
        if line == READY {
            return Some(Self::Ready { missing: None });
        }
        if let Some(missing) = line.strip_prefix(READY_BUT) {
            return Some(Self::Ready { missing: Some(missing.to_owned()) });
        }
        line.strip_prefix(REFUSED).map(|reason| Self::Refused(reason.to_owned()))
    }
}
