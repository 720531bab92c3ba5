//! Content that a record keeps, without its secrets.
//!
//! Works on checked JSON and replaces whole string values: those of members whose name says that they are
//! secret, and those that look like a credential wherever they stand. Best effort by nature: a server's
//! records keep content only when its operator asks for it.

use std::sync::LazyLock;

use doorward_protocol::json::{Array, Document, Kind, Object, Splice, Value};
use regex::Regex;

/// What stands where a secret stood.
const MARK: &str = "\"[redacted]\"";
/// Longest content of one record, in bytes.
const MAX_CONTENT: usize = 16 * 1024;

static SECRET_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(passw(or)?d|passphrase|secret|token|api[-_]?key|authorization|cookie|credential|private[-_]?key|\bpin\b|\botp\b)").ok()
});
static SECRET_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}",
        r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.",
        r"|-----BEGIN [A-Z ]*PRIVATE KEY",
        r"|\b(?:sk|pk|rk|ghp|gho|ghs|ghu|glpat|xox[abp]|AKIA|ASIA|AIza|dw)[-_A-Za-z0-9]{16,}",
        r"|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@",
    ))
    .ok()
});

/// The text of `value` with secrets replaced, or a note of its size when it is longer than 16 KiB.
pub fn redact(document: &Document, value: Value<'_>) -> String {
    if value.raw().len() > MAX_CONTENT {
        return format!("[{} bytes, not kept]", value.raw().len());
    }
    let document = value.to_document(document);
    let mut splice = Splice::new(&document);
    let mut stack = vec![(document.root(), false)];
    while let Some((value, secret)) = stack.pop() {
        match value.kind() {
            Kind::Object => {
                let members = value.as_object().into_iter().flat_map(Object::members);
                stack.extend(members.map(|member| (member.value, secret || names_a_secret(&member.name))));
            }
            Kind::Array => {
                stack.extend(value.as_array().into_iter().flat_map(Array::iter).map(|item| (item, secret)));
            }
            Kind::String if secret || holds_a_secret(value) => splice.replace(value, MARK.as_bytes()),
            Kind::Number if secret => splice.replace(value, MARK.as_bytes()),
            _ => {}
        }
    }
    String::from_utf8_lossy(&splice.finish()).into_owned()
}

fn names_a_secret(name: &str) -> bool {
    // A pattern that failed to compile must not let secrets through.
    SECRET_NAME.as_ref().is_none_or(|pattern| pattern.is_match(name))
}

fn holds_a_secret(value: Value<'_>) -> bool {
    let text = value.as_str().unwrap_or_default();
    SECRET_VALUE.as_ref().is_none_or(|pattern| pattern.is_match(&text))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn redacted(json: &'static str) -> String {
        let document = Document::parse(Bytes::from_static(json.as_bytes()), 32).expect("JSON");
        redact(&document, document.root())
    }

    #[test]
    fn secret_members_and_secret_looking_values_go() {
        assert_eq!(
            redacted(r#"{"user":"ann","Password":"x","o":{"api_key":["k",7]},"n":1}"#),
            r#"{"user":"ann","Password":"[redacted]","o":{"api_key":["[redacted]","[redacted]"]},"n":1}"#
        );
        for secret in [
            "Bearer abcdefgh12345",
            "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
            "ghp_0123456789abcdefghij",
            "postgres://user:pw@host/db",
        ] {
            let text = format!(r#"{{"note":"see {secret} there"}}"#);
            let document = Document::parse(Bytes::from(text), 32).expect("JSON");
            assert_eq!(redact(&document, document.root()), r#"{"note":"[redacted]"}"#, "{secret}");
        }
    }

    #[test]
    fn ordinary_text_stays_byte_for_byte() {
        let json = r#"{ "message" : "hello\n",  "n": 1.50 }"#;
        assert_eq!(redacted(json), json);
    }

    #[test]
    fn long_content_is_named_by_its_size() {
        let text = format!("[\"{}\"]", "a".repeat(20_000));
        let document = Document::parse(Bytes::from(text), 32).expect("JSON");
        assert_eq!(redact(&document, document.root()), "[20004 bytes, not kept]");
    }
}
