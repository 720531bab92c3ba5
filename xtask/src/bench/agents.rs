//! Agents: what a message to one costs, answered at once or by a stream of 100 events, passed on or translated.
//!
//! Each agent speaks one binding of 1.0. Doorward checks a JWT and a limit, keeps whose the tasks are, and records; what
//! agent and nginx are asked beside it is the same without a token, where a caller can ask the agent so.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Options;
use super::http::Connection;
use super::load::{self, Load, Measured};
use super::processes::{self, Agent, Doorward, Nginx, Place, Upstream};
use super::report::{Figure, Report, Row};
use super::scenario::Target;
use crate::run;

/// A message on its way to an agent.
pub(super) struct Exchange {
    pub(super) name: &'static str,
    caller: Face,
    /// The name of the agent.
    agent: &'static str,
    answer: Answer,
}

/// How a caller speaks.
#[derive(Clone, Copy, PartialEq)]
enum Face {
    JsonRpc,
    JsonRpc03,
    Rest,
    Grpc,
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// A completed task.
    Task,
    /// A task, 98 pieces of an artifact, the completed state. The figure is of the time until the first.
    Stream(&'static str),
}

/// What is asked again and again.
enum Sender {
    Http(Load),
    Grpc(Call),
}

/// What the test kit's caller is to call.
struct Call {
    port: u16,
    pid: u32,
    method: &'static str,
    tenant: &'static str,
    token: Option<String>,
}

/// The agents, by name and by what their cards call their bindings.
const AGENTS: [(&str, &str); 3] = [("json-rpc", "JSONRPC"), ("http-json", "HTTP+JSON"), ("grpc", "GRPC")];

const CONNECTIONS: u32 = 32;
/// The requests after which memory is looked at.
const CALLS: f64 = 100_000.0;
/// Streams whose first event is waited for, after a tenth of them as a warm-up.
const FIRST_EVENTS: usize = 500;

pub(super) const AFTER_MESSAGES: &str = "memory after 100,000 SendMessage";

pub(super) const EXCHANGES: [Exchange; 14] = [
    sent("SendMessage, JSON-RPC", Face::JsonRpc, "json-rpc"),
    sent("SendMessage, HTTP+JSON", Face::Rest, "http-json"),
    sent("SendMessage, gRPC", Face::Grpc, "grpc"),
    sent("SendMessage, 0.3 to 1.0", Face::JsonRpc03, "json-rpc"),
    sent("SendMessage, JSON-RPC to gRPC", Face::JsonRpc, "grpc"),
    sent("SendMessage, HTTP+JSON to JSON-RPC", Face::Rest, "json-rpc"),
    sent("SendMessage, gRPC to JSON-RPC", Face::Grpc, "json-rpc"),
    streamed("100 events, JSON-RPC", "first event, JSON-RPC", Face::JsonRpc, "json-rpc"),
    streamed("100 events, HTTP+JSON", "first event, HTTP+JSON", Face::Rest, "http-json"),
    streamed("100 events, gRPC", "first event, gRPC", Face::Grpc, "grpc"),
    streamed("100 events, 0.3 to 1.0", "first event, 0.3 to 1.0", Face::JsonRpc03, "json-rpc"),
    streamed("100 events, JSON-RPC to gRPC", "first event, JSON-RPC to gRPC", Face::JsonRpc, "grpc"),
    streamed(
        "100 events, HTTP+JSON to JSON-RPC",
        "first event, HTTP+JSON to JSON-RPC",
        Face::Rest,
        "json-rpc",
    ),
    streamed("100 events, gRPC to JSON-RPC", "first event, gRPC to JSON-RPC", Face::Grpc, "json-rpc"),
];

const fn sent(name: &'static str, caller: Face, agent: &'static str) -> Exchange {
    Exchange { name, caller, agent, answer: Answer::Task }
}

const fn streamed(name: &'static str, first: &'static str, caller: Face, agent: &'static str) -> Exchange {
    Exchange { name, caller, agent, answer: Answer::Stream(first) }
}

/// Measures what of this is asked for.
pub(super) fn measure(options: &Options, place: &Place, report: &mut Report) -> Result<()> {
    let wanted = |exchange: &&Exchange| {
        options.wants_scenario(exchange.name)
            || exchange.first().is_some_and(|name| options.wants_scenario(name))
    };
    let wanted: Vec<&Exchange> = EXCHANGES.iter().filter(wanted).collect();
    if wanted.is_empty() && !options.wants_scenario(AFTER_MESSAGES) {
        return Ok(());
    }
    let resources = AGENTS.map(|(name, _)| format!("http://127.0.0.1:{}/a2a/{name}", place.port));
    let issuer = Upstream::start(&resources)?;
    let agents = AGENTS.into_iter().map(|(name, binding)| Agent::start(name, binding));
    let agents = agents.collect::<Result<Vec<_>>>()?;
    if !wanted.is_empty() {
        let doorward = Doorward::before(place, &issuer, &agents)?;
        for exchange in wanted {
            exchange.measure(options, place, &agents, &doorward.target(), report)?;
        }
        doorward.stop()?;
    }
    if options.wants("doorward") && options.wants_scenario(AFTER_MESSAGES) {
        report.figures.push(memory(place, &issuer, &agents)?);
    }
    Ok(())
}

/// A process of its own, which is sent messages until there were enough.
fn memory(place: &Place, issuer: &Upstream, agents: &[Agent]) -> Result<Figure> {
    let doorward = Doorward::before(place, issuer, agents)?;
    let target = doorward.target();
    let sender = EXCHANGES[0].at_doorward(&target);
    sender.look()?;
    let mut sent = 0.0;
    while sent < CALLS {
        sent += sender.run(CONNECTIONS, Duration::from_secs(2), &place.directory)?.requests;
    }
    let value = processes::resident(target.pid)?;
    eprintln!("  doorward {AFTER_MESSAGES}: {value:.1} MiB");
    Ok(Figure { name: AFTER_MESSAGES, target: "doorward", value, unit: "MiB" })
}

impl Exchange {
    /// Whether the agent is asked as it was sent.
    pub(super) fn is_passed_on(&self) -> bool {
        let spoken = match self.caller {
            Face::JsonRpc => "json-rpc",
            Face::JsonRpc03 => return false,
            Face::Rest => "http-json",
            Face::Grpc => "grpc",
        };
        self.agent == spoken
    }

