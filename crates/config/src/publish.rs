//! From what the sections declare to virtual servers: references, and the rules that need several sections.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use doorward_model::{Access, Issuer, JwtAccess, Name, Upstream, VirtualServer};
use url::Url;

use crate::{
    context::{Context, shown},
    mistake::Complaint,
    section::Found,
    sections::{Declared, Draft, Drafts, Issuers, SignIns, Upstreams},
    suggest::did_you_mean,
    tree::At,
};

/// The other sections, as far as virtual servers refer to them.
struct World<'a> {
    upstreams: &'a Upstreams,
    issuers: &'a Issuers,
    /// Absent after a mistake.
    address: Option<&'a Found<SocketAddr>>,
    public_url: Option<&'a Url>,
    context: &'a Context<'a>,
}

/// Publishes the virtual servers; those with mistakes are left out.
pub(crate) fn servers(
    drafts: &Drafts<'_>,
    upstreams: &Upstreams,
    issuers: &Issuers,
    address: Option<&Found<SocketAddr>>,
    public_url: Option<&Url>,
    context: &Context<'_>,
) -> BTreeMap<Name, Arc<VirtualServer>> {
    let world = World { upstreams, issuers, address, public_url, context };
    let mut servers = BTreeMap::new();
    let mut audiences = Vec::new();
    for declared in drafts {
        let Some(draft) = &declared.value else { continue };
        let access = world.access(declared, draft);
        let upstream = draft.upstream.as_ref().and_then(|name| world.upstream(name));
        let (Some(name), Some(resource)) = (&declared.name, world.resource(declared)) else { continue };
        let Some(access) = access else { continue };
        if let Some(jwt) = &access.jwt {
            audiences.push(Audience {
                at: draft.audience.as_ref().map_or(&draft.ways.at, |audience| &audience.at),
                server: &name.value,
                value: jwt.audience.clone(),
                issuers: jwt.issuers.clone(),
            });
        }
        let Some(upstream) = upstream else { continue };
        let server = VirtualServer {
            name: name.value.clone(),
            resource,
            upstream,
            access,
            curation: draft.curation.clone(),
            payloads: draft.payloads,
            rate: None,
        };
        servers.insert(name.value.clone(), Arc::new(server));
    }
    world.refuse_shared_audiences(drafts, &audiences);
    world.warn_of_unused_upstreams(drafts);
    servers
}

/// An issuer and a sign-in provider of the same name are the same provider: `allow` names the people of both by
/// `<name>:<sub>`.
pub(crate) fn refuse_mixed_subjects(issuers: &Issuers, sign_in: &SignIns, context: &Context<'_>) {
    for declared in sign_in {
        let (Some(name), Some(provider)) = (&declared.name, &declared.value) else { continue };
        let same_name = |issuer: &&Arc<Issuer>| issuer.name == name.value;
        let issuer = issuers.iter().filter_map(|issuer| issuer.value.as_ref()).find(same_name);
        if issuer.is_some_and(|issuer| issuer.issuer != provider.issuer) {
            let message = format!(
                "people of the issuer `{0}` are `{0}:<sub>` too, and it is another provider",
                name.value
            );
            context.mistake(&name.at, Complaint::new(message).hint("choose another name"));
        }
    }
}

/// What opens a virtual server to tokens of issuers.
struct Audience<'a> {
    at: &'a At,
    server: &'a Name,
    value: String,
    issuers: Vec<Arc<Issuer>>,
}

