//! The control: every client straight at the servers.
//!
//! If one of these fails, what the gateway makes of the same pair says nothing.

use crate::{
    clients::{
        Client, FASTMCP, PYTHON_V1, PYTHON_V2, PYTHON_V2_LEGACY, RMCP, RMCP_LEGACY, TS_V1, TS_V2,
        TS_V2_LEGACY, Way,
    },
    harness::{Kind, Upstream},
};

fn at(kind: Kind, clients: &[Client]) {
    let upstream = Upstream::start(kind);
    for client in clients {
        client.run(Way::Direct, kind, &upstream.url, None, client.agrees_with(kind));
    }
}

#[test]
fn node_clients_in_sessions() {
    at(Kind::Everything, &[TS_V1, TS_V2, TS_V2_LEGACY]);
}

#[test]
fn node_clients_without_sessions() {
    at(Kind::Modern, &[TS_V2, TS_V1, TS_V2_LEGACY]);
}

#[test]
fn python_clients_in_sessions() {
    at(Kind::Everything, &[PYTHON_V1, PYTHON_V2, PYTHON_V2_LEGACY, FASTMCP]);
}

#[test]
fn python_clients_without_sessions() {
    at(Kind::Modern, &[PYTHON_V2, FASTMCP, PYTHON_V1, PYTHON_V2_LEGACY]);
}

#[test]
fn the_rust_client_in_sessions() {
    at(Kind::Everything, &[RMCP, RMCP_LEGACY]);
}

#[test]
fn the_rust_client_without_sessions() {
    at(Kind::Modern, &[RMCP, RMCP_LEGACY]);
}
