//! Everything that the story happens in: two upstreams, an A2A agent, an issuer, and a whole gateway in front.
//!
//! The gateway is the one that `doorward serve` runs, built from a configuration file's text. Only its
//! environment is closed: neither variables nor files of the machine have a say in it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use doorward_auth::keys::hash;
use doorward_config::{Environment, Loaded, Overrides};
use doorward_egress::{Egress, EgressConfig};
use doorward_model::SystemClock;
use doorward_store::Store;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    agent::Agent,
    helper::Helper,
    issuer::Issuer,
    sample::{Clock, Notebook, Sample},
    serving,
};
use crate::{App, app::store_url, listen, people::first::FirstLink};

/// The part of the configuration that the story shows.
pub(super) const SHOWN: &str = r#"[[server]]
name = "notes"
upstreams = ["notes"]
access = ["oauth", "jwt"]
tools = ["list_notes", "read_note", "add_note"]
resources = ["note:///groceries"]"#;

/// The part about the agent.
pub(super) const SHOWN_AGENT: &str = r#"[[agent]]
name = "helper"
access = ["oauth", "jwt"]"#;

/// How requests past the gateway name themselves in the upstreams' logs.
pub(super) const OPERATOR: &str = "demo-operator";

/// The variable that holds the credential of the notes server, in the closed environment.
const KEY_VARIABLE: &str = "NOTES_KEY";
/// The variable that holds the credential of the agent.
const HELPER_VARIABLE: &str = "HELPER_KEY";

/// A directory of our own that is removed when this is dropped.
pub(super) struct Directory(PathBuf);

/// What runs.
pub(super) struct Scene {
    /// Whose requests are governed and counted.
    pub(super) agent: Agent,
    /// The hands of a browser; its requests are counted too.
    pub(super) browser: Agent,
    /// Whose requests go past the gateway, to show what is there.
    pub(super) operator: Agent,
    pub(super) issuer: Issuer,
    pub(super) notebook: Notebook,
    pub(super) notes: Sample,
    pub(super) clock: Sample,
    /// The A2A agent.
    pub(super) helper: Helper,
    /// What the A2A agent wants; Doorward's to present, nobody else's.
    pub(super) helper_key: String,
    /// The API key that the notes server wants; Doorward's to present, nobody else's.
    pub(super) key: String,
    /// Where the agent sends its requests: `http://127.0.0.1:<port>`.
    pub(super) door: String,
    /// The link that a first start prints.
    pub(super) link: String,
    /// Every token, code, password and cookie that was ever sent or received.
    pub(super) secrets: Vec<String>,
    directory: PathBuf,
    store: String,
    gateway: Option<Gateway>,
}

