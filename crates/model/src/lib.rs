//! What the gateway knows: plain types, no I/O.
//!
//! The glossary of the product. A word has one meaning here and everywhere else:
//!
//! | word | type |
//! |---|---|
//! | upstream | [`Upstream`]: an MCP server that Doorward calls |
//! | virtual server | [`VirtualServer`]: an MCP endpoint that Doorward publishes |
//! | agent | [`Agent`]: an A2A agent that Doorward publishes |
//! | capability | [`Kind`] and a name or URI: a tool, prompt, resource or resource template |
//! | caller | [`Caller`]: who makes a request |
//! | issuer | [`Issuer`]: whose tokens callers may present |
//! | sign-in provider | [`SignInProvider`]: an OpenID provider that people sign in with |
//! | credential | [`Credential`]: what Doorward presents upstream |
//! | connection | one person's stored authorization at one upstream; [`Connecting`]: how it is made |
//! | record | [`Record`]: one entry of the audit log |
//! | snapshot | [`Snapshot`]: the immutable picture that the request path reads |
//!
//! Nothing here knows a wire format, a table or a socket.

mod a2a_version;
mod agent;
mod caller;
mod clock;
mod connection;
mod invisible;
mod issuer;
mod limits;
mod name;
mod oauth;
mod rate;
mod record;
mod secret;
mod server;
mod sign_in;
mod snapshot;
mod upstream;

pub use a2a_version::{A2aVersion, UnsupportedVersion};
pub use agent::{Agent, ApiKey, ApiKeys, Binding, CardKeys, CardSignature, Quotas, SignatureMode};
pub use caller::{Caller, CallerKey, Identity, Voucher};
pub use clock::{Clock, SystemClock, Timestamp};
pub use connection::{AssertionSource, Connecting, OwnClient, Place};
pub use invisible::is_invisible;
pub use issuer::{Algorithm, Issuer};
pub use limits::Limits;
pub use name::{Name, NameError};
pub use oauth::{
    Client, ClientAuthentication, ClientGrant, ClientKeys, ClientKind, GrantTypes, Person, Scope, Scopes,
    SecretMethod, UnknownScope,
};
pub use rate::{Rate, RateBy, RateLimit, TooOften};
pub use record::{BatchMessage, Decision, Fault, Record};
pub use secret::Secret;
pub use server::{Access, Allow, Curation, JwtAccess, Kind, Payloads, VirtualServer};
pub use sign_in::{ClientDocuments, SignInAllow, SignInProvider, TokenRules};
pub use snapshot::Snapshot;
pub use upstream::{Command, Credential, Sandbox, TokenSource, Transport, Upstream};
