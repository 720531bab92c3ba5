//! The steps, in the order in which they are told.
//!
//! A step that breaks off counts as one check that does not hold, and the next one is told all the same: a
//! newcomer sees everything that is wrong in one run. There is no sign-in of people and no A2A agent in the story,
//! because this version has neither.

pub(super) mod audit;
mod entrance;
mod hidden;
mod pages;
mod tokens;
mod tools;

use super::{narrator::Narrator, scene::Scene};

/// A caller's token and session, as far as it has them.
#[derive(Debug, Clone, Default)]
struct Visit {
    token: String,
    session: String,
}

/// Tells everything.
pub(super) async fn tell(narrator: &mut Narrator<'_>, scene: &mut Scene) {
    let outcome = entrance::servers(narrator, scene).await;
    noted(narrator, outcome);
    let outcome = entrance::challenge(narrator, scene).await;
    noted(narrator, outcome);
    let mut visit = Visit { token: scene.token("alice", "notes"), session: String::new() };
    let outcome = tools::list(narrator, scene, &mut visit).await;
    noted(narrator, outcome);
    let outcome = tools::call(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = hidden::refused(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = tokens::refused(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = pages::refused(narrator, scene, &visit).await;
    noted(narrator, outcome);
    let outcome = audit::shown(narrator, scene).await;
    noted(narrator, outcome);
}

fn noted(narrator: &mut Narrator<'_>, outcome: anyhow::Result<()>) {
    if let Err(error) = outcome {
        narrator.broke_off(&error);
    }
}
