//! Reading what a caller wants to be told, and where.

use doorward_egress::{EgressError, Trust};
use doorward_model::Secret;
use doorward_protocol::json::{Object, Value};
use http::Uri;
use url::Url;

use super::super::{super::Refusal, invalid};
use crate::{App, push::Secrets};

/// Longest URL, in bytes.
const MAX_URL: usize = 2_048;
/// Longest id, in bytes.
const MAX_ID: usize = 512;
/// Longest token or credentials, in bytes.
const MAX_SECRET: usize = 4_096;
/// Longest scheme, in bytes.
const MAX_SCHEME: usize = 64;

/// A webhook as a caller names it.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) id: Option<String>,
    pub(super) url: String,
    pub(super) secrets: Secrets,
    uri: Uri,
}

impl Hook {
    /// Reads a `TaskPushNotificationConfig` of 1.0. `prefix` is where it stands, for errors.
    pub(super) fn read(config: Object<'_>, prefix: &str) -> Result<Self, Refusal> {
        let id = text(config, prefix, "id", MAX_ID, |byte| byte != 0)?;
        let field = |name: &str| format!("{prefix}{name}");
        // What `Url` takes out silently (line feeds, white space around) is refused first.
        let url = text(config, prefix, "url", MAX_URL, |byte| byte.is_ascii_graphic())?;
        let url = url.ok_or_else(|| invalid(&field("url"), "is required"))?;
        let uri = address(&url).map_err(|wrong| invalid(&field("url"), wrong))?;
        let token = text(config, prefix, "token", MAX_SECRET, is_field_value)?;
        let mut secrets = Secrets { token: token.map(Secret::new), ..Secrets::default() };
        if let Some(authentication) = config.get("authentication").filter(|value| !value.is_null()) {
            let prefix = field("authentication.");
            let object = authentication.as_object();
            let object = object.ok_or_else(|| invalid(&field("authentication"), "must be an object"))?;
            secrets.scheme = text(object, &prefix, "scheme", MAX_SCHEME, is_tchar)?;
            let credentials = text(object, &prefix, "credentials", MAX_SECRET, is_field_value)?;
            if credentials.is_some() && secrets.scheme.is_none() {
                return Err(invalid(&format!("{prefix}scheme"), "is required where there are credentials"));
            }
            secrets.credentials = credentials.map(Secret::new);
        }
        Ok(Self { id, url, secrets, uri })
    }

