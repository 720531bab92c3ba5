//! Whose connection serves a caller: the one place that decides it.
//!
//! A person is who signs in to Doorward. A caller with a token of Doorward's own is the person that it was given to; a
//! caller with a token of an issuer is a person where people also sign in by that very issuer. Everybody else is nobody:
//! programs, keys and certificates have no connections of their own.

use doorward_model::{Caller, Connecting, Identity, Snapshot};

/// What stands for everybody, where a connection is shared.
const EVERYBODY: &str = "";

/// The person whose connection is presented for a caller; the empty text where it is everybody's. None: the caller is no
/// person.
pub(crate) fn whose(snapshot: &Snapshot, connecting: &Connecting, caller: &Caller) -> Option<String> {
    if connecting.shared { Some(EVERYBODY.to_owned()) } else { person_of(snapshot, caller) }
}

/// The person that a caller is: `<provider>:<subject>`, or the name of a local user.
pub(crate) fn person_of(snapshot: &Snapshot, caller: &Caller) -> Option<String> {
    let Identity { issuer, subject, client, .. } = caller.identity()?;
    if *issuer == snapshot.origin() {
        by_doorward(snapshot, subject)
    } else if client.as_ref() == Some(subject) {
        // A program with a token of its own (RFC 9068 section 2.2): whatever its name, it is no person.
        None
    } else {
        by_issuer(snapshot, issuer, subject)
    }
}

/// Of a token of Doorward's own: who signed in, or whom an issuer's assertion named (ID-JAG).
fn by_doorward(snapshot: &Snapshot, subject: &str) -> Option<String> {
    let Some((by, sub)) = subject.split_once(':') else { return Some(subject.to_owned()) };
    let named = |name: &str| name == by;
    let provider = snapshot.sign_in.iter().find(|(name, _)| named(name.as_str())).map(|(_, it)| &it.issuer);
    let assertions = snapshot.issuers.iter().find(|(name, it)| named(name.as_str()) && it.id_jag);
    match (provider, assertions.map(|(_, it)| &it.issuer)) {
        // One name for two: nobody can say by which of them the subject is known.
        (Some(provider), Some(issuer)) if provider != issuer => None,
        (Some(_), _) => Some(subject.to_owned()),
        (None, Some(issuer)) => by_issuer(snapshot, issuer, sub),
        (None, None) => None,
    }
}

fn by_issuer(snapshot: &Snapshot, issuer: &str, subject: &str) -> Option<String> {
    let provider = snapshot.sign_in.iter().find(|(_, provider)| provider.issuer == issuer);
    provider.map(|(name, _)| format!("{name}:{subject}"))
}

#[cfg(test)]
mod tests;
