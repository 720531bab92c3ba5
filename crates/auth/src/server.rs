//! The authorization server of OAuth 2.1 without its I/O: what clients send is read here, judged here, and
//! answered in values.
//!
//! Nothing here knows a route, a table or a page. What must be looked up (a client, a resource, a code) is
//! looked up by the caller and handed in; what must happen once (a code, an assertion) is named, and made to
//! happen once by the store.
//!
//! In the order in which a client meets them:
//!
//! - [`metadata`]: what the server says of itself;
//! - [`registration`] and [`client_document`]: how clients come to be known; both use [`redirect_uri`];
//! - [`authorize`]: the request that a browser brings, with [`pkce`], [`resource`] and [`scope`];
//! - [`token_request`]: what is sent to the token endpoint, by whom ([`client_auth`]), and with whose word
//!   ([`assertion`]);
//! - [`token`]: what is given out;
//! - [`form`] and [`error`]: how all of it travels.

pub mod assertion;
pub mod authorize;
pub mod client_auth;
pub mod client_document;
mod described;
pub mod error;
pub mod form;
pub mod metadata;
pub mod pkce;
pub mod redirect_uri;
pub mod registration;
pub mod resource;
pub mod scope;
pub mod token;
pub mod token_request;
mod uri;

pub(crate) use described::web_address;
pub use error::{ErrorCode, OAuthError};
