//! The test kit's issuer, as the tests here use it.

use doorward_testkit::issuer::TestIssuer;
use serde_json::json;

use crate::harness::{Trusted, within};

/// A running issuer.
pub(crate) struct Issuer {
    pub(crate) trusted: Trusted,
    issuer: TestIssuer,
}

impl Issuer {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let issuer = within(TestIssuer::start());
        let trusted = Trusted { issuer: issuer.url().to_owned(), jwks_uri: issuer.jwks_uri() };
        Self { trusted, issuer }
    }

    /// A token for one resource, good for an hour.
    pub(crate) fn token(&self, resource: &str) -> String {
        self.token_of("ada", resource)
    }

    /// The same for another caller.
    pub(crate) fn token_of(&self, subject: &str, resource: &str) -> String {
        let mut claims = self.issuer.claims(subject, resource);
        claims["client_id"] = json!("peer");
        claims["scope"] = json!("mcp:read mcp:call");
        claims["exp"] = json!(claims["iat"].as_u64().expect("a time") + 3600);
        self.issuer.mint(claims).expect("a token")
    }
}
