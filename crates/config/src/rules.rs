//! What a value of the file must be, for programs that write such files: the same judgements that reading makes.
//!
//! Each says yes, or why not and what to do about it. What looks like a secret is a guess, on the safe side: the
//! file then has to refer to the value instead of holding it.

use crate::{mistake::Complaint, sections};

/// Whether `name` can be the `name` of a credential of kind `header`.
///
/// # Errors
/// Why not, for a person.
pub fn credential_header(name: &str) -> Result<(), String> {
    sections::header_name(name).map(drop).map_err(words)
}

/// Whether `name` can stand in the `env` of an `[[upstream]]`.
///
/// # Errors
/// Why not, for a person.
pub fn child_variable(name: &str) -> Result<(), String> {
    sections::variable_name(name).map_err(words)
}

fn words(complaint: Complaint) -> String {
    let Complaint { message, hint } = complaint;
    hint.map_or_else(|| message.clone(), |hint| format!("{message} ({hint})"))
}

/// What says so anywhere in a name, without separators.
const SECRET_PARTS: [&str; 12] = [
    "APIKEY",
    "ACCESSKEY",
    "AUTHKEY",
    "AUTHORIZATION",
    "COOKIE",
    "CREDENTIAL",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATEKEY",
    "SECRET",
    "SIGNINGKEY",
];

/// What says so as a whole word.
const SECRET_WORDS: [&str; 13] = [
    "APITOKEN",
    "AUTH",
    "BEARER",
    "JWT",
    "KEY",
    "KEYS",
    "OTP",
    "PASS",
    "PAT",
    "PIN",
    "PSK",
    "SIG",
    "SIGNATURE",
];

/// Last words of names that say where a secret is, or something about it.
const ABOUT_SECRETS: [&str; 18] = [
    "ALGORITHM",
    "DIR",
    "DIRECTORY",
    "ENABLED",
    "ENDPOINT",
    "EXPIRY",
    "FILE",
    "FILENAME",
    "HEADER",
    "LIFETIME",
    "METHOD",
    "MODE",
    "NAME",
    "PATH",
    "TIMEOUT",
    "TTL",
    "TYPE",
    "URI",
];

/// Whether the name of a variable, a header or a parameter says that its value is a secret.
pub fn names_a_secret(name: &str) -> bool {
    let words = words_of(name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    // The path of a file, in spite of its name.
    if ABOUT_SECRETS.contains(&last) || words.join("_") == "GOOGLE_APPLICATION_CREDENTIALS" {
        return false;
    }
    if words.ends_with(&["KEY".to_owned(), "ID".to_owned()]) {
        return false;
    }
    let counts =
        words.iter().any(|word| matches!(word.as_str(), "MAX" | "MIN" | "LIMIT" | "COUNT" | "BUDGET"));
    let is_secret = |word: &String| {
        SECRET_WORDS.contains(&word.as_str())
            || word.ends_with("TOKEN")
            || (word.ends_with("TOKENS") && !counts)
            || (word == "PWD" && words.len() > 1)
    };
    let joined = words.concat();
    words.iter().any(is_secret) || SECRET_PARTS.iter().any(|part| joined.contains(part))
}

/// The words of `SOME_NAME`, `some-name` or `someName`, in upper case.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = !c.is_alphanumeric() || (after_lower && c.is_uppercase());
        if starts && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_uppercase());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value has the form of a credential: an authorization header, a JWT, a private key, a token with a
/// well-known prefix, or a URL with a password.
pub fn holds_a_secret(value: &str) -> bool {
    let mut words = value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '='));
    value.contains("PRIVATE KEY-----")
        || has_password(value)
        || is_authorization(value)
        || words.any(|word| is_jwt(word) || has_known_prefix(word))
}

/// `scheme://user:password@host`, anywhere in the text.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
    })
}

