//! What files hold, remembered as hashes, and when a difference counts.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use doorward_auth::keys::hash::sha256;

use crate::{commands::Note, listen::read_capped};

/// Some files and what each held. A file that cannot be read holds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen(BTreeMap<PathBuf, Option<[u8; 32]>>);

impl Seen {
    /// What these files hold now.
    pub(super) fn of(paths: Vec<PathBuf>) -> Self {
        Self(
            paths
                .into_iter()
                .map(|path| {
                    let held = held(&path);
                    (path, held)
                })
                .collect(),
        )
    }

    /// What the same files hold now.
    pub(super) fn look_again(&self) -> Self {
        Self(self.0.keys().map(|path| (path.clone(), held(path))).collect())
    }

    /// What files held when `read` read them: not a moment later.
    pub(crate) fn while_reading<T>(read: impl FnOnce(Note<'_>) -> T) -> (T, Self) {
        let seen = RefCell::new(Self::default());
        let note = |path: &Path, text: &io::Result<String>| {
            let held = text.as_ref().ok().map(|text| sha256(text.as_bytes()));
            seen.borrow_mut().0.insert(path.to_owned(), held);
        };
        let outcome = read(&note);
        (outcome, seen.into_inner())
    }
}

fn held(path: &Path) -> Option<[u8; 32]> {
    read_capped(path).ok().map(|bytes| sha256(&bytes))
}

/// Says when files have changed and stayed so for two looks in a row.
#[derive(Debug)]
pub(super) struct Settling {
    known: Seen,
    last: Seen,
}

impl Settling {
    pub(super) fn new(known: Seen) -> Self {
        Self { last: known.clone(), known }
    }

    /// What was acted on last.
    pub(super) fn known(&self) -> Seen {
        self.known.clone()
    }

    /// Takes a look in.
    pub(super) fn has_changed(&mut self, now: Seen) -> bool {
        let settled = self.last == now;
        let changed = self.known != now;
        self.last = now;
        changed && settled
    }

    /// This is what was acted on now. What could not be used as it was counts as it was looked at: it is not
    /// tried again before it changes.
    pub(super) fn settle(&mut self, mut seen: Seen) {
        for (path, held) in seen.0.iter_mut().filter(|(_, held)| held.is_none()) {
            *held = self.last.0.get(path).copied().flatten();
        }
        self.last = seen.clone();
        self.known = seen;
    }
}
