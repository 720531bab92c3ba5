//! The processes of a bench: each bound to its CPU, none outliving its value.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::http::Connection;
use super::scenario::Target;
use crate::run;

/// Load and upstream.
pub(super) const CPU_OF_THE_WORLD: &str = "0";

/// The tools that the virtual server publishes, of the 200 that the upstream has.
const PUBLISHED: usize = 20;

/// `taskset` becomes the program, so its process id is the program's.
struct Process(Child);

impl Process {
    fn start(cpu: &str, program: &Path, configure: impl FnOnce(&mut Command) -> Result<()>) -> Result<Self> {
        let mut command = run::command("taskset", &["-c", cpu]);
        command.arg(program).stdin(Stdio::null());
        configure(&mut command)?;
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self(child))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the proxies run.
pub(super) struct Place {
    /// Doorward.
    pub(super) program: PathBuf,
    pub(super) directory: PathBuf,
    /// Where Doorward listens; the token of the upstream names it.
    pub(super) port: u16,
    /// The CPUs of the proxy under test, as taskset takes them.
    pub(super) cpus: String,
}

/// `bench-upstream` of the test kit, which also issues the tokens.
pub(super) struct Upstream {
    pub(super) port: u16,
    pub(super) token: String,
    issuer: String,
    jwks_uri: String,
    process: Process,
}

impl Upstream {
    /// Starts it; its token is for these resources.
    pub(super) fn start(audiences: &[String]) -> Result<Self> {
        let arguments: Vec<&str> =
            audiences.iter().flat_map(|audience| ["--audience", audience.as_str()]).collect();
        let (process, said) = peer("bench-upstream", &arguments)?;
        let port = said["listening"].as_u64().context("no port")?.try_into()?;
        let read = |name: &str| {
            let text = said[name].as_str().map(str::to_owned);
            text.with_context(|| format!("no {name} in {said}"))
        };
        Ok(Self {
            port,
            token: read("token")?,
            issuer: read("issuer")?,
            jwks_uri: read("jwks_uri")?,
            process,
        })
    }

    /// The upstream itself, as the target that shows what the load alone takes.
    pub(super) fn target(&self) -> Target {
        Target { name: "direct", port: self.port, path: "/mcp", pid: self.process.id(), token: None }
    }
}

/// `bench-agent` of the test kit, which speaks one binding.
pub(super) struct Agent {
    /// Its name at Doorward.
    pub(super) name: &'static str,
    pub(super) port: u16,
    process: Process,
}

impl Agent {
    /// Starts it with a card that names this binding.
    pub(super) fn start(name: &'static str, binding: &str) -> Result<Self> {
        let (process, said) = peer("bench-agent", &["--bindings", binding])?;
        let port = said["listening"].as_u64().context("no port")?.try_into()?;
        Ok(Self { name, port, process })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What makes Doorward publish it, with all that an agent usually has: known callers, a limit, every binding.
    fn table(&self) -> String {
        let Self { name, port, .. } = self;
        format!(
            r#"
[[agent]]
name = "{name}"
card = "http://127.0.0.1:{port}/.well-known/agent-card.json"
access = "jwt"
bindings = ["jsonrpc", "http+json", "grpc"]
rate = {{ limit = 1000000, per = "second" }}
"#
        )
    }
}

/// Starts a program of the test kit and reads the line in which it says where it is.
fn peer(name: &str, arguments: &[&str]) -> Result<(Process, Value)> {
    let program = run::target_dir().join("release").join(name);
    let mut process = Process::start(CPU_OF_THE_WORLD, &program, |command| {
        command.args(arguments).stdout(Stdio::piped());
        Ok(())
    })?;
    let mut line = String::new();
    let stdout = process.0.stdout.take().with_context(|| format!("{name} says nothing"))?;
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((process, serde_json::from_str(&line)?))
}

/// nginx in one process, with connections to the upstream kept open and nothing logged.
pub(super) struct Nginx {
    pub(super) port: u16,
    process: Process,
}

impl Nginx {
    /// Passes HTTP/1.1 on to an upstream.
    pub(super) fn start(at: &Place, upstream: u16) -> Result<Self> {
        let pass = r#"proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection "";"#;
        Self::passing(at, upstream, "", pass)
    }

    /// Passes gRPC on to an agent.
    pub(super) fn grpc(at: &Place, agent: u16) -> Result<Self> {
        Self::passing(at, agent, " http2", "grpc_pass grpc://upstream;")
    }

