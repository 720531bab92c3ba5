//! The authorization server, as clients, people and attackers meet it.
//!
//! Where to find the test of an attack: those of MCP gateways are named `a01_…` to `a20_…`; those of RFC 9700 chapter 4:
//!
//! | section | test |
//! |---|---|

mod codes;
mod matrix;
mod refresh;

use serde_json::json;

use crate::harness::World;

/// Two more virtual servers with Doorward's own tokens.
const SERVERS: &str = r#"
    [[server]]
    name = "second"
    upstreams = ["notes"]

    [[server]]
    name = "third"
    upstreams = ["notes"]
    "#;

/// The usual world with three virtual servers for Doorward's own tokens.
async fn world() -> World {
    World::strict(SERVERS).await
}

/// The status with which a virtual server answers somebody with this token.
async fn opens(world: &World, server: &str, token: &str) -> u16 {
    world.gateway.modern(server, "tools/list", json!({})).bearer(token).send().await.status
}
