//! The command line of secrets in the store.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// Secrets in the store, for credentials that say `{ stored = "NAME" }`
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Put a secret into the store, encrypted; asks for the value
    #[command(
        after_help = "NAME is 1 to 63 characters of a-z, 0-9, `.`, `_`, `-`.\nThe value is one line of at most 16 KiB. \
        Nothing prints it again; a value that is there already is replaced. The store takes 1,000 secrets."
    )]
    Set(SecretSet),
    /// List the names of secrets, never their values
    List(ConfigArgs),
    /// Remove a secret
    Remove(SecretRemove),
}

#[derive(Debug, Args)]
pub(crate) struct SecretSet {
    /// What the configuration calls it
    pub(crate) name: String,
    /// Read the value from standard input instead of asking at the terminal
    #[arg(long)]
    pub(crate) stdin: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SecretRemove {
    /// What the configuration calls it
    pub(crate) name: String,
    /// Also when the configuration refers to it
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}
