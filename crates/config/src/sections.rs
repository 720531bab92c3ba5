//! The sections of the file, one module each, in the order of the reference.
//!
//! A section reads and judges its own keys. What needs several sections is judged in `publish`.

pub(crate) mod later;

mod access;
mod agent;
mod api_key;
mod credential;
mod issuer;
mod keys;
mod limits;
mod listen;
mod network;
mod rate;
mod records;
mod server;
mod sign_in;
mod store;
mod tokens;
mod upstream;

pub(crate) use access::{AccessDraft, Way};
pub(crate) use agent::{Agents, Draft as AgentDraft};
pub(crate) use api_key::ApiKeys;
pub(crate) use credential::header_name;
pub(crate) use issuer::Issuers;
pub(crate) use listen::Listening;
pub(crate) use server::{Draft as ServerDraft, Servers};
pub(crate) use sign_in::SignIns;
pub(crate) use store::without_password;
use upstream::sandbox::{self, OffLimits};
pub(crate) use upstream::{Upstreams, variable_name};

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use doorward_model::{Name, Snapshot};
use url::Url;

use crate::{
    Listen, Settings, address,
    context::{Context, shown},
    mistake::Complaint,
    publish::{self, World},
    section::{Found, Key, Kind, Section, Shape, Spec},
    tree::{At, Table},
};

const ROOT: Spec = Spec {
    name: "",
    shape: Shape::Single,
    about: "Keys before the first section.",
    keys: &[Key::new(
        "public_url",
        Kind::Text,
        "`http://<listen.address>` (`https` with `listen.tls`) when that is a loopback address, else required",
        "`scheme://host[:port]`, nothing more: the root of every address that Doorward writes into documents",
    )],
};

/// Every table of the file, in the order of the reference and of the export.
pub(crate) const ALL: [&Spec; 25] = [
    &ROOT,
    &listen::SPEC,
    &listen::TLS,
    &store::SPEC,
    &keys::SPEC,
    &upstream::SPEC,
    &upstream::sandbox::SPEC,
    &credential::UPSTREAM,
    &server::SPEC,
    &access::SERVER_ALLOW,
    &rate::SERVER,
    &agent::SPEC,
    &access::AGENT_ALLOW,
    &rate::AGENT,
    &credential::AGENT,
    &agent::SIGNATURE,
    &agent::QUOTAS,
    &issuer::SPEC,
    &api_key::SPEC,
    &sign_in::SPEC,
    &sign_in::ALLOW,
    &tokens::SPEC,
    &records::SPEC,
    &network::SPEC,
    &limits::SPEC,
];

/// Something declared under a name that others refer to.
pub(crate) struct Declared<T> {
    pub(crate) at: At,
    /// The name as it is written, also when it is no good: references to it are no further mistake.
    pub(crate) written: Option<String>,
    pub(crate) name: Option<Found<Name>>,
    /// Absent when the declaration has mistakes.
    pub(crate) value: Option<T>,
}

