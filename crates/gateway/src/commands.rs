//! What the commands do. Errors here are for the person at the terminal: `anyhow`, with the way out.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod serve;

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, anyhow};
use doorward_config::{Environment, Loaded, Mistakes, Overrides};

use crate::cli::ConfigArgs;

/// A configuration file, read and checked.
pub(crate) enum Checked {
    Good(Box<Loaded>),
    Bad(Mistakes),
}

/// Reads the configuration that the command line names, or the defaults.
pub(crate) fn read(args: &ConfigArgs, overrides: Overrides) -> anyhow::Result<Checked> {
    let checked = if let Some(path) = &args.config {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
        let directory = std::path::absolute(path)?;
        let directory = directory.parent().unwrap_or(Path::new("/"));
        let environment = Environment::of_process(directory, overrides);
        doorward_config::parse(&text, &path.display().to_string(), &environment)
    } else {
        let directory = std::env::current_dir().context("the working directory cannot be read")?;
        doorward_config::defaults(&Environment::of_process(&directory, overrides))
    };
    Ok(match checked {
        Ok(loaded) => Checked::Good(Box::new(loaded)),
        Err(mistakes) => Checked::Bad(mistakes),
    })
}

/// The same, where mistakes end the command. Warnings are said on standard error.
pub(crate) fn load(args: &ConfigArgs, overrides: Overrides) -> anyhow::Result<Loaded> {
    match read(args, overrides)? {
        Checked::Good(loaded) => {
            for warning in &loaded.warnings {
                say_aside(&format!("warning: {warning}"));
            }
            Ok(*loaded)
        }
        Checked::Bad(mistakes) => Err(anyhow!("the configuration has mistakes\n{mistakes}")),
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
