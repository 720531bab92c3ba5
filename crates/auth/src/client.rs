//! Doorward as a client of other authorization servers: the tokens that it presents where it calls.
//!
//! Four ways to a token: for Doorward itself (client credentials, RFC 6749 section 4.4), for a caller (token exchange, RFC
//! 8693, where the subject token is Doorward's own word about who the caller is), for a person who authorized it (the code
//! flow, RFC 6749 section 4.1, and refreshing, section 6), and for a person whom an identity provider vouches for (ID-JAG,
//! draft-ietf-oauth-identity-assertion-authz-grant). There is no way to put a caller's token in. Requests become text and
//! answers become values here; when to ask, and for how long an answer is kept, is decided elsewhere.
//!
//! In the order in which they are needed:
//!
//! - [`challenge`]: what a resource says that wants a token;
//! - [`discovery`]: which authorization server it has, and what that is like;
//! - [`registration`]: how Doorward is known there;
//! - [`scope`]: what to ask for;
//! - [`authorization`]: the person's way there and back;
//! - [`TokenRequest`] and [`Granted`], with [`assertion`]: the token endpoint, and the end of a token.

mod answer;
pub mod assertion;
pub mod authorization;
pub mod challenge;
pub mod discovery;
pub(crate) mod refusal;
pub mod registration;
pub mod scope;

use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_model::{Secret, TokenSource};
use url::form_urlencoded;

use crate::server::token_request::JWT_BEARER;

pub use answer::{AnswerError, Granted, MAX_ANSWER, revoked};

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// draft-ietf-oauth-identity-assertion-authz-grant, section 4.3.
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
/// RFC 8693 section 2.1.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a token is asked for with.
#[derive(Debug, Clone, Copy)]
pub enum Grant<'a> {
    /// Nothing: it is for Doorward.
    ClientCredentials,
    /// This assertion of Doorward's, for the caller whom it names.
    Exchange(&'a Secret),
    /// The code that a person's browser brought (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    Code {
        /// The code.
        code: &'a Secret,
        /// The redirect URI of the authorization request.
        redirect_uri: &'a str,
        /// The verifier of its challenge.
        verifier: &'a Secret,
    },
    /// The refresh token of an earlier answer (RFC 6749 section 6).
    Refresh(&'a Secret),
    /// An ID token of the sign-in provider that is asked: for an identity assertion (ID-JAG), which its answer has in the
    /// place of an access token. [`Target::audience`] is the issuer that the assertion is for.
    IdToken(&'a Secret),
    /// An identity assertion (ID-JAG), by whomever (RFC 7523 section 2.1).
    Assertion(&'a Secret),
}

/// How Doorward proves who it is.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// Not at all: it is a public client.
    None,
    /// By a secret, in HTTP Basic (RFC 6749 section 2.3.1).
    Secret(&'a Secret),
    /// By a secret, in the form (RFC 6749 section 2.3.1).
    Form(&'a Secret),
    /// By an assertion that it signed (`private_key_jwt`, RFC 7523 section 2.2).
    Assertion(&'a Secret),
}

/// Who asks, and what for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// Doorward's name there.
    pub client_id: &'a str,
    /// The scopes to ask for, with spaces between them. Codes and refresh tokens have theirs.
    pub scope: Option<&'a str>,
    /// RFC 8707 `resource`.
    pub resource: Option<&'a str>,
    /// `audience`: some servers know it beyond RFC 8693.
    pub audience: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// What a configured source is asked for.
    pub fn of(source: &'a TokenSource) -> Self {
        Self {
            client_id: &source.client_id,
            scope: source.scope.as_deref(),
            resource: source.resource.as_deref(),
            audience: source.audience.as_deref(),
        }
    }
}

/// Which token ends (RFC 7009 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An access token.
    Access,
    /// A refresh token, and all that came of it.
    Refresh,
}

/// A request to a token or revocation endpoint.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
    /// The body: a form.
    pub form: Secret,
}

type Form = form_urlencoded::Serializer<'static, String>;

impl TokenRequest {
    /// Asks for a token.
    pub fn new(target: &Target<'_>, grant: Grant<'_>, proof: Proof<'_>) -> Self {
        let mut form = Form::new(String::new());
        grant.write(&mut form);
        let bound = matches!(grant, Grant::Code { .. } | Grant::Refresh(_));
        let wished = [
            ("scope", target.scope.filter(|_| !bound)),
            ("resource", target.resource),
            ("audience", target.audience.filter(|_| !bound)),
        ];
        form.extend_pairs(wished.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Self::proved(form, target.client_id, proof)
    }

    /// Ends a token (RFC 7009 section 2.1); [`revoked`] reads the answer.
    pub fn revocation(client_id: &str, token: &Secret, kind: TokenKind, proof: Proof<'_>) -> Self {
        let mut form = Form::new(String::new());
        let hint = match kind {
            TokenKind::Access => "access_token",
            TokenKind::Refresh => "refresh_token",
        };
        form.extend_pairs([("token", token.expose()), ("token_type_hint", hint)]);
        Self::proved(form, client_id, proof)
    }

    /// With who asks. The name is in the form also beside HTTP Basic, as RFC 6749 section 3.2.1 allows: servers on the SDK in
    /// Python look for it there.
    fn proved(mut form: Form, client_id: &str, proof: Proof<'_>) -> Self {
        let mut authorization = None;
        form.append_pair("client_id", client_id);
        match proof {
            Proof::None => {}
            Proof::Secret(secret) => authorization = Some(basic(client_id, secret)),
            Proof::Form(secret) => {
                form.append_pair("client_secret", secret.expose());
            }
            Proof::Assertion(assertion) => {
                form.extend_pairs([
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", assertion.expose()),
                ]);
            }
        }
        Self { authorization, form: Secret::new(form.finish()) }
    }
}

impl Grant<'_> {
    fn write(self, form: &mut Form) {
        match self {
            Self::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
            }
            Self::Exchange(subject) => exchange(form, subject, [JWT, ACCESS_TOKEN]),
            Self::IdToken(subject) => exchange(form, subject, [ID_TOKEN, ID_JAG]),
            Self::Code { code, redirect_uri, verifier } => {
                form.extend_pairs([
                    ("grant_type", "authorization_code"),
                    ("code", code.expose()),
                    ("redirect_uri", redirect_uri),
                    ("code_verifier", verifier.expose()),
                ]);
            }
            Self::Refresh(token) => {
                form.extend_pairs([("grant_type", "refresh_token"), ("refresh_token", token.expose())]);
            }
            Self::Assertion(assertion) => {
                form.extend_pairs([("grant_type", JWT_BEARER), ("assertion", assertion.expose())]);
            }
        }
    }
}

/// RFC 8693 section 2.1: what the subject token is, and what is wanted.
fn exchange(form: &mut Form, subject: &Secret, [kind, wanted]: [&str; 2]) {
    form.extend_pairs([
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", subject.expose()),
        ("subject_token_type", kind),
        ("requested_token_type", wanted),
    ]);
}

/// RFC 6749 section 2.3.1.
fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encode(id), encode(secret.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(credentials)))
}

#[cfg(test)]
mod tests;
