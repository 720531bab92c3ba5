//! Who asks for access to what: the part that sign-in, consent and "no access" share.

use doorward_model::{Client, ClientKind};
use url::Url;

use super::text::{self, shown};
use crate::routes::Destination;

/// A client that wants in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// Who asks. What it says of itself is shown as a claim.
    pub(crate) client: &'a Client,
    /// Where the answer goes.
    pub(crate) redirect: Redirect<'a>,
    /// What its token is to open.
    pub(crate) destination: &'a Destination,
}

/// The redirect URI of a request, as people and browsers need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redirect<'a> {
    /// Scheme and host: `https://claude.ai`, `http://127.0.0.1:33418`, `cursor://`.
    pub(crate) shown: &'a str,
    /// Whether it stays on the person's own computer, where any program can listen.
    pub(crate) loopback: bool,
    /// Its source for the CSP directive `form-action`.
    pub(crate) form_action: &'a str,
}

/// How far a client can be trusted.
pub(super) enum Standing {
    /// The operator wrote it down, under this name.
    Operator(String),
    /// The host of its document vouches for it.
    Host(String),
    /// Nobody vouches for it; it registered itself on this day.
    Nobody(String),
}

impl Asking<'_> {
    /// What it calls itself; none when nothing is left that can be shown.
    pub(super) fn claim(&self) -> Option<String> {
        claim(self.client.name.as_deref())
    }

    pub(super) fn standing(&self) -> Standing {
        match self.client.kind {
            ClientKind::Registered => Standing::Operator(shown(&self.client.id, text::NAME)),
            ClientKind::Dynamic => Standing::Nobody(text::day(self.client.created)),
            ClientKind::Document => Standing::Host(host(&self.client.id)),
        }
    }

    /// Where the answer goes, whole: the end of a host is what says whose it is.
    pub(super) fn goes_to(&self) -> String {
        shown(self.redirect.shown, text::ADDRESS)
    }
}

/// A client's name of its own choice, as far as it can be shown.
pub(super) fn claim(name: Option<&str>) -> Option<String> {
    name.map(|name| shown(name, text::NAME)).filter(|name| !name.is_empty())
}

fn host(id: &str) -> String {
    let url = Url::parse(id).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or(id);
    shown(host, text::ADDRESS)
}
