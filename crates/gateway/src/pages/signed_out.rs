//! After sign-out.

use askama::Template;

use super::Page;

/// Says that the person is signed out here, and what that does not end.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub(crate) struct SignedOut<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// The sign-in provider that still knows the person, if they came by one.
    pub(crate) provider: Option<&'a str>,
}

impl SignedOut<'_> {
    /// The page.
    pub(crate) fn render(&self) -> Page {
        Page::of(self)
    }
}
