//! The consent page: what a client would get, and who that client is as far as anybody knows.
//!
//! Its form is the first of the page and "Allow" the first button of the form.

use std::time::Duration;

use askama::Template;
use doorward_model::{Person, Scopes};

use super::{
    Asking, Hidden, Page,
    asking::Standing,
    text,
    words::{self, Power, UpstreamShown},
};

/// Where a person gives a client access or not.
///
/// Form: `POST /consent` with `decision` = `approve` or `deny`, and `remember` = `yes`. Afterwards `POST /sign-out`.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// Who is signed in.
    pub(crate) person: &'a Person,
    /// Who asks, and for what.
    pub(crate) asking: Asking<'a>,
    /// What the token may do.
    pub(crate) scopes: Scopes,
    /// How long the client may go on before the person is asked again.
    pub(crate) lasts: Duration,
    /// Whether the person may ask not to be asked again: only for clients that can be told apart.
    pub(crate) may_remember: bool,
    /// What the forms carry.
    pub(crate) hidden: Hidden<'a>,
}

impl Consent<'_> {
    /// The page. Its form may lead to the client.
    pub(crate) fn render(&self) -> Page {
        Page::of(self).leading_to([self.asking.redirect.form_action])
    }

    fn powers(&self) -> Vec<Power> {
        words::powers(self.scopes, self.asking.destination)
    }

    fn upstreams(&self) -> Vec<UpstreamShown> {
        words::upstreams(self.asking.destination)
    }

    fn who(&self) -> String {
        text::person(self.person)
    }

    fn how_long(&self) -> String {
        words::how_long(self.lasts)
    }
}
