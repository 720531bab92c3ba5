//! A world for `parse`: variables and secret files as tables.

use std::{collections::BTreeMap, io, path::Path};

use doorward_config::{Environment, Loaded, Mistakes, Overrides};

#[derive(Default, Clone)]
pub(crate) struct World {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) overrides: Overrides,
}

impl World {
    /// The variables that the tests' files refer to.
    pub(crate) fn usual() -> Self {
        let variables = Self::default().variable("KEY", "s3cr3t-value").variable("PATH", "/usr/bin:/bin");
        variables.file("/etc/doorward/key.txt", "s3cr3t-value\n")
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    /// Hands `act` the environment of this world, with `/etc/doorward` as base directory.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&Environment<'_>) -> T) -> T {
        act(&Environment {
            base_dir: Path::new("/etc/doorward"),
            var: &|name| self.variables.get(name).cloned(),
            names: &|| self.variables.keys().cloned().collect(),
            read: &|path| {
                let text = path.to_str().and_then(|path| self.files.get(path)).cloned();
                text.ok_or_else(|| io::ErrorKind::NotFound.into())
            },
            stored: doorward_config::StoredSecrets::Unknown,
            real: &|path| match path.to_str() {
                Some("/etc/doorward/missing") => Err(io::ErrorKind::NotFound.into()),
                Some("/proc/self/exe") => Ok("/opt/doorward/bin/doorward".into()),
                Some("/etc/doorward/link") => Ok("/var/lib".into()),
                // What a child that may write there has made of it since.
                Some("/srv/a/swapped") => Ok("/home/somebody".into()),
                _ => Ok(path.to_owned()),
            },
            overrides: self.overrides.clone(),
        })
    }

    pub(crate) fn parse(&self, text: &str) -> Result<Loaded, Mistakes> {
        self.with(|env| doorward_config::parse(text, "gateway.toml", env))
    }
}

/// A file that is complete but for `more`, in a world with the usual secrets.
pub(crate) fn parse(text: &str) -> Result<Loaded, Mistakes> {
    World::usual().parse(text)
}

/// What is wrong with `text`, one mistake a line.
pub(crate) fn mistakes(text: &str) -> String {
    parse(text).err().map(|mistakes| mistakes.to_string()).unwrap_or_default()
}

/// The configuration, or a panic that shows what is wrong with it.
pub(crate) fn good(text: &str) -> Loaded {
    parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}\n---\n{text}"))
}

/// The warnings of a good file, one a line.
pub(crate) fn warnings(text: &str) -> String {
    good(text).warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Each case is refused with a complaint that contains its text, and with no other complaint.
#[track_caller]
pub(crate) fn refused(file: impl Fn(&str) -> String, cases: &[(&str, &str)]) {
    for (case, expected) in cases {
        let found = mistakes(&file(case));
        assert!(found.contains(expected), "{case}\nexpected: {expected}\nfound: {found}");
        assert_eq!(found.lines().count(), 1, "{case}\n{found}");
    }
}

/// Each case is accepted.
#[track_caller]
pub(crate) fn accepted(file: impl Fn(&str) -> String, cases: &[&str]) {
    for case in cases {
        assert_eq!(mistakes(&file(case)), "", "{case}");
    }
}
