//! `credential`: what Doorward presents at an upstream or an agent.

mod connection;
mod token;

use doorward_model::{Credential, Place, Secret};
use url::Url;

use crate::{
    address,
    context::shown,
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
};

const KEYS: &[Key] = &[
    Key::new(
        "kind",
        Kind::Text,
        "required",
        "`header`, `bearer`, `client-credentials`, `token-exchange`, `oauth` or `id-jag`",
    ),
    Key::new("name", Kind::Text, "required for `header`", "the header's name"),
    Key::new(
        "value",
        Kind::Secret,
        "required for `header` and `bearer`",
        "the header's value, or the bearer token",
    ),
    Key::new(
        "shared",
        Kind::Boolean,
        "false",
        "of `oauth`: whether an administrator connects one account for all, instead of each person their own",
    ),
    Key::new(
        "issuer",
        Kind::Text,
        "of `oauth` at an upstream: whom the upstream names at first; else required",
        "of `oauth` and `id-jag`: the authorization server's issuer, character for character",
    ),
    Key::new(
        "token_endpoint",
        Kind::Text,
        "of `id-jag`: by the issuer's metadata; else required",
        "of `client-credentials`, `token-exchange` and `id-jag`: where Doorward gets tokens: https, or http on loopback",
    ),
    Key::new(
        "client_id",
        Kind::Text,
        "of `oauth`: Doorward registers itself; else required",
        "of all but `header` and `bearer`: Doorward's client there",
    ),
    Key::new(
        "client_secret",
        Kind::Secret,
        "none",
        "the client's secret; without it Doorward signs an assertion (`private_key_jwt`), or is a public client where \
         the authorization server of an `oauth` takes no assertions",
    ),
    Key::new(
        "scope",
        Kind::Text,
        "none",
        "the scopes to ask for, with spaces between them; of `oauth`: those that the upstream asks for",
    ),
    Key::new(
        "resource",
        Kind::Text,
        "of `oauth` and `id-jag`: the `url` of the upstream, the origin of the agent's card; else none",
        "the `resource` to ask for (RFC 8707): a URI without fragment",
    ),
    Key::new("audience", Kind::Text, "none", "the `audience` to ask for (RFC 8693)"),
];

pub(crate) const UPSTREAM: Spec = Spec {
    name: "upstream.credential",
    shape: Shape::Inner,
    about: "What Doorward presents at an upstream, never what a caller presented: `{ kind = \"header\", name = …, \
            value = … }`, `{ kind = \"bearer\", value = … }`, a token for Doorward itself by `{ kind = \
            \"client-credentials\", token_endpoint = …, client_id = …, … }` (RFC 6749 section 4.4), a token for the caller, in \
            exchange for Doorward's word about who that is, by `{ kind = \"token-exchange\", … }` (RFC 8693) or for an \
            identity assertion by `{ kind = \"id-jag\", issuer = …, client_id = …, … }`, or the token of a connection \
            that each person, or an administrator for all, makes in a browser: `{ kind = \"oauth\" }`.",
    keys: KEYS,
};

pub(crate) const AGENT: Spec = Spec {
    name: "agent.credential",
    shape: Shape::Inner,
    about: "What Doorward presents at an agent; as `upstream.credential`.",
    keys: KEYS,
};

const TOKEN_KEYS: &[&str] =
    &["token_endpoint", "client_id", "client_secret", "scope", "resource", "audience"];

const CONNECTION_KEYS: &[&str] = &["shared", "issuer", "client_id", "client_secret", "scope", "resource"];

const ASSERTION_KEYS: &[&str] =
    &["issuer", "token_endpoint", "client_id", "client_secret", "scope", "resource"];

/// The kinds, and the keys that each takes.
const KINDS: [(&str, &[&str]); 6] = [
    ("header", &["name", "value"]),
    ("bearer", &["value"]),
    ("client-credentials", TOKEN_KEYS),
    ("token-exchange", TOKEN_KEYS),
    ("oauth", CONNECTION_KEYS),
    ("id-jag", ASSERTION_KEYS),
];

/// Who presents a credential: what it is called, and where it is.
pub(super) struct Holder {
    pub(super) place: Place,
    pub(super) address: Url,
}

