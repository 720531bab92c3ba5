//! The token endpoint: what it was asked, and what it answers.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

/// One request to the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAsked {
    /// The `Authorization` header; of HTTP Basic, what is behind it, decoded once.
    pub authorization: Option<String>,
    /// The whole body, as it came.
    pub body: String,
}

impl TokenAsked {
    pub(super) fn new(headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let authorization = headers.get(header::AUTHORIZATION).map(|value| text(value.as_bytes()));
        let decoded = |value: &String| {
            let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
            Some(text(&decoded))
        };
        let authorization = authorization.map(|value| decoded(&value).unwrap_or(value));
        Self { authorization, body: text(body) }
    }

    /// The value of a field of the form.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut fields = url::form_urlencoded::parse(self.body.as_bytes());
        fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

/// What a token endpoint does.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) asked: Vec<TokenAsked>,
    pub(super) rule: Rule,
}

#[derive(Debug, Default)]
pub(super) enum Rule {
    /// There is none.
    #[default]
    Absent,
    /// The same answer every time.
    Answer(StatusCode, Value),
    /// A new token every time, good for so many seconds.
    Issue(i64),
}

impl Tokens {
    /// Keeps the request and answers it.
    pub(super) fn answer(&mut self, asked: TokenAsked) -> (StatusCode, Value) {
        let exchanges = asked.field("grant_type").is_some_and(|grant| grant.ends_with(":token-exchange"));
        self.asked.push(asked);
        match &self.rule {
            Rule::Absent => (StatusCode::NOT_FOUND, json!({ "error": "not_found" })),
            Rule::Answer(status, answer) => (*status, answer.clone()),
            Rule::Issue(lifetime) => {
                let mut answer = json!({
                    "access_token": format!("issued-{}", self.asked.len()),
                    "token_type": "Bearer",
                    "expires_in": lifetime,
                });
                if exchanges {
                    answer["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token".into();
                }
                (StatusCode::OK, answer)
            }
        }
    }
}
