//! Where the first administrator is made, by the link that `serve` prints once.

use askama::Template;

use super::{Hidden, Page, text};

/// Name and password of the first administrator.
///
/// Form: `POST /first-administrator` with `token`, `username`, `password`, `password_again`.
#[derive(Debug, Template)]
#[template(path = "first_administrator.html")]
pub(crate) struct FirstAdministrator<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// The one-time token of the link.
    pub(crate) token: &'a str,
    /// What was typed before; else empty.
    pub(crate) username: &'a str,
    /// How short a password may be, in characters.
    pub(crate) shortest: usize,
    /// Why the person sees the page again.
    pub(crate) trouble: Option<FirstTrouble>,
    /// What the form carries.
    pub(crate) hidden: Hidden<'a>,
}

/// What was wrong with the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstTrouble {
    /// The name is not one of the grammar of names.
    Name,
    /// Another user has the name.
    Taken,
    /// The password is too short.
    Short,
    /// The two passwords differ.
    Different,
}

impl FirstAdministrator<'_> {
    /// The page.
    pub(crate) fn render(&self) -> Page {
        Page::of(self)
    }

    fn typed(&self) -> String {
        text::shown(self.username, text::USER)
    }

    fn name_is_wrong(&self) -> bool {
        matches!(self.trouble, Some(FirstTrouble::Name | FirstTrouble::Taken))
    }

    fn password_is_wrong(&self) -> bool {
        matches!(self.trouble, Some(FirstTrouble::Short | FirstTrouble::Different))
    }
}
