//! Reading other people's tokens (RFC 8725): a JWT of a trusted issuer becomes an identity, or a typed
//! refusal.
//!
//! The caller picks the issuer by [`Unverified::issuer`], gets its keys through [`KeyCache`], and lets
//! [`Unverified::verify`] judge. Whether the token is meant *here* is another question, asked per resource
//! with [`audience_is`]; so are the issuer's required scope and who is allowed in.
//!
//! Tokens of other kinds (assertions of clients and of other authorization servers, ID tokens) go the same way
//! as far as the signature; what they must say is judged where they are used.

mod cache;
mod certificate;
mod claims;
mod error;
mod jwt;
mod kind;

pub use cache::{KeyCache, State};
pub use certificate::{CertificateName, certificate_name};
pub(crate) use claims::Proven;
pub use error::TokenError;
pub(crate) use jwt::peek_as;
pub use jwt::{Unverified, Verified, audience_is, peek};
pub(crate) use kind::Kind;
