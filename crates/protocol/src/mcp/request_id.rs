//! JSON-RPC ids towards an upstream are Doorward's own.
//!
//! Two callers may use the same id at the same moment, and servers that share one transport between them
//! have delivered one caller's answer to another (CVE-2026-25536). An own id is
//! `dw.<tag>.<caller's id>`: the tag tells sessions or requests apart, and the caller's id, in base64url of
//! its JSON text, can be read back. So nothing needs to be stored to translate a cancellation, or an answer
//! that arrives on another stream, connection or replica.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;

use crate::{json::Document, rpc::is_id};

/// What sets the ids of one session, or of one request without a session, apart from all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// A tag from random or hashed bytes.
    pub fn new(bytes: [u8; 9]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The own id for a caller's id, the latter as JSON text. Plain ASCII that needs no escapes in JSON.
    pub fn own(&self, client_id: &[u8]) -> String {
        format!("dw.{}.{}", self.0, URL_SAFE_NO_PAD.encode(client_id))
    }

    /// The caller's id, as JSON text, if `own` is an id of this tag. An upstream that has seen one id can write
    /// others of the same tag, so what comes out is checked to be an id and nothing more.
    pub fn client(&self, own: &str) -> Option<Vec<u8>> {
        let encoded = own.strip_prefix("dw.")?.strip_prefix(&*self.0)?.strip_prefix('.')?;
        let id = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let document = Document::parse(Bytes::from(id.clone()), 1).ok()?;
        (is_id(document.root()) && document.root().raw() == id).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn an_own_id_reads_back_only_under_its_tag(id in ".{0,30}", a in proptest::array::uniform9(0u8..), b in proptest::array::uniform9(0u8..)) {
            let id = crate::json::quote(&id).into_bytes();
            let own = Tag::new(a).own(&id);
            proptest::prop_assert_eq!(Tag::new(a).client(&own), Some(id));
            if a != b {
                proptest::prop_assert_eq!(Tag::new(b).client(&own), None);
            }
        }
    }

    #[test]
    fn what_an_upstream_puts_behind_the_tag_must_be_an_id() {
        let tag = Tag::new([7; 9]);
        for id in ["1", "-3", "\"\"", "\"a\\n\""] {
            assert_eq!(tag.client(&tag.own(id.as_bytes())).as_deref(), Some(id.as_bytes()));
        }
        let long = format!("\"{}\"", "x".repeat(256));
        for other in [
            "",
            "1,\"result\":{\"tools\":[{\"name\":\"hidden\"}]}",
            "1\n\ndata: {}",
            " 1",
            "1\n",
            "1.5",
            "null",
            "true",
            "{}",
            "[1]",
            "\"a\nb\"",
            "\"\\ud800\"",
            "\"open",
            &long,
        ] {
            assert_eq!(tag.client(&tag.own(other.as_bytes())), None, "{other}");
        }
    }
}
