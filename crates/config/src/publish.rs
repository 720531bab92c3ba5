//! From what the sections declare to virtual servers and agents: references, and the rules that need several
//! sections.

mod access;
mod audience;
mod people;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use doorward_model::{Agent, Issuer, Name, Upstream, VirtualServer};
use url::Url;

use self::audience::Audience;
use crate::{
    context::{Context, shown},
    mistake::Complaint,
    section::Found,
    sections::{
        AgentDraft, Agents, ApiKeys, Declared, Issuers, Listening, ServerDraft, Servers, SignIns, Upstreams,
    },
    suggest::did_you_mean,
};

/// The other sections, as far as virtual servers and agents refer to them.
pub(crate) struct World<'a> {
    pub(crate) upstreams: &'a Upstreams,
    pub(crate) issuers: &'a Issuers,
    pub(crate) api_keys: &'a ApiKeys,
    pub(crate) sign_in: &'a SignIns,
    pub(crate) listening: &'a Listening,
    /// Absent after a mistake.
    pub(crate) public_url: Option<&'a Url>,
    pub(crate) context: &'a Context<'a>,
}

/// What is published. What has mistakes is left out.
pub(crate) struct Published {
    pub(crate) servers: BTreeMap<Name, Arc<VirtualServer>>,
    pub(crate) agents: BTreeMap<Name, Arc<Agent>>,
}

/// What callers come in at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entrance<'a> {
    Server(&'a Name),
    Agent(&'a Name),
}

impl fmt::Display for Entrance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(name) => write!(f, "virtual server `{name}`"),
            Self::Agent(name) => write!(f, "agent `{name}`"),
        }
    }
}

impl<'a> Entrance<'a> {
    fn server<T>(declared: &'a Declared<T>) -> Option<Self> {
        declared.name.as_ref().map(|name| Self::Server(&name.value))
    }

    fn agent<T>(declared: &'a Declared<T>) -> Option<Self> {
        declared.name.as_ref().map(|name| Self::Agent(&name.value))
    }

    fn name(self) -> &'a Name {
        match self {
            Self::Server(name) | Self::Agent(name) => name,
        }
    }
}

impl World<'_> {
    /// Publishes virtual servers and agents.
    pub(crate) fn publish(&self, servers: &Servers<'_>, agents: &Agents<'_>) -> Published {
        let mut audiences = Vec::new();
        let published = Published {
            servers: servers.iter().filter_map(|declared| self.server(declared, &mut audiences)).collect(),
            agents: agents.iter().filter_map(|declared| self.agent(declared, &mut audiences)).collect(),
        };
        let entrances = servers.iter().filter_map(Entrance::server);
        let entrances = entrances.chain(agents.iter().filter_map(Entrance::agent));
        self.refuse_shared_audiences(entrances, &audiences);
        self.refuse_taken_hosts(agents);
        self.warn_of_unused_upstreams(servers);
        self.warn_of_unused_keys(servers, agents);
        self.warn_of_entrances_without_people(servers, agents);
        published
    }

    fn server<'a>(
        &self,
        declared: &'a Declared<ServerDraft<'_>>,
        audiences: &mut Vec<Audience<'a>>,
    ) -> Option<(Name, Arc<VirtualServer>)> {
        let draft = declared.value.as_ref()?;
        let entrance = Entrance::server(declared);
        let access = self.access(entrance, &draft.access);
        let upstream = draft.upstream.as_ref().and_then(|name| self.upstream(name));
        let (entrance, access) = (entrance?, access?);
        audiences.extend(Audience::of(entrance, &draft.access, &access));
        let server = VirtualServer {
            name: entrance.name().clone(),
            resource: self.resource(entrance)?,
            upstream: upstream?,
            access,
            curation: draft.curation.clone(),
            payloads: draft.payloads,
            rate: draft.rate,
        };
        Some((server.name.clone(), Arc::new(server)))
    }

    fn agent<'a>(
        &self,
        declared: &'a Declared<AgentDraft<'_>>,
        audiences: &mut Vec<Audience<'a>>,
    ) -> Option<(Name, Arc<Agent>)> {
        let draft = declared.value.as_ref()?;
        let entrance = Entrance::agent(declared);
        let access = self.access(entrance, &draft.access);
        let (entrance, access) = (entrance?, access?);
        audiences.extend(Audience::of(entrance, &draft.access, &access));
        let agent = Agent {
            name: entrance.name().clone(),
            resource: self.resource(entrance)?,
            card: draft.card.clone()?,
            timeout: draft.timeout,
            credential: draft.credential.clone()?,
            assertion: draft.assertion,
            access,
            bindings: draft.bindings.clone(),
            versions: draft.versions.clone(),
            host: draft.host.as_ref().map(|host| host.value.clone()),
            signature: draft.signature.clone(),
            skills: draft.skills.clone(),
            push: draft.push,
            rate: draft.rate,
            quotas: draft.quotas,
            delegation_depth: draft.delegation_depth,
        };
        Some((agent.name.clone(), Arc::new(agent)))
    }

    /// `<public_url>/mcp/<name>` or `<public_url>/a2a/<name>`.
    fn resource(&self, entrance: Entrance<'_>) -> Option<String> {
        let origin = self.public_url?.origin().ascii_serialization();
        Some(match entrance {
            Entrance::Server(name) => format!("{origin}/mcp/{name}"),
            Entrance::Agent(name) => format!("{origin}/a2a/{name}"),
        })
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
        let what = kind.replace('_', " ");
        let complaint = Complaint::new(format!("there is no {what} `{}`", shown(name.value)));
        self.context.mistake(&name.at, complaint.hint_if(hint));
        None
    }

    /// A host has one card at its root, and Doorward's own host has none.
    fn refuse_taken_hosts(&self, agents: &Agents<'_>) {
        let own = self.public_url.and_then(Url::host_str);
        let mut taken = BTreeMap::new();
        for declared in agents {
            let Some(host) = declared.value.as_ref().and_then(|draft| draft.host.as_ref()) else { continue };
            if own == Some(host.value.as_str()) {
                let complaint = Complaint::new("is the host of `public_url`");
                self.context.mistake(&host.at, complaint.hint("leave it out, or give another host name"));
            } else if let Some(first) = taken.get(host.value.as_str()) {
                self.context.mistake(&host.at, format!("is already the host of `{first}`"));
            } else {
                taken.insert(host.value.as_str(), &declared.at.key);
            }
        }
    }

    fn warn_of_unused_upstreams(&self, servers: &Servers<'_>) {
        let used: BTreeSet<_> = servers
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
