//! `doorward serve`.

use std::{
    io::{self, IsTerminal as _},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use doorward_config::{Loaded, Overrides};
use doorward_model::SystemClock;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::{load, say_aside};
use crate::{App, cli::ConfigArgs, listen};

/// Runs until told to stop.
pub(crate) fn run(args: &ConfigArgs, overrides: Overrides) -> anyhow::Result<ExitCode> {
    let loaded = load(args, overrides.clone())?;
    start_logging();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = bind(loaded.settings.listen.address).await?;
        let loaded = match loaded.snapshot.public_url.port() {
            // A port that the system chose is known only now.
            Some(0) => {
                let public_url = Some(format!("http://{}", listener.local_addr()?));
                load(args, Overrides { public_url, ..overrides })?
            }
            _ => loaded,
        };
        serve(&loaded, listener).await
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; choose another address with --listen or listen.address")
    })
}

async fn serve(loaded: &Loaded, listener: TcpListener) -> anyhow::Result<()> {
    let app = App::build(loaded, Arc::new(SystemClock)).await?;
    app.start();
    announce(loaded, listener.local_addr()?);
    listen::serve(Arc::clone(&app), listener, stop_signal()?).await;
    tracing::info!("writing what is left of the records");
    app.shut_down().await;
    Ok(())
}

/// Says where everything is, once.
fn announce(loaded: &Loaded, address: SocketAddr) {
    say_aside(&format!("doorward {} listens on {address}", env!("CARGO_PKG_VERSION")));
    for server in loaded.snapshot.servers.values() {
        say_aside(&format!(
            "  virtual server {}: {} → upstream {}",
            server.name, server.resource, server.upstream.name
        ));
    }
    if loaded.snapshot.servers.is_empty() {
        say_aside(
            "  nothing is published yet: declare an [[upstream]] and a [[server]], or run `doorward demo`",
        );
    }
}

/// Done when the program is told to stop: SIGTERM or Ctrl-C.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, open requests may finish");
    })
}

/// Logs go to standard error; standard output is for records.
fn start_logging() {
    let wanted = EnvFilter::try_from_env("DOORWARD_LOG").or_else(|_| EnvFilter::try_from_default_env());
    let filter = wanted.unwrap_or_else(|_| EnvFilter::new("info"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    // Logging that is already set up (by a test) stays.
    let _ = logging.try_init();
}
