//! `doorward serve`.

use std::{
    io::{self, IsTerminal as _},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use doorward_config::{Loaded, Overrides, StoredSecrets};
use doorward_model::SystemClock;
use tokio::{net::TcpListener, task::JoinHandle};
use tracing_subscriber::EnvFilter;

use self::signals::Signals;
use super::{load_noting, say_aside, warn};
use crate::{
    App,
    cli::ConfigArgs,
    listen::{self, Tls},
    memory,
    watch::{Again, Seen, Watch},
};

mod signals;

/// Runs until told to stop.
pub(crate) fn run(args: &ConfigArgs, overrides: Overrides) -> anyhow::Result<ExitCode> {
    let started = Started::read(args, overrides)?;
    start_logging();
    memory::keep_to_ourselves();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        let listener = bind(started.loaded.settings.listen.address, "listen.address").await?;
        let started = match started.loaded.snapshot.public_url.port() {
            // A port that the system chose is known only now.
            Some(0) => started.at(listener.local_addr()?)?,
            _ => started,
        };
        warn(&started.loaded);
        serve(started, listener).await
    });
    // Whatever still runs has been waited for, or is not wanted any more.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

/// What the process was started with.
struct Started {
    loaded: Loaded,
    args: ConfigArgs,
    overrides: Overrides,
    seen: Seen,
}

impl Started {
    fn read(args: &ConfigArgs, overrides: Overrides) -> anyhow::Result<Self> {
        let (loaded, seen) =
            Seen::while_reading(|note| load_noting(args, overrides.clone(), StoredSecrets::Awaited, note));
        Ok(Self { loaded: loaded?, args: args.clone(), overrides, seen })
    }

    /// The same, published under the address of the listener.
    fn at(self, address: SocketAddr) -> anyhow::Result<Self> {
        let scheme = self.loaded.snapshot.public_url.scheme();
        let public_url = Some(format!("{scheme}://{address}"));
        Self::read(&self.args, Overrides { public_url, ..self.overrides })
    }

    fn again(&self) -> Again {
        Again {
            args: self.args.clone(),
            overrides: self.overrides.clone(),
            warned: self.loaded.warnings.iter().map(ToString::to_string).collect(),
            settings: self.loaded.settings.clone(),
            snapshot: self.loaded.snapshot.clone(),
        }
    }
}

async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        let option = if key == "listen.address" { "--listen or " } else { "" };
        format!("cannot listen on {address}; choose another address with {option}{key}")
    })
}

async fn serve(started: Started, listener: TcpListener) -> anyhow::Result<ExitCode> {
    let listen = &started.loaded.settings.listen;
    let tls = listen.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
    let admin = match listen.admin {
        Some(address) => Some(bind(address, "listen.admin").await?),
        None => None,
    };
    let app = App::build(&started.loaded, Arc::new(SystemClock)).await?;
    app.start();
    let mut watch = Watch::new(Arc::clone(&app), tls.clone(), started.again(), started.seen)?;
    watch.read_stored_secrets().await?;
    let signals = Signals::listen()?;
    announce(&started.loaded, listener.local_addr()?, admin.as_ref());
    if let Some(link) = app.first_administrator_link().await? {
        say_aside("  nobody is an administrator yet; whoever opens this link first can become one:");
        say_aside(&format!("  {link}"));
    }
    let beside = [
        Some(tokio::spawn(watch.follow())),
        admin.map(|admin| tokio::spawn(listen::serve_admin(Arc::clone(&app), admin))),
    ];
    let grace = listen.grace;
    let stop = async {
        signals.first().await;
        tracing::info!("stopping: open requests may finish; a second signal ends at once");
        app.drain();
        tokio::time::sleep(grace).await;
    };
    let serving = async {
        listen::serve_with(Arc::clone(&app), listener, tls, stop).await;
        tracing::info!("writing what is left of the records");
        app.shut_down().await;
        ExitCode::SUCCESS
    };
    let code = tokio::select! {
        code = serving => code,
        signal = signals.second() => {
            tracing::warn!("ended by a second signal; the last records may be missing");
            ExitCode::from(128_u8.saturating_add(signal))
        }
    };
    beside.iter().flatten().for_each(JoinHandle::abort);
    Ok(code)
}

/// Says where everything is, once.
fn announce(loaded: &Loaded, address: SocketAddr, admin: Option<&TcpListener>) {
    say_aside(&format!("doorward {} listens on {address}", env!("CARGO_PKG_VERSION")));
    if let Some(address) = admin.and_then(|admin| admin.local_addr().ok()) {
        say_aside(&format!("  health and metrics on {address}"));
    }
    for server in loaded.snapshot.servers.values() {
        say_aside(&format!(
            "  virtual server {}: {} → upstream {}",
            server.name, server.resource, server.upstream.name
        ));
    }
    for agent in loaded.snapshot.agents.values() {
        say_aside(&format!("  agent {}: {} → card {}", agent.name, agent.resource, agent.card));
    }
    if loaded.snapshot.servers.is_empty() && loaded.snapshot.agents.is_empty() {
        say_aside(
            "  nothing is published yet: declare an [[upstream]] and a [[server]], or an [[agent]], or run `doorward demo`",
        );
    }
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
