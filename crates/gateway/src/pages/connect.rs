//! Connecting an account elsewhere: what a person reads before they are sent there, and what they read when it did not
//! come to that.

use askama::Template;
use doorward_model::{Person, Place, Timestamp};

use super::{
    Hidden, Page, asking,
    text::{self, shown},
};

/// Where a person decides to connect an account of theirs, or an administrator one for all.
///
/// Form: `POST /connect/<upstream>`. With somebody waiting for the person also `POST /authorize/continue` with
/// `decision` = `skip` or `cancel`. Afterwards `POST /sign-out`.
#[derive(Debug, Template)]
#[template(path = "connect.html")]
pub(crate) struct Connect<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// Who is signed in.
    pub(crate) person: &'a Person,
    /// What is called with the account.
    pub(crate) place: &'a Place,
    /// The virtual servers that call it.
    pub(crate) behind: &'a [&'a str],
    /// Whether everybody's calls are made with it.
    pub(crate) shared: bool,
    /// Where the person is sent: the origin of the authorization endpoint.
    pub(crate) goes_to: &'a str,
    /// The scopes that are asked for.
    pub(crate) scopes: &'a [&'a str],
    /// Since when there is a connection that this one takes the place of.
    pub(crate) since: Option<Timestamp>,
    /// What the form carries.
    pub(crate) hidden: Hidden<'a>,
    /// The client that waits for the person, if one does.
    pub(crate) waiting: Option<Waiting<'a>>,
}

/// What a person reads when nothing can be connected, or nothing was.
///
/// Forms: as [`Connect`], without the first.
#[derive(Debug, Template)]
#[template(path = "not_connected.html")]
pub(crate) struct NotConnected<'a> {
    /// The public URL's host.
    pub(crate) host: &'a str,
    /// What would have been called with the account.
    pub(crate) place: &'a Place,
    /// Why not.
    pub(crate) trouble: ConnectTrouble<'a>,
    /// Where to begin again.
    pub(crate) again: &'a str,
    /// What the operator finds the record by.
    pub(crate) request_id: &'a str,
    /// The client that waits for the person, if one does.
    pub(crate) waiting: Option<Waiting<'a>>,
}

/// A client that waits for a person who connects something first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    /// What the form carries that goes back to it.
    pub(crate) hidden: Hidden<'a>,
    /// Its source for the CSP directive `form-action`: whoever says yes at once at the other side comes back, and on to
    /// the client, in redirects that the form began.
    pub(crate) form_action: &'a str,
    /// What it calls itself; shown as a claim.
    pub(crate) client: Option<&'a str>,
}

/// Why nothing is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectTrouble<'a> {
    /// An administrator connects it, once for all.
    Administrators,
    /// The other side does not answer.
    Away,
    /// The other side does not say what it takes, or something that does not hold.
    Unusable,
    /// It names another authorization server than the approved one.
    Changed {
        /// The one that is approved.
        approved: &'a str,
        /// The other one.
        found: &'a str,
    },
    /// The other side said no, with this code of OAuth.
    Refused(&'a str),
    /// What came back did not come from where the person was sent.
    Mixed,
    /// What came back cannot be used.
    Failed,
    /// The other side does not know Doorward any more, which comes as another client from now on.
    Forgotten,
}

impl Connect<'_> {
    /// The page. Its form leads to the other side, and from there to whoever waits.
    pub(crate) fn render(&self) -> Page {
        let waits = self.waiting.map(|waiting| waiting.form_action);
        Page::of(self).leading_to([self.goes_to].into_iter().chain(waits))
    }

    fn who(&self) -> String {
        text::person(self.person)
    }

    fn there(&self) -> String {
        shown(self.goes_to, text::ADDRESS)
    }

    fn asked(&self) -> Vec<String> {
        self.scopes.iter().map(|scope| shown(scope, text::CAPABILITY)).collect()
    }

    fn day(&self) -> Option<String> {
        self.since.map(text::day)
    }
}

impl NotConnected<'_> {
    /// The page. Its form may lead to whoever waits.
    pub(crate) fn render(&self) -> Page {
        Page::of(self).leading_to(self.waiting.map(|waiting| waiting.form_action))
    }

    fn can_try_again(&self) -> bool {
        !matches!(self.trouble, ConnectTrouble::Administrators)
    }
}

impl Waiting<'_> {
    /// What it calls itself; none when nothing is left that can be shown.
    fn claim(&self) -> Option<String> {
        asking::claim(self.client)
    }
}

impl ConnectTrouble<'_> {
    fn approved(self) -> String {
        match self {
            Self::Changed { approved, .. } => shown(approved, text::ADDRESS),
            _ => String::new(),
        }
    }

    fn found(self) -> String {
        match self {
            Self::Changed { found, .. } => shown(found, text::ADDRESS),
            _ => String::new(),
        }
    }

    fn code(self) -> String {
        match self {
            Self::Refused(code) => shown(code, text::NAME),
            _ => String::new(),
        }
    }
}
