//! The command line: what can be asked for, and how it is explained.

pub(crate) mod access;
pub(crate) mod agent;
pub(crate) mod connection;
pub(crate) mod secret;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::commands;
use access::{Client, Key, Token, User};
use agent::Agent;
use connection::Connection;
use secret::Secret;

/// One governed door for AI agents.
///
/// Doorward publishes MCP servers as virtual servers, and A2A agents: authenticated, filtered, recorded. Start with
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
    /// Walk through the story in the terminal, with built-in sample servers and a sample agent
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
    /// Local users: who can sign in besides the people of sign-in providers
    #[command(subcommand)]
    User(User),
    /// OAuth clients: programs that ask for tokens
    #[command(subcommand)]
    Client(Client),
    /// Access tokens, without a browser
    #[command(subcommand)]
    Token(Token),
    /// Agents: which cards are approved, and which wait
    #[command(subcommand)]
    Agent(Agent),
    /// Connections: who is connected where, and which authorization servers are approved
    #[command(subcommand)]
    Connection(Connection),
    /// Secrets in the store: what is presented upstream
    #[command(subcommand)]
    Secret(Secret),
    /// The master key
    #[command(subcommand)]
    Key(Key),
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
    #[arg(long, value_name = "FILE", env = "DOORWARD_CONFIG", hide_env_values = true)]
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
        Command::User(user) => commands::user::run(&user),
        Command::Client(client) => commands::client::run(&client),
        Command::Token(token) => commands::token::run(&token),
        Command::Agent(agent) => commands::agent::run(&agent),
        Command::Connection(connection) => commands::connection::run(&connection),
        Command::Secret(secret) => commands::secret::run(&secret),
        Command::Key(Key::Rotate(rotate)) => commands::key::rotate(&rotate),
        Command::Key(Key::RotateSigning(rotate)) => commands::key::rotate_signing(&rotate),
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
    use clap::CommandFactory as _;

    use crate::reference::compare;

    /// A heading and the help of a command, then those below it.
    fn describe(command: &mut clap::Command, name: &str, page: &mut String) {
        let help = command.render_help().to_string();
        let help: Vec<_> = help.lines().map(str::trim_end).collect();
        page.extend(["\n## `", name, "`\n\n```text\n", help.join("\n").trim_end(), "\n```\n"]);
        for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            let name = format!("{name} {}", below.get_name());
            describe(below, &name, page);
        }
    }

    #[test]
    fn the_page_of_commands_is_current() {
        let mut page = String::from(
            "# Commands\n\nWhat `--help` says. What a command changes in the store, a running `doorward serve` on the \
             same store honours within a second; each such change leaves a record.\n",
        );
        let mut doorward = super::Cli::command();
        doorward.build();
        describe(&mut doorward, "doorward", &mut page);
        compare("commands.md", &page);
    }

    #[test]
    fn no_cause_is_said_twice() {
        let cause = anyhow!("no such file").context("cannot open x");
        let error = cause.context("the store cannot be opened: cannot open x");
        assert_eq!(super::explained(&error), "the store cannot be opened: cannot open x: no such file");
    }
}
