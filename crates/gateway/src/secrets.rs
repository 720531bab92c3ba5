//! Secrets that were entered by command or API: sealed in the store, opened here when the configuration is read.
//!
//! Whoever reads the configuration asks for them by name, as for variables and files. They are opened all at once, and
//! again when the store's number says that one has changed; nothing here hands a value to anybody else.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_auth::keys::Envelope;
use doorward_model::{Name, Secret};
use doorward_store::{Store, StoreError};

/// How many secrets the store takes. They are read and opened all at once.
pub(crate) const MOST: u32 = 1_000;
/// The longest value, in bytes.
pub(crate) const LONGEST: usize = 16 << 10;

/// Why a text cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    /// There is nothing.
    #[error("a secret is not empty")]
    Empty,
    /// Nobody has one so long.
    #[error("a secret has at most 16 KiB")]
    TooLong,
    /// A line end or another character that nobody sees.
    #[error("a secret is one line of text, without control characters")]
    Control,
}

/// The secrets that the store had when it was last looked at.
pub(crate) struct Secrets {
    store: Store,
    envelope: Arc<Envelope>,
    opened: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    change: i64,
    values: BTreeMap<Name, Secret>,
}

impl Secrets {
    /// Opens what the store has.
    pub(crate) async fn load(store: Store, envelope: Arc<Envelope>) -> Result<Self, StoreError> {
        let secrets = Self { store, envelope, opened: Mutex::default() };
        secrets.look_again().await?;
        Ok(secrets)
    }

    /// Opens what the store has now; says whether it may differ from what it had.
    pub(crate) async fn look_again(&self) -> Result<bool, StoreError> {
        // Before the values: what changes in between is read, and read again.
        let change = self.store.newest_secret_change().await?;
        if change == self.opened().change {
            return Ok(false);
        }
        let mut values = BTreeMap::new();
        for stored in self.store.sealed_secrets().await? {
            match open(&self.envelope, &stored.name, &stored.sealed) {
                Some(value) => drop(values.insert(stored.name, value)),
                None => {
                    tracing::error!(secret = %stored.name, "a secret of the store is damaged; enter it again");
                }
            }
        }
        *self.opened() = Opened { change, values };
        Ok(true)
    }

    /// The value of a secret, if the store has one of that name.
    pub(crate) fn value(&self, name: &Name) -> Option<Secret> {
        self.opened().values.get(name).cloned()
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses a text that cannot be a secret.
pub(crate) fn check(value: &Secret) -> Result<(), SecretError> {
    match value.expose() {
        "" => Err(SecretError::Empty),
        text if text.len() > LONGEST => Err(SecretError::TooLong),
        text if text.chars().any(char::is_control) => Err(SecretError::Control),
        _ => Ok(()),
    }
}

/// A secret as it is stored: sealed to its name.
pub(crate) fn seal(envelope: &Envelope, name: &Name, value: &Secret) -> String {
    envelope.seal(value.expose().as_bytes(), &place(name))
}

fn open(envelope: &Envelope, name: &Name, sealed: &str) -> Option<Secret> {
    let opened = envelope.open(sealed, &place(name)).ok()?;
    Some(Secret::new(std::str::from_utf8(&opened).ok()?.to_owned()))
}

fn place(name: &Name) -> [&[u8]; 3] {
    [b"secret", b"sealed", name.as_str().as_bytes()]
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.opened().values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use doorward_auth::keys::DataKey;

    use super::*;

    #[test]
    fn a_secret_opens_under_its_own_name_only() {
        let (key, mine, other) = (DataKey::generate(), Name::parse("mine"), Name::parse("other"));
        let (mine, other) = (mine.expect("a name"), other.expect("a name"));
        let envelope = Envelope::new(&key, []);
        let sealed = seal(&envelope, &mine, &Secret::new("hunter2".into()));
        assert!(!sealed.contains("hunter2"));
        assert_eq!(open(&envelope, &mine, &sealed).expect("it opens").expose(), "hunter2");
        assert!(open(&envelope, &other, &sealed).is_none(), "a row that was moved is no secret");
    }

    #[test]
    fn one_line_of_text_is_a_secret() {
        let judged = |text: &str| check(&Secret::new(text.to_owned()));
        assert_eq!(judged("hunter2"), Ok(()));
        assert_eq!(judged(&"x".repeat(LONGEST)), Ok(()));
        assert_eq!(judged(&"x".repeat(LONGEST + 1)), Err(SecretError::TooLong));
        assert_eq!(judged(""), Err(SecretError::Empty));
        for text in ["a\nb", "a\0", "\u{85}", "a\tb", "\u{7f}"] {
            assert_eq!(judged(text), Err(SecretError::Control), "{text:?}");
        }
    }
}
