//! The steps, in the order in which they are told.
//!
//! A step that breaks off counts as one check that does not hold, and the next one is told all the same: a
//! newcomer sees everything that is wrong in one run.

mod access;
mod agents;
pub(super) mod audit;
mod codes;
mod entrance;
mod hidden;
mod issuers;
mod pages;
mod people;
mod tokens;
mod tools;
mod trail;

use super::{
    client::{Client, Errand},
    narrator::Narrator,
    scene::Scene,
    visitor::Visitor,
};

/// What alice and her client have, as far as the story got.
#[derive(Debug, Default)]
struct Visit {
    client: Client,
    browser: Visitor,
    /// Why the client sent her to sign in, and the code that she came back with.
    errand: Errand,
    code: String,
    /// The access token.
    token: String,
    refresh: String,
    /// The MCP session.
    session: String,
}

/// Tells everything.
pub(super) async fn tell(narrator: &mut Narrator<'_>, scene: &mut Scene) {
    let mut visit = Visit::default();
    let outcome = entrance::servers(narrator, scene).await;
    noted(narrator, outcome);
    let outcome = people::first(narrator, scene).await;
    noted(narrator, outcome);
    let outcome = entrance::challenge(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = trail::followed(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = people::decides(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = codes::redeemed(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = tools::list(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = tools::call(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = hidden::refused(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = tokens::bound(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = codes::used_twice(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = issuers::trusted(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = pages::refused(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = access::taken_back(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = agents::card(narrator, scene).await;
    noted(narrator, outcome);
    let outcome = agents::task(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = audit::shown(narrator, scene).await;
    noted(narrator, outcome);
}

fn noted(narrator: &mut Narrator<'_>, outcome: anyhow::Result<()>) {
    if let Err(error) = outcome {
        narrator.broke_off(&error);
    }
}

/// Enough of a token to recognise it by: its kind and its end.
fn brief(token: &str) -> String {
    let end = token.get(token.len().saturating_sub(8)..).unwrap_or_default();
    format!("{}…{}", token.get(..8).unwrap_or_default(), end.rsplit('.').next().unwrap_or_default())
}
