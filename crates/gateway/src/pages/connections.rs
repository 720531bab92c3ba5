//! "My connections": the accounts elsewhere that calls are made with, and the end of each.

use askama::Template;
use doorward_model::{Person, Place, Timestamp};

use super::{
    Hidden, Page,
    text::{self, shown},
};

/// Where a person sees, renews and ends their connections; administrators see everybody's, and those for all.
///
/// Forms: `POST /console/connections/disconnect` with `connection`, then `POST /sign-out`.
#[derive(Debug, Template)]
#[template(path = "connections.html")]
pub(crate) struct MyConnections<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// Who is signed in. An administrator also sees whose each connection is.
    pub(crate) person: &'a Person,
    /// The person's own first, then everybody's.
    pub(crate) rows: &'a [ConnectionRow<'a>],
    /// What was just done.
    pub(crate) done: Option<ConnectionDone<'a>>,
    /// The address of the next page of connections, if there is one.
    pub(crate) next: Option<&'a str>,
    /// What the forms carry.
    pub(crate) hidden: Hidden<'a>,
}

/// A connection that there is, or that there could be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionRow<'a> {
    /// What is called with it.
    pub(crate) place: &'a Place,
    /// Whose it is; the empty text is everybody's.
    pub(crate) of: &'a str,
    /// What the form that ends it carries: sealed, because names of people are texts of others.
    pub(crate) ticket: &'a str,
    /// How it is.
    pub(crate) state: RowState<'a>,
    /// Whether the one who looks can connect it, now or anew.
    pub(crate) connectable: bool,
}

/// How a connection is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowState<'a> {
    /// There is none.
    None,
    /// It is of use.
    Live {
        /// Who gave it: the authorization server.
        issuer: &'a str,
        /// What it may do there, with spaces between the scopes.
        scopes: &'a str,
        /// Since when there is one.
        since: Timestamp,
        /// When its token was last renewed.
        refreshed: Timestamp,
    },
    /// It is of no use any more.
    Broken {
        /// Why, in words that may repeat what the other side says.
        reason: &'a str,
        /// Since when.
        since: Timestamp,
    },
}

/// What was done to a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConnectionDone<'a> {
    /// It was made.
    Connected(&'a Place),
    /// It was ended, here and there.
    Disconnected(&'a Place),
    /// It was ended here, and the other side could not be told.
    OnlyHere(&'a Place),
}

impl MyConnections<'_> {
    /// The page.
    pub(crate) fn render(&self) -> Page {
        Page::of(self)
    }

    fn who(&self) -> String {
        text::person(self.person)
    }
}

impl ConnectionRow<'_> {
    /// Whose it is, in the words of whoever looks.
    fn subject(&self, person: &Person) -> String {
        match self.of {
            "" => "everybody".to_owned(),
            of if of == person.subject => "you".to_owned(),
            of => shown(of, text::NAME),
        }
    }

    fn there(&self) -> Option<String> {
        match self.state {
            RowState::Live { issuer, .. } => Some(shown(issuer, text::ADDRESS)),
            _ => None,
        }
    }

    fn may(&self) -> String {
        match self.state {
            RowState::Live { scopes, .. } if !scopes.is_empty() => shown(scopes, text::SENTENCES),
            RowState::Live { .. } => "what that server gives by itself".to_owned(),
            _ => "nothing".to_owned(),
        }
    }

    fn status(&self) -> String {
        match self.state {
            RowState::None => "not connected".to_owned(),
            RowState::Live { since, refreshed, .. } => {
                let (since, refreshed) = (text::day(since), text::day(refreshed));
                if since == refreshed {
                    format!("connected on {since}")
                } else {
                    format!("connected on {since}, renewed on {refreshed}")
                }
            }
            RowState::Broken { since, .. } => format!("ended on {}: connect it again", text::day(since)),
        }
    }

    /// Why it ended, if it did.
    fn reason(&self) -> Option<String> {
        match self.state {
            RowState::Broken { reason, .. } => Some(shown(reason, text::SENTENCES)),
            _ => None,
        }
    }

    fn exists(&self) -> bool {
        !matches!(self.state, RowState::None)
    }

    fn is_live(&self) -> bool {
        matches!(self.state, RowState::Live { .. })
    }
}