    fn passing(at: &Place, upstream: u16, protocol: &str, pass: &str) -> Result<Self> {
        let Place { directory, cpus, .. } = at;
        let port = free_port()?;
        let configuration = directory.join("nginx.conf");
        let place = directory.display();
        fs::write(
            &configuration,
            format!(
                r"
daemon off; master_process off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  keepalive_requests 1000000000;
  # Large enough that no answer goes by way of the disk.
  proxy_buffers 16 64k; proxy_busy_buffers_size 256k;
  upstream upstream {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port}{protocol};
    location / {{ {pass} }}
  }}
}}
"
            ),
        )?;
        let process = Process::start(cpus, Path::new("nginx"), |command| {
            let path = std::env::var("PATH").unwrap_or_default();
            command.arg("-e").arg(directory.join("nginx.log")).arg("-c").arg(&configuration);
            command.env("PATH", format!("{path}:/usr/sbin"));
            Ok(())
        })?;
        let mut nginx = Self { port, process };
        wait_for(&mut nginx.process, || Connection::open(port).is_ok())
            .with_context(|| fs::read_to_string(directory.join("nginx.log")).unwrap_or_default())?;
        Ok(nginx)
    }

    pub(super) fn target(&self) -> Target {
        Target { name: "nginx", port: self.port, path: "/mcp", pid: self.process.id(), token: None }
    }
}

/// Doorward with what an ordinary virtual server has: tokens of an issuer, a list of tools, records.
pub(super) struct Doorward {
    port: u16,
    process: Process,
    token: String,
    /// From the start of the process until it was ready.
    pub(super) started_in: Duration,
}

impl Doorward {
    /// Starts it in front of `upstream`. `under` is a program with options that runs it, such as valgrind.
    pub(super) fn start(place: &Place, upstream: &Upstream, under: &[&str]) -> Result<Self> {
        Self::serve(place, upstream, &[], under)
    }

    /// Starts it in front of agents as well; the token of `upstream` opens them.
    pub(super) fn before(place: &Place, upstream: &Upstream, agents: &[Agent]) -> Result<Self> {
        Self::serve(place, upstream, agents, &[])
    }

    fn serve(place: &Place, upstream: &Upstream, agents: &[Agent], under: &[&str]) -> Result<Self> {
        let Place { program: doorward, directory, port, cpus } = place;
        let port = *port;
        let configuration = directory.join("doorward.toml");
        let tools: Vec<String> = (0..PUBLISHED).map(|number| format!("tool-{number:03}")).collect();
        let agents: String = agents.iter().map(Agent::table).collect();
        let Upstream { port: upstream, issuer, jwks_uri, token, .. } = upstream;
        fs::write(
            &configuration,
            format!(
                r#"public_url = "http://127.0.0.1:{port}"

[listen]
address = "127.0.0.1:{port}"

[store]
url = "sqlite:doorward.db"

[keys]
master = {{ file = "master.key" }}

[[upstream]]
name = "bench"
url = "http://127.0.0.1:{upstream}/mcp"

[[server]]
name = "bench"
upstreams = ["bench"]
access = ["oauth", "jwt"]
tools = {tools:?}

[[issuer]]
name = "bench"
issuer = "{issuer}"
jwks_uri = "{jwks_uri}"
{agents}"#
            ),
        )?;
        let log = directory.join("doorward.log");
        let program = under.first().map_or(doorward.as_path(), Path::new);
        let begin = Instant::now();
        let process = Process::start(cpus, program, |command| {
            if let Some(options) = under.get(1..) {
                command.args(options).arg(doorward);
            }
            command.args(["serve", "--config"]).arg(&configuration).current_dir(directory);
            let output = File::create(&log)?;
            command.stdout(output.try_clone()?).stderr(output);
            Ok(())
        })?;
        let (token, started_in) = (token.clone(), Duration::ZERO);
        let mut doorward = Self { port, process, token, started_in };
        wait_for(&mut doorward.process, || status(port, "/readyz") == Some(200))
            .with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        doorward.started_in = begin.elapsed();
        Ok(doorward)
    }

    pub(super) fn target(&self) -> Target {
        let token = Some(self.token.clone());
        Target { name: "doorward", port: self.port, path: "/mcp/bench", pid: self.process.id(), token }
    }

    /// Ends it in order, and waits.
    pub(super) fn stop(mut self) -> Result<()> {
        run::output(run::command("kill", &["-TERM", &self.process.id().to_string()]))?;
        self.process.0.wait()?;
        Ok(())
    }
}

/// Memory of a process that is in RAM now, in MiB (proc(5), `VmRSS`).
pub(super) fn resident(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: f64 = line.trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes / 1024.0)
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// User and system time that a process with all its threads spent so far (proc(5), in hundredths of a second).
pub(super) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; what follows the last one is regular. Fields 14 and 15 are wanted,
    // and the first after the name is field 3.
    let (_, rest) = stat.rsplit_once(')').context("no name in /proc/…/stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| -> Result<u64> { Ok(fields.get(field - 3).context("a short line")?.parse()?) };
    Ok(Duration::from_millis((ticks(14)? + ticks(15)?) * 10))
}

/// The status of an answer, if there is one.
fn status(port: u16, path: &str) -> Option<u16> {
    Connection::open(port).and_then(|mut connection| connection.get(path)).ok().map(|answer| answer.status)
}

/// Asks every other millisecond, for a minute at most: under valgrind everything takes longer.
fn wait_for(process: &mut Process, ready: impl Fn() -> bool) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_mins(1) {
        if ready() {
            return Ok(());
        }
        if let Some(status) = process.0.try_wait()? {
            bail!("ended at once with {status}");
        }
        thread::sleep(Duration::from_millis(2));
    }
    bail!("does not answer")
}
