//! Entrances that let no person in, before what is called in the name of people: nobody can ever be served there.

use doorward_model::{Credential, Issuer};

use super::World;
use crate::{
    mistake::Complaint,
    sections::{AccessDraft, Agents, Servers, Way},
};

impl World<'_> {
    pub(super) fn warn_of_entrances_without_people(&self, servers: &Servers<'_>, agents: &Agents<'_>) {
        let servers = servers.iter().filter_map(|declared| {
            let draft = declared.value.as_ref()?;
            let name = draft.upstream.as_ref()?.value;
            let upstream = self.upstreams.iter().find(|it| it.written.as_deref() == Some(name))?;
            Some((&draft.access, &upstream.value.as_ref()?.credential))
        });
        let agents = agents.iter().filter_map(|declared| {
            let draft = declared.value.as_ref()?;
            Some((&draft.access, draft.credential.as_ref()?))
        });
        for (access, credential) in servers.chain(agents) {
            if let Some(way_out) = way_out(credential)
                && !self.lets_people_in(access)
            {
                let complaint =
                    Complaint::new("nobody who gets in here is a person, and only people are served");
                self.context.warn(&access.ways.at, complaint.hint(way_out));
            }
        }
    }

    /// Whether some of those who get in are people: who has a token of Doorward's own, or one of an issuer by which
    /// people sign in, too.
    fn lets_people_in(&self, access: &AccessDraft<'_>) -> bool {
        let named = |name: &str| match &access.issuers {
            Some(names) => names.iter().any(|it| it.value == name),
            None => true,
        };
        let signs_in = |issuer: &Issuer| {
            let mut providers = self.sign_in.iter().filter_map(|it| it.value.as_ref());
            providers.any(|provider| provider.issuer == issuer.issuer)
        };
        let mut issuers = self.issuers.iter().filter_map(|it| it.value.as_ref());
        access.ways.has(Way::Oauth)
            || access.ways.has(Way::Jwt)
                && issuers.any(|issuer| named(issuer.name.as_str()) && signs_in(issuer))
    }
}

/// What to do about a credential that is for people, each with their own; nothing where it is for others as well.
fn way_out(credential: &Credential) -> Option<&'static str> {
    match credential {
        Credential::Connection(connecting) if !connecting.shared => Some(
            "declare a [[sign_in]] of the issuer, give the credential shared = true, or present one for machines",
        ),
        Credential::IdentityAssertion(_) => {
            Some("declare a [[sign_in]] of the issuer, or present a credential for machines")
        }
        _ => None,
    }
}