impl World<'_> {
    /// `<public_url>/mcp/<name>`.
    fn resource(&self, declared: &Declared<Draft<'_>>) -> Option<String> {
        let name = &declared.name.as_ref()?.value;
        Some(format!("{}/mcp/{name}", self.public_url?.origin().ascii_serialization()))
    }

    fn upstream(&self, name: &Found<&str>) -> Option<Arc<Upstream>> {
        self.refer(self.upstreams, name, "upstream").cloned()
    }

    /// The declaration of that name. Absent without complaint when the declaration has mistakes of its own.
    fn refer<'d, T>(&self, declared: &'d [Declared<T>], name: &Found<&str>, kind: &str) -> Option<&'d T> {
        if let Some(item) = declared.iter().find(|item| item.written.as_deref() == Some(name.value)) {
            return item.value.as_ref();
        }
        let written = || declared.iter().filter_map(|item| item.written.as_deref());
        let none = || written().next().is_none().then(|| format!("no [[{kind}]] is declared"));
        let hint = did_you_mean(name.value, written()).or_else(none);
        let complaint = Complaint::new(format!("there is no {kind} `{}`", shown(name.value)));
        self.context.mistake(&name.at, complaint.hint_if(hint));
        None
    }

    fn access(&self, declared: &Declared<Draft<'_>>, draft: &Draft<'_>) -> Option<Access> {
        let ways = &draft.ways;
        if ways.open {
            self.judge_open(draft);
        }
        // References are followed also where they have no effect, so that a slip shows.
        let issuers = self.issuers(draft);
        let jwt = if ways.jwt {
            let audience = match &draft.audience {
                Some(audience) => Some(audience.value.to_owned()),
                None => self.resource(declared),
            };
            Some(JwtAccess { issuers: issuers?, audience: audience? })
        } else {
            None
        };
        Some(Access {
            open: ways.open,
            oauth: ways.oauth,
            jwt,
            api_keys: None,
            mtls: false,
            allow: draft.allow.clone(),
        })
    }

    fn judge_open(&self, draft: &Draft<'_>) {
        let at = &draft.ways.at;
        let loopback = self.address.is_none_or(|address| address.value.ip().to_canonical().is_loopback());
        if loopback || draft.allow_open {
            self.context.warn(at, "nobody is asked who they are");
        } else {
            let complaint = Complaint::new("`open` on a listener that is not loopback lets everybody in");
            self.context.mistake(at, complaint.hint("give allow_open = true if that is meant"));
        }
    }

    /// The issuers of a draft. Absent when one of them has mistakes, or `jwt` has none.
    fn issuers(&self, draft: &Draft<'_>) -> Option<Vec<Arc<Issuer>>> {
        let (none_chosen, issuers): (bool, Option<Vec<_>>) = match &draft.issuers {
            Some(names) => {
                let found: Vec<_> =
                    names.iter().map(|name| self.refer(self.issuers, name, "issuer").cloned()).collect();
                (names.is_empty(), found.into_iter().collect())
            }
            None => {
                (self.issuers.is_empty(), self.issuers.iter().map(|issuer| issuer.value.clone()).collect())
            }
        };
        if draft.ways.jwt && none_chosen {
            let complaint = Complaint::new("access `jwt` needs an issuer");
            self.context.mistake(&draft.ways.at, complaint.hint("declare an [[issuer]]"));
            return None;
        }
        issuers
    }

    /// One audience never opens two resources.
    fn refuse_shared_audiences(&self, drafts: &Drafts<'_>, audiences: &[Audience<'_>]) {
        let resources: BTreeMap<String, &Name> = drafts
            .iter()
            .filter_map(|declared| Some((self.resource(declared)?, &declared.name.as_ref()?.value)))
            .collect();
        let mut opened: BTreeMap<(&str, &Name), &Name> = BTreeMap::new();
        for entry in audiences {
            if let Some(other) = resources.get(&entry.value).filter(|other| **other != entry.server) {
                let message = format!("this audience is the address of the virtual server `{other}`");
                self.context.mistake(
                    entry.at,
                    Complaint::new(message).hint("one audience never opens two resources"),
                );
                continue;
            }
            let shared = entry.issuers.iter().find_map(|issuer| {
                let other = opened.get(&(entry.value.as_str(), &issuer.name))?;
                (*other != entry.server).then_some((*other, &issuer.name))
            });
            if let Some((other, issuer)) = shared {
                let message = format!(
                    "a token of the issuer `{issuer}` for this audience opens the virtual server `{other}` too"
                );
                self.context.mistake(
                    entry.at,
                    Complaint::new(message).hint("one audience never opens two resources"),
                );
            }
            for issuer in &entry.issuers {
                opened.entry((&entry.value, &issuer.name)).or_insert(entry.server);
            }
        }
    }

    fn warn_of_unused_upstreams(&self, drafts: &Drafts<'_>) {
        let used: BTreeSet<_> = drafts
            .iter()
            .filter_map(|declared| Some(declared.value.as_ref()?.upstream.as_ref()?.value))
            .collect();
        for upstream in self.upstreams {
            if upstream.name.as_ref().is_some_and(|name| !used.contains(name.value.as_str())) {
                self.context.warn(&upstream.at, "no virtual server shows this upstream");
            }
        }
    }
}
