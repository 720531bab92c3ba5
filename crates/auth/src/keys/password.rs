//! Passwords of local users: Argon2id (RFC 9106) with a salt of its own for each.
//!
//! One hash takes tens of milliseconds and 19 MiB on purpose. Whoever calls keeps that off the threads that
//! serve requests, and bounds how many run at once.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use doorward_model::Secret;

use super::hash;

/// The shortest password, in characters.
pub const MIN_LENGTH: usize = 8;
/// The longest password, in bytes.
pub const MAX_BYTES: usize = 1024;
/// Memory in KiB, passes and lanes: what OWASP recommends for servers.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// The most memory that a stored hash may cost, in KiB: a changed row must not take all there is.
const MAX_MEMORY: u32 = 1 << 20;
/// In the form of a hash, with the costs of one; of no password that anybody knows.
const OF_NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a text is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`MIN_LENGTH`] characters.
    #[error("a password has at least {MIN_LENGTH} characters")]
    TooShort,
    /// More than [`MAX_BYTES`] bytes.
    #[error("a password has at most {MAX_BYTES} bytes")]
    TooLong,
    /// There is not enough memory for a hash.
    #[error("the password cannot be hashed: there is not enough memory")]
    Memory,
}

/// Whether a text may become a password. Length is all that counts.
pub fn check(password: &Secret) -> Result<(), PasswordError> {
    if password.expose().len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    if password.expose().chars().count() < MIN_LENGTH {
        return Err(PasswordError::TooShort);
    }
    Ok(())
}

/// What is stored of a new password: costs, salt and hash in the form of PHC strings. Slow.
///
/// # Errors
/// [`PasswordError`], also for what [`check`] refuses.
///
/// # Panics
/// When the operating system has no entropy to give.
pub fn hash(password: &Secret) -> Result<String, PasswordError> {
    check(password)?;
    let salt: [u8; 16] = hash::random();
    let hashed = hasher()?.hash_password_with_salt(password.expose().as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| PasswordError::Memory)
}

/// Whether this is the password of which `stored` is kept. Slow.
///
/// `None` stands for a user that does not exist, and takes just as long as a wrong password.
pub fn verify(password: &Secret, stored: Option<&str>) -> bool {
    if password.expose().len() > MAX_BYTES {
        return false;
    }
    let Ok(known) = PasswordHash::new(stored.unwrap_or(OF_NOBODY)) else { return false };
    let affordable = Params::try_from(&known).is_ok_and(|params| params.m_cost() <= MAX_MEMORY);
    let same = || Argon2::default().verify_password(password.expose().as_bytes(), &known).is_ok();
    affordable && same() && stored.is_some()
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|_| PasswordError::Memory)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[test]
    fn the_password_and_no_other() {
        let stored = hash(&secret("correct horse")).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(&secret("correct horse"), Some(&stored)));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!verify(&secret(wrong), Some(&stored)), "{wrong}");
        }
        assert_ne!(hash(&secret("correct horse")).unwrap(), stored, "each has its salt");
    }

    /// The reference implementation's test vector for version 0x13 with 2^16 KiB, 2 passes and 1 lane.
    #[test]
    fn the_published_example() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify(&secret("password"), Some(stored)));
        assert!(!verify(&secret("passwore"), Some(stored)));
    }

    #[test]
    fn nobody_has_no_password_and_costs_as_much() {
        assert!(!verify(&secret("correct horse"), None));
        let costs = |stored: &str| stored.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let real = hash(&secret("correct horse")).unwrap();
        assert_eq!(costs(OF_NOBODY), costs(&real));
        assert_eq!(OF_NOBODY.len(), real.len());
        assert!(PasswordHash::new(OF_NOBODY).is_ok(), "what cannot be read is refused at once");
    }

    #[test]
    fn lengths() {
        assert_eq!(check(&secret("1234567")), Err(PasswordError::TooShort));
        assert_eq!(check(&secret("ääääääää")), Ok(()));
        assert_eq!(check(&secret("äääääää")), Err(PasswordError::TooShort), "seven characters");
        assert_eq!(check(&secret(&"x".repeat(1024))), Ok(()));
        assert_eq!(check(&secret(&"x".repeat(1025))), Err(PasswordError::TooLong));
        assert_eq!(hash(&secret("short")), Err(PasswordError::TooShort));
        assert!(!verify(&secret(&"x".repeat(1 << 20)), None));
    }

    #[test]
    fn what_is_stored_may_be_anything() {
        for stored in
            ["", "x", "$argon2id$", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA"]
        {
            assert!(!verify(&secret("correct horse"), Some(stored)), "{stored}");
        }
    }
}
