//! Upstreams that are commands: real servers as children of the program.
//!
//! What becomes of the processes is looked up in `/proc`, not asked of the program.

mod children;
mod processes;
mod servers;
mod sessions;

use crate::{
    clients::{Client, PYTHON_V1, PYTHON_V2, RMCP, TS_V1, TS_V2, Way},
    harness::{EVERYTHING, Gateway, Kind, Published},
    issuer::Issuer,
    programs::{npm_server, pip_server},
};

/// One upstream that is a command, and the virtual server of its name.
#[derive(Default)]
struct Child<'a> {
    name: &'a str,
    command: Vec<String>,
    /// The tools that it publishes; all without.
    tools: Option<&'a [&'a str]>,
    /// Further keys of the upstream.
    further: String,
}

impl Child<'_> {
    fn sections(&self, access: &str) -> String {
        let Self { name, command, tools, further } = self;
        Published { name, upstream: format!("command = {command:?}\n{further}"), access, tools: *tools }
            .sections()
    }
}

/// The program in front of these.
fn start(children: &[Child<'_>]) -> Gateway {
    start_with(children, &[])
}

/// The same, with variables of its own.
fn start_with(children: &[Child<'_>], variables: &[(&str, &str)]) -> Gateway {
    let sections: String = children.iter().map(|child| child.sections("open")).collect();
    Gateway::launch(&sections, variables, Vec::new())
}

fn url(gateway: &Gateway, name: &str) -> String {
    gateway.server(name)
}

/// The reference server, whole.
fn everything(name: &str) -> Child<'_> {
    Child { name, command: npm_server(EVERYTHING, &["stdio"]), ..Child::default() }
}

/// The clock, which speaks both eras.
fn clock(name: &str) -> Child<'_> {
    Child { name, command: pip_server("mcp-server-time", &[]), ..Child::default() }
}

/// Clients that are put through their suites at a child.
fn suites(clients: &[Client]) {
    let kind = Kind::Everything;
    let gateway = start(&[Child { tools: Some(kind.curated().0), ..everything("everything") }]);
    for client in clients {
        client.run(Way::Through, kind, &gateway.resource(kind), None, client.agrees_with(kind));
    }
    gateway.stop();
}

#[test]
fn node_clients_at_a_child() {
    suites(&[TS_V1, TS_V2]);
}

#[test]
fn python_clients_at_a_child() {
    suites(&[PYTHON_V1, PYTHON_V2]);
}

#[test]
fn the_rust_client_at_a_child() {
    suites(&[RMCP]);
}

#[test]
fn tokens_open_a_child() {
    let (kind, issuer) = (Kind::Everything, Issuer::start());
    let child = Child { tools: Some(kind.curated().0), ..everything("everything") };
    let sections = child.sections("jwt") + &issuer.trusted.section();
    let gateway = Gateway::launch(&sections, &[], Vec::new());
    let resource = gateway.resource(kind);
    let token = issuer.token(&resource);
    TS_V1.run(Way::Through, kind, &resource, Some(&token), TS_V1.agrees_with(kind));
    assert!(!gateway.log().contains(&token), "the log holds a token");
    gateway.stop();
}
