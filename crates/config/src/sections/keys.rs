//! `[keys]`: the master key. A key file is named here, never read: it may not exist yet.

use crate::{
    MasterKeySource,
    section::{Key, Kind, Reference, Section, Shape, Spec},
};

pub(crate) const SPEC: Spec = Spec {
    name: "keys",
    shape: Shape::Single,
    about: "What seals state and stored secrets. A change needs a restart.",
    keys: &[Key::new(
        "master",
        Kind::Secret,
        "{ file = \"doorward-data/master.key\" }",
        "the master key; a file that does not exist is made (mode 0600) as long as the store holds nothing sealed",
    )],
};

const DEFAULT_FILE: &str = "doorward-data/master.key";

pub(crate) fn read(section: &Section<'_>) -> Option<MasterKeySource> {
    if !section.has("master") {
        return Some(MasterKeySource::File(section.context.env.base_dir.join(DEFAULT_FILE)));
    }
    let found = section.reference("master")?;
    match found.value {
        Reference::File(path) => Some(MasterKeySource::File(path)),
        // No key of the store opens the store: it cannot stand here.
        Reference::Stored(_) => None,
        Reference::Variable(name) => section.context.variable(&found.at, name).map(MasterKeySource::Value),
    }
}
