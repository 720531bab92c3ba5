//! Starts the real servers and the program before them; nothing of it outlives its value.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::programs::{Running, finish_with, node, signal, testkit, until};

/// Where those parts of the test kit run that live in the test's own process.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Starts a part of the test kit in the test's own process.
pub(crate) fn within<T>(start: impl Future<Output = io::Result<T>>) -> T {
    RUNTIME.block_on(start).expect("a part of the test kit")
}

/// The reference server, below the directory of the packages of npm.
pub(crate) const EVERYTHING: &str = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";

/// Which of the two servers is behind a virtual server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `@modelcontextprotocol/server-everything`: revision 2025-11-25, sessions.
    Everything,
    /// `upstream_v2.mjs`: revision 2026-07-28, stateless.
    Modern,
}

impl Kind {
    /// The tools that a virtual server publishes, and the one that it hides.
    pub(crate) fn curated(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Everything => (
                &[
                    "get-sum",
                    "get-structured-content",
                    "get-tiny-image",
                    "trigger-long-running-operation",
                    "toggle-subscriber-updates",
                    "toggle-simulated-logging",
                    "trigger-elicitation-request",
                    "trigger-sampling-request",
                    "get-roots-list",
                ],
                "get-env",
            ),
            Self::Modern => (
                &["echo", "add", "slow", "ask_name", "ask_model", "log", "touch", "seen_headers", "counters"],
                "delete_everything",
            ),
        }
    }

    /// The name of the upstream and of its virtual server.
    fn name(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Modern => "modern",
        }
    }

    /// The tool that a virtual server hides.
    pub(crate) fn hidden(self) -> &'static str {
        self.curated().1
    }
}

/// A real server on a free port.
pub(crate) struct Upstream {
    pub(crate) url: String,
    _process: Running,
}

impl Upstream {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(kind: Kind) -> Self {
        let mut command = node();
        match kind {
            Kind::Everything => {
                command.args(["--import", "./peers/loopback.mjs"]).arg(EVERYTHING).arg("streamableHttp")
            }
            Kind::Modern => command.arg("peers/upstream_v2.mjs"),
        };
        Self::listening(command, "/mcp")
    }

    /// Starts the reference server with the transport of revision 2024-11-05.
    pub(crate) fn start_sse() -> Self {
        let mut command = node();
        command.args(["--import", "./peers/loopback.mjs"]).arg(EVERYTHING).arg("sse");
        Self::listening(command, "/sse")
    }

    /// Starts the upstream of the conformance suite.
    pub(crate) fn start_conformance() -> Self {
        Self::listening(testkit("conformance-upstream"), "/mcp")
    }

    /// The keys of the file that lead to it.
    pub(crate) fn keys(&self) -> String {
        let transport = if self.url.ends_with("/sse") { "\ntransport = \"sse\"" } else { "" };
        format!("url = {:?}{transport}", self.url)
    }

    fn listening(mut command: Command, path: &str) -> Self {
        command.env("PORT", "0").stderr(Stdio::null());
        let listens = |line: &str| serde_json::from_str::<Value>(line).ok()?["listening"].as_u64();
        let (process, port) = Running::until_it_says(&mut command, listens);
        Self { url: format!("http://127.0.0.1:{port}{path}"), _process: process }
    }
}

/// Where the program finds the keys of the issuer that it trusts.
pub(crate) struct Trusted {
    pub(crate) issuer: String,
    pub(crate) jwks_uri: String,
}

impl Trusted {
    /// The section of the file.
    pub(crate) fn section(&self) -> String {
        let Self { issuer, jwks_uri } = self;
        format!("\n[[issuer]]\nname = \"peers\"\nissuer = {issuer:?}\njwks_uri = {jwks_uri:?}\n")
    }
}

/// The program in front of real servers.
pub(crate) struct Gateway {
    pub(crate) address: String,
    config: PathBuf,
    log: PathBuf,
    process: Option<Running>,
    variables: Vec<(String, String)>,
    _directory: TempDir,
    _upstreams: Vec<Upstream>,
}

impl Gateway {
    /// Starts both servers and the program; virtual servers are open unless there is somebody to trust.
    pub(crate) fn start(trusted: Option<&Trusted>) -> Self {
        let upstreams = [Kind::Everything, Kind::Modern].map(Upstream::start);
        let sections = sections(&upstreams, trusted);
        Self::launch(&sections, &[], upstreams.into())
    }

