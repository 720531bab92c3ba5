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

use tokio::sync::Semaphore;

use provider::Providers;

/// Passwords that are checked at the same time: each costs 19 MiB and a core for a moment.
const PASSWORDS_AT_ONCE: usize = 2;

/// What is remembered about signing in, beside the store.
pub(crate) struct People {
    passwords: Semaphore,
    pub(crate) providers: Providers,
    pub(crate) first: first::FirstLink,
}

impl People {
    pub(crate) fn new() -> Self {
        Self {
            passwords: Semaphore::new(PASSWORDS_AT_ONCE),
            providers: Providers::new(),
            first: first::FirstLink::new(),
        }
    }

    /// Runs work on a password where it holds up nobody else. False when it did not end.
    pub(crate) async fn passwords<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let Ok(_permit) = self.passwords.acquire().await else { return T::default() };
        tokio::task::spawn_blocking(work).await.unwrap_or_default()
    }
}
