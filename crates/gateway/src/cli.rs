//! The command line: what can be asked for, and how it is explained.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::commands;

/// One governed door for AI agents.
///
/// Doorward publishes MCP servers as virtual servers: authenticated, filtered, recorded. Start with
/// `doorward demo`, then write ten lines of TOML and `doorward serve --config doorward.toml`.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    #[command(after_help = "Every key of the file can be set by a variable, such as DOORWARD_PUBLIC_URL or \
        DOORWARD_LISTEN_ADDRESS.\nWithout a file: 127.0.0.1:8420, with SQLite and a master key under ./doorward-data/.\nThe file is watched: \
        a good change is live within seconds, a bad one changes nothing; SIGHUP reads it at once.\nLogs go to standard \
        error, as much as DOORWARD_LOG or RUST_LOG say (info).")]
    Serve(Serve),
    /// Walk through the story in the terminal, with built-in sample servers
    Demo,
    /// Report all mistakes of a configuration; bind and connect nothing
    Check(ConfigArgs),
    /// Print the whole configuration as one TOML file without secrets
    Export(ConfigArgs),
    /// Print the MCP servers of a desktop client's `mcp.json` as Doorward configuration
    #[command(
        after_help = "Claude Desktop, Claude Code, Cursor and VS Code. No secret is printed: the output refers to \
        variables, and standard error says which to set.\nWith --config, names that the file has already are not used."
    )]
    Import(Import),
    /// The audit log
    #[command(subcommand)]
    Audit(Audit),
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
    /// Listen here instead of `listen.address`
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Publish under this address instead of `public_url`
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

#[derive(Debug, Args)]
struct Import {
    /// The client's file; `-` is standard input
    file: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Check the hash chains; exit 1 and name the first broken record of each
    Verify(ConfigArgs),
}

/// Which configuration, and how to print.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "DOORWARD_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses the command line and runs what it asks for.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Serve(serve) => {
            let overrides = doorward_config::Overrides { listen: serve.listen, public_url: serve.public_url };
            commands::serve::run(&serve.config, overrides)
        }
        Command::Demo => commands::demo::run(),
        Command::Check(config) => commands::check::run(&config),
        Command::Export(config) => commands::export::run(&config),
        Command::Import(import) => commands::import::run(&import.file, &import.config),
        Command::Audit(Audit::Verify(config)) => commands::audit::verify(&config),
    };
    outcome.unwrap_or_else(|error| {
        // The last word of a failed command; if standard error is gone, the exit code still tells.
        let _ = writeln!(io::stderr(), "doorward: {}", explained(&error));
        ExitCode::FAILURE
    })
}

/// An error and its causes, each said once: some texts hold their cause already.
fn explained(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    #[test]
    fn no_cause_is_said_twice() {
        let cause = anyhow!("no such file").context("cannot open x");
        let error = cause.context("the store cannot be opened: cannot open x");
        assert_eq!(super::explained(&error), "the store cannot be opened: cannot open x: no such file");
    }
}
