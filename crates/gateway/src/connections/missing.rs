//! Why there is no connection to present for a caller, and what can be done about it.

use doorward_model::Place;

/// There is nothing to present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotConnected {
    pub(crate) place: Place,
    /// Doorward's own page. Whoever opens it signs in as themselves: it says nothing about whom it was given to.
    pub(crate) link: String,
    /// Whether an administrator connects for all.
    pub(crate) shared: bool,
    pub(crate) lack: Lack,
}

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Nobody has connected yet.
    Never,
    /// The connection is of no use any more; why, in words for the person.
    Broken(String),
    /// The connection allows less than was asked for.
    Scope,
    /// The caller is no person, and only persons connect here.
    Nobody,
}

impl NotConnected {
    /// What callers and their people are told.
    pub(crate) fn message(&self) -> String {
        let (kind, name, link) = (self.place.kind(), self.place.name(), &self.link);
        match (&self.lack, self.shared) {
            (Lack::Nobody, _) => format!(
                "{kind} `{name}` is called in the name of people, and this caller is no person: an administrator must \
                 configure a shared connection or a credential for machines there"
            ),
            (Lack::Never, true) => format!(
                "{kind} `{name}` needs an account that an administrator connects for everybody, which has not been done: \
                 an administrator opens {link}"
            ),
            (Lack::Never, false) => format!(
                "{kind} `{name}` needs an account of your own there: connect it at {link} and then try again"
            ),
            (Lack::Broken(why), true) => format!(
                "the account that everybody uses at {kind} `{name}` is connected no more ({why}): an administrator \
                 connects it again at {link}"
            ),
            (Lack::Broken(why), false) => format!(
                "your account at {kind} `{name}` is connected no more ({why}): connect it again at {link} and then try again"
            ),
            (Lack::Scope, true) => format!(
                "{kind} `{name}` asks for more than the account that everybody uses may do: an administrator connects it \
                 again at {link}"
            ),
            (Lack::Scope, false) => format!(
                "{kind} `{name}` asks for more than you allowed when you connected your account: connect it again at \
                 {link} and then try again"
            ),
        }
    }

    /// Its code in records.
    pub(crate) const fn reason(&self) -> &'static str {
        match self.lack {
            Lack::Never => "not_connected",
            Lack::Broken(_) => "connection_broken",
            Lack::Scope => "connection_scope",
            Lack::Nobody => "no_person",
        }
    }

    /// Whether whoever calls can do something about it.
    pub(crate) fn is_for_the_person(&self) -> bool {
        !self.shared && self.lack != Lack::Nobody
    }

    /// Where it is connected; none where that helps nobody.
    pub(crate) fn address(&self) -> Option<&str> {
        (self.lack != Lack::Nobody).then_some(&*self.link)
    }
}
