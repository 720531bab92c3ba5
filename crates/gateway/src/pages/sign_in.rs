//! The sign-in page: local users first, then one button for each sign-in provider.
//!
//! It says the same whether a user exists or not.

use std::time::Duration;

use askama::Template;

use super::{Asking, Hidden, Page, text, words};

/// Where somebody says who they are. Forms: `POST /sign-in` and `POST /sign-in/<provider>`.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// For whom, when a client sent the person here.
    pub(crate) asking: Option<Asking<'a>>,
    /// Other ways in, in the operator's order.
    pub(crate) providers: &'a [SignInButton<'a>],
    /// What was typed before, after a failed attempt; else empty.
    pub(crate) username: &'a str,
    /// Why the person sees the page again.
    pub(crate) trouble: Option<SignInTrouble<'a>>,
    /// What the forms carry.
    pub(crate) hidden: Hidden<'a>,
}

/// A sign-in provider as a button.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignInButton<'a> {
    /// The operator's name for it.
    pub(crate) name: &'a str,
    /// The origin of its authorization endpoint, for the CSP directive `form-action`.
    pub(crate) origin: &'a str,
}

/// Why somebody is not signed in. None of these tells whether a user exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInTrouble<'a> {
    /// The user does not exist, or the password is another one.
    Wrong,
    /// Too many attempts failed; when the next one counts.
    Throttled(Duration),
    /// The sign-in at this provider was broken off or did not hold.
    Provider(&'a str),
    /// This provider does not answer.
    ProviderAway(&'a str),
    /// They have an account at this provider, and the operator does not let it in.
    NotAllowed(&'a str),
}

impl SignIn<'_> {
    /// The page. Its forms may lead to the providers, and to the client when it needs no new consent.
    pub(crate) fn render(&self) -> Page {
        let providers = self.providers.iter().map(|provider| provider.origin);
        let client = self.asking.iter().map(|asking| asking.redirect.form_action);
        Page::of(self).leading_to(client.chain(providers))
    }
    fn typed(&self) -> String {
        text::shown(self.username, text::USER)
    }

    /// Whether what was typed is at fault.
    fn is_wrong(&self) -> bool {
        self.trouble == Some(SignInTrouble::Wrong)
    }

    /// How long somebody who failed too often has to wait; else nothing.
    fn wait(&self) -> String {
        match self.trouble {
            Some(SignInTrouble::Throttled(wait)) => words::how_long(wait),
            _ => String::new(),
        }
    }
}
