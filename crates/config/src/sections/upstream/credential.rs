//! `upstream.credential`: what Doorward presents at an upstream.

use doorward_model::{Credential, Secret};

use super::super::later;
use crate::{
    context::shown,
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
    suggest::did_you_mean,
};

pub(crate) const SPEC: Spec = Spec {
    name: "upstream.credential",
    shape: Shape::Inner,
    about: "What Doorward presents at an upstream, never what a caller presented: `{ kind = \"header\", name = …, \
            value = … }` or `{ kind = \"bearer\", value = … }`.",
    keys: &[
        Key::new("kind", Kind::Text, "required", "`header` or `bearer`"),
        Key::new("name", Kind::Text, "required for `header`", "the header's name"),
        Key::new("value", Kind::Secret, "required", "the header's value, or the bearer token"),
    ],
};

pub(super) fn read(section: &Section<'_>) -> Option<Credential> {
    let table = section.table("credential", &SPEC)?;
    let kind = table.required_text("kind")?;
    if later::CREDENTIALS.contains(&kind.value) {
        section.context.mistake(&kind.at, later::TEXT);
        return None;
    }
    table.refuse_unknown(&[]);
    match kind.value {
        "header" => header(&table),
        "bearer" => bearer(&table),
        unknown => {
            let known = ["header", "bearer"].into_iter().chain(later::CREDENTIALS);
            let complaint = Complaint::new(format!("unknown kind of credential `{}`", shown(unknown)));
            let hint = did_you_mean(unknown, known).or(Some("`header` or `bearer`".to_owned()));
            section.context.mistake(&kind.at, complaint.hint_if(hint));
            None
        }
    }
}

fn header(table: &Section<'_>) -> Option<Credential> {
    let name = table.required_text("name");
    let name = name.and_then(|name| table.context.accept(&name.at, header_name(name.value)));
    let value = header_value(table);
    Some(Credential::Header { name: name?, value: value?.value })
}

fn bearer(table: &Section<'_>) -> Option<Credential> {
    if table.has("name") {
        table.mistake("name", "a bearer token has no header name of its own");
    }
    let token = header_value(table)?;
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

/// A secret that may stand in a header (RFC 9110 section 5.5, and nothing outside ASCII).
fn header_value(table: &Section<'_>) -> Option<Found<Secret>> {
    table.require("value");
    let secret = table.secret("value")?;
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
