//! `doorward demo`: a newcomer watches real MCP servers and a real agent being governed.
//!
//! Two sample MCP servers, a sample A2A agent, a token issuer and a whole gateway run in this process and talk over sockets of
//! 127.0.0.1. A person signs in, an agent then does what agents and attackers do, and every claim that is printed is checked
//! against what really came back. Nothing is pretended: what does not hold is marked, and the command fails.
//! Nothing of the user's is touched: the store is in a temporary directory that is removed at the end, and
//! neither configuration files nor variables are read.
//!
//! | module | what |
//! |---|---|
//! | `scene` | everything that runs: samples, issuer, gateway |
//! | `sample` | the sample MCP servers |
//! | `helper` | the sample A2A agent |
//! | `issuer` | mints tokens, good and bad |
//! | `agent` | sends requests |
//! | `client` | gets tokens, as an OAuth client |
//! | `visitor` | a person at a browser |
//! | `story` | the steps, in order |
//! | `narrator` | prints, and counts what holds |

mod agent;
mod client;
mod helper;
mod issuer;
mod narrator;
mod sample;
mod scene;
mod serving;
mod story;
#[cfg(test)]
mod tests;
mod visitor;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use narrator::Narrator;
use scene::{Directory, Scene};

/// What a shell expects of a command that Ctrl-C ended: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

/// Tells the story; succeeds when every check of it holds.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Before there is a directory that would have to be removed.
    let interrupted = {
        let _context = runtime.enter();
        interruption()?
    };
    let directory = Directory::make()?;
    let mut stdout = io::stdout();
    let mut narrator = Narrator::new(&mut stdout, is_colourful());
    let outcome = runtime.block_on(async {
        tokio::select! {
            told = tell(&mut narrator, &directory) => told.map(Some),
            () = interrupted => Ok(None),
        }
    });
    // Whatever still runs ends before its directory goes.
    runtime.shutdown_timeout(Duration::from_secs(2));
    drop(directory);
    Ok(match outcome? {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            narrator.line("\ninterrupted: nothing is left running and nothing is left on disk");
            ExitCode::from(INTERRUPTED)
        }
    })
}

/// From the curtain to the summary. Says whether everything held.
async fn tell(narrator: &mut Narrator<'_>, directory: &Directory) -> anyhow::Result<bool> {
    narrator.opening();
    let mut scene = Scene::start(directory).await?;
    story::tell(narrator, &mut scene).await;
    // Also when the story did not get as far as stopping it.
    scene.stop_gateway().await;
    Ok(narrator.summary())
}

/// Done on Ctrl-C or SIGTERM.
fn interruption() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Colours are for people at a terminal who did not decline them (no-color.org).
fn is_colourful() -> bool {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stdout().is_terminal() && !declined && !dumb
}