    /// Starts the program with these sections of the file and these variables of its own; the servers live as long as it.
    pub(crate) fn launch(sections: &str, variables: &[(&str, &str)], upstreams: Vec<Upstream>) -> Self {
        let directory = TempDir::new().expect("a directory for the gateway");
        let log = directory.path().join("log");
        let config = directory.path().join("doorward.toml");
        // Between asking for a free port and listening on it another process may take it: try again then.
        for _ in 0..3 {
            let port = free_port();
            fs::write(&config, format!("{}{sections}", basics(port))).expect("the configuration");
            let output = File::create(&log).expect("a log file");
            let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
            command.args(["serve", "--config"]).arg(&config).current_dir(directory.path());
            command.envs(variables.iter().copied());
            let errors = output.try_clone().expect("the log file twice");
            let mut process = Running::start(command.stdout(output).stderr(errors));
            if becomes_healthy(&mut process, port) {
                let address = format!("http://127.0.0.1:{port}");
                return Self {
                    address,
                    config,
                    log,
                    process: Some(process),
                    variables: variables
                        .iter()
                        .map(|(name, value)| ((*name).into(), (*value).into()))
                        .collect(),
                    _directory: directory,
                    _upstreams: upstreams,
                };
            }
        }
        panic!("the gateway does not come up\n{}", fs::read_to_string(&log).unwrap_or_default());
    }

    /// The address of a virtual server, which is also the name of the resource that tokens are for.
    pub(crate) fn resource(&self, kind: Kind) -> String {
        self.server(kind.name())
    }

    /// The address of the virtual server of this name.
    pub(crate) fn server(&self, name: &str) -> String {
        format!("{}/mcp/{name}", self.address)
    }

    /// The id of the program's process.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("a running program").id()
    }

    /// What the program logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Stops the program as a supervisor does and checks the records that it left; what it logged is given back.
    pub(crate) fn stop(mut self) -> String {
        let mut process = self.process.take().expect("a running program");
        signal("TERM", process.id());
        until("the program ends on SIGTERM", || process.ended().is_some());
        self.command(&["audit", "verify"]);
        self.log()
    }

    /// Runs a command of the program about what it keeps, and gives back what that prints.
    #[track_caller]
    pub(crate) fn command(&self, words: &[&str]) -> String {
        self.command_with(words, "")
    }

    /// The same, with what it reads on standard input.
    #[track_caller]
    pub(crate) fn command_with(&self, words: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.args(words).arg("--config").arg(&self.config).envs(self.variables.iter().cloned());
        let said = finish_with(&mut command, input);
        assert!(said.success, "{words:?}: {said:?}");
        said.output
    }
}

/// What every file says.
fn basics(port: u16) -> String {
    format!(
        r#"public_url = "http://127.0.0.1:{port}"

[listen]
address = "127.0.0.1:{port}"

[store]
url = "sqlite:doorward.db"

[keys]
master = {{ file = "master.key" }}
"#
    )
}

/// A virtual server and the upstream of its name.
pub(crate) struct Published<'a> {
    pub(crate) name: &'a str,
    /// The keys that say what the upstream is.
    pub(crate) upstream: String,
    /// `open` or `jwt`.
    pub(crate) access: &'a str,
    /// The tools that it publishes; all without.
    pub(crate) tools: Option<&'a [&'a str]>,
}

impl Published<'_> {
    /// The sections of the file.
    pub(crate) fn sections(&self) -> String {
        let Self { name, upstream, access, tools } = self;
        let tools = tools.map(|tools| format!("tools = {tools:?}\n")).unwrap_or_default();
        format!(
            r#"
[[upstream]]
name = "{name}"
{upstream}

[[server]]
name = "{name}"
upstreams = ["{name}"]
access = "{access}"
{tools}"#
        )
    }
}

fn sections(upstreams: &[Upstream; 2], trusted: Option<&Trusted>) -> String {
    let access = if trusted.is_some() { "jwt" } else { "open" };
    let published = [Kind::Everything, Kind::Modern].into_iter().zip(upstreams).map(|(kind, upstream)| {
        let tools = Some(kind.curated().0);
        Published { name: kind.name(), upstream: upstream.keys(), access, tools }.sections()
    });
    published.chain(trusted.map(Trusted::section)).collect()
}

/// A port that nobody listens on at present.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn becomes_healthy(process: &mut Running, port: u16) -> bool {
    let mut healthy = false;
    until("the program answers or ends", || {
        healthy = is_healthy(port).unwrap_or(false);
        healthy || process.ended().is_some()
    });
    healthy
}

fn is_healthy(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    Ok(start.ends_with(b" 200"))
}