    /// The name of the figure of its first event.
    pub(super) fn first(&self) -> Option<&'static str> {
        match self.answer {
            Answer::Task => None,
            Answer::Stream(first) => Some(first),
        }
    }

    fn measure(
        &self,
        options: &Options,
        place: &Place,
        agents: &[Agent],
        doorward: &Target,
        report: &mut Report,
    ) -> Result<()> {
        let agent = agents.iter().find(|agent| agent.name == self.agent).context("no such agent")?;
        let mut at = Vec::new();
        let mut held = None;
        if self.is_passed_on() && options.wants("direct") {
            at.push(("direct", self.at_agent(agent.port, agent.pid())));
        }
        if self.is_passed_on() && options.wants("nginx") {
            let start = if self.caller == Face::Grpc { Nginx::grpc } else { Nginx::start };
            let nginx = held.insert(start(place, agent.port)?).target();
            at.push(("nginx", self.at_agent(nginx.port, nginx.pid)));
        }
        if options.wants("doorward") {
            at.push(("doorward", self.at_doorward(doorward)));
        }
        for (target, sender) in at {
            let place = &place.directory;
            self.measure_at(target, &sender, options, place, report)
                .with_context(|| format!("{} at {target}", self.name))?;
        }
        Ok(())
    }

    fn measure_at(
        &self,
        target: &'static str,
        sender: &Sender,
        options: &Options,
        directory: &Path,
        report: &mut Report,
    ) -> Result<()> {
        sender.look()?;
        let run = |time| sender.run(CONNECTIONS, time, directory);
        let measured = load::measure(sender.pid(), options.seconds, run)?;
        eprintln!("  {target} {} x{CONNECTIONS}: {:.1} µs", self.name, measured.cpu_micros);
        report.rows.push(Row { scenario: self.name, target, connections: CONNECTIONS, measured });
        if let Some(name) = self.first() {
            let value = sender.first(directory)?;
            eprintln!("  {target} {name}: {value:.1} µs");
            report.figures.push(Figure { name, target, value, unit: "µs" });
        }
        Ok(())
    }

    fn at_agent(&self, port: u16, pid: u32) -> Sender {
        let base = if self.caller == Face::Rest { "/rest" } else { "/rpc" };
        self.sender(base.to_owned(), port, pid, None)
    }

    fn at_doorward(&self, doorward: &Target) -> Sender {
        let base = format!("/a2a/{}", self.agent);
        self.sender(base, doorward.port, doorward.pid, doorward.token.clone())
    }