/// Reads all sections. Absent only when there are mistakes.
pub(crate) fn read(root: &Table, context: &Context<'_>) -> Option<(Settings, Snapshot)> {
    let top = Section::root(&ROOT, root, context);
    let written = ALL.iter().filter(|spec| matches!(spec.shape, Shape::Single | Shape::List));
    let names: Vec<_> = written.map(|spec| spec.name).filter(|name| *name != ROOT.name).collect();
    top.refuse_unknown(&names);
    let single = |spec| Section::single(spec, root, context);
    let listening = listen::read(&single(&listen::SPEC));
    let store_url = store::read(&single(&store::SPEC));
    let master_key = keys::read(&single(&keys::SPEC));
    let upstreams = upstream::read(root, context);
    let issuers = issuer::read(root, context);
    let api_keys = api_key::read(root, context);
    let servers = server::read(root, context);
    let agents = agent::read(root, context);
    let sign_in = sign_in::read(root, context);
    let tokens = tokens::read(&single(&tokens::SPEC));
    let records = records::read(&single(&records::SPEC));
    let network = network::read(&single(&network::SPEC));
    let limits = limits::read(&single(&limits::SPEC));

    let (tls, ca) = (listening.tls.as_ref(), network.ca.as_deref());
    OffLimits::of(context, master_key.as_ref(), store_url.as_ref(), tls, ca).refuse_in(&upstreams, context);
    sandbox::refuse_replaceable(&upstreams, context);
    publish::refuse_mixed_subjects(&issuers, &sign_in, context);
    let public_url = public_url(&top, listening.address.as_ref(), listening.tls.is_some());
    let world = World {
        upstreams: &upstreams,
        issuers: &issuers,
        api_keys: &api_keys,
        sign_in: &sign_in,
        listening: &listening,
        public_url: public_url.as_ref(),
        context,
    };
    let published = world.publish(&servers, &agents);
    let listen = Listen {
        address: listening.address?.value,
        admin: listening.admin,
        trusted_proxies: listening.trusted_proxies,
        tls: listening.tls,
        grace: listening.grace,
    };
    let settings =
        Settings { listen, store_url: store_url?, master_key: master_key?, records, ca: network.ca };
    let snapshot = Snapshot {
        public_url: public_url?,
        allowed_origins: listening.allowed_origins,
        allow_private: network.allow_private,
        upstreams: by_name(upstreams),
        issuers: by_name(issuers),
        sign_in: by_name(sign_in),
        tokens,
        servers: published.servers,
        agents: published.agents,
        stored_secrets: context.stored_names(),
        limits,
    };
    Some((settings, snapshot))
}

fn by_name<T>(declared: Vec<Declared<T>>) -> BTreeMap<Name, T> {
    declared.into_iter().filter_map(|item| Some((item.name?.value, item.value?))).collect()
}

/// `public_url`, or the loopback listener's own address.
fn public_url(top: &Section<'_>, address: Option<&Found<SocketAddr>>, tls: bool) -> Option<Url> {
    const KEY: &str = "public_url";
    if top.has(KEY) {
        let text = top.text(KEY)?;
        let url = top.context.accept(&text.at, address::public_url(text.value))?;
        if url.scheme() == "http" && !address::is_loopback(&url) {
            let complaint = Complaint::new("tokens travel in clear: callers reach this address by http");
            top.context.warn(&text.at, complaint.hint("use https outside a laboratory"));
        } else if url.scheme() == "http" && tls {
            top.context.warn(&text.at, "callers are told http, and `listen.tls` serves https");
        }
        return Some(url);
    }
    let address = address?;
    if !address.value.ip().to_canonical().is_loopback() {
        let complaint = Complaint::new("must be given, because `listen.address` is not a loopback address");
        let at = At { place: address.at.place.clone(), key: KEY.to_owned() };
        top.context.mistake(&at, complaint.hint("such as public_url = \"https://gateway.example.com\""));
        return None;
    }
    let scheme = if tls { "https" } else { "http" };
    // Through the origin, so that the scheme's own port is left out as clients leave it out.
    let url = Url::parse(&format!("{scheme}://{}", address.value)).ok()?;
    Url::parse(&url.origin().ascii_serialization()).ok()
}

/// Reports names that are declared twice.
pub(crate) fn refuse_doubles<T>(declared: &[Declared<T>], context: &Context<'_>) {
    let mut seen = BTreeMap::new();
    for item in declared {
        let Some(name) = &item.name else { continue };
        if let Some(first) = seen.get(&name.value) {
            context.mistake(&name.at, format!("the name `{}` is already taken by `{first}`", name.value));
        } else {
            seen.insert(&name.value, &item.at.key);
        }
    }
}

/// The members of a list without repetitions, which are warned about.
pub(crate) fn unique<'a>(items: Vec<Found<&'a str>>, context: &Context<'_>) -> Vec<Found<&'a str>> {
    let mut seen = BTreeSet::new();
    let is_first = |item: &Found<&'a str>| {
        let first = seen.insert(item.value);
        if !first {
            context.warn(&item.at, format!("`{}` is listed twice", shown(item.value)));
        }
        first
    };
    items.into_iter().filter(is_first).collect()
}
