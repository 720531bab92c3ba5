//! The control: every client straight at the servers, in the pairs that can talk to each other at all.
//!
//! If one of these fails, what the gateway makes of the same pair says nothing.

use crate::{
    clients::{
        Client, FASTMCP, PYTHON_V1, PYTHON_V2, PYTHON_V2_LEGACY, RMCP, RMCP_LEGACY, TS_V1, TS_V2,
        TS_V2_LEGACY, Way,
    },
    harness::{Kind, Upstream},
};

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

fn at(kind: Kind, version: &str, clients: &[Client]) {
    let upstream = Upstream::start(kind);
    for client in clients {
        client.run(Way::Direct, kind, &upstream.url, None, version);
    }
}

#[test]
fn node_clients_in_sessions() {
    at(Kind::Everything, LEGACY, &[TS_V1, TS_V2, TS_V2_LEGACY]);
}

#[test]
fn node_clients_without_sessions() {
    at(Kind::Modern, MODERN, &[TS_V2]);
}

#[test]
fn python_clients_in_sessions() {
    at(Kind::Everything, LEGACY, &[PYTHON_V1, PYTHON_V2, PYTHON_V2_LEGACY, FASTMCP]);
}

#[test]
fn python_clients_without_sessions() {
    at(Kind::Modern, MODERN, &[PYTHON_V2, FASTMCP]);
}

#[test]
fn the_rust_client_in_sessions() {
    at(Kind::Everything, LEGACY, &[RMCP, RMCP_LEGACY]);
}

#[test]
fn the_rust_client_without_sessions() {
    at(Kind::Modern, MODERN, &[RMCP]);
}
