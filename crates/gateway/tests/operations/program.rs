//! A process of the real binary.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use doorward_model::{Clock as _, Name, SystemClock};
use doorward_store::Store;
use doorward_testkit::recorder::Recorder;
use serde_json::Value;
use tempfile::TempDir;

use crate::PATIENCE;

/// A directory with a configuration, its secrets and its store.
pub(crate) struct Place {
    directory: TempDir,
}

/// A running process. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    log: Arc<Log>,
}

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What the process wrote to standard error so far.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

/// A configuration that publishes the recorder to everybody as `demo`. `listen` goes into `[listen]`, `more` after
/// the section.
pub(crate) fn configuration(upstream: &Recorder, listen: &str, more: &str) -> String {
    format!(
        "[listen]\naddress = \"127.0.0.1:0\"\n{listen}\n{more}\n[[upstream]]\nname = \"u\"\nurl = \"{}\"\n\
         [[server]]\nname = \"demo\"\nupstreams = [\"u\"]\naccess = \"open\"\n",
        upstream.url(),
    )
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file as a careful program does: beside it, then in its place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let beside = self.path(&format!("{name}.new"));
        fs::write(&beside, text).expect("written");
        fs::rename(beside, self.path(name)).expect("moved");
    }

    /// Starts the program with this configuration.
    pub(crate) fn start(&self, configuration: &str) -> Program {
        self.start_with(configuration, &[])
    }

    /// The same, with variables. What it prints, records for example, goes to the file `stdout`.
    pub(crate) fn start_with(&self, configuration: &str, variables: &[(&str, &str)]) -> Program {
        self.write("doorward.toml", configuration);
        let mut command = binary();
        command.args(["serve", "--config"]).arg(self.path("doorward.toml"));
        command.stdout(fs::File::create(self.path("stdout")).expect("a file"));
        command.envs(variables.iter().copied());
        let mut program = Program::start(command);
        if configuration.contains("\nadmin =") {
            program.admin = Some(last_word(&program.wait_for_log("health and metrics on")));
        }
        program
    }

    /// Runs a command to its end, with what it reads on standard input.
    pub(crate) fn run(&self, args: &[&str], input: &str) -> Ran {
        self.run_with(args, input, &[])
    }

    /// The same, with variables.
    pub(crate) fn run_with(&self, args: &[&str], input: &str, variables: &[(&str, &str)]) -> Ran {
        let mut child = self
            .command(args)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        Ran {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// A command on this configuration, ready to be started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = binary();
        command.args(args).arg("--config").arg(self.path("doorward.toml"));
        command
    }

    /// `doorward audit verify`: whether it is content, and its report.
    pub(crate) fn verify_audit(&self) -> (bool, Value) {
        let output = binary()
            .args(["audit", "verify", "--json", "--config"])
            .arg(self.path("doorward.toml"))
            .output()
            .expect("it runs");
        (output.status.success(), serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    async fn store(&self) -> Store {
        let database = self.path("doorward-data/doorward.db");
        Store::open(&format!("sqlite:{}", database.display())).await.expect("the store opens")
    }

    /// Stores as many secrets as there may be. Nobody can open them.
    pub(crate) async fn fill_with_secrets(&self) {
        let store = self.store().await;
        for number in 0..1_000 {
            let name = Name::parse(&format!("filler-{number}")).expect("a name");
            store.put_secret(&name, "dw1.none", 1_000, SystemClock.now()).await.expect("stored");
        }
        store.close().await;
    }

    /// All records that are stored.
    pub(crate) async fn records(&self) -> Vec<Value> {
        let store = self.store().await;
        let records = store.read_records(None, 100_000).await.expect("records");
        store.close().await;
        records.iter().map(|record| serde_json::from_str(&record.body).expect("JSON")).collect()
    }
}

impl Ran {
    /// What was printed, of a command that succeeded.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        assert!(self.success, "{}", self.stderr);
        self.stdout.trim_end().to_owned()
    }

    /// The same, as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.text()).expect("JSON")
    }

    /// What was said by a command that failed, and printed nothing.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert!(!self.success && self.stdout.is_empty(), "{self:?}");
        self.stderr
    }
}

impl Program {
    fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("a pipe");
        let log = Arc::new(Log::default());
        let written = Arc::clone(&log);
        thread::spawn(move || written.follow(stderr));
        let mut program = Self { child, address: ([127, 0, 0, 1], 0).into(), admin: None, log };
        let line = program.wait_for_log(" listens on ");
        program.address = last_word(&line);
        program
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for a line that contains this.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        self.wait_for_logs(text, 1)
    }

    /// Waits for so many lines that contain this, and returns the last of them.
    #[track_caller]
    pub(crate) fn wait_for_logs(&self, text: &str, count: usize) -> String {
        let lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            |lines: &[String]| lines.iter().filter(|line| line.contains(text)).nth(count - 1).cloned();
        let (lines, _) = self
            .log
            .grown
            .wait_timeout_while(lines, PATIENCE, |lines| found(lines).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        found(&lines)
            .unwrap_or_else(|| panic!("`{text}` was not logged {count} times:\n{}", lines.join("\n")))
    }

    /// Sends a signal by its name: `TERM`, `INT`, `HUP`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success(), "SIG{name} was not sent");
    }

    /// Waits until the process has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("a child") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the process ends")
    }

    /// Asks the process to stop, and waits until it has, in order.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended().await;
        assert!(status.success(), "{status}: {}", self.everything());
    }

    /// Everything that was logged.
    pub(crate) fn everything(&self) -> String {
        self.log.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Ended already, perhaps.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Log {
    fn follow(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            self.grown.notify_all();
        }
    }
}

/// The binary, without the variables of whoever runs the tests.
fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.env_clear();
    for name in ["PATH", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

fn last_word(line: &str) -> SocketAddr {
    line.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("an address at the end")
}
