//! The pages that people see before they trust a client: sign-in, consent, connecting, errors, "My access", "My connections".
//!
//! Pure rendering: a page is a struct of borrowed data, and [`Page`] is what becomes of it. Nothing here reads a
//! request, a store or a clock, and nothing decides: whether a client may be remembered comes from outside. All
//! headers of all pages are in [`headers`], and all text from outside goes through [`text::shown`].

mod access;
mod asking;
mod assets;
mod connect;
mod connections;
mod consent;
mod error;
mod first_administrator;
mod no_access;
mod sign_in;
mod signed_out;
#[cfg(test)]
mod tests;
mod text;
mod words;

use askama::Template;
use http::{HeaderMap, HeaderName, HeaderValue, header};

pub(crate) use access::{GrantRow, MyAccess};
pub(crate) use asking::{Asking, Redirect};
pub(crate) use assets::assets;
pub(crate) use connect::{Connect, ConnectTrouble, NotConnected, Waiting};
pub(crate) use connections::{ConnectionDone, ConnectionRow, MyConnections, RowState};
pub(crate) use consent::Consent;
pub(crate) use error::{ErrorPage, ReturnPage};
pub(crate) use first_administrator::{FirstAdministrator, FirstTrouble};
pub(crate) use no_access::NoAccess;
pub(crate) use sign_in::{SignIn, SignInButton, SignInTrouble};
pub(crate) use signed_out::SignedOut;

/// A rendered page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The whole document.
    pub(crate) body: String,
    /// Where its forms may lead besides this site: sources of the CSP directive `form-action`.
    pub(crate) form_action: Vec<String>,
}

/// What a form carries for the handler that reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hidden<'a> {
    /// The sealed authorization request that waits behind the page, if there is one.
    pub(crate) request: Option<&'a str>,
    /// Proof that the form came from a page of ours in this browser.
    pub(crate) csrf: &'a str,
}

impl Page {
    fn of(template: &impl Template) -> Self {
        // Writing to a String fails only where a value's `Display` does, and no value here has one that can.
        let body = template.render().unwrap_or_default();
        Self { body, form_action: Vec::new() }
    }

    /// The same page, with forms whose answers may lead to `sources`.
    ///
    /// Chromium holds every redirect after a form against `form-action`: ours, and those that a client or a
    /// sign-in provider makes afterwards. Theirs cannot be known, so that `https:` stands beside the sources.
    fn leading_to<'a>(mut self, sources: impl IntoIterator<Item = &'a str>) -> Self {
        for source in sources {
            if !self.form_action.iter().any(|known| known == source) {
                self.form_action.push(source.to_owned());
            }
        }
        if !self.form_action.is_empty() {
            self.form_action.push("https:".to_owned());
        }
        self
    }
}

/// All headers of a page. `https` says whether the public URL is: browsers are then told to stay with it.
pub(crate) fn headers(page: &Page, https: bool) -> HeaderMap {
    const FIXED: [(HeaderName, &str); 8] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    let mut headers: HeaderMap =
        FIXED.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    if let Ok(policy) = HeaderValue::try_from(content_security_policy(&page.form_action)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    headers
}

fn content_security_policy(form_action: &[String]) -> String {
    let mut policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'"
        .to_owned();
    for source in form_action.iter().filter(|source| is_source(source)) {
        policy.push(' ');
        policy.push_str(source);
    }
    policy
}

/// Whether a text can stand in a policy without ending the directive it stands in.
fn is_source(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'\'' | b'"' | b'*');
    !text.is_empty() && text.bytes().all(fits)
}
