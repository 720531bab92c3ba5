//! For somebody who signed in and whom the operator does not let in where the client wants to go.

use askama::Template;
use doorward_model::Person;

use super::{Asking, Hidden, Page, text};

/// Where somebody learns that they have no access, before any consent.
///
/// Forms: `POST /sign-out` to sign in as somebody else, `POST /consent` with `decision` = `deny` to go back.
#[derive(Debug, Template)]
#[template(path = "no_access.html")]
pub(crate) struct NoAccess<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// Who is signed in.
    pub(crate) person: &'a Person,
    /// Who asks, and for what.
    pub(crate) asking: Asking<'a>,
    /// What the forms carry.
    pub(crate) hidden: Hidden<'a>,
}

impl NoAccess<'_> {
    /// The page. Its form may lead to the client.
    pub(crate) fn render(&self) -> Page {
        Page::of(self).leading_to([self.asking.redirect.form_action])
    }

    fn who(&self) -> String {
        text::person(self.person)
    }
}