    /// Whether deliveries may be sent there, as far as that can be known today. A name that has no address at present
    /// may get one: it is judged again whenever it is dialled, and until then nothing is sent.
    pub(super) async fn check(&self, app: &App, prefix: &str) -> Result<(), Refusal> {
        match app.egress().check(&self.uri, Trust::Guarded).await {
            Err(error @ EgressError::Refused(_)) => {
                let refusal = invalid(&format!("{prefix}url"), "must name a host with public addresses only");
                Err(refusal.detail(error.to_string()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// An absolute `https` or `http` URL with neither a user nor a fragment.
fn address(url: &str) -> Result<Uri, &'static str> {
    const FORM: &str = "must be an absolute https or http URL";
    let parsed = Url::parse(url).map_err(|_| FORM)?;
    if !matches!(parsed.scheme(), "https" | "http") || parsed.host_str().is_none_or(str::is_empty) {
        return Err(FORM);
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("must not have a user name or a password; there is `authentication` for that");
    }
    if parsed.fragment().is_some() {
        return Err("must not have a fragment");
    }
    let uri: Uri = url.parse().map_err(|_| FORM)?;
    // What is dialled and signed for must be what was judged: two readers, one host.
    let is_same =
        uri.host().is_some_and(|host| parsed.host_str().is_some_and(|it| it.eq_ignore_ascii_case(host)));
    if is_same { Ok(uri) } else { Err(FORM) }
}

/// A member that may be absent; empty is as good as absent.
fn text(
    object: Object<'_>,
    prefix: &str,
    name: &str,
    longest: usize,
    may_have: impl Fn(u8) -> bool,
) -> Result<Option<String>, Refusal> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let wrong = |what: &str| invalid(&format!("{prefix}{name}"), what);
    let text = Value::as_str(value).ok_or_else(|| wrong("must be a text"))?;
    if text.len() > longest {
        return Err(wrong("is too long"));
    }
    if !text.bytes().all(may_have) {
        return Err(wrong("has characters that are not allowed there"));
    }
    Ok(Some(text.into_owned()).filter(|text| !text.is_empty()))
}

/// RFC 9110 section 5.5, without what is not ASCII: no CR, LF or other controls.
fn is_field_value(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// RFC 9110 section 5.6.2.
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use doorward_protocol::json::Document;
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(config: &Json) -> Result<Hook, String> {
        let document = Document::parse(Bytes::from(config.to_string()), 32).expect("JSON");
        Hook::read(document.root().as_object().expect("an object"), "config.")
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_webhook_is_read_with_its_secrets() {
        let hook = read(&json!({
            "id": "c", "url": "https://hook.example:8443/a?b=c", "token": "t",
            "authentication": { "scheme": "Bearer", "credentials": "s e" },
        }));
        let hook = hook.expect("a webhook");
        assert_eq!((hook.id.as_deref(), hook.url.as_str()), (Some("c"), "https://hook.example:8443/a?b=c"));
        assert_eq!(hook.secrets.token.as_ref().map(Secret::expose), Some("t"));
        assert_eq!(hook.secrets.credentials.as_ref().map(Secret::expose), Some("s e"));
        let bare =
            read(&json!({ "url": "http://hook.example", "id": "", "authentication": { "scheme": "" } }));
        let bare = bare.expect("a webhook");
        assert!(bare.id.is_none() && bare.secrets.scheme.is_none() && bare.secrets.token.is_none());
    }

    #[test]
    fn addresses_that_are_not_plainly_one_host_are_refused() {
        for url in [
            "",
            "hook.example",
            "/hook",
            "//hook.example/",
            "ftp://hook.example/",
            "file:///etc/passwd",
            "gopher://hook.example/",
            "javascript:alert(1)",
            "https://user@hook.example/",
            "https://user:pass@hook.example/",
            "https://hook.example/#f",
            "https://hook.example\\@evil.example/",
            "https:/hook.example/",
            "https:hook.example",
            " https://hook.example/",
            "https://hook.example/\r\nX: y",
            "https://hook.example/\t",
            "https://h\u{f6}\u{f6}k.example/",
            "http://2130706433/",
            "http://0x7f.1/",
        ] {
            let refused = read(&json!({ "url": url })).expect_err(url);
            assert!(refused.contains("config.url"), "{url}: {refused}");
        }
        assert!(read(&json!({ "url": format!("https://hook.example/{}", "a".repeat(MAX_URL)) })).is_err());
        assert!(read(&json!({})).is_err());
    }

    #[test]
    fn threat_header_injection_via_credentials() {
        for bad in ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\0", "\u{7f}", "\u{e9}", "a\tb"] {
            let url = "https://hook.example/";
            for (config, field) in [
                (json!({ "url": url, "token": bad }), "config.token"),
                (
                    json!({ "url": url, "authentication": { "scheme": "Bearer", "credentials": bad } }),
                    "config.authentication.credentials",
                ),
                (
                    json!({ "url": url, "authentication": { "scheme": bad, "credentials": "c" } }),
                    "config.authentication.scheme",
                ),
            ] {
                let refused = read(&config).expect_err(bad);
                assert!(refused.contains(field), "{refused}");
            }
        }
        let spaced = json!({ "scheme": "Bearer x", "credentials": "c" });
        assert!(read(&json!({ "url": "https://hook.example/", "authentication": spaced })).is_err());
        let naked = json!({ "credentials": "c" });
        assert!(read(&json!({ "url": "https://hook.example/", "authentication": naked })).is_err());
    }
}
