//! The command line of connections: who has one, and which authorization servers are approved.

use clap::{ArgGroup, Args, Subcommand};

use super::ConfigArgs;

/// Connections
#[derive(Debug, Subcommand)]
pub(crate) enum Connection {
    /// List the places that accounts are connected for, their authorization servers, and who is connected
    List(ConfigArgs),
    /// Approve the authorization server that waits: people are sent there from now on
    #[command(
        after_help = "PLACE is `upstream:NAME` or `agent:NAME`; a NAME alone is an upstream.\nConnections that the server \
        before it gave end. With --issuer, another one that came meanwhile is not approved."
    )]
    Approve(ConnectionDecision),
    /// Reject the authorization server that waits: it is not offered again
    #[command(after_help = "PLACE is `upstream:NAME` or `agent:NAME`; a NAME alone is an upstream.")]
    Reject(ConnectionDecision),
    /// Remove somebody's connection
    #[command(
        after_help = "PLACE is `upstream:NAME` or `agent:NAME`; a NAME alone is an upstream.\nNothing is sent anywhere: the \
        other side goes on knowing the tokens. Where they are to be revoked there, disconnect in the console."
    )]
    Remove(ConnectionRemove),
}

#[derive(Debug, Args)]
pub(crate) struct ConnectionDecision {
    /// Where
    pub(crate) place: String,
    /// Only if this is the one that waits
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").required(true).args(["user", "shared"]))]
pub(crate) struct ConnectionRemove {
    /// Where
    pub(crate) place: String,
    /// Whose, by their subject: the name of a local user, or `<provider>:<sub>`
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) user: Option<String>,
    /// The one that serves everybody
    #[arg(long)]
    pub(crate) shared: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}