    fn sender(&self, base: String, port: u16, pid: u32, token: Option<String>) -> Sender {
        let streams = self.first().is_some();
        if self.caller == Face::Grpc {
            let method = if streams { "SendStreamingMessage" } else { "SendMessage" };
            return Sender::Grpc(Call { port, pid, method, tenant: self.agent, token });
        }
        let path = match (self.caller, streams) {
            (Face::Rest, false) => base + "/message:send",
            (Face::Rest, true) => base + "/message:stream",
            _ => base,
        };
        let version = if self.caller == Face::JsonRpc03 { "0.3" } else { "1.0" };
        let accept = if streams { "text/event-stream" } else { "application/json" };
        let mut headers: Vec<(String, String)> =
            [("Content-Type", "application/json"), ("Accept", accept), ("A2A-Version", version)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        headers.extend(token.map(|token| ("Authorization".into(), format!("Bearer {token}"))));
        Sender::Http(Load { headers, path, port, pid, body: body(self.caller, streams) })
    }
}

/// A message with a number of its own.
fn body(caller: Face, streams: bool) -> String {
    let message = r#""messageId":"m-@","role":"ROLE_USER","parts":[{"text":"a modest question"}]"#;
    match (caller, streams) {
        (Face::Rest, _) => format!(r#"{{"message":{{{message}}}}}"#),
        (Face::JsonRpc03, streams) => {
            let method = if streams { "message/stream" } else { "message/send" };
            let message = r#""kind":"message","messageId":"m-1","role":"user","parts":[{"kind":"text","text":"a modest question"}]"#;
            format!(r#"{{"jsonrpc":"2.0","id":@,"method":"{method}","params":{{"message":{{{message}}}}}}}"#)
        }
        (_, streams) => {
            let method = if streams { "SendStreamingMessage" } else { "SendMessage" };
            let message = message.replace('@', "1");
            format!(r#"{{"jsonrpc":"2.0","id":@,"method":"{method}","params":{{"message":{{{message}}}}}}}"#)
        }
    }
}

impl Sender {
    fn pid(&self) -> u32 {
        match self {
            Self::Http(load) => load.pid,
            Self::Grpc(call) => call.pid,
        }
    }

    /// Looks at one answer before thousands are counted. The caller of gRPC looks at each.
    fn look(&self) -> Result<()> {
        let Self::Http(load) = self else { return Ok(()) };
        let answer = Connection::open(load.port)?.post(&load.path, &load.headers, &load.body("1"))?;
        ensure!(answer.status == 200 && answer.body.contains("dull boy"), "no good answer: {}", answer.body);
        Ok(())
    }

    fn run(&self, connections: u32, time: Duration, directory: &Path) -> Result<Measured> {
        match self {
            Self::Http(load) => load.run(connections, time, directory),
            Self::Grpc(call) => call.run(connections, time),
        }
    }

    /// Microseconds until the first event of a stream, one after the other: the median.
    fn first(&self, directory: &Path) -> Result<f64> {
        let Self::Http(load) = self else {
            let measured = self.run(1, Duration::from_secs(2), directory)?;
            return measured.first.context("no first event");
        };
        let mut connection = Connection::open(load.port)?;
        let mut times = Vec::new();
        for round in 0..FIRST_EVENTS + FIRST_EVENTS / 10 {
            let begin = Instant::now();
            let answer = connection.listen(&load.path, &load.headers, &load.body(&round.to_string()))?;
            times.push(begin.elapsed().as_secs_f64() * 1e6);
            ensure!(answer.body.contains("data:"), "no event: {} {}", answer.status, answer.body);
            connection.rest()?;
        }
        let times = &mut times[FIRST_EVENTS / 10..];
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }
}

impl Call {
    fn run(&self, connections: u32, time: Duration) -> Result<Measured> {
        let Self { port, method, tenant, token, .. } = self;
        let program = run::target_dir().join("release/bench-caller");
        let mut command = run::command("taskset", &["-c", processes::CPU_OF_THE_WORLD]);
        command.arg(program).args(["--method", method, "--tenant", tenant]);
        command.args(["--port", &port.to_string(), "--connections", &connections.to_string()]);
        command.args(["--seconds", &time.as_secs().to_string()]);
        command.args(token.iter().flat_map(|token| ["--token", token]));
        Measured::read(&run::output(command)?)
    }
}
