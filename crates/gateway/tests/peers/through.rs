//! Every client at both servers through virtual servers, once open and once with tokens of an issuer: what holds directly
//! holds here too, in the era that client and server would have agreed on by themselves.

use crate::{
    clients::{
        Client, FASTMCP, PYTHON_V1, PYTHON_V2, PYTHON_V2_LEGACY, RMCP, RMCP_LEGACY, TS_V1, TS_V2,
        TS_V2_LEGACY, Way,
    },
    harness::{Gateway, Kind},
    issuer::Issuer,
};

fn open(kind: Kind, clients: &[Client]) {
    let gateway = Gateway::start(None);
    for client in clients {
        client.run(Way::Through, kind, &gateway.resource(kind), None, client.agrees_with(kind));
    }
    gateway.stop();
}

/// The same with tokens; nothing that the program logs may hold one.
fn with_tokens(kind: Kind, clients: &[Client]) {
    let issuer = Issuer::start();
    let gateway = Gateway::start(Some(&issuer.trusted));
    let resource = gateway.resource(kind);
    let token = issuer.token(&resource);
    for client in clients {
        client.run(Way::Through, kind, &resource, Some(&token), client.agrees_with(kind));
    }
    assert!(!gateway.log().contains(&token), "the log holds a token");
    gateway.stop();
}

const NODE: &[Client] = &[TS_V1, TS_V2, TS_V2_LEGACY];
const PYTHON: &[Client] = &[PYTHON_V1, PYTHON_V2, PYTHON_V2_LEGACY];
const FAST: &[Client] = &[FASTMCP];
const RUST: &[Client] = &[RMCP, RMCP_LEGACY];

#[test]
fn node_clients_at_a_session_server() {
    open(Kind::Everything, NODE);
}

#[test]
fn node_clients_at_a_stateless_server() {
    open(Kind::Modern, NODE);
}

#[test]
fn python_clients_at_a_session_server() {
    open(Kind::Everything, PYTHON);
}

#[test]
fn python_clients_at_a_stateless_server() {
    open(Kind::Modern, PYTHON);
}

#[test]
fn fastmcp_at_both_servers() {
    open(Kind::Everything, FAST);
    open(Kind::Modern, FAST);
}

#[test]
fn the_rust_client_at_both_servers() {
    open(Kind::Everything, RUST);
    open(Kind::Modern, RUST);
}

#[test]
fn tokens_open_a_session_server() {
    with_tokens(Kind::Everything, &[TS_V1, TS_V2, PYTHON_V1, PYTHON_V2]);
}

#[test]
fn tokens_open_a_stateless_server() {
    with_tokens(Kind::Modern, &[TS_V1, TS_V2, FASTMCP, RMCP]);
}
