//! The command line of agents: their cards, and who approves them.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// Agents
#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// List the agents of the configuration, with the state of their cards
    List(ConfigArgs),
    /// Print the approved card of an agent, or another that is kept
    #[command(
        after_help = "What is not seen on a terminal, such as controls and marks that turn the direction of writing, is \
        printed as \\u escapes."
    )]
    Show(AgentShow),
    /// Approve the card that waits: it is served from now on
    #[command(
        after_help = "Look first: `doorward agent show NAME --diff`. With --digest, another card that came meanwhile is \
        not approved."
    )]
    Approve(AgentDecision),
    /// Reject the card that waits: it is not offered again until another one came
    Reject(AgentDecision),
}

#[derive(Debug, Args)]
pub(crate) struct AgentShow {
    /// Which agent
    pub(crate) name: String,
    /// The card that waits for approval
    #[arg(long)]
    pub(crate) waiting: bool,
    /// The agent's own document, as it was fetched, and where it comes from
    #[arg(long)]
    pub(crate) original: bool,
    /// What the card that waits would change, the gravest first
    #[arg(long, conflicts_with_all = ["waiting", "original"])]
    pub(crate) diff: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AgentDecision {
    /// Which agent
    pub(crate) name: String,
    /// Only if the card that waits has this digest; `agent show NAME --diff` says which it has
    #[arg(long, value_name = "SHA256")]
    pub(crate) digest: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}
