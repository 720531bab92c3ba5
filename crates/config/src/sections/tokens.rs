//! `[tokens]`: how the authorization server behaves: the lives of its tokens, and which clients it takes in.

use std::time::Duration;

use doorward_model::{ClientDocuments, TokenRules};

use crate::{
    address,
    mistake::Complaint,
    section::{Key, Kind, Section, Shape, Spec},
};

const YEAR: Duration = Duration::from_hours(365 * 24);
const MINUTE: Duration = Duration::from_mins(1);

pub(crate) const SPEC: Spec = Spec {
    name: "tokens",
    shape: Shape::Single,
    about: "Doorward's own tokens, for access \"oauth\": how long they live, and which clients may ask for them. \
            Changes count for tokens that are issued after them.",
    keys: &[
        Key::new(
            "access_ttl",
            Kind::Time(Duration::from_secs(10), Duration::from_hours(24)),
            "\"1h\"",
            "how long an access token is good for",
        ),
        Key::new(
            "refresh_idle",
            Kind::Time(MINUTE, YEAR),
            "\"14d\"",
            "how long a refresh token may go unused; then a person is asked again",
        ),
        Key::new(
            "refresh_lifetime",
            Kind::Time(MINUTE, YEAR),
            "\"90d\"",
            "how long a client may refresh at all before a person is asked again",
        ),
        Key::new(
            "registration",
            Kind::Boolean,
            "true",
            "whether clients may register themselves at `/register` (RFC 7591)",
        ),
        Key::new(
            "client_documents",
            Kind::TextOrTexts,
            "\"any\"",
            "whose client documents (Client ID Metadata Documents) are fetched: `any`, `off`, or a list of hosts",
        ),
    ],
};

pub(crate) fn read(section: &Section<'_>) -> TokenRules {
    let usual = TokenRules::default();
    let rules = TokenRules {
        access_ttl: section.duration("access_ttl").unwrap_or(usual.access_ttl),
        refresh_idle: section.duration("refresh_idle").unwrap_or(usual.refresh_idle),
        refresh_lifetime: section.duration("refresh_lifetime").unwrap_or(usual.refresh_lifetime),
        registration: section.boolean("registration").unwrap_or(usual.registration),
        client_documents: client_documents(section).unwrap_or(usual.client_documents),
    };
    if section.has("refresh_idle") && rules.refresh_idle > rules.refresh_lifetime {
        section.warn("refresh_idle", "has no effect: `refresh_lifetime` is shorter");
    }
    rules
}

/// A word, alone or as the one item of a list (as variables give it), or hosts.
fn client_documents(section: &Section<'_>) -> Option<ClientDocuments> {
    const KEY: &str = "client_documents";
    let items = section.text_or_texts(KEY)?;
    match items.as_slice() {
        [] => {
            section.mistake(KEY, Complaint::new("names no host").hint("write \"off\" if none is meant"));
            None
        }
        [word] if word.value == "any" => Some(ClientDocuments::Any),
        [word] if word.value == "off" => Some(ClientDocuments::Off),
        items => {
            let host = |item: &crate::section::Found<&str>| {
                let result = address::host(item.value).map_err(|complaint| {
                    complaint.hint("\"any\", \"off\", or hosts such as \"client.example.com\"")
                });
                section.context.accept(&item.at, result)
            };
            Some(ClientDocuments::Hosts(items.iter().filter_map(host).collect()))
        }
    }
}
