//! What must not be written down: values, parts of addresses and arguments that are, or look like, secrets.
//!
//! A guess on the safe side. A secret that is not seen ends in somebody's repository; a plain value that is taken for
//! one costs its owner a variable.

use doorward_config::rules::{holds_a_secret, names_a_secret};
use url::Url;

/// What stands where a secret stood, in text that is a comment.
pub(super) const MARK: &str = "<secret>";

/// Whether a value looks like a secret, whatever it is called.
pub(super) fn is_secret(value: &str) -> bool {
    holds_a_secret(value) || is_random(value)
}

/// An argument with its secret replaced, when it has one. `before` is the argument in front of it.
pub(super) fn without_secret(before: Option<&str>, argument: &str) -> Option<String> {
    if let Some(safe) = url_without_secret(argument) {
        return Some(safe);
    }
    if let Some((name, value)) = argument.split_once(['=', ':'])
        && is_parameter(name)
        && names_a_secret(name)
        && is_worth_hiding(value)
    {
        return Some(format!("{name}{}{MARK}", &argument[name.len()..=name.len()]));
    }
    let after_name = before.is_some_and(|before| {
        before.starts_with('-')
            && is_parameter(before)
            && names_a_secret(before)
            && !argument.starts_with('-')
    });
    let inside = argument.split([' ', '&', '?', ';', ',']).any(|part| {
        let named = part.split_once(['=', ':']);
        named
            .is_some_and(|(name, value)| is_parameter(name) && names_a_secret(name) && is_worth_hiding(value))
    });
    let hide = (after_name && is_worth_hiding(argument)) || inside || is_secret(argument);
    hide.then(|| MARK.to_owned())
}

/// An address with its secrets replaced, when its path or its query has some. User information is not looked at.
pub(super) fn url_without_secret(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let mut found = false;
    let mut hide = |secret: bool, text: &str| {
        found |= secret;
        if secret { MARK.to_owned() } else { text.to_owned() }
    };
    let path: Vec<_> = url.path().split('/').map(|segment| hide(is_secret(segment), segment)).collect();
    let mut safe = format!("{}{}", url.origin().ascii_serialization(), path.join("/"));
    let query = url.query().map(|query| {
        let pairs: Vec<_> = query
            .split('&')
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or(("", pair));
                let secret = (names_a_secret(name) && is_worth_hiding(value)) || is_secret(value);
                if name.is_empty() { hide(secret, pair) } else { format!("{name}={}", hide(secret, value)) }
            })
            .collect();
        pairs.join("&")
    });
    if let Some(query) = query {
        safe = format!("{safe}?{query}");
    }
    found.then_some(safe)
}

/// `--name`, `NAME` or `x-name`, and nothing else.
fn is_parameter(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Not empty, not a path, not a reference.
fn is_worth_hiding(value: &str) -> bool {
    let value = value.trim();
    let is_path = ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start));
    !value.is_empty() && !value.contains("${") && (!is_path || is_random(value))
}

/// A long run of letters and digits without sense, or a UUID; digests of contents are neither.
fn is_random(text: &str) -> bool {
    const LONG: usize = 20;
    let count = |run: &str, is: fn(&u8) -> bool| run.bytes().filter(is).count();
    let is_run = |run: &str| {
        run.len() >= LONG && count(run, u8::is_ascii_digit) >= 2 && count(run, u8::is_ascii_alphabetic) >= 2
    };
    let is_uuid = |word: &str| {
        let lengths: Vec<_> = word.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12] && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
    };
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | ':'));
    words
        .filter(|word| !word.starts_with("sha256:") && !word.starts_with("sha512:"))
        .any(|word| is_uuid(word) || word.split(['-', ':']).any(is_run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_secrets() {
        for value in
            ["a1b2c3d4e5f6a7b8c9d0", "0b5f2c1e-1111-4222-8333-0123456789ab", "x/Zm9vYmFyMTIzNDU2Nzg5MGFi=="]
        {
            assert!(is_secret(value), "{value}");
        }
        for value in [
            "claude-3-5-sonnet-20241022",
            "mcp/postgres@sha256:0123456789abcdef0123456789abcdef",
            "20241022",
            "internationalisation",
            "/home/ann/projects/one/two",
            "@modelcontextprotocol/server-everything",
        ] {
            assert!(!is_secret(value), "{value}");
        }
    }

    #[test]
    fn arguments_that_hold_secrets() {
        let cases = [
            (None, "--api-key=hunter2", Some("--api-key=<secret>")),
            (None, "API_KEY=hunter2", Some("API_KEY=<secret>")),
            (Some("--header"), "x-api-key: hunter2", Some("x-api-key:<secret>")),
            (Some("--header"), "Authorization: Bearer hunter2hunter2", Some("Authorization:<secret>")),
            (Some("--token"), "hunter2", Some(MARK)),
            (None, "postgresql://ann:hunter2@db/x", Some(MARK)),
            (
                None,
                "https://a.example/sse?api_key=hunter2&x=1",
                Some("https://a.example/sse?api_key=<secret>&x=1"),
            ),
            (None, "host=db password=hunter2", Some(MARK)),
            (Some("--key"), "/etc/doorward/key.pem", None),
            (Some("--token"), "--verbose", None),
            (Some("-e"), "API_KEY", None),
            (None, "API_KEY=${API_KEY}", None),
            (None, "--api-key", None),
            (None, "C:\\Keys", None),
            (None, "postgresql://localhost/db", None),
        ];
        for (before, argument, expected) in cases {
            assert_eq!(without_secret(before, argument).as_deref(), expected, "{argument}");
        }
    }

    #[test]
    fn addresses_that_are_secrets() {
        let safe =
            url_without_secret("https://a.example/s/a1b2c3d4e5f6a7b8c9d0/mcp?k=ghp_0123456789abcdef&v=1");
        assert_eq!(safe.as_deref(), Some("https://a.example/s/<secret>/mcp?k=<secret>&v=1"));
        assert_eq!(url_without_secret("https://a.example/mcp?x=1"), None);
        assert_eq!(
            url_without_secret("https://a.example/?a1b2c3d4e5f6a7b8c9d0"),
            Some("https://a.example/?<secret>".into())
        );
    }
}