struct Gateway {
    app: Arc<App>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Directory {
    /// Makes one that only this user can look into.
    pub(super) fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("doorward-demo-{}", hash::random_hex::<8>()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("cannot make the directory {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Temporary files are tidied by the machine if we cannot.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Scene {
    /// Starts everything.
    pub(super) async fn start(directory: &Directory) -> anyhow::Result<Self> {
        doorward_auth::install_crypto()?;
        let egress = Egress::new(&EgressConfig::default())?;
        let key = hash::random_hex::<16>();
        let notebook = Notebook::new();
        let notes = Sample::start(notebook.clone(), Some(key.clone())).await?;
        let clock = Sample::start(Clock, None).await?;
        let helper_key = hash::random_hex::<16>();
        let helper = Helper::start(helper_key.clone()).await?;
        let issuer = Issuer::start().await?;
        let (listener, door) = serving::bind().await?;
        let text = configuration(&door, &issuer, (&notes, &clock), &helper);
        let loaded = load(&text, &[(KEY_VARIABLE, &key), (HELPER_VARIABLE, &helper_key)], directory.path())?;
        let store = store_url(&loaded.settings.store_url);
        let gateway = Gateway::start(&loaded, listener).await?;
        let link = FirstLink::make(&gateway.app).await?.context("there is an administrator already")?;
        Ok(Self {
            agent: Agent::new("demo-agent", egress.clone()),
            browser: Agent::new("demo-browser", egress.clone()),
            operator: Agent::new(OPERATOR, egress),
            issuer,
            notebook,
            notes,
            clock,
            helper,
            key,
            door,
            link,
            secrets: vec![helper_key.clone()],
            helper_key,
            directory: directory.path().to_owned(),
            store,
            gateway: Some(gateway),
        })
    }

    /// The endpoint of a virtual server, as the agent calls it.
    pub(super) fn endpoint(&self, server: &str) -> String {
        format!("{}/mcp/{server}", self.door)
    }

    /// The address of the agent, as its callers know it.
    pub(super) fn agent_endpoint(&self) -> String {
        format!("{}/a2a/helper", self.door)
    }

    /// A good token of the issuer's for `subject` at a virtual server.
    pub(super) fn token(&mut self, subject: &str, server: &str) -> String {
        let token = self.issuer.token(subject, &self.endpoint(server));
        self.secret(token)
    }

    /// Remembers a secret, to look for traces of it later.
    pub(super) fn secret(&mut self, secret: String) -> String {
        self.secrets.push(secret.clone());
        secret
    }

    /// How many requests were sent to the gateway so far.
    pub(super) fn sent(&self) -> usize {
        self.agent.sent() + self.browser.sent()
    }

    /// How many requests reached the upstreams so far: notes, clock.
    pub(super) fn arrived(&self) -> (usize, usize) {
        (self.notes.seen().len(), self.clock.seen().len())
    }

    /// Stops the gateway as a signal would: open requests finish, records are written. Then nothing more.
    pub(super) async fn stop_gateway(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
    }

    /// Opens the gateway's store, as another process would.
    pub(super) async fn open_store(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.store).await?)
    }

    /// Everything that the gateway left on disk.
    pub(super) fn files(&self) -> io::Result<Vec<Vec<u8>>> {
        fs::read_dir(&self.directory)?.map(|entry| fs::read(entry?.path())).collect()
    }
}

impl Gateway {
    async fn start(loaded: &Loaded, listener: TcpListener) -> anyhow::Result<Self> {
        let app = App::build(loaded, Arc::new(SystemClock)).await?;
        app.start();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(listen::serve(Arc::clone(&app), listener, async {
            // Also when the sender is dropped.
            let _ = stopped.await;
        }));
        Ok(Self { app, stop, serving })
    }

    async fn stop(self) {
        let Self { app, stop, serving } = self;
        // Whatever the loop's end was, the records are still to be written.
        let _ = stop.send(());
        let _ = serving.await;
        app.shut_down().await;
    }
}

/// The whole configuration file.
fn configuration(door: &str, issuer: &Issuer, (notes, clock): (&Sample, &Sample), helper: &Helper) -> String {
    let address = door.trim_start_matches("http://");
    let (issuer, notes, clock, card) = (issuer.url(), notes.url(), clock.url(), helper.card_url());
    format!(
        r#"
[listen]
address = "{address}"

[store]
url = "sqlite:doorward.db"

[keys]
master = {{ file = "master.key" }}

[limits]
drain = "1s"

[[issuer]]
name = "demo"
issuer = "{issuer}"

[[upstream]]
name = "notes"
url = "{notes}"
credential = {{ kind = "header", name = "x-api-key", value = {{ env = "{KEY_VARIABLE}" }} }}

[[upstream]]
name = "clock"
url = "{clock}"

{SHOWN}
resource_templates = []

[[server]]
name = "clock"
upstreams = ["clock"]
access = ["oauth", "jwt"]
tools = ["now"]

{SHOWN_AGENT}
card = "{card}"
credential = {{ kind = "header", name = "x-api-key", value = {{ env = "{HELPER_VARIABLE}" }} }}
"#
    )
}

fn load(text: &str, variables: &[(&str, &String)], directory: &Path) -> anyhow::Result<Loaded> {
    let environment = Environment {
        base_dir: directory,
        var: &|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).clone()),
        names: &Vec::new,
        read: &|path| fs::read_to_string(path),
        stored: doorward_config::StoredSecrets::Unknown,
        real: &|path| path.canonicalize(),
        overrides: Overrides::default(),
    };
    doorward_config::parse(text, "the demo's configuration", &environment)
        .map_err(|mistakes| anyhow!("the demo's configuration has mistakes\n{mistakes}"))
}
