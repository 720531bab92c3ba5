//! The program's parts, built once and in order. Read this first.

use std::{
    fs, io,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
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
use doorward_store::{Durability, Ledger, RevocationCursor, SessionCursor, Store, StoreError};
use http::HeaderMap;
use tokio_util::sync::CancellationToken;

use crate::{
    agents,
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
    push::{self, Courier},
    rates::Rates,
    routes::{Routes, RoutesError},
    secrets::Secrets,
    sessions::EndedSessions,
    signer::{Signer, SignerError},
    tasks::Tasks,
};

/// How long children have to end when the program stops; they are killed before.
const CHILDREN: Duration = Duration::from_secs(8);

/// How long it is remembered whose tasks are that have ended, in seconds: 90 days.
const ENDED_TASKS: i64 = 90 * 24 * 3600;

/// How long it is remembered whose tasks are that nothing was heard of, in seconds: a year.
const IDLE_TASKS: i64 = 365 * 24 * 3600;

/// How often what has expired is taken out of the store.
const FORGET_EVERY: Duration = Duration::from_mins(5);

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
        let records = &loaded.settings.records;
        let durability = match records.durability {
            doorward_config::Durability::Grouped => Durability::Grouped,
            doorward_config::Durability::Strict => Durability::Strict,
        };
        let chain = store.claim_chain()?;
        let ledger =
            Ledger::start(store.clone(), Arc::clone(&clock), durability, records.stdout, chain).await?;
        Ok(Arc::new(Self {
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

    /// Starts what runs beside the requests.
    pub fn start(self: &Arc<Self>) {
        tokio::spawn(Arc::clone(&self.ended_sessions).follow(self.session_cursor));
        tokio::spawn(Arc::clone(&self.own_tokens).follow(self.revocation_cursor));
        tokio::spawn(Arc::clone(&self.signer).follow());
        tokio::spawn(agents::follow(Arc::clone(self)));
        tokio::spawn(push::follow(Arc::clone(self)));
        tokio::spawn(Arc::clone(self).reap());
        tokio::spawn(Arc::clone(self).forget());
    }

    /// Takes out of the store what has expired, for as long as the program runs.
    async fn forget(self: Arc<Self>) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            let now = self.clock.now();
            let forgotten = async {
                self.signer.forget(now).await?;
                self.store.forget_pushes(now).await?;
                self.store.forget_expired_tokens(now).await?;
                self.store.forget_tasks(now.plus_secs(-ENDED_TASKS), now.plus_secs(-IDLE_TASKS)).await?;
                self.store.forget_rates(now).await?;
                self.store.forget_unused_clients(now).await
            };
            if let Err(error) = forgotten.await {
                tracing::warn!(%error, "cannot forget what has expired");
            }
        }
    }

    /// Ends conversations that nobody uses, for as long as the program runs.
    async fn reap(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.conversations.reap(&self.routes().snapshot.limits);
        }
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

pub(crate) fn egress_config(settings: &Settings, snapshot: &Snapshot) -> Result<EgressConfig, AppError> {
    let read = |path: &PathBuf| fs::read(path).map_err(|error| AppError::File { path: path.clone(), error });
    let extra_roots = settings.ca.as_ref().map(read).transpose()?;
    Ok(EgressConfig { allow_private: snapshot.allow_private.clone(), extra_roots })
}
