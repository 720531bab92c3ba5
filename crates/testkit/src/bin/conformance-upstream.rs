//! The conformance upstream as a program: prints the port that it listens on and serves `/mcp` until it is killed.

use std::io::Write as _;

use clap::Parser;
use doorward_testkit::conformance::{self, Eras};
use serde_json::json;

/// An MCP upstream with everything that the official conformance suite asks of a server.
#[derive(Parser)]
struct Arguments {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Which revisions to speak: `both`, `legacy` or `modern`.
    #[arg(long, default_value = "both")]
    era: Eras,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", json!({ "listening": listener.local_addr()?.port() }))?;
    stdout.flush()?;
    conformance::serve(listener, arguments.era).await?;
    Ok(())
}
