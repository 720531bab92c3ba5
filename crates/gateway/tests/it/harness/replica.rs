//! A second gateway of one deployment: another process would be the same, with the same store and keys.

use std::net::{Ipv4Addr, SocketAddr};

use doorward_gateway::App;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{Arc, Gateway, PATIENCE, Plan, TurnedClock, load};

/// Another gateway behind the same public URL.
pub(crate) struct Replica {
    pub(super) address: SocketAddr,
    app: Arc<App>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Gateway {
    /// Starts another gateway with this configuration beside this one.
    pub(crate) async fn replica(&self, toml: &str) -> Replica {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let public_url = self.plan.public_url.clone().unwrap_or_else(|| self.url());
        let plan = Plan { public_url: Some(public_url), ..self.plan.clone() };
        let loaded = load(&plan, &self.place, address, toml).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let app = App::build(&loaded, Arc::<TurnedClock>::clone(&self.clock)).await.unwrap();
        app.start();
        self.log().shared = true;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(doorward_gateway::listen::serve(Arc::clone(&app), listener, async {
            let _ = stopped.await;
        }));
        Replica { address, app, stop, serving }
    }
}

impl Replica {
    /// Stops it. To be called before the gateway's own `finish`.
    pub(crate) async fn finish(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(PATIENCE, self.serving).await.expect("it stops").unwrap();
        self.app.shut_down().await;
    }
}
