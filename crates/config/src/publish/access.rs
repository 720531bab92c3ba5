//! Who may come in at a virtual server or an agent, with the issuers and keys that it refers to.

use std::{collections::BTreeSet, sync::Arc};

use doorward_model::{Access, ApiKeys, Issuer, JwtAccess};

use super::{Entrance, World};
use crate::{
    mistake::Complaint,
    section::Found,
    sections::{AccessDraft, Agents, Declared, Servers, Way},
};

impl World<'_> {
    /// The access of an entrance; without one, its name has a mistake.
    pub(super) fn access(&self, entrance: Option<Entrance<'_>>, draft: &AccessDraft<'_>) -> Option<Access> {
        let ways = &draft.ways;
        if ways.has(Way::Open) {
            self.judge_open(draft);
        }
        if ways.has(Way::Mtls) && !self.listening.client_certificates {
            let complaint =
                Complaint::new("access `mtls` needs client certificates, and nobody is asked for one");
            self.context.mistake(&ways.at, complaint.hint("give `client_ca` in `listen.tls`"));
        }
        // References are followed also where they have no effect, so that a slip shows.
        let issuers = self.issuers(draft);
        let api_keys = self.api_keys(draft);
        let jwt = if ways.has(Way::Jwt) {
            let audience = match &draft.audience {
                Some(audience) => Some(audience.value.to_owned()),
                None => entrance.and_then(|entrance| self.resource(entrance)),
            };
            Some(JwtAccess { issuers: issuers?, audience: audience? })
        } else {
            None
        };
        Some(Access {
            open: ways.has(Way::Open),
            oauth: ways.has(Way::Oauth),
            jwt,
            api_keys: if ways.has(Way::ApiKey) { Some(api_keys?) } else { None },
            mtls: ways.has(Way::Mtls),
            allow: draft.allow.clone(),
        })
    }

    fn judge_open(&self, draft: &AccessDraft<'_>) {
        let at = &draft.ways.at;
        if self.listening.is_loopback() || draft.allow_open {
            self.context.warn(at, "nobody is asked who they are");
        } else {
            let complaint = Complaint::new("`open` on a listener that is not loopback lets everybody in");
            self.context.mistake(at, complaint.hint("give allow_open = true if that is meant"));
        }
    }

    /// The issuers of a draft. Absent when one of them has mistakes, or `jwt` has none.
    fn issuers(&self, draft: &AccessDraft<'_>) -> Option<Vec<Arc<Issuer>>> {
        let (none_chosen, issuers) = self.chosen(self.issuers, draft.issuers.as_deref(), "issuer");
        if draft.ways.has(Way::Jwt) && none_chosen {
            let complaint = Complaint::new("access `jwt` needs an issuer");
            self.context.mistake(&draft.ways.at, complaint.hint("declare an [[issuer]]"));
            return None;
        }
        issuers
    }

    /// The keys of a draft. Absent when one of them has mistakes, or `api-key` has none.
    fn api_keys(&self, draft: &AccessDraft<'_>) -> Option<ApiKeys> {
        let (none_chosen, keys) = self.chosen(self.api_keys, draft.api_keys.as_deref(), "api_key");
        if draft.ways.has(Way::ApiKey) && none_chosen {
            let complaint = Complaint::new("access `api-key` needs a key");
            self.context.mistake(&draft.ways.at, complaint.hint("declare an [[api_key]]"));
            return None;
        }
        keys
    }

    /// The declarations that are named, or all of them; and whether that is none. Absent when one has mistakes.
    fn chosen<T: Clone>(
        &self,
        declared: &[Declared<T>],
        names: Option<&[Found<&str>]>,
        kind: &str,
    ) -> (bool, Option<Vec<T>>) {
        match names {
            Some(names) => {
                let found: Vec<_> =
                    names.iter().map(|name| self.refer(declared, name, kind).cloned()).collect();
                (names.is_empty(), found.into_iter().collect())
            }
            None => (declared.is_empty(), declared.iter().map(|item| item.value.clone()).collect()),
        }
    }

    pub(super) fn warn_of_unused_keys(&self, servers: &Servers<'_>, agents: &Agents<'_>) {
        let servers = servers.iter().filter_map(|declared| Some(&declared.value.as_ref()?.access));
        let agents = agents.iter().filter_map(|declared| Some(&declared.value.as_ref()?.access));
        let mut used = BTreeSet::new();
        for access in servers.chain(agents).filter(|access| access.ways.has(Way::ApiKey)) {
            match &access.api_keys {
                Some(names) => used.extend(names.iter().map(|name| name.value)),
                None => return,
            }
        }
        for key in self.api_keys {
            if key.name.as_ref().is_some_and(|name| !used.contains(name.value.as_str())) {
                self.context.warn(&key.at, "opens nothing: no access \"api-key\" takes this key");
            }
        }
    }
}
