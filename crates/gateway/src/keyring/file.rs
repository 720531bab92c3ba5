//! The master key's file: made once, and changed whole or not at all.
//!
//! It holds one key a line. The first wraps data keys; the others, which are there only while the master key is
//! being changed, still open what they wrapped.

use std::{
    borrow::Cow,
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown},
    path::{Path, PathBuf},
};

use doorward_auth::keys::hash;
use doorward_model::Secret;

/// How the names of new files end.
const NEW: &str = ".doorward-new";

/// Makes a file that does not exist yet, with its directory. False when there is one.
///
/// There is never half a file: another process that starts at the same time finds none, or all of it.
pub(super) fn make(path: &Path, text: &Secret) -> io::Result<bool> {
    if let Some(directory) = path.parent() {
        // Nobody else has any business in there.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let beside = write_beside(path, text)?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match linked {
        Ok(()) => sync_directory(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Says so when others on this host may read the file: it opens everything that is sealed in the store.
pub(super) fn warn_of_readers(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |file| file.mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, mode = format!("{:o}", mode & 0o777), "others may read the master key: chmod 600");
    }
}

/// Puts another text in the place of a file, for the same owner.
pub(super) fn replace(path: &Path, text: &Secret) -> io::Result<()> {
    // A link stays a link: what it leads to is the file.
    let path = fs::canonicalize(path)?;
    sweep(&path)?;
    let beside = write_beside(&path, text)?;
    let moved = keep_owner(&path, &beside).and_then(|()| fs::rename(&beside, &path));
    if moved.is_err() {
        // The failure that counts is the one before.
        let _ = fs::remove_file(&beside);
    }
    moved.and_then(|()| sync_directory(&path))
}

/// Root may change the key of a service that runs as somebody else.
fn keep_owner(path: &Path, beside: &Path) -> io::Result<()> {
    let old = fs::metadata(path)?;
    let new = fs::metadata(beside)?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        chown(beside, Some(old.uid()), Some(old.gid()))?;
    }
    fs::set_permissions(beside, old.permissions())
}

/// Takes back what [`make`] made, unless it is something else by now.
pub(super) fn unmake(path: &Path, text: &Secret) -> io::Result<()> {
    if fs::read_to_string(path)? == text.expose() { fs::remove_file(path) } else { Ok(()) }
}

/// Keeps others on this host from changing the file as long as the returned value lives.
///
/// Locked is the directory, because the file itself is replaced.
pub(super) fn lock(path: &Path) -> io::Result<fs::File> {
    let directory = fs::File::open(directory_of(&fs::canonicalize(path)?))?;
    match directory.try_lock() {
        Ok(()) => Ok(directory),
        Err(fs::TryLockError::WouldBlock) => {
            Err(io::Error::other("another `doorward key rotate` is at work"))
        }
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Removes new files of processes that were killed before they could put them in their place.
fn sweep(path: &Path) -> io::Result<()> {
    let begin = format!("{}.", name_of(path));
    for entry in fs::read_dir(directory_of(path))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(&begin) && name.ends_with(NEW)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A new file in the same directory, on disk.
fn write_beside(path: &Path, text: &Secret) -> io::Result<PathBuf> {
    let beside = path.with_file_name(format!("{}.{}{NEW}", name_of(path), hash::random_hex::<8>()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file.write_all(text.expose().as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // The failure that counts is the one before.
        let _ = fs::remove_file(&beside);
    }
    written.map(|()| beside)
}

fn name_of(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(directory_of(path))?.sync_all()
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}
