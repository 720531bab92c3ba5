//! Errors that people see: those that must not redirect, and those that redirect only when the person says so.

use askama::Template;
use url::Url;

use super::{
    Page,
    text::{self, shown},
};

/// An error that stays here.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// What happened, in a few words.
    pub(crate) title: &'a str,
    /// What it means, and the way out.
    pub(crate) text: &'a str,
    /// Whether the way out is "My connections".
    pub(crate) connections: bool,
    /// What the operator finds the record by.
    pub(crate) request_id: &'a str,
}

/// An error for a client that nobody vouches for: a redirect by itself would make Doorward an open redirector
/// (RFC 9700 section 4.11).
#[derive(Debug, Template)]
#[template(path = "return.html")]
pub(crate) struct ReturnPage<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// Where the link leads, for people: scheme and host.
    pub(crate) shown: &'a str,
    /// Where the link leads, with the error. It passed the check of redirect URIs.
    pub(crate) url: &'a str,
    /// What is wrong with the request, for people who build clients.
    pub(crate) text: &'a str,
}

impl ErrorPage<'_> {
    /// The page.
    pub(crate) fn render(&self) -> Page {
        Page::of(self)
    }

    fn heading(&self) -> String {
        shown(self.title, text::NAME)
    }

    fn explanation(&self) -> String {
        shown(self.text, text::SENTENCES)
    }
}

impl ReturnPage<'_> {
    /// The page.
    pub(crate) fn render(&self) -> Page {
        Page::of(self)
    }

    fn explanation(&self) -> String {
        shown(self.text, text::SENTENCES)
    }

    fn goes_to(&self) -> String {
        shown(self.shown, text::ADDRESS)
    }

    /// The link, unless its scheme would run as a program in this page. The check of redirect URIs lets none of
    /// these through; this is the second lock.
    fn link(&self) -> Option<&str> {
        const PROGRAMS: [&str; 6] = ["javascript", "data", "vbscript", "blob", "file", "about"];
        let url = Url::parse(self.url).ok()?;
        (!PROGRAMS.contains(&url.scheme())).then_some(self.url)
    }
}
