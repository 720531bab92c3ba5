//! The world outside the file, as a parameter: where relative paths start, variables, secrets, options.
//!
//! Everything that is not the file's text comes in here, so that reading a configuration is a function.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use doorward_model::{Name, Secret};

/// What is known of the secrets in the store, which credentials refer to by name.
#[derive(Clone, Copy)]
pub enum StoredSecrets<'a> {
    /// Nothing, because nobody opened the store: that they must be there is a warning.
    Unknown,
    /// Nothing yet: the store is opened with what is read here, and then everything is read again.
    Awaited,
    /// The value of each that is there.
    Known(&'a dyn Fn(&Name) -> Option<Secret>),
}

/// What a configuration may look at besides its own text.
#[derive(Clone)]
pub struct Environment<'a> {
    /// Where relative paths start: the directory of the file.
    pub base_dir: &'a Path,
    /// The value of an environment variable, when it is set.
    pub var: &'a dyn Fn(&str) -> Option<String>,
    /// The names of all environment variables, to warn of misspelt `DOORWARD_…` ones.
    pub names: &'a dyn Fn() -> Vec<String>,
    /// The text of a secret file.
    pub read: &'a dyn Fn(&Path) -> io::Result<String>,
    /// The secrets in the store.
    pub stored: StoredSecrets<'a>,
    /// Where a path leads to, links followed; an error when nothing is there.
    pub real: &'a dyn Fn(&Path) -> io::Result<PathBuf>,
    /// The options of the command line: stronger than variables, which are stronger than the file.
    pub overrides: Overrides,
}

/// Options of the command line that stand for a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--listen`, for `listen.address`.
    pub listen: Option<String>,
    /// `--public-url`, for `public_url`.
    pub public_url: Option<String>,
}

/// The longest secret file, in bytes: larger ones are a wrong path rather than a secret.
const SECRET_FILE_MAX: u64 = 64 << 10;

impl<'a> Environment<'a> {
    /// The process's own environment and file system.
    pub fn of_process(base_dir: &'a Path, overrides: Overrides) -> Self {
        Self {
            base_dir,
            var: &variable,
            names: &variable_names,
            read: &read_secret_file,
            stored: StoredSecrets::Unknown,
            real: &|path| path.canonicalize(),
            overrides,
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn variable_names() -> Vec<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
}

fn read_secret_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_FILE_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > SECRET_FILE_MAX) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 KiB"));
    }
    Ok(text)
}
