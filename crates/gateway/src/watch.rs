//! The files that the process was started with, watched: the configuration, the secrets that it refers to, and
//! the certificate. Secrets of the store are watched with them.
//!
//! Their content is compared twice a second; dates say nothing. A change counts when it stays for two looks in a
//! row, so that a file is not read while somebody is writing it. SIGHUP reads at once. What is good is live
//! without a dropped request; what is not changes nothing and is logged. Nothing here is read by the request
//! path.

mod files;
mod restart;

#[cfg(test)]
mod tests;

use std::{io, mem, sync::Arc, time::Duration};

use doorward_config::{Loaded, Overrides, Settings, StoredSecrets};
use doorward_model::{Name, Snapshot};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinError,
    time::MissedTickBehavior,
};

pub(crate) use files::Seen;
use files::Settling;

use crate::{
    App,
    cli::ConfigArgs,
    commands::{Checked, read_noting},
    listen::Tls,
    secrets::Secrets,
};

/// How often the files are looked at.
const ROUND: Duration = Duration::from_millis(500);

/// What reads the files again.
pub(crate) struct Watch {
    app: Arc<App>,
    tls: Option<Arc<Tls>>,
    again: Again,
    configuration: Settling,
    certificate: Settling,
    hangups: Signal,
}

/// How the configuration was read at the start, and what came of it.
#[derive(Clone)]
pub(crate) struct Again {
    pub(crate) args: ConfigArgs,
    pub(crate) overrides: Overrides,
    /// The warnings that were said at the start; the reading that completes it does not say them again.
    pub(crate) warned: Vec<String>,
    /// What the process runs with, whatever the file says now.
    pub(crate) settings: Settings,
    pub(crate) snapshot: Snapshot,
}

impl Watch {
    /// Prepares to watch: from now on SIGHUP no longer ends the process.
    pub(crate) fn new(app: Arc<App>, tls: Option<Arc<Tls>>, again: Again, seen: Seen) -> io::Result<Self> {
        let hangups = signal(SignalKind::hangup())?;
        let certificate = tls.as_deref().map(|tls| Seen::of(tls.paths())).unwrap_or_default();
        let (configuration, certificate) = (Settling::new(seen), Settling::new(certificate));
        Ok(Self { app, tls, again, configuration, certificate, hangups })
    }

    /// Reads everything once more where the configuration refers to the store: it was not open yet.
    pub(crate) async fn read_stored_secrets(&mut self) -> Result<(), JoinError> {
        if self.again.snapshot.stored_secrets.is_empty() {
            self.again.warned.clear();
            return Ok(());
        }
        self.read_configuration().await
    }

    /// Watches for as long as it is polled.
    pub(crate) async fn follow(mut self) {
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let forced = tokio::select! {
                _ = rounds.tick() => false,
                hangup = self.hangups.recv() => hangup.is_some(),
            };
            if let Err(error) = self.look(forced).await {
                tracing::error!(%error, "the watched files could not be looked at");
            }
        }
    }

    /// One look at all files.
    async fn look(&mut self, forced: bool) -> Result<(), JoinError> {
        let (configuration, certificate) = (self.configuration.known(), self.certificate.known());
        let looking = move || (configuration.look_again(), certificate.look_again());
        let (configuration, certificate) = tokio::task::spawn_blocking(looking).await?;
        let secrets = self.app.secrets().look_again().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read which secrets have changed");
            false
        });
        if self.configuration.has_changed(configuration) || secrets || forced {
            self.read_configuration().await?;
        }
        if self.certificate.has_changed(certificate.clone()) || forced {
            self.certificate.settle(certificate);
            self.read_certificate().await?;
        }
        Ok(())
    }

    async fn read_configuration(&mut self) -> Result<(), JoinError> {
        let again = self.again.clone();
        let secrets = Arc::clone(self.app.secrets());
        let (outcome, seen) = tokio::task::spawn_blocking(move || again.read(&secrets)).await?;
        self.configuration.settle(seen);
        let applied = match outcome {
            Ok(loaded) => self.apply(*loaded),
            Err(complaints) => {
                tracing::error!("the configuration has mistakes; everything stays as it was");
                for complaint in complaints {
                    tracing::error!("{complaint}");
                }
                false
            }
        };
        self.app.metrics().configuration_change(applied);
        Ok(())
    }

    fn apply(&mut self, loaded: Loaded) -> bool {
        let warned = mem::take(&mut self.again.warned);
        for warning in loaded.warnings.iter().map(ToString::to_string) {
            if !warned.contains(&warning) {
                tracing::warn!("{warning}");
            }
        }
        let late = restart::needed(&self.again, &loaded);
        if let Err(error) = self.app.replace(loaded.snapshot) {
            tracing::error!(%error, "the configuration cannot be used; everything stays as it was");
            return false;
        }
        tracing::info!("the configuration was read again and is live");
        if !late.is_empty() {
            tracing::warn!("only a restart changes {}: the old value is still in use", late.join(", "));
        }
        true
    }

    async fn read_certificate(&self) -> Result<(), JoinError> {
        let Some(tls) = self.tls.clone() else { return Ok(()) };
        match tokio::task::spawn_blocking(move || tls.reload()).await? {
            Ok(()) => tracing::info!("the certificate was read again and is shown to new connections"),
            Err(error) => tracing::error!(%error, "the certificate stays as it was"),
        }
        Ok(())
    }
}

/// What was read, or every complaint.
type Outcome = Result<Box<Loaded>, Vec<String>>;

impl Again {
    /// Reads everything again.
    fn read(&self, secrets: &Secrets) -> (Outcome, Seen) {
        let (outcome, seen) = self.read_with(self.overrides.clone(), secrets);
        match outcome {
            Ok(loaded) if restart::moves_public_url(&self.settings, &loaded) => {
                // `public_url` was left to the address, and the address stays until a restart.
                let overrides =
                    Overrides { public_url: Some(self.snapshot.origin()), ..self.overrides.clone() };
                self.read_with(overrides, secrets)
            }
            outcome => (outcome, seen),
        }
    }

    fn read_with(&self, overrides: Overrides, secrets: &Secrets) -> (Outcome, Seen) {
        let value = |name: &Name| secrets.value(name);
        let stored = StoredSecrets::Known(&value);
        let (read, seen) = Seen::while_reading(|note| read_noting(&self.args, overrides, stored, note));
        let outcome = match read {
            Ok(Checked::Good(loaded)) => Ok(loaded),
            Ok(Checked::Bad(mistakes)) => Err(mistakes.mistakes.iter().map(ToString::to_string).collect()),
            Err(error) => Err(vec![format!("{error:#}")]),
        };
        (outcome, seen)
    }
}
