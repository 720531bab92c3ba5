//! The program's parts, built once and in order. Read this first.

mod chores;

use std::{
    fs, io,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use doorward_auth::{
    CryptoError,
    keys::{Envelope, Sealer},
};
use doorward_config::{Listen, Loaded, Settings, StoreUrl};
use doorward_egress::{Egress, EgressConfig, EgressError};
use doorward_model::{Clock, Snapshot};
use doorward_store::{
    ConnectionCursor, Durability, Ledger, RevocationCursor, SessionCursor, Store, StoreError,
};
use http::HeaderMap;
use tokio_util::sync::CancellationToken;

use crate::{
    connect::Authorities,
    connections::Connections,
    conversations::Conversations,
    credentials::Credentials,
    handles::Sealers,
    identifiers::Identifiers,
    issuers::Issuers,
    keyring::{Keyring, KeyringError},
    metrics::{Metrics, Sample},
    oauth::Clients,
    own_tokens::OwnTokens,
    people::{People, first::FirstLink, ticket::Tickets},
    proxies,
    push::Courier,
    rates::Rates,
    routes::{Routes, RoutesError},
    secrets::Secrets,
    sessions::EndedSessions,
    signer::{Signer, SignerError},
    tasks::Tasks,
};

/// How long children have to end when the program stops; they are killed before.
const CHILDREN: Duration = Duration::from_secs(8);

/// Everything that a request can reach.
pub struct App {
    routes: ArcSwap<Routes>,
    store: Store,
    has_replicas: bool,
    ledger: Ledger,
    egress: Egress,
    issuers: Issuers,
    ended_sessions: Arc<EndedSessions>,
    session_cursor: SessionCursor,
    own_tokens: Arc<OwnTokens>,
    revocation_cursor: RevocationCursor,
    clients: Clients,
    people: People,
    rates: Rates,
    tickets: Tickets,
    tasks: Tasks,
    sealers: Sealers,
    envelope: Arc<Envelope>,
    secrets: Arc<Secrets>,
    courier: Courier,
    signer: Arc<Signer>,
    credentials: Arc<Credentials>,
    authorities: Authorities,
    connections: Arc<Connections>,
    connection_cursor: ConnectionCursor,
    conversations: Arc<Conversations>,
    clock: Arc<dyn Clock>,
    identifiers: Identifiers,
    metrics: Metrics,
    listen: Listen,
    draining: AtomicBool,
    closing: CancellationToken,
}

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The cryptographic library does not work.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The store cannot be opened.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The keys cannot be had.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The signing keys cannot be had.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A file cannot be read.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The snapshot cannot be compiled.
    #[error(transparent)]
    Routes(#[from] RoutesError),
}

impl App {
    /// Builds everything; opens the store, starts the ledger, binds and dials nothing.
    pub async fn build(loaded: &Loaded, clock: Arc<dyn Clock>) -> Result<Arc<Self>, AppError> {
        doorward_auth::install_crypto()?;
        let metrics = Metrics::new();
        let routes = Routes::compile(loaded.snapshot.clone(), &metrics, None)?;
        let egress = Egress::new(&egress_config(&loaded.settings, &loaded.snapshot)?)?;
        let store = Store::open(&store_url(&loaded.settings.store_url)).await?;
        let keyring = Keyring::open(&loaded.settings.master_key, &store, clock.now()).await?;
        let envelope = Arc::new(keyring.envelope);
        let signer = Signer::open(store.clone(), Arc::clone(&envelope), clock.now()).await?;
        let secrets = Arc::new(Secrets::load(store.clone(), Arc::clone(&envelope)).await?);
        let credentials = Credentials::new(egress.clone(), Arc::clone(&signer), Arc::clone(&clock));
        let conversations = Arc::new(Conversations::new(egress.clone(), metrics.ends()));
        let (ended_sessions, session_cursor) = EndedSessions::load(store.clone(), Arc::clone(&clock)).await?;
        let (own_tokens, revocation_cursor) = OwnTokens::load(store.clone(), Arc::clone(&clock)).await?;
        let ledger = ledger(&loaded.settings, &store, &clock).await?;
        let store_of_connections = store.clone();
        store.end_refreshes_of_before().await?;
        let connection_cursor = store.newest_connection_change().await?;
        Ok(Arc::new_cyclic(|app| Self {
            routes: ArcSwap::from_pointee(routes),
            issuers: Issuers::new(egress.clone(), Arc::clone(&clock)),
            identifiers: Identifiers::new(),
            tasks: Tasks::new(store.clone()),
            store,
            has_replicas: matches!(loaded.settings.store_url, StoreUrl::Postgres(_)),
            ledger,
            egress,
            ended_sessions,
            session_cursor,
            own_tokens,
            revocation_cursor,
            clients: Clients::new(),
            people: People::new(),
            rates: Rates::new(),
            tickets: Tickets::new(Sealer::derive(&keyring.handles, "ticket")),
            sealers: Sealers::derive(&keyring.handles),
            authorities: Authorities::new(),
            connections: Connections::new(
                Weak::clone(app),
                store_of_connections,
                Arc::clone(&envelope),
                Arc::clone(&clock),
            ),
            connection_cursor,
            envelope,
            secrets,
            courier: Courier::default(),
            signer,
            credentials,
            conversations,
            clock,
            metrics,
            listen: loaded.settings.listen.clone(),
            draining: AtomicBool::new(false),
            closing: CancellationToken::new(),
        }))
    }

    /// A link with which the first administrator is made, where there is none yet. An older link counts no more.
    pub async fn first_administrator_link(&self) -> Result<Option<String>, StoreError> {
        FirstLink::make(self).await
    }

    /// Puts a new snapshot in the place of the present one. Requests under way finish with the old one.
    pub fn replace(&self, snapshot: Snapshot) -> Result<(), AppError> {
        let routes = Routes::compile(snapshot, &self.metrics, Some(&self.routes.load()))?;
        self.conversations.keep_only(routes.identities());
        self.routes.store(Arc::new(routes));
        Ok(())
    }

    /// From now on the process is not ready: it will stop soon.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// No more connections come: streams that would never end by themselves end now.
    pub(crate) fn close(&self) {
        self.drain();
        self.closing.cancel();
    }

    /// Writes what is still to be written, and closes the store.
    pub async fn shut_down(&self) {
        if tokio::time::timeout(CHILDREN, self.conversations.close()).await.is_err() {
            tracing::warn!("some children did not end in time");
        }
        self.courier.finish().await;
        self.ledger.shutdown().await;
        self.store.clone().close().await;
    }

    pub(crate) fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// Whether requests may be sent here, or why not.
    pub(crate) fn readiness(&self) -> Result<(), &'static str> {
        if self.draining.load(Ordering::Acquire) {
            Err("stopping")
        } else if self.ledger.reserve().is_none() {
            Err("records are not being written")
        } else {
            Ok(())
        }
    }

    /// Whether probes are answered where callers come in.
    pub(crate) fn answers_probes(&self) -> bool {
        self.listen.admin.is_none()
    }

    /// The caller's address, as far as proxies are trusted to tell it.
    pub(crate) fn caller_address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        proxies::caller(headers, peer, &self.listen.trusted_proxies)
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The text of `/metrics`.
    pub(crate) fn render_metrics(&self) -> String {
        let routes = self.routes();
        self.metrics.render(&Sample { streams: routes.open_streams(), slots: self.ledger.taken() })
    }

    /// Done when no more connections come.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The store, where other replicas may use it too.
    pub(crate) fn shared_store(&self) -> Option<&Store> {
        self.has_replicas.then_some(&self.store)
    }

    /// Whether a token of Doorward's own is good now: what every request that brings one asks first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn knows_own_token(&self, token: &str) -> Result<bool, StoreError> {
        Ok(self.own_tokens.look_up(token, self.routes().origin()).await?.is_some())
    }

    pub(crate) fn own_tokens(&self) -> &OwnTokens {
        &self.own_tokens
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(crate) fn people(&self) -> &People {
        &self.people
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }

    pub(crate) fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    pub(crate) fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    pub(crate) fn conversations(&self) -> &Arc<Conversations> {
        &self.conversations
    }

    pub(crate) fn ended_sessions(&self) -> &EndedSessions {
        &self.ended_sessions
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(crate) fn sealers(&self) -> &Sealers {
        &self.sealers
    }

    /// Seals secrets at rest.
    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    pub(crate) fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    pub(crate) fn courier(&self) -> &Courier {
        &self.courier
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    pub(crate) fn credentials(&self) -> &Arc<Credentials> {
        &self.credentials
    }

    /// What is known of authorization servers elsewhere.
    pub(crate) fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn identifiers(&self) -> &Identifiers {
        &self.identifiers
    }
}

/// The store's address as the store takes it.
pub(crate) fn store_url(url: &StoreUrl) -> String {
    match url {
        StoreUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        StoreUrl::Postgres(url) => url.expose().to_owned(),
    }
}

/// The ledger, as the configuration wants records to be kept.
async fn ledger(settings: &Settings, store: &Store, clock: &Arc<dyn Clock>) -> Result<Ledger, StoreError> {
    let durability = match settings.records.durability {
        doorward_config::Durability::Grouped => Durability::Grouped,
        doorward_config::Durability::Strict => Durability::Strict,
    };
    let (stdout, chain) = (settings.records.stdout, store.claim_chain()?);
    Ledger::start(store.clone(), Arc::clone(clock), durability, stdout, chain).await
}

pub(crate) fn egress_config(settings: &Settings, snapshot: &Snapshot) -> Result<EgressConfig, AppError> {
    let read = |path: &PathBuf| fs::read(path).map_err(|error| AppError::File { path: path.clone(), error });
    let extra_roots = settings.ca.as_ref().map(read).transpose()?;
    Ok(EgressConfig { allow_private: snapshot.allow_private.clone(), extra_roots })
}
