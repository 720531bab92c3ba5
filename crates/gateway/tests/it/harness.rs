//! A gateway for one test: real sockets, a store of its own, a clock that can be turned.
//!
//! [`World`] is what most tests start. [`Plan::start`] takes any configuration without addresses and store: those
//! are the harness's. A test ends with [`Gateway::finish`], which checks what no test should have to remember:
//! every request has exactly one record, nothing secret is in the store, in records or in answers, and the audit
//! chain holds. A gateway that is dropped without it fails the test. What an upstream or an issuer does is the
//! test kit's business.

mod a2a;
mod agents;
mod call;
mod checks;
mod connected;
mod documents;
mod oauth_client;
mod place;
mod replica;
pub(crate) mod sse;
mod visitor;
mod wire;
mod world;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use doorward_config::{Environment, Loaded, Mistakes, Overrides};
use doorward_gateway::App;
use doorward_model::{Clock, SystemClock, Timestamp};
use doorward_store::Store;
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use self::place::Place;
pub(crate) use self::{
    a2a::{
        FACES, Face, Failed, Feed, GrpcCall, Message, Said, Told, V1_FACES, V1_GRPC, V1_REST, V1_RPC,
        V03_GRPC, V03_REST, V03_RPC, What, decode_request, dialect, script,
    },
    agents::{API_KEY, AgentPlan, AgentWorld},
    call::{Call, LEGACY, MODERN, meta},
    connected::ConnectedWorld,
    documents::{Document, Documents},
    oauth_client::{NATIVE, OAuthClient, STATE, TokenCall, Tokens, VERIFIER, basic},
    replica::Replica,
    visitor::{PASSWORD, Visitor, parameter},
    wire::{Answer, Events},
    world::{CREDENTIAL, World},
};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The machine's clock, moved by as much as a test wants, or stopped.
#[derive(Debug, Default)]
pub(crate) struct TurnedClock {
    moved: AtomicI64,
    stopped: OnceLock<Timestamp>,
}

impl TurnedClock {
    /// Moves the clock on.
    pub(crate) fn advance(&self, secs: i64) {
        self.moved.fetch_add(secs, Ordering::Relaxed);
    }

    /// From now on, only [`Self::advance`] moves it: what is counted by the minute does not depend on the machine.
    pub(crate) fn stop(&self) {
        self.stopped.get_or_init(|| SystemClock.now());
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        let now = self.stopped.get().copied().unwrap_or_else(|| SystemClock.now());
        now.plus_secs(self.moved.load(Ordering::Relaxed))
    }
}

/// What a gateway is started with besides its configuration.
#[derive(Debug, Default, Clone)]
pub(crate) struct Plan {
    variables: BTreeMap<String, String>,
    public_url: Option<String>,
    postgres: bool,
}

impl Plan {
    /// Sets an environment variable. Its value is a secret: it must not turn up anywhere.
    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Publishes under this URL rather than under the listener's address.
    pub(crate) fn public_url(mut self, url: &str) -> Self {
        self.public_url = Some(url.to_owned());
        self
    }

    /// Keeps records in a schema of its own on the PostgreSQL server that `DOORWARD_TEST_POSTGRES` names, if
    /// there is one.
    pub(crate) fn postgres(mut self) -> Self {
        self.postgres = true;
        self
    }

    /// Starts a gateway with this configuration.
    pub(crate) async fn start(self, toml: &str) -> Gateway {
        Gateway::start(self, toml).await
    }
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<TurnedClock>,
    address: SocketAddr,
    plan: Plan,
    place: Place,
    log: Mutex<Log>,
    store: Store,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    serving: Option<JoinHandle<()>>,
}

/// What went over the wire so far, for the checks at the end.
#[derive(Debug, Default)]
struct Log {
    /// `METHOD path` of every request that must have a record.
    sent: Vec<String>,
    /// What must not turn up anywhere.
    secrets: Vec<String>,
    /// What the upstream must not see either.
    callers_secrets: Vec<String>,
    /// Secrets that answers handed out: each stands in answers exactly as often as here.
    handed_out: Vec<String>,
    /// Another gateway wrote to the same chain, which looks like a gap: on SQLite there is one.
    shared: bool,
    /// Redirect URIs that clients registered: answers lead nowhere else.
    places: Vec<String>,
    /// Every answer, as bytes.
    heard: Vec<u8>,
}

impl Gateway {
    async fn start(plan: Plan, toml: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let place = Place::make(plan.postgres).await;
        let clock = Arc::new(TurnedClock::default());
        let loaded = load(&plan, &place, address, toml).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let app = App::build(&loaded, Arc::<TurnedClock>::clone(&clock)).await.unwrap();
        app.start();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(doorward_gateway::listen::serve(Arc::clone(&app), listener, async {
            let _ = stopped.await;
        }));
        let store = Store::open(&place.url).await.unwrap();
        let secrets = plan.variables.values().cloned().collect();
        let log = Mutex::new(Log { secrets, ..Log::default() });
        Self {
            app,
            clock,
            address,
            plan,
            place,
            log,
            store,
            stop: Mutex::new(Some(stop)),
            serving: Some(serving),
        }
    }

