//! One governed door for AI agents.

use std::process::ExitCode;

fn main() -> ExitCode {
    doorward_gateway::cli::run()
}
