//! Starts the real servers, the program between, and the real clients; nothing of it outlives its value.
//!
//! Nothing is built or installed here: the packages are found in `DOORWARD_TOOLS` (else `.tools` of the repository), the
//! test kit's programs in `DOORWARD_TESTKIT_BIN_DIR` (else beside the program).

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// How long a program may take to listen; a second is usual.
pub(crate) const START: Duration = Duration::from_secs(30);

/// The reference server, below the directory of the packages of npm.
pub(crate) const EVERYTHING: &str = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";

/// The directory of the installed packages.
pub(crate) fn tools() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tools = env::var_os("DOORWARD_TOOLS").map_or_else(|| repository.join(".tools"), PathBuf::from);
    assert!(tools.join("node").exists(), "{} is empty: run `cargo xtask tools`", tools.display());
    tools
}

/// A Node.js that finds the packages for scripts of `tests/peers/node`, which are linked beside them.
pub(crate) fn node() -> Command {
    let mut command = Command::new("node");
    command.current_dir(tools().join("node")).args(["--preserve-symlinks", "--preserve-symlinks-main"]);
    command
}

/// The Python of one of the environments, at the scripts of `tests/peers/python`.
pub(crate) fn python(environment: &str) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/python");
    let mut command = Command::new(tools().join("python").join(environment).join("bin/python"));
    command.current_dir(scripts).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A program of the test kit.
pub(crate) fn testkit(program: &str) -> Command {
    let beside =
        || Path::new(env!("CARGO_BIN_EXE_doorward")).parent().map(Path::to_owned).unwrap_or_default();
    let directory = env::var_os("DOORWARD_TESTKIT_BIN_DIR").map_or_else(beside, PathBuf::from);
    Command::new(directory.join(program))
}

/// A child process that does not outlive the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{}: {error}", command.get_program().display()),
        }
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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

    fn listening(mut command: Command, path: &str) -> Self {
        command.env("PORT", "0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Running::start(&mut command);
        let mut lines = BufReader::new(process.0.stdout.take().expect("its output")).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| serde_json::from_str::<Value>(&line).ok()?["listening"].as_u64())
            .expect("a line that says where it listens");
        // What it says from now on is read, so that it never waits for us.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { url: format!("http://127.0.0.1:{port}{path}"), _process: process }
    }
}

/// Where the program finds the keys of the issuer that it trusts.
pub(crate) struct Trusted {
    pub(crate) issuer: String,
    pub(crate) jwks_uri: String,
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
        format!("{}/mcp/{}", self.address, kind.name())
    }

    /// The id of the program's process.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("a running program").0.id()
    }

    /// What the program logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Stops the program as a supervisor does and checks the records that it left.
    pub(crate) fn stop(mut self) {
        let mut process = self.process.take().expect("a running program");
        let signalled = Command::new("kill").arg("-TERM").arg(process.0.id().to_string()).status();
        assert!(signalled.is_ok_and(|status| status.success()), "cannot signal the program");
        let start = Instant::now();
        while !process.has_ended() {
            assert!(start.elapsed() < START, "the program does not end on SIGTERM\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
        let mut verify = Command::new(env!("CARGO_BIN_EXE_doorward"));
        verify.args(["audit", "verify", "--config"]).arg(&self.config).envs(self.variables.iter().cloned());
        let verify = verify.output().expect("audit verify");
        let said = [verify.stdout, verify.stderr].concat();
        assert!(verify.status.success(), "the records do not hold: {}", String::from_utf8_lossy(&said));
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

fn sections(upstreams: &[Upstream; 2], trusted: Option<&Trusted>) -> String {
    let mut text = String::new();
    let access = if trusted.is_some() { "jwt" } else { "open" };
    for (kind, upstream) in [Kind::Everything, Kind::Modern].into_iter().zip(upstreams) {
        let (name, url, (tools, _)) = (kind.name(), &upstream.url, kind.curated());
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            r#"
[[upstream]]
name = "{name}"
url = "{url}"

[[server]]
name = "{name}"
upstreams = ["{name}"]
access = "{access}"
tools = {tools:?}
"#
        );
    }
    if let Some(Trusted { issuer, jwks_uri }) = trusted {
        let _ = write!(
            text,
            "\n[[issuer]]\nname = \"peers\"\nissuer = \"{issuer}\"\njwks_uri = \"{jwks_uri}\"\n"
        );
    }
    text
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn becomes_healthy(process: &mut Running, port: u16) -> bool {
    let start = Instant::now();
    while start.elapsed() < START && !process.has_ended() {
        if is_healthy(port).unwrap_or(false) {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn is_healthy(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    Ok(start.ends_with(b" 200"))
}