    /// `http://127.0.0.1:<port>`, which is also the public URL unless the plan says otherwise.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `127.0.0.1:<port>`.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The resource of a virtual server, as tokens must name it.
    pub(crate) fn resource(&self, server: &str) -> String {
        let public = self.plan.public_url.clone().unwrap_or_else(|| self.url());
        format!("{public}/mcp/{server}")
    }

    /// Reads a configuration as this gateway would, to `replace` with it.
    pub(crate) fn load(&self, toml: &str) -> Result<Loaded, Mistakes> {
        load(&self.plan, &self.place, self.address, toml)
    }

    /// Puts another configuration in the place of the present one.
    pub(crate) fn replace(&self, toml: &str) {
        let loaded = self.load(toml).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        self.app.replace(loaded.snapshot).unwrap();
    }

    /// The present moment of the gateway's clock, as records write it.
    pub(crate) fn now(&self) -> String {
        self.clock.now().to_rfc3339()
    }

    /// The present moment of the gateway's clock, in seconds.
    pub(crate) fn clock_secs(&self) -> i64 {
        self.clock.now().as_secs()
    }

    /// Tells the gateway to stop: no new connections, open requests may finish.
    pub(crate) fn stop_listening(&self) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(stop) = stop {
            let _ = stop.send(());
        }
    }

    /// Names a text that must not be in the store, in records or in answers at the end of the test.
    pub(crate) fn plant(&self, secret: &str) {
        self.log().secrets.push(secret.to_owned());
    }

    /// Names such a text that the upstream must not see either, where the test has a [`World`].
    pub(crate) fn plant_callers(&self, secret: &str) {
        let mut log = self.log();
        log.secrets.push(secret.to_owned());
        log.callers_secrets.push(secret.to_owned());
    }

    /// What [`Self::plant_callers`] named so far.
    pub(crate) fn callers_secrets(&self) -> Vec<String> {
        self.log().callers_secrets.clone()
    }

    /// The store, as a command beside the gateway would use it.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The records that the store holds now, in the order in which they were closed.
    pub(crate) async fn records_now(&self) -> Vec<Value> {
        let stored = self.store.read_records(None, 10_000).await.unwrap();
        stored.iter().map(|record| serde_json::from_str(&record.body).unwrap()).collect()
    }

    /// All records, once there are as many as requests were sent.
    pub(crate) async fn records(&self) -> Vec<Value> {
        let sent = self.log().sent.len();
        self.records_of(sent).await
    }

    /// All records, once there are so many.
    pub(crate) async fn records_of(&self, count: usize) -> Vec<Value> {
        let waiting = async {
            loop {
                let records = self.records_now().await;
                if records.len() >= count {
                    return records;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("{count} records did not come"))
    }

    /// The record of the request that was sent last; all others must have been answered.
    pub(crate) async fn last_record(&self) -> Value {
        self.records().await.pop().unwrap_or_default()
    }

    /// Stops the gateway and checks what holds for every test.
    pub(crate) async fn finish(mut self) {
        let Some(serving) = self.serving.take() else { return };
        self.stop_listening();
        tokio::time::timeout(PATIENCE, serving).await.expect("it stops").unwrap();
        self.app.shut_down().await;
        checks::all(&self).await;
        self.store.clone().close().await;
        self.place.clear().await;
    }

    /// What came over a connection that the harness did not read itself.
    fn heard(&self, bytes: &[u8]) {
        self.log().heard.extend_from_slice(bytes);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        assert!(
            self.serving.is_none() || std::thread::panicking(),
            "a test must end with `finish`: it checks records, secrets and the audit chain"
        );
    }
}

fn load(plan: &Plan, place: &Place, address: SocketAddr, toml: &str) -> Result<Loaded, Mistakes> {
    let var = |name: &str| match name {
        "DOORWARD_STORE_URL" => Some(place.url.clone()),
        _ => plan.variables.get(name).cloned(),
    };
    let overrides = Overrides {
        listen: Some(address.to_string()),
        public_url: Some(plan.public_url.clone().unwrap_or_else(|| format!("http://{address}"))),
    };
    let environment = Environment {
        base_dir: place.directory(),
        var: &var,
        names: &|| plan.variables.keys().cloned().collect(),
        read: &|path| std::fs::read_to_string(path),
        stored: doorward_config::StoredSecrets::Unknown,
        real: &|path| path.canonicalize(),
        overrides,
    };
    doorward_config::parse(toml, "gateway.toml", &environment)
}
