//! The authorization server, as clients, people and attackers meet it.
//!
//! Where to find the test of an attack: those of MCP gateways are named `a01_…` to `a20_…`; those of RFC 9700 chapter 4:
//!
//! | section | test |
//! |---|---|

mod admission;
mod attacks;
mod clients;
mod codes;
mod consent;
mod documents;
mod floods;
mod habits;
mod matrix;
mod people;
mod providers;
mod races;
mod records;
mod refresh;
mod revocation;
mod scopes;

use std::time::Duration;

use doorward_model::{Clock as _, Timestamp};
use serde_json::json;

use crate::harness::{Call, PATIENCE, World};

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
    world_with("").await
}

/// The same with more configuration.
async fn world_with(more: &str) -> World {
    World::strict(&format!("{SERVERS}{more}")).await
}

/// The status with which a virtual server answers somebody with this token.
async fn opens(world: &World, server: &str, token: &str) -> u16 {
    world.gateway.modern(server, "tools/list", json!({})).bearer(token).send().await.status
}

/// A stream without end.
fn listen<'w>(world: &'w World, server: &str, token: &str) -> Call<'w> {
    world.gateway.modern(server, "subscriptions/listen", json!({ "notifications": {} })).bearer(token)
}

/// The present moment of the gateway's clock.
fn now(world: &World) -> Timestamp {
    world.gateway.clock.now()
}

/// Waits until something is so, however long the machine takes.
async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it becomes so");
}
