//! The real servers, each behind a virtual server of its own that publishes some of its tools.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    harness::{EVERYTHING, Gateway, Kind, Published, Upstream},
    issuer::Issuer,
    programs::{npm_server, pip_server, repository_of_git},
};

/// The servers of both eras, of every transport, and those that do something.
pub(super) const ALL: &[&str] =
    &["dw-modern", "dw-http", "dw-sse", "dw-stdio", "dw-files", "dw-memory", "dw-git", "dw-time"];

/// The reference server, by the transports that a client cannot speak itself here.
pub(super) const TRANSLATED: &[&str] = &["dw-sse", "dw-stdio"];

/// A virtual server, and what is asked of it. The names of all begin with `dw-`, so that they are found in other names.
pub(super) struct Server {
    pub(super) name: &'static str,
    /// What it publishes; every server has more.
    pub(super) tools: &'static [&'static str],
    /// The tool that is called, which is the first one that it publishes.
    pub(super) arguments: Value,
    /// What the result says.
    pub(super) answer: &'static str,
}

impl Server {
    /// The tool that is called.
    pub(super) fn tool(&self) -> &'static str {
        self.tools[0]
    }
}

/// Everything that a client is led to.
pub(super) struct Ground {
    pub(super) gateway: Gateway,
    pub(super) issuer: Issuer,
    pub(super) servers: Vec<Server>,
}

impl Ground {
    /// Starts the servers of these names and the program, which writes its records into its log.
    ///
    /// `directory` has what the servers work on. It is also the client's: clients that declare roots tell the server of
    /// files to stay in theirs.
    pub(super) fn start(names: &[&'static str], directory: &Path) -> Self {
        let issuer = Issuer::start();
        let mut text = String::from("\n[records]\nstdout = true\n") + &issuer.trusted.section();
        let (mut upstreams, mut servers) = (Vec::new(), Vec::new());
        for name in names {
            let server = server(name, directory);
            let upstream = upstream(name, directory, &mut upstreams);
            let published = Published { name, upstream, access: "jwt", tools: Some(server.tools) };
            text.push_str(&published.sections());
            servers.push(server);
        }
        let gateway = Gateway::launch(&text, &[], upstreams);
        Self { gateway, issuer, servers }
    }
}

fn server(name: &'static str, directory: &Path) -> Server {
    let root = directory.display().to_string();
    let (tools, arguments, answer): (&'static [_], _, _) = match name {
        "dw-modern" => (&["add", "echo"], json!({ "a": 4000, "b": 242 }), "4242"),
        "dw-files" => {
            (&["read_text_file", "list_directory"], json!({ "path": format!("{root}/note") }), "Grüße")
        }
        "dw-memory" => (&["read_graph", "search_nodes"], json!({}), "writes programs"),
        "dw-git" => (&["git_log", "git_status"], json!({ "repo_path": root }), "the first of all"),
        "dw-time" => {
            let (from, to) = ("Asia/Tokyo", "Asia/Kolkata");
            let arguments = json!({ "source_timezone": from, "time": "12:00", "target_timezone": to });
            (&["convert_time"], arguments, "-3.5h")
        }
        _ => (&["get-sum", "get-tiny-image"], json!({ "a": 2, "b": 40 }), "The sum of 2 and 40 is 42."),
    };
    Server { name, tools, arguments, answer }
}

/// Starts or prepares what is behind a virtual server, and says how the file leads there.
fn upstream(name: &str, directory: &Path, upstreams: &mut Vec<Upstream>) -> String {
    let root = directory.display().to_string();
    let mut http = |upstream: Upstream| {
        let keys = upstream.keys();
        upstreams.push(upstream);
        keys
    };
    let npm = |script: &str, arguments: &[&str]| format!("command = {:?}", npm_server(script, arguments));
    let pip = |program: &str, arguments: &[&str]| format!("command = {:?}", pip_server(program, arguments));
    match name {
        "dw-modern" => http(Upstream::start(Kind::Modern)),
        "dw-http" => http(Upstream::start(Kind::Everything)),
        "dw-sse" => http(Upstream::start_sse()),
        "dw-stdio" => npm(EVERYTHING, &["stdio"]),
        "dw-files" => {
            fs::write(directory.join("note"), "Grüße").expect("a note");
            npm("node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", &[&root])
        }
        "dw-memory" => {
            let ada =
                r#"{"type":"entity","name":"Ada","entityType":"person","observations":["writes programs"]}"#;
            fs::write(directory.join("memory.jsonl"), format!("{ada}\n")).expect("a memory");
            let command = npm("node_modules/@modelcontextprotocol/server-memory/dist/index.js", &[]);
            format!("{command}\nenv = {{ MEMORY_FILE_PATH = \"{root}/memory.jsonl\" }}")
        }
        "dw-git" => {
            repository_of_git(directory);
            pip("mcp-server-git", &["--repository", &root])
        }
        "dw-time" => pip("mcp-server-time", &[]),
        _ => panic!("there is no server {name}"),
    }
}
