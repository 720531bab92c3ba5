//! What must hold for every input of the program's parsers: one function a target, which takes any bytes and panics when
//! an invariant is broken.
//!
//! The functions are run by libFuzzer (`fuzz/` at the root of the repository, on a nightly compiler) and on stable by
//! `tests/fuzz_corpora.rs`, which replays the corpora in every run of the tests. They do no I/O and know no clock. What is
//! compared is another reader (`serde_json`), another way to the same result, or a property of the standard; nothing here
//! asks the parser whether the parser was right.
//!
//! Targets that need more than one input take it in lines: what comes before the first line feed is the first one.

mod a2a;
mod card;
mod claims;
mod configuration;
mod envelope;
mod grpc;
mod json;
mod oauth;
mod oauth_client;
mod splice;
mod sse;
#[cfg(test)]
mod tests;
mod text;

pub use a2a::{a2a_payload, a2a_rest};
pub use card::agent_card;
pub use claims::{jwks, jwt};
pub use configuration::configuration;
pub use envelope::modern_request;
pub use grpc::{grpc, proto};
pub use json::json;
pub use oauth::{client_document, form, redirect_uri, registration};
pub use oauth_client::{callback, challenge, metadata, token_answer};
pub use splice::splice;
pub use sse::sse;
pub use text::{header, uri_template};

/// What checks one input.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its corpus and of its program in `fuzz/fuzz_targets`.
pub const TARGETS: [(&str, Target); 22] = [
    ("agent_card", agent_card),
    ("a2a_payload", a2a_payload),
    ("a2a_rest", a2a_rest),
    ("callback", callback),
    ("challenge", challenge),
    ("client_document", client_document),
    ("configuration", configuration),
    ("form", form),
    ("grpc", grpc),
    ("header", header),
    ("json", json),
    ("jwks", jwks),
    ("jwt", jwt),
    ("metadata", metadata),
    ("modern_request", modern_request),
    ("proto", proto),
    ("redirect_uri", redirect_uri),
    ("registration", registration),
    ("splice", splice),
    ("sse", sse),
    ("token_answer", token_answer),
    ("uri_template", uri_template),
];

/// How deep the documents of these targets may nest.
const DEPTH: usize = 64;

/// What comes before the first line feed, and what comes after it.
fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