/// The `credential` of a section, nothing when it has none. Absent after a mistake, its holder's too; `spec` is the
/// table of it.
pub(super) fn read(
    section: &Section<'_>,
    spec: &'static Spec,
    holder: Option<&Holder>,
) -> Option<Credential> {
    if !section.has("credential") {
        return Some(Credential::None);
    }
    let table = section.table("credential", spec)?;
    let kind = table.required_text("kind")?;
    table.refuse_unknown(&[]);
    let Some((kind, takes)) = KINDS.into_iter().find(|(name, _)| *name == kind.value) else {
        let known = KINDS.map(|(name, _)| name);
        let complaint = Complaint::new(format!("unknown kind of credential `{}`", shown(kind.value)));
        let hint = did_you_mean(kind.value, known);
        let complaint = complaint.hint(format!("known: {}", known.join(", "))).hint_if(hint);
        section.context.mistake(&kind.at, complaint);
        return None;
    };
    for key in spec.names().filter(|key| *key != "kind" && !takes.contains(key) && table.has(key)) {
        table.mistake(key, format!("a credential of kind `{kind}` has no such key"));
    }
    let credential = match kind {
        "header" => header(&table),
        "bearer" => bearer(&table),
        "client-credentials" => token::source(&table).map(Credential::ClientCredentials),
        "token-exchange" => token::source(&table).map(Credential::TokenExchange),
        "oauth" => connection::connecting(&table, holder).map(Credential::Connection),
        _ => connection::assertion(&table, holder).map(Credential::IdentityAssertion),
    };
    // One that lacks a part is another one, and must not be presented.
    section.context.take_missing().map(Credential::Missing).or(credential)
}

/// Warns of a credential that goes to `url` without encryption.
pub(super) fn warn_in_clear(section: &Section<'_>, url: &Url, whose: &str) {
    if url.scheme() == "http" && !address::is_loopback(url) && section.has("credential") {
        section.warn("credential", format!("travels in clear: the {whose} is called by http"));
    }
}

fn header(table: &Section<'_>) -> Option<Credential> {
    let name = table.required_text("name");
    let name = name.and_then(|name| table.context.accept(&name.at, header_name(name.value)));
    let value = value(table);
    Some(Credential::Header { name: name?, value: value?.value })
}

fn bearer(table: &Section<'_>) -> Option<Credential> {
    let token = value(table)?;
    let text = token.value.expose();
    if text.contains([' ', '\t']) {
        let complaint = Complaint::new("a bearer token has no white space");
        table.context.mistake(&token.at, complaint.hint("the value is the token alone, without `Bearer`"));
        return None;
    }
    Some(Credential::Header {
        name: "authorization".to_owned(),
        value: Secret::new(format!("Bearer {text}")),
    })
}

/// The `value` of a credential, which may be in the store.
fn value(table: &Section<'_>) -> Option<Found<Secret>> {
    table.require("value");
    fit_for_header(table, table.secret_of_credential("value")?)
}

/// A secret that may stand in a header.
pub(super) fn header_value(table: &Section<'_>, key: &str) -> Option<Found<Secret>> {
    table.require(key);
    fit_for_header(table, table.secret(key)?)
}

/// Refuses what cannot stand in a header (RFC 9110 section 5.5, and nothing outside ASCII).
fn fit_for_header(table: &Section<'_>, secret: Found<Secret>) -> Option<Found<Secret>> {
    let value = secret.value.expose();
    if value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) && value.trim() == value {
        return Some(secret);
    }
    table.context.mistake(
        &secret.at,
        "its content cannot stand in a header: line ends, outer white space or non-ASCII",
    );
    None
}

/// A field name (RFC 9110 section 5.1) that Doorward or HTTP itself does not set, in lower case.
pub(crate) fn header_name(text: &str) -> Result<String, Complaint> {
    const RESERVED: [&str; 17] = [
        // hop by hop (RFC 9110 section 7.6.1)
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        // what the relay itself writes
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "accept",
        "accept-encoding",
        "expect",
        "last-event-id",
    ];
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_token) {
        return Err(Complaint::new("not the name of a header").hint("such as \"x-api-key\""));
    }
    let name = text.to_ascii_lowercase();
    if RESERVED.contains(&name.as_str()) || name.starts_with("mcp-") {
        return Err(Complaint::new(format!("the header `{}` is Doorward's own to set", shown(&name))));
    }
    Ok(name)
}
