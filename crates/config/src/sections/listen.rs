//! `[listen]`: where callers come in.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;

use crate::{
    Tls, address,
    mistake::Complaint,
    section::{Found, Key, Kind, Section, Shape, Spec},
};

pub(crate) const SPEC: Spec = Spec {
    name: "listen",
    shape: Shape::Single,
    about: "Where callers come in. A change needs a restart, except of `allowed_origins`.",
    keys: &[
        Key::new(
            "address",
            Kind::Text,
            "\"127.0.0.1:8420\"",
            "IP address and port for callers; port 0 takes a free one",
        ),
        Key::new(
            "admin",
            Kind::Text,
            "none",
            "IP address and port for `/healthz`, `/readyz` and `/metrics` alone",
        ),
        Key::new(
            "trusted_proxies",
            Kind::Texts,
            "[]",
            "networks whose `Forwarded` and `X-Forwarded-For` are believed for the caller's address",
        ),
        Key::new(
            "allowed_origins",
            Kind::Texts,
            "[]",
            "origins besides `public_url` that browsers may call from, each `scheme://host[:port]`",
        ),
        Key::new("tls", Kind::Table, "none", "serves TLS on `address`, and nothing else there"),
        Key::new(
            "grace",
            Kind::Time(Duration::ZERO, Duration::from_mins(1)),
            "\"0s\"",
            "how long, after being told to stop, connections are still accepted while `/readyz` answers 503: time for a \
             load balancer to notice",
        ),
    ],
};

pub(crate) const TLS: Spec = Spec {
    name: "listen.tls",
    shape: Shape::Nested,
    about: "TLS 1.2 and 1.3 for callers. The files are PEM; they are read again when they change, and on SIGHUP.",
    keys: &[
        Key::new("certificate", Kind::Text, "required", "the file of the certificate, its chain after it"),
        Key::new("key", Kind::Text, "required", "the file of its private key"),
        Key::new(
            "client_ca",
            Kind::Text,
            "none",
            "a file of roots: client certificates are asked for, and one that is presented must lead to one of them",
        ),
    ],
};

/// `[listen]` as far as it could be read.
pub(crate) struct Listening {
    /// Absent after a mistake.
    pub(crate) address: Option<Found<SocketAddr>>,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) tls: Option<Tls>,
    /// Whether client certificates are asked for, as far as the file says what it means.
    pub(crate) client_certificates: bool,
    pub(crate) grace: Duration,
}

impl Listening {
    /// Whether nobody but this machine reaches the listener; also after a mistake, which is complaint enough.
    pub(crate) fn is_loopback(&self) -> bool {
        self.address.as_ref().is_none_or(|address| address.value.ip().to_canonical().is_loopback())
    }
}

const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8420);

pub(crate) fn read(section: &Section<'_>) -> Listening {
    let address = if section.has("address") {
        socket(section, "address")
    } else {
        Some(Found { value: DEFAULT, at: section.at("address") })
    };
    let admin = socket(section, "admin");
    if let (Some(address), Some(admin)) = (&address, &admin)
        && address.value == admin.value
        && admin.value.port() != 0
    {
        let complaint = Complaint::new("is the same as `listen.address`");
        section.context.mistake(&admin.at, complaint.hint("leave it out to serve both there"));
    }
    let proxies = section.texts_as("trusted_proxies", address::network);
    for proxy in proxies.iter().filter(|proxy| proxy.value.prefix_len() == 0) {
        section.context.warn(&proxy.at, "believes everybody: any caller can claim any address");
    }
    let origins = section.texts_as("allowed_origins", address::origin);
    let tls = section.table("tls", &TLS);
    // What is written wrongly is complained of already.
    let client_certificates = tls.as_ref().map_or(section.has("tls"), |tls| tls.has("client_ca"));
    Listening {
        address,
        admin: admin.map(|found| found.value),
        trusted_proxies: proxies.into_iter().map(|found| found.value).collect(),
        allowed_origins: origins.into_iter().map(|found| found.value).collect(),
        tls: tls.and_then(|table| files(&table)),
        client_certificates,
        grace: section.duration("grace").unwrap_or_default(),
    }
}

/// The paths only. What the files hold is judged by whoever serves them.
fn files(section: &Section<'_>) -> Option<Tls> {
    section.refuse_unknown(&[]);
    section.require("certificate");
    section.require("key");
    let [certificate, key, client_ca] = ["certificate", "key", "client_ca"].map(|name| path(section, name));
    Some(Tls { certificate: certificate?, key: key?, client_ca })
}

fn path(section: &Section<'_>, name: &str) -> Option<PathBuf> {
    let text = section.text(name)?;
    let path = if text.value.is_empty() { Err("expected a path".into()) } else { Ok(text.value) };
    section.context.accept(&text.at, path).map(|path| section.context.env.base_dir.join(path))
}

fn socket(section: &Section<'_>, name: &str) -> Option<Found<SocketAddr>> {
    let text = section.text(name)?;
    let value = section.context.accept(&text.at, address::socket(text.value))?;
    Some(Found { value, at: text.at })
}
