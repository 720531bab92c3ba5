//! Every client at both servers through virtual servers: all four pairs of eras on one URL each, once open and once
//! with tokens of an issuer.

use crate::{
    clients::{
        Client, FASTMCP, PYTHON_V1, PYTHON_V2, PYTHON_V2_LEGACY, RMCP, RMCP_LEGACY, TS_V1, TS_V2,
        TS_V2_LEGACY, Way,
    },
    harness::{Gateway, Kind},
    issuer::Issuer,
};

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

fn open(kind: Kind, clients: &[(Client, &str)]) {
    let gateway = Gateway::start(None);
    for (client, version) in clients {
        client.run(Way::Through, kind, &gateway.resource(kind), None, version);
    }
    gateway.stop();
}

/// The same with tokens; nothing that the program logs may hold one.
fn with_tokens(kind: Kind, clients: &[(Client, &str)]) {
    let issuer = Issuer::start();
    let gateway = Gateway::start(Some(&issuer.trusted));
    let resource = gateway.resource(kind);
    let token = issuer.token(&resource);
    for (client, version) in clients {
        client.run(Way::Through, kind, &resource, Some(&token), version);
    }
    assert!(!gateway.log().contains(&token), "the log holds a token");
    gateway.stop();
}

const NODE: &[(Client, &str)] = &[(TS_V1, LEGACY), (TS_V2, MODERN), (TS_V2_LEGACY, LEGACY)];
const PYTHON: &[(Client, &str)] = &[(PYTHON_V1, LEGACY), (PYTHON_V2, MODERN), (PYTHON_V2_LEGACY, LEGACY)];
const FAST: &[(Client, &str)] = &[(FASTMCP, MODERN)];
const RUST: &[(Client, &str)] = &[(RMCP, MODERN), (RMCP_LEGACY, LEGACY)];

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
    with_tokens(
        Kind::Everything,
        &[(TS_V1, LEGACY), (TS_V2, MODERN), (PYTHON_V1, LEGACY), (PYTHON_V2, MODERN)],
    );
}

#[test]
fn tokens_open_a_stateless_server() {
    with_tokens(Kind::Modern, &[(TS_V1, LEGACY), (TS_V2, MODERN), (FASTMCP, MODERN), (RMCP, MODERN)]);
}
