//! The people who sign in: who they are, how they prove it, and how a browser is known again.
//!
//! | module | what |
//! |---|---|
//! | `cookie` | the two cookies: which browser, and who is signed in there |
//! | `ticket` | sealed values that forms and redirects carry, bound to the browser |
//! | `session` | somebody is signed in |
//! | `admission` | whom the operator lets in: at sign-in, at consent, on every call |
//! | `sign_in` | name and password |
//! | `provider` | by way of a sign-in provider |
//! | `first` | the first administrator |

pub(crate) mod admission;
pub(crate) mod cookie;
pub(crate) mod first;
pub(crate) mod provider;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod ticket;

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use tokio::sync::{Mutex, MutexGuard, Semaphore};

use provider::Providers;

/// Passwords that are checked at the same time: each costs 19 MiB and a core for a moment.
const PASSWORDS_AT_ONCE: usize = 2;

/// Addresses that try passwords at the same time; those that share a place wait for each other.
const TURNS: usize = 64;

/// What is remembered about signing in, beside the store.
pub(crate) struct People {
    turns: [Mutex<()>; TURNS],
    places: RandomState,
    passwords: Arc<Semaphore>,
    pub(crate) providers: Providers,
    pub(crate) first: first::FirstLink,
}

impl People {
    pub(crate) fn new() -> Self {
        Self {
            turns: [const { Mutex::const_new(()) }; TURNS],
            places: RandomState::new(),
            passwords: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
            providers: Providers::new(),
            first: first::FirstLink::new(),
        }
    }

    /// One attempt of an address at a time: whether another is one too many is known only when those before it have
    /// been judged.
    pub(crate) async fn turn(&self, address: &str) -> MutexGuard<'_, ()> {
        let place = self.places.hash_one(address) % TURNS as u64;
        self.turns[usize::try_from(place).unwrap_or_default()].lock().await
    }

    /// Runs work on a password where it holds up nobody else. The default when it did not end.
    pub(crate) async fn passwords<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let Ok(permit) = Arc::clone(&self.passwords).acquire_owned().await else { return T::default() };
        // The permit goes along: the work goes on when whoever asked has gone.
        let permitted = move || {
            let done = work();
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(permitted).await.unwrap_or_default()
    }
}
