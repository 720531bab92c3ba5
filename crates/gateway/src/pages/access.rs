//! "My access": which clients hold grants, and the end of each.

use askama::Template;
use doorward_model::{ClientGrant, Person, Timestamp};

use super::{
    Hidden, Page,
    text::{self, shown},
    words,
};

/// Where a person sees and revokes what clients may do for them; administrators see everybody's.
///
/// Forms: `POST /console/access/revoke` with `grant`, then `POST /sign-out`.
#[derive(Debug, Template)]
#[template(path = "access.html")]
pub(crate) struct MyAccess<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// Who is signed in. An administrator also sees whose each grant is.
    pub(crate) person: &'a Person,
    /// The grants, newest first.
    pub(crate) rows: &'a [GrantRow<'a>],
    /// The name of the client whose grant was just revoked.
    pub(crate) revoked: Option<&'a str>,
    /// The address of the next page of grants, if there is one.
    pub(crate) next: Option<&'a str>,
    /// What the forms carry.
    pub(crate) hidden: Hidden<'a>,
}

/// A grant that some client holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrantRow<'a> {
    /// The grant.
    pub(crate) grant: &'a ClientGrant,
    /// When a token of it was last used.
    pub(crate) last_used: Option<Timestamp>,
}

impl MyAccess<'_> {
    /// The page.
    pub(crate) fn render(&self) -> Page {
        Page::of(self)
    }

    fn who(&self) -> String {
        text::person(self.person)
    }

    fn just_revoked(&self) -> Option<String> {
        self.revoked.map(|name| shown(name, text::NAME))
    }
}

impl GrantRow<'_> {
    fn client(&self) -> String {
        let claim = self.grant.client_name.as_deref().map(|name| shown(name, text::NAME));
        claim.filter(|name| !name.is_empty()).unwrap_or_else(|| shown(&self.grant.client, text::NAME))
    }

    fn redirect(&self) -> Option<String> {
        self.grant.redirect.as_deref().map(|redirect| shown(redirect, text::ADDRESS))
    }

    fn subject(&self) -> String {
        shown(&self.grant.subject, text::NAME)
    }

    /// The name of what it opens: the last segment of the resource.
    fn opens(&self) -> &str {
        if self.is_for_api() {
            return "the admin API";
        }
        self.grant.resource.rsplit('/').next().unwrap_or(&self.grant.resource)
    }

    /// The admin API knows no scopes, and no virtual server or agent is at its address.
    fn is_for_api(&self) -> bool {
        self.grant.scopes.is_empty() && self.grant.resource.ends_with("/api/v1")
    }

    fn may(&self) -> String {
        if self.is_for_api() {
            return "everything".to_owned();
        }
        words::in_short(self.grant.scopes)
    }

    fn since(&self) -> String {
        text::day(self.grant.created)
    }

    fn used(&self) -> String {
        self.last_used.map_or_else(|| "never".to_owned(), text::day)
    }
}
