//! What a scripted authority has given out: clients, codes and tokens; and how requests are read.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded;

use crate::recorder::Recorded;

/// Everything that was given out.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// Makes the secrets of one authority different from those of another.
    port: u16,
    made: usize,
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) codes: BTreeMap<String, Code>,
    /// Live access tokens, and the scopes of each.
    pub(super) access: BTreeMap<String, Grant>,
    pub(super) refresh: BTreeMap<String, Grant>,
    /// Refresh tokens that were used up, and the line that each belongs to.
    pub(super) used: BTreeMap<String, usize>,
    pub(super) issued: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) secret: Option<String>,
    /// Where its answers may go; anywhere when absent.
    pub(super) redirect_uris: Option<Vec<String>>,
}

/// A code, and what it was asked with.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) resource: String,
    pub(super) scope: String,
}

/// What stands behind a token.
#[derive(Debug, Clone, Default)]
pub(super) struct Grant {
    /// Tokens that came out of one code have one number.
    pub(super) line: usize,
    pub(super) client: String,
    pub(super) scope: String,
}

impl Tickets {
    pub(super) fn new(port: u16) -> Self {
        Self { port, ..Self::default() }
    }

    /// A new secret of this kind, which nothing else in the world contains: `access-0007-of-40123`.
    pub(super) fn make(&mut self, kind: &str) -> String {
        self.made += 1;
        let secret = format!("{kind}-{:04}-of-{}", self.made, self.port);
        self.issued.push(secret.clone());
        secret
    }

    /// The number of what is made next.
    pub(super) const fn next(&self) -> usize {
        self.made + 1
    }

    pub(super) fn register(&mut self, id: &str, secret: Option<String>, uris: Option<Vec<String>>) {
        self.clients.insert(id.to_owned(), Client { secret, redirect_uris: uris });
    }
}

/// A request as a test reads it: the fields of its query and its form, and how the client said who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The fields, in their order.
    pub fields: Vec<(String, String)>,
    /// Client id and secret of HTTP Basic, decoded (RFC 6749 section 2.3.1).
    pub basic: Option<(String, String)>,
    /// The body, as it came.
    pub body: String,
}

impl Asked {
    pub(super) fn of(request: &Recorded) -> Self {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = |text: &[u8]| {
            let pairs = form_urlencoded::parse(text);
            pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect::<Vec<_>>()
        };
        let mut fields = pairs(query.as_bytes());
        let is_form = request.header("content-type").is_some_and(|kind| kind.contains("urlencoded"));
        if is_form {
            fields.extend(pairs(&request.body));
        }
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Self { fields, basic: request.header("authorization").and_then(basic), body }
    }

    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The client that says this, by HTTP Basic or in the form.
    pub fn client(&self) -> Option<&str> {
        self.basic.as_ref().map(|(id, _)| id.as_str()).or_else(|| self.field("client_id"))
    }

    /// The secret that goes along.
    pub fn secret(&self) -> Option<&str> {
        self.basic.as_ref().map(|(_, secret)| secret.as_str()).or_else(|| self.field("client_secret"))
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id), decoded(secret)))
}

/// A text that was encoded for a form.
fn decoded(text: &str) -> String {
    let pair = format!("v={text}");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs.next().map_or(Cow::Borrowed(""), |(_, value)| value).into_owned()
}
