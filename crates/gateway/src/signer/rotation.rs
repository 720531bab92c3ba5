//! The next signing key in the place of the current one: `doorward key rotate-signing`.
//!
//! Running processes see it within seconds; until then they sign with the retired key, which is still published.

use doorward_auth::keys::Envelope;
use doorward_model::Timestamp;
use doorward_store::{SigningKeyState, Store};

use super::{MAX_AGE, SignerError, fresh};

/// For how long a key is published before it signs, in seconds: as long as others may keep a copy of the set without
/// it, and as long again for those who are late.
const PUBLISHED: i64 = 2 * MAX_AGE;

/// What is to be done.
pub(crate) struct Rotation<'a> {
    pub(crate) store: &'a Store,
    pub(crate) envelope: &'a Envelope,
    /// Somebody else has the keys: no key of now is believed any more, whatever that breaks.
    pub(crate) compromised: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rotated {
    /// This key signs now, and that one signs after it.
    Done { current: String, next: String },
    /// Nothing: the next key has not been published for long enough; it has at this time.
    TooEarly(Timestamp),
    /// Nothing: somebody else did it at the same time.
    Meanwhile,
}

impl Rotation<'_> {
    /// Does it.
    ///
    /// # Errors
    /// When the store fails. A rotation of compromised keys may then be half done; doing it again does the rest.
    pub(crate) async fn run(self, now: Timestamp) -> Result<Rotated, SignerError> {
        if !self.compromised {
            return self.step(Some(now.plus_secs(-PUBLISHED)), now).await;
        }
        // Twice, because whoever has the current key may have the next one.
        if self.step(None, now).await? == Rotated::Meanwhile {
            return Ok(Rotated::Meanwhile);
        }
        let rotated = self.step(None, now).await?;
        self.store.forget_retired_signing_keys(now).await?;
        Ok(rotated)
    }

    /// One key on, if the next one was published by `published_by`.
    async fn step(&self, published_by: Option<Timestamp>, now: Timestamp) -> Result<Rotated, SignerError> {
        let stored = self.store.signing_keys().await?;
        let of = |state| stored.iter().find(|key| key.state == state);
        let (Some(current), Some(next)) = (of(SigningKeyState::Current), of(SigningKeyState::Next)) else {
            return Err(SignerError::NoCurrent);
        };
        if published_by.is_some_and(|by| next.since > by) {
            return Ok(Rotated::TooEarly(next.since.plus_secs(PUBLISHED)));
        }
        let after = fresh(self.envelope, SigningKeyState::Next, now)?;
        if !self.store.rotate_signing_keys(&current.kid, &after, now).await? {
            return Ok(Rotated::Meanwhile);
        }
        Ok(Rotated::Done { current: next.kid.clone(), next: after.kid })
    }
}
