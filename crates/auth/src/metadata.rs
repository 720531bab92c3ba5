//! Documents in which servers describe themselves (RFC 8414, RFC 9728, OpenID Connect Discovery), read member by member.
//!
//! What is asked of which kind of server is decided where it is used: [`crate::client::discovery`] for the authorization
//! servers of upstreams, [`crate::sign_in`] for OpenID providers.

use serde_json::{Map, Value};
use url::Url;

use crate::{json, server::web_address};

/// The longest list that is looked at.
const MAX_LIST: usize = 500;

/// The members of such a document.
pub(crate) struct Document(Map<String, Value>);

impl Document {
    /// One JSON object without duplicate members.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        json::object(bytes).map(Self)
    }

    /// Whether it is the document of `issuer`, compared as text (RFC 8414 section 3.3, OpenID Connect Discovery section
    /// 4.3).
    pub(crate) fn is_of(&self, issuer: &str) -> bool {
        self.text("issuer") == Some(issuer)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Whether a switch is on.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// An `http` or `https` address without user and fragment.
    pub(crate) fn address(&self, name: &str) -> Option<Url> {
        web_address(self.text(name)?)
    }

    /// A list, of which only the texts count.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let list = self.0.get(name)?.as_array()?;
        Some(list.iter().take(MAX_LIST).filter_map(Value::as_str).collect())
    }

    /// Whether there is a member, whatever it is.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }
}
