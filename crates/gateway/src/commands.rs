//! What the commands do. Errors here are for the person at the terminal: `anyhow`, with the way out.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod key;
mod opened;
mod resource;
pub(crate) mod secret;
pub(crate) mod serve;
mod terminal;
pub(crate) mod token;
pub(crate) mod user;

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, anyhow};
use doorward_config::{Environment, Loaded, Mistakes, Overrides, StoredSecrets};

use crate::cli::ConfigArgs;

/// A configuration file, read and checked.
pub(crate) enum Checked {
    Good(Box<Loaded>),
    Bad(Mistakes),
}

/// Gets to know every file that is read, and what came of it.
pub(crate) type Note<'a> = &'a dyn Fn(&Path, &io::Result<String>);

/// Reads the configuration that the command line names, or the defaults.
pub(crate) fn read(args: &ConfigArgs, overrides: Overrides) -> anyhow::Result<Checked> {
    read_noting(args, overrides, StoredSecrets::Unknown, &|_, _| {})
}

/// The same, for those who want to know when to read again.
pub(crate) fn read_noting(
    args: &ConfigArgs,
    overrides: Overrides,
    stored: StoredSecrets<'_>,
    note: Note<'_>,
) -> anyhow::Result<Checked> {
    let noting = |environment: Environment<'_>,
                  act: &dyn Fn(&Environment<'_>) -> Result<Loaded, Mistakes>| {
        let read = |path: &Path| {
            let text = (environment.read)(path);
            note(path, &text);
            text
        };
        act(&Environment { read: &read, stored, ..environment.clone() })
    };
    let checked = if let Some(path) = &args.config {
        let text = std::fs::read_to_string(path);
        note(path, &text);
        let text = text.with_context(|| format!("cannot read the configuration file {}", path.display()))?;
        let directory = std::path::absolute(path)?;
        let directory = directory.parent().unwrap_or(Path::new("/"));
        noting(Environment::of_process(directory, overrides), &|environment| {
            doorward_config::parse(&text, &path.display().to_string(), environment)
        })
    } else {
        let directory = std::env::current_dir().context("the working directory cannot be read")?;
        noting(Environment::of_process(&directory, overrides), &doorward_config::defaults)
    };
    Ok(match checked {
        Ok(loaded) => Checked::Good(Box::new(loaded)),
        Err(mistakes) => Checked::Bad(mistakes),
    })
}

/// The same, where mistakes end the command. Warnings are said on standard error.
pub(crate) fn load(args: &ConfigArgs, overrides: Overrides) -> anyhow::Result<Loaded> {
    let loaded = load_noting(args, overrides, StoredSecrets::Unknown, &|_, _| {})?;
    warn(&loaded);
    Ok(loaded)
}

/// The same, for those who want to know when to read again, and say the warnings when they have read for the last time.
pub(crate) fn load_noting(
    args: &ConfigArgs,
    overrides: Overrides,
    stored: StoredSecrets<'_>,
    note: Note<'_>,
) -> anyhow::Result<Loaded> {
    match read_noting(args, overrides, stored, note)? {
        Checked::Good(loaded) => Ok(*loaded),
        Checked::Bad(mistakes) => Err(anyhow!("the configuration has mistakes\n{mistakes}")),
    }
}

/// Says the warnings of a configuration on standard error.
pub(crate) fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        say_aside(&format!("warning: {warning}"));
    }
}

/// Prints a line of the command's data.
pub(crate) fn say(line: &str) {
    // A reader that stopped reading is no failure of the command.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a line that is not data.
pub(crate) fn say_aside(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// So many of something, in words.
pub(crate) fn counted(count: impl TryInto<u64>, what: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
