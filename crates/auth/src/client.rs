//! Tokens that Doorward asks other authorization servers for, to present them where it calls.
//!
//! Two grants: for Doorward itself (client credentials, RFC 6749 section 4.4), and for a caller (token exchange, RFC
//! 8693), where the subject token is Doorward's own word about who the caller is. There is no way to put a caller's
//! token in. Requests become text and answers become values here; when to ask, and for how long an answer is kept, is
//! decided elsewhere.

mod answer;
pub mod assertion;

use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_model::{Secret, TokenSource};
use url::form_urlencoded;

pub use answer::{AnswerError, Granted, MAX_ANSWER};

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// For whom a token is.
#[derive(Debug, Clone, Copy)]
pub enum Grant<'a> {
    /// For Doorward.
    ClientCredentials,
    /// For the caller whom this assertion of Doorward's names.
    Exchange(&'a Secret),
}

/// How Doorward proves who it is.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// By a secret, in HTTP Basic (RFC 6749 section 2.3.1).
    Secret(&'a Secret),
    /// By an assertion that it signed (`private_key_jwt`, RFC 7523 section 2.2).
    Assertion(&'a Secret),
}

/// A request to a token endpoint.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
    /// The body: a form.
    pub form: Secret,
}

impl TokenRequest {
    /// Puts the request together.
    ///
    /// `audience` goes along with either grant when it is configured: some servers know it beyond RFC 8693.
    pub fn new(source: &TokenSource, grant: Grant<'_>, proof: Proof<'_>) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match grant {
            Grant::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
            }
            Grant::Exchange(subject) => {
                form.extend_pairs([
                    ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                    ("subject_token", subject.expose()),
                    ("subject_token_type", JWT),
                    ("requested_token_type", ACCESS_TOKEN),
                ]);
            }
        }
        let wished =
            [("scope", &source.scope), ("resource", &source.resource), ("audience", &source.audience)];
        form.extend_pairs(wished.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
        let authorization = match proof {
            Proof::Secret(secret) => Some(basic(&source.client_id, secret)),
            Proof::Assertion(assertion) => {
                form.extend_pairs([
                    ("client_id", source.client_id.as_str()),
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", assertion.expose()),
                ]);
                None
            }
        };
        Self { authorization, form: Secret::new(form.finish()) }
    }
}

/// RFC 6749 section 2.3.1.
pub(crate) fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encode(id), encode(secret.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(credentials)))
}

#[cfg(test)]
mod tests;
