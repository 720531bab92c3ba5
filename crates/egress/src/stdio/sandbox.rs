//! This side of a sandbox: what the launcher is asked for, and whether it could do it.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf, absolute},
    time::Duration,
};

use doorward_model::{Command, Sandbox};
use tempfile::TempDir;
use tokio::{io::AsyncRead, time::timeout};

use super::launch::{Plan, Word};
use crate::ChannelError;

/// How long a launcher may take for its work, which is that of a moment.
const LAUNCH: Duration = Duration::from_secs(20);

/// A directory of its own for what a child with a sandbox writes on the way. It is gone when the child is, or when
/// this is dropped.
#[derive(Debug)]
pub(super) struct Room(TempDir);

impl Room {
    pub(super) fn make() -> Result<Self, ChannelError> {
        let failed =
            |error: io::Error| ChannelError::Start(format!("it gets no directory of its own: {error}"));
        // Without links from the start: the launcher believes only such paths, and others may write there too.
        let beneath = std::env::temp_dir().canonicalize().map_err(failed)?;
        let room = tempfile::Builder::new()
            .prefix("doorward-child-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(beneath)
            .map_err(failed)?;
        Ok(Self(room))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// What the launcher is to do. Paths are made absolute here: the child begins in another directory.
    pub(super) fn plan(&self, command: &Command, allowed: &Sandbox) -> Result<Plan, ChannelError> {
        let all = |paths: &[PathBuf]| paths.iter().map(absolute).collect::<io::Result<Vec<_>>>();
        let read_and_write = all(&allowed.read).and_then(|read| Ok((read, all(&allowed.write)?)));
        let (read, mut write) = read_and_write.map_err(|error| super::refused(&error))?;
        write.push(self.path().to_owned());
        let argv = command.argv.iter().map(Into::into).collect();
        let program = allowed.program.clone();
        Ok(Plan { parent: std::process::id(), network: allowed.network, read, write, program, argv })
    }

    /// Removes it. Children can make that long work, which nobody else waits for.
    pub(super) async fn remove(self) {
        // What cannot be removed stays in the system's directory for such things.
        let _ = tokio::task::spawn_blocking(move || fs::remove_dir_all(self.path())).await;
    }
}

/// Waits for what the launcher says. Only after this has the command been let loose, and it is confined.
pub(super) async fn admit<R: AsyncRead + Unpin>(stderr: &mut R, name: &str) -> Result<(), ChannelError> {
    let refused = |reason: &str| Err(ChannelError::Start(reason.to_owned()));
    match timeout(LAUNCH, Word::hear(stderr)).await {
        Ok(Some(Word::Ready { missing })) => {
            if let Some(missing) = missing {
                tracing::info!(
                    upstream = name,
                    missing,
                    "the sandbox of the command holds less than it could"
                );
            }
            Ok(())
        }
        Ok(Some(Word::Refused(reason))) => refused(&reason),
        Ok(None) => refused("its launcher did not answer"),
        Err(_) => refused("its launcher did not answer in time"),
    }
}
