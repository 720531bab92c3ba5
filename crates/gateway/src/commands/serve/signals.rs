//! SIGTERM and Ctrl-C: the first one asks to stop, the second one insists.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// The signals so far.
pub(super) struct Signals {
    /// How many came, and the number of the last one.
    came: watch::Receiver<(u32, u8)>,
}

impl Signals {
    /// From here on the signals do not end the process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        let (count, came) = watch::channel((0, 0));
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    _ = terminate.recv() => 15,
                    _ = interrupt.recv() => 2,
                };
                count.send_modify(|(before, last)| (*before, *last) = (*before + 1, number));
            }
        });
        Ok(Self { came })
    }

    /// Done when the first signal has come.
    pub(super) async fn first(&self) {
        self.until(1).await;
    }

    /// Done when the second signal has come; says which.
    pub(super) async fn second(&self) -> u8 {
        self.until(2).await
    }

    async fn until(&self, wanted: u32) -> u8 {
        let mut came = self.came.clone();
        // The sender lives as long as the runtime.
        let seen = came.wait_for(|(count, _)| *count >= wanted).await;
        seen.map_or(0, |seen| seen.1)
    }
}
