//! One governed door for AI agents.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a child on its way into its sandbox is this program too.
    doorward_egress::stdio::launched(std::env::args_os()).unwrap_or_else(doorward_gateway::cli::run)
}
