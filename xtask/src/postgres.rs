//! A PostgreSQL of our own for one run: on a free port of 127.0.0.1, in a directory that goes away with it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{apt, run};

/// How often and how long we look whether it accepts connections.
const TRIES: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// A running server; stops when dropped.
pub(crate) struct Postgres {
    server: Child,
    directory: PathBuf,
    port: u16,
}

/// Where the newest installed server's programs are, if there is one.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .filter(|(_, programs)| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs)
}

impl Postgres {
    /// Makes a cluster and starts it. As root it runs as the user `postgres`, for it refuses to run as root.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL is missing; `cargo xtask tools` installs it")?;
        let owner = if apt::is_root() { Some(user("postgres")?) } else { None };
        let directory = std::env::temp_dir().join(format!("doorward-postgres-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let log = File::create(directory.join("log"))?;
        if let Some((uid, gid)) = owner {
            chown(&directory, Some(uid), Some(gid))?;
        }
        let data = directory.join("data");
        let prepare = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.arg("-D").arg(&data).current_dir(&directory).stdin(Stdio::null());
            if let Some((uid, gid)) = owner {
                command.uid(uid).gid(gid);
            }
            command
        };
        let mut initdb = prepare("initdb");
        initdb.args(["-U", "doorward", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.stdout(log.try_clone()?).stderr(log.try_clone()?);
        run::run(initdb).with_context(|| format!("see {}", directory.join("log").display()))?;

        // Somebody else may take the port in between; then the start below fails and says so.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = prepare("postgres");
        server.arg("-p").arg(port.to_string());
        let settings =
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=200"];
        server.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let server = server.stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut postgres = Self { server, directory, port };
        postgres.wait()?;
        Ok(postgres)
    }

    /// The address for clients.
    pub(crate) fn url(&self) -> String {
        format!("postgres://doorward@127.0.0.1:{}/postgres", self.port)
    }

    fn wait(&mut self) -> Result<()> {
        for _ in 0..TRIES {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.server.try_wait()? {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                bail!("PostgreSQL ended at once with {status}:\n{log}");
            }
            thread::sleep(PAUSE);
        }
        bail!("PostgreSQL accepts no connections")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is its word for: break connections off, write everything down, end.
        let pid = self.server.id().to_string();
        if !run::succeeds(run::command("kill", &["-INT", &pid])) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The numbers of a user of this machine.
fn user(name: &str) -> Result<(u32, u32)> {
    for line in BufReader::new(File::open("/etc/passwd")?).lines() {
        let line = line?;
        let fields: Vec<&str> = line.split(':').collect();
        if let [found, _, uid, gid, ..] = fields[..]
            && found == name
        {
            return Ok((uid.parse()?, gid.parse()?));
        }
    }
    bail!("there is no user {name:?} on this machine; Debian's package postgresql makes it")
}
