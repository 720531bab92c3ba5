//! The authorization server, as clients, people and attackers meet it.
//!
//! Where the test of an attack is. Those that were found in gateways for MCP are named `a01_…` to `a20_…`; those on
//! Doorward as a client of other authorization servers (`a12`: an upstream that changes its own; `a13`: linking somebody
//! else's account) are in `connections::attacks`. Those of RFC 9700 chapter 4:
//!
//! | section | tests |
//! |---|---|
//! | 4.1 redirect URI validation | `attacks::a04_…`, `habits::what_is_almost_the_registered_address_is_another_one` |
//! | 4.2 leakage by referrer, 4.3 by history | `attacks::nothing_of_an_answer_leaks_by_referrer_cache_or_history` |
//! | 4.4 mix-up | `attacks::a03_…`, `providers::a03_…` |
//! | 4.5 code injection | `attacks::a07_…`, `races::a07_…`, `codes` |
//! | 4.6 token injection | `attacks::a04_open_redirect_errors_…` (no response type but `code`), `matrix` |
//! | 4.7 CSRF | `consent::a_form_counts_for_its_person_in_its_browser`, `consent::other_pages_cannot_press_our_buttons`, `people::a_sign_in_form_counts_in_its_own_browser`, `providers::a01_a13_…` |
//! | 4.8 PKCE downgrade | `attacks::a06_…` |
//! | 4.9 leakage at the resource server | `attacks::a11_…`, `matrix` |
//! | 4.10 stolen access tokens | `matrix`, `revocation`, `scopes` |
//! | 4.11 open redirection | `attacks::a04_open_redirect_errors_…`, and `Gateway::notice` at every answer of every test |
//! | 4.12 307 redirects | `attacks::a17_…` |
//! | 4.13 TLS-terminating proxies | `attacks::a16_…` |
//! | 4.14 refresh tokens | `refresh`, `attacks::a08_…`, `races` |
//! | 4.15 a client that passes for a resource owner | `attacks::a_client_cannot_pass_for_a_person` |
//! | 4.16 clickjacking | `attacks::a14_…` |
//! | 4.17 in-browser communication | no page has a program: `doorward_gateway::pages` |

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
mod reviewed;
mod revocation;
mod scopes;

use std::time::Duration;

use doorward_model::{Clock as _, Timestamp};
use serde_json::json;

use crate::harness::{Call, Events, PATIENCE, World};

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

/// Waits until a stream ends, also where it is kept alive meanwhile.
async fn ends(mut stream: Events<'_>) {
    let ended = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("the stream ends");
}
