//! `[network]`: where addresses that the file does not declare may lead.

use std::path::PathBuf;

use ipnet::IpNet;

use crate::{
    address,
    mistake::Complaint,
    section::{Key, Kind, Section, Shape, Spec},
};

pub(crate) const SPEC: Spec = Spec {
    name: "network",
    shape: Shape::Single,
    about: "Where addresses that this file does not declare may lead. What it declares is trusted at exactly its host \
            and port, private and loopback too; cloud metadata addresses never are.",
    keys: &[
        Key::new(
            "allow_private",
            Kind::Texts,
            "[]",
            "private networks that documents, callers and the console may lead to",
        ),
        Key::new("ca", Kind::Text, "none", "a PEM file of roots that are trusted besides the platform's"),
    ],
};

pub(crate) struct Network {
    pub(crate) allow_private: Vec<IpNet>,
    pub(crate) ca: Option<PathBuf>,
}

pub(crate) fn read(section: &Section<'_>) -> Network {
    let networks = section.texts_as("allow_private", address::network);
    for network in networks.iter().filter(|network| !address::is_private(&network.value)) {
        let complaint = Complaint::new("is not a private network: its public addresses need no entry");
        section.context.warn(&network.at, complaint);
    }
    let ca = section.text("ca").and_then(|text| {
        let path = if text.value.is_empty() { Err("expected a path".into()) } else { Ok(text.value) };
        section.context.accept(&text.at, path)
    });
    Network {
        allow_private: networks.into_iter().map(|network| network.value).collect(),
        ca: ca.map(|path| section.context.env.base_dir.join(path)),
    }
}
