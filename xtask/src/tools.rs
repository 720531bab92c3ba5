//! What the tests need beside Rust: packages of npm and pip, locked, in `.tools`; and PostgreSQL, Chromium and
//! `promtool` of Debian.
//!
//! A directory is made anew only when its lock file changed: the lock is copied into the directory last, and
//! compared first.
//!
//! `clients` has the clients that people use as they are, by what they add to the SDKs: three agents with MCP code of their
//! own or their own way with it (Claude Code, Codex, `OpenCode`), a debugger, a command line, a bridge from stdio, and a
//! library; `libraries-v1` and `libraries-v2` have those for Python, by the SDK below them. Together they are 1.5 GB. Left
//! out are: Gemini CLI, which speaks a third interface to models; mcp-use, a shell around the Python SDK v1; and everything
//! that cannot be driven without a person, as editors.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::{apt, postgres, run};

/// Directories with a `package.json` and its lock, by the name that they get below `.tools`.
const NPM: &[(&str, &str)] = &[
    ("node", "tests/peers/node"),
    ("conformance", "tests/conformance"),
    ("clients", "tests/peers/clients"),
    ("oauth", "tests/peers/oauth"),
    ("a2a", "tests/peers/a2a"),
];
/// Those of them that have scripts beside their packages.
const SCRIPTS: [&str; 3] = ["node", "oauth", "a2a"];

/// Every `*.txt` in here becomes an environment `.tools/python/<name>`.
const PYTHON: &str = "tests/peers/python";

/// A client that is built outside the workspace, so that what it brings is in no check of it.
const RUST_PEER: &str = "tests/peers/a2a/rust/Cargo.toml";

const OLDEST_NODE: u32 = 20;

/// Installs whatever is missing; says one line per part.
pub(crate) fn install() -> Result<()> {
    fs::create_dir_all(run::tools_dir())?;
    check_node()?;
    for (name, source) in NPM {
        npm(name, &run::root().join(source))?;
    }
    link_scripts()?;
    for lock in python_locks()? {
        python(&lock)?;
    }
    rust_peer()?;
    apt::ensure(&["postgresql"], || postgres::programs().is_some())?;
    eprintln!("  postgresql: ready");
    apt::ensure(&["chromium"], || apt::on_path("chromium"))?;
    eprintln!("  chromium: ready");
    unpack_promtool()
}

/// Cargo knows whether there is anything to do.
fn rust_peer() -> Result<()> {
    let mut command =
        run::cargo(&["build", "--quiet", "--locked", "--manifest-path", RUST_PEER, "--target-dir"]);
    command.arg(run::tools_dir().join("a2a-rust"));
    run::run(command)
}

/// Where `promtool` is: on the search path, or where [`install`] unpacks it.
pub(crate) fn promtool() -> PathBuf {
    if apt::on_path("promtool") {
        return PathBuf::from("promtool");
    }
    run::tools_dir().join("prometheus/usr/bin/promtool")
}

/// Debian has it in the package of the whole server: that is unpacked, not installed, so that no service comes with it.
fn unpack_promtool() -> Result<()> {
    let works = || run::succeeds(run::command(promtool(), &["--version"]));
    if !works() {
        apt::unpack("prometheus", &run::tools_dir().join("prometheus"))?;
        ensure!(works(), "{} does not run; install promtool by hand", promtool().display());
    }
    eprintln!("  promtool: ready");
    Ok(())
}

fn check_node() -> Result<()> {
    let way_out = "install Node.js 20 or newer (with npm) and run this again";
    let version = run::output(run::command("node", &["--version"])).context(way_out)?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    let major: u32 = major.parse().with_context(|| format!("node says its version is {version:?}"))?;
    ensure!(major >= OLDEST_NODE, "this Node.js is {}; {way_out}", version.trim());
    ensure!(apt::on_path("npm"), "there is a node, but no npm; {way_out}");
    Ok(())
}

fn npm(name: &str, source: &Path) -> Result<()> {
    if !source.join("package.json").exists() {
        eprintln!("  {name}: nothing to install yet");
        return Ok(());
    }
    let target = run::tools_dir().join(name);
    let lock = fs::read(source.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", source.display()))?;
    if is_ready(&target, &lock) {
        eprintln!("  {name}: ready");
        return Ok(());
    }
    fs::create_dir_all(&target)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), target.join(file))?;
    }
    // Quiet about packages that want a newer Node.js: they are run on the one that `conformance` brings.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let mut command = run::command("npm", &arguments);
    command.current_dir(&target);
    run::run(command).context("npm could not install; is its registry reachable from here?")?;
    mark_ready(&target, &lock)
}

/// The scripts stay where they are; the links put them below the packages that they import.
fn link_scripts() -> Result<()> {
    for name in SCRIPTS {
        let link = run::tools_dir().join(name).join("peers");
        if fs::symlink_metadata(&link).is_err() && run::tools_dir().join(name).is_dir() {
            std::os::unix::fs::symlink(format!("../../tests/peers/{name}"), &link)?;
        }
    }
    Ok(())
}

fn python_locks() -> Result<Vec<PathBuf>> {
    let directory = run::root().join(PYTHON);
    let entries = fs::read_dir(&directory).with_context(|| format!("{} is missing", directory.display()))?;
    let mut locks: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    locks.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    locks.sort();
    Ok(locks)
}

/// Installs the packages of a lock into an environment of its name, and gives back where that is.
pub(crate) fn python(lock_file: &Path) -> Result<PathBuf> {
    let Some(name) = lock_file.file_stem() else { bail!("{} has no name", lock_file.display()) };
    let target = run::tools_dir().join("python").join(name);
    let lock = fs::read(lock_file)?;
    let shown = name.display();
    if is_ready(&target, &lock) {
        eprintln!("  python {shown}: ready");
        return Ok(target);
    }
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    environment(&target)?;
    let pip = target.join("bin/pip");
    let mut command = run::command(&pip, &["install", "--quiet", "--disable-pip-version-check", "-r"]);
    command.arg(lock_file);
    run::run(command).context("pip could not install; is its index reachable from here?")?;
    mark_ready(&target, &lock)?;
    Ok(target)
}

fn environment(target: &Path) -> Result<()> {
    // Debian keeps the part that `venv` needs in a package of its own.
    let with_pip = || run::succeeds(run::command("python3", &["-c", "import venv, ensurepip"]));
    apt::ensure(&["python3-venv"], with_pip)?;
    let mut command = run::command("python3", &["-m", "venv"]);
    command.arg(target);
    run::run(command)
}

fn is_ready(target: &Path, lock: &[u8]) -> bool {
    fs::read(target.join("installed.lock")).is_ok_and(|installed| installed == lock)
}

fn mark_ready(target: &Path, lock: &[u8]) -> Result<()> {
    fs::write(target.join("installed.lock"), lock)?;
    Ok(())
}
