//! `[store]`: where state is kept. Nothing is opened here.

use doorward_model::Secret;
use url::Url;

use crate::{
    StoreUrl,
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
};

pub(crate) const SPEC: Spec = Spec {
    name: "store",
    shape: Shape::Single,
    about: "Where state is kept. A change needs a restart.",
    keys: &[Key::new(
        "url",
        Kind::TextOrSecret,
        DEFAULT_TOML,
        "`sqlite:PATH` or `postgres://…`; give an address with a password as a secret",
    )],
};

const DEFAULT: &str = "sqlite:doorward-data/doorward.db";
const DEFAULT_TOML: &str = "\"sqlite:doorward-data/doorward.db\"";

pub(crate) fn read(section: &Section<'_>) -> Option<StoreUrl> {
    const KEY: &str = "url";
    if !section.has(KEY) {
        return parse(DEFAULT, section).ok();
    }
    let url = if section.is_table(KEY) {
        section.secret(KEY)?
    } else {
        let text = section.text(KEY)?;
        if without_password(text.value).is_some() {
            let complaint = Complaint::new("a password stands in the file");
            section.context.warn(&text.at, complaint.hint(r#"write url = { env = "DATABASE_URL" }"#));
        }
        Found { value: Secret::new(text.value.to_owned()), at: text.at }
    };
    section.context.accept(&url.at, parse(url.value.expose(), section))
}

/// Complaints never quote the address: it may hold a password.
fn parse(text: &str, section: &Section<'_>) -> Result<StoreUrl, Complaint> {
    let expected = || Complaint::new("expected `sqlite:PATH` or `postgres://…`");
    let (scheme, rest) = text.split_once(':').ok_or_else(expected)?;
    match scheme {
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() || path.starts_with(':') {
                return Err(expected().hint("SQLite needs the path of a file"));
            }
            if path.contains(['?', '#', '\0']) {
                return Err("the path of an SQLite file takes no parameters".into());
            }
            Ok(StoreUrl::Sqlite(section.context.env.base_dir.join(path)))
        }
        "postgres" | "postgresql" => {
            Url::parse(text).map_err(|error| format!("not a PostgreSQL address: {error}"))?;
            if !rest.starts_with("//") {
                return Err(expected());
            }
            Ok(StoreUrl::Postgres(Secret::new(text.to_owned())))
        }
        _ => Err(expected()),
    }
}

/// The address without its password, when it has one.
pub(crate) fn without_password(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    let is_password = |name: &str| matches!(name, "password" | "sslpassword");
    let in_query = url.query_pairs().any(|(name, _)| is_password(&name));
    if url.password().is_none() && !in_query {
        return None;
    }
    url.set_password(None).ok()?;
    if in_query {
        let kept: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| !is_password(name))
            .map(|(a, b)| (a.into_owned(), b.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    Some(url.into())
}
