//! `cargo xtask tck`: the test kits of A2A at a real agent, and at Doorward in front of it.
//!
//! A kit is somebody else's program: it lies where `--kit` says, is run as it is, and nothing of it is kept here. Its
//! branch `1.0-dev` is the kit of 1.0, `0.3.x` that of 0.3. What passes directly is the control.

mod ground;
mod kit;
mod report;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use self::{
    ground::{Doorward, Peer},
    kit::Kit,
    report::{Report, Run},
};

#[derive(Args)]
pub(crate) struct Options {
    /// A directory with a kit; repeat for several.
    #[arg(long, value_name = "DIR", required = true)]
    kit: Vec<PathBuf>,
    /// The agent behind; each kit's own version without.
    #[arg(long, value_enum)]
    agent: Option<Agent>,
    /// Run only these ways (repeat for several); all without.
    #[arg(long, value_enum)]
    only: Vec<Way>,
    /// Write docs/reference/a2a-tck.md.
    #[arg(long)]
    update: bool,
}

/// The SDK that the agent is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Agent {
    V1,
    V03,
    Js,
}

impl Agent {
    /// What the tables call it.
    const fn says(self) -> &'static str {
        match self {
            Self::V1 => "Python SDK 1.0",
            Self::V03 => "Python SDK 0.3",
            Self::Js => "JavaScript SDK",
        }
    }
}

/// How the kit reaches the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    Direct,
    Through,
    ToJsonrpc,
    ToHttpJson,
    ToGrpc,
}

impl Way {
    const ALL: [Self; 5] = [Self::Direct, Self::Through, Self::ToJsonrpc, Self::ToHttpJson, Self::ToGrpc];

    /// The one binding that the agent is left with.
    const fn binding(self) -> Option<&'static str> {
        match self {
            Self::Direct | Self::Through => None,
            Self::ToJsonrpc => Some("JSONRPC"),
            Self::ToHttpJson => Some("HTTP+JSON"),
            Self::ToGrpc => Some("GRPC"),
        }
    }

    /// What the tables call it.
    const fn says(self) -> &'static str {
        match self {
            Self::Direct => "at the agent",
            Self::Through => "through Doorward",
            Self::ToJsonrpc => "through Doorward, agent with JSON-RPC only",
            Self::ToHttpJson => "through Doorward, agent with HTTP+JSON only",
            Self::ToGrpc => "through Doorward, agent with gRPC only",
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.update && !options.only.is_empty() {
        bail!("--update writes all ways: leave out --only");
    }
    let kits: Vec<Kit> = options.kit.iter().map(|directory| Kit::at(directory)).collect::<Result<_>>()?;
    let ways: Vec<Way> =
        Way::ALL.into_iter().filter(|way| options.only.is_empty() || options.only.contains(way)).collect();
    if ways.iter().any(|way| *way != Way::Direct) {
        ground::build()?;
    }
    let mut report = Report::default();
    for kit in &kits {
        let agent = options.agent.unwrap_or(kit.agent());
        for way in &ways {
            eprintln!("\n== kit of {}, {}, {}", kit.version(), agent.says(), way.says());
            let found =
                visit(kit, agent, *way).with_context(|| format!("{}, {}", kit.version(), way.says()))?;
            report.add(Run { kit: kit.version(), agent: agent.says(), way: way.says(), found });
        }
    }
    report.print()?;
    if options.update { report.write() } else { Ok(()) }
}

fn visit(kit: &Kit, agent: Agent, way: Way) -> Result<kit::Found> {
    let peer = Peer::start(agent, way.binding())?;
    if way == Way::Direct {
        return kit.run(&peer.base);
    }
    let doorward = Doorward::start(&peer, kit.versions())?;
    kit.run(&doorward.base())
}
