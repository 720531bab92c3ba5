//! One client on its way through the virtual servers, and what is left of it in the records.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use doorward_testkit::scripted_model::{Asked, Call, Offered, ScriptedModel};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    ground::{Ground, Server},
    guide::Place,
};
use crate::{
    harness::within,
    programs::{finish, newer_node, tools},
};

/// A client with a home and a project of its own.
pub(super) struct Visit {
    /// The subject of its tokens.
    client: &'static str,
    ground: Ground,
    tokens: Vec<String>,
    /// Has `home` and `project`.
    root: TempDir,
}

impl Visit {
    /// Prepares the way to these servers.
    pub(super) fn start(client: &'static str, servers: &[&'static str]) -> Self {
        let root = TempDir::new().expect("a directory for the client");
        let project = root.path().join("project");
        for directory in [&root.path().join("home"), &project] {
            fs::create_dir(directory).expect("a directory of the client");
        }
        let ground = Ground::start(servers, &project);
        let resources = ground.servers.iter().map(|server| ground.gateway.server(server.name));
        let tokens = resources.map(|resource| ground.issuer.token_of(client, &resource)).collect();
        Self { client, ground, tokens, root }
    }

    /// The servers on the way.
    pub(super) fn servers(&self) -> &[Server] {
        &self.ground.servers
    }

    /// The same as places for the guide's examples.
    pub(super) fn places(&self) -> Vec<Place> {
        self.servers().iter().map(|server| self.place(server)).collect()
    }

    /// One of them.
    pub(super) fn place(&self, server: &Server) -> Place {
        let name = server.name;
        let variable = format!("{}_TOKEN", name.to_uppercase().replace('-', "_"));
        Place { name, url: self.ground.gateway.server(name), variable }
    }

    /// Writes a file of the client, in its `home` or `project`.
    pub(super) fn write(&self, file: &str, text: impl AsRef<str>) {
        let path = self.root.path().join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text.as_ref()).expect("a file of the client");
    }

    /// A program that is given the tokens and nothing else of ours.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let own = [tools().join("clients/node_modules/.bin"), newer_node().with_file_name("")];
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(own.into_iter().chain(env::split_paths(&path))).expect("a path");
        let [home, project] = ["home", "project"].map(|name| self.root.path().join(name));
        command.env_clear().current_dir(project).env("PATH", path).env("HOME", home);
        command.envs(self.places().into_iter().map(|place| place.variable).zip(&self.tokens));
        // The discard port: whatever is not on this machine is refused at once.
        command.envs([("HTTPS_PROXY", "http://127.0.0.1:9"), ("HTTP_PROXY", "http://127.0.0.1:9")]);
        command.env("NO_PROXY", "127.0.0.1,localhost");
        command
    }

    /// Runs a client that lists and calls by itself; it must end well.
    #[track_caller]
    pub(super) fn run(&self, command: &mut Command) -> String {
        let said = finish(command);
        assert!(said.success, "{}: {said:?}\n{}", self.client, self.ground.gateway.log());
        said.output
    }

    /// A model whose script is one call at each of these servers.
    pub(super) fn model(servers: &[Server], named: impl Fn(&Server) -> String) -> ScriptedModel {
        let call = |server| Call { tool: named(server), arguments: server.arguments.clone() };
        within(ScriptedModel::start(servers.iter().map(call).collect::<Vec<_>>()))
    }

    /// Runs an agent that knows all servers, and looks at what it told the model.
    #[track_caller]
    pub(super) fn led_by(&self, model: &ScriptedModel, command: &mut Command) {
        let said = finish(command);
        let asked = model.asked();
        let told = || format!("{}: {said:?}\n{asked:#?}\n{}", self.client, self.ground.gateway.log());
        assert!(said.success, "{}", told());
        let offered = offered(&asked);
        let wanted = self.servers().iter().flat_map(|server| {
            server.tools.iter().map(|tool| format!("{} {tool}", server.name).replace(['-', ' '], "_"))
        });
        assert_eq!(offered, wanted.collect(), "{}", told());
        let results = asked.iter().map(|asked| &asked.results).max_by_key(|results| results.len());
        let results = results.unwrap_or_else(|| panic!("no results: {}", told()));
        assert_eq!(results.len(), self.servers().len(), "{}", told());
        for (server, result) in self.servers().iter().zip(results) {
            assert!(result.contains(server.answer), "{}: {result}\n{}", server.name, told());
            assert!(said.output.contains(server.answer), "{}: {}", server.name, told());
        }
    }

    /// Stops the program and reads its records: at every server this caller called that tool, once, and nobody anything else;
    /// at the server of 2026-07-28, which also answers older clients, with this revision, if it was visited.
    #[track_caller]
    pub(super) fn end(self, revision: Option<&str>) {
        let Self { client, ground, tokens, .. } = self;
        let Ground { gateway, servers, .. } = ground;
        let log = gateway.stop();
        assert!(!tokens.iter().any(|token| log.contains(token)), "the log holds a token");
        let records = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let calls: Vec<Value> = records.filter(|record| record["method"] == "tools/call").collect();
        assert_eq!(calls.len(), servers.len(), "{client}: {calls:#?}");
        for server in &servers {
            let call = calls.iter().find(|record| record["server"] == server.name);
            let call = call.unwrap_or_else(|| panic!("{client} did not call at {}: {calls:#?}", server.name));
            let is = |member: &str, value: &str| assert_eq!(call[member], value, "{client}: {call}");
            is("subject", client);
            is("capability", server.tool());
            is("decision", "allowed");
            is("reason", "ok");
            if let Some(revision) = revision.filter(|_| server.name == "dw-modern") {
                is("protocol_version", revision);
            }
        }
    }
}

/// The tools of our servers that an agent offered, in all that it asked, from the server's name on.
fn offered(asked: &[Asked]) -> BTreeSet<String> {
    let names = asked.iter().flat_map(|asked| &asked.offered).map(Offered::plain);
    names.filter_map(|name| Some(name[name.find("dw_")?..].to_owned())).collect()
}

/// A program of npm's packages, without what the package puts before it.
pub(super) fn package(program: &str) -> PathBuf {
    tools().join("clients/node_modules").join(program)
}

/// What a client said, as JSON.
#[track_caller]
pub(super) fn parse(said: &str) -> Value {
    serde_json::from_str(said).unwrap_or_else(|error| panic!("{error}: {said}"))
}