/// `Bearer …` or `Basic …` (RFC 9110 section 11.4), with something long enough to be a credential.
fn is_authorization(text: &str) -> bool {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let scheme = word.rsplit([':', '=']).next().unwrap_or(word);
        let is_scheme = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic");
        if is_scheme && words.clone().next().is_some_and(|token| token.len() >= 8) {
            return true;
        }
    }
    false
}

fn is_jwt(word: &str) -> bool {
    word.starts_with("eyJ") && word.split('.').count() >= 3 && word.len() >= 24
}

fn has_known_prefix(word: &str) -> bool {
    const PREFIXES: [&str; 33] = [
        "AIza",
        "AKIA",
        "ASIA",
        "dop_v1_",
        "dw_",
        "figd_",
        "ghp_",
        "gho_",
        "ghs_",
        "ghu_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "gsk_",
        "hf_",
        "lin_api_",
        "ntn_",
        "npm_",
        "pk_live_",
        "pk_test_",
        "pypi-",
        "r8_",
        "rk_live_",
        "secret_",
        "sbp_",
        "sk-",
        "sk_live_",
        "sk_test_",
        "tvly-",
        "whsec_",
        "xoxa-",
        "xoxb-",
        "xoxp-",
    ];
    const SHORTEST: usize = 12;
    PREFIXES.iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= SHORTEST && rest.bytes().any(|byte| byte.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "KEY",
            "API_KEY",
            "apiKey",
            "X-Api-Key",
            "x-goog-api-key",
            "OPENAI_API_KEY",
            "GITHUB_PERSONAL_ACCESS_TOKEN",
            "SLACK_BOT_TOKEN",
            "accessToken",
            "AWS_SECRET_ACCESS_KEY",
            "DB_PASSWORD",
            "PGPASSWORD",
            "DB_PASS",
            "DB_PWD",
            "Authorization",
            "Cookie",
            "SECRET_ID",
            "CLIENT_SECRET",
            "GH_PAT",
            "sig",
            "API_TOKENS",
            "private_key",
            "AUTH",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
        for name in [
            "",
            "_",
            "ROOT",
            "PATH",
            "PWD",
            "MAX_TOKENS",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "TOKEN_FILE",
            "KEY_PATH",
            "AWS_ACCESS_KEY_ID",
            "AUTH_METHOD",
            "MONKEY",
            "AUTHOR",
            "KEYBOARD",
            "COMPASS",
            "PATTERN",
            "SPINNER",
            "LOG_LEVEL",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn forms_of_secrets() {
        for value in [
            "Bearer abcdefgh",
            "authorization: Bearer abcdefgh",
            "Authorization:Bearer abcdefgh",
            "basic dXNlcjpwdw==",
            "ghp_0123456789abcdef",
            "--token=ghp_0123456789abcdef",
            "sk-proj-0123456789abcdef",
            "xoxb-12345678901-abc",
            "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
            "-----BEGIN RSA PRIVATE KEY-----\nMII",
            "postgres://user:pw@host/db",
            "--url=https://u:p@h",
            "x https://a.example https://u:p@h y",
        ] {
            assert!(holds_a_secret(value), "{value}");
        }
        for value in [
            "",
            "/srv/files",
            "https://a.example/x?y=1",
            "https://a.example:8443/@scope/x:y",
            "postgres://user@host/db",
            "basic",
            "bearer of news",
            "sk-learn",
            "claude-3-5-sonnet-20241022",
            "@modelcontextprotocol/server-github",
            "hf_transfer",
            "user:pass",
            "https://u:@h/",
        ] {
            assert!(!holds_a_secret(value), "{value}");
        }
    }

    #[test]
    fn the_rules_of_the_file_in_words() {
        assert_eq!(
            credential_header("Host").expect_err("the relay's own"),
            "the header `host` is Doorward's own to set"
        );
        assert!(credential_header("X-Api-Key").is_ok());
        assert!(child_variable("ROOT").is_ok() && child_variable("NODE_OPTIONS").is_err());
    }
}
