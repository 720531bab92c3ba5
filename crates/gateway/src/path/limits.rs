//! Stage 6b: how often, and how many at once. The last thing that is asked before anything goes upstream.

use std::sync::{Arc, atomic::Ordering};

use doorward_guard::Permit;

use super::{
    Reason, Refusal,
    authenticate::Authenticated,
    engine::{Asked, Purpose},
};
use crate::{App, routes::Entrance};

/// Lets a permitted message pass, unless it is one too many.
pub(super) async fn admit(app: &App, permit: Permit, asked: &Asked) -> Result<Permit, Refusal> {
    let entrance = &asked.published().entrance;
    // Whoever ends a session gives something back.
    if !matches!(asked.exchange.purpose, Purpose::End) {
        count(app, entrance, asked.caller()).await.map_err(|refusal| refusal.of(asked.client_id()))?;
    }
    // Streams that end with their answer are bounded by connections; those that never end are counted.
    let open = entrance.streams.load(Ordering::Acquire);
    if open >= entrance.limits.streams && asked.exchange.is_endless() {
        return Err(Refusal::from(Reason::TooManyStreams).of(asked.client_id()));
    }
    Ok(permit)
}

/// Counts one call of a caller, where the entrance has a rate: with the other replicas, where there can be some.
pub(super) async fn count(
    app: &App,
    entrance: &Arc<Entrance>,
    caller: &Authenticated,
) -> Result<(), Refusal> {
    let Some((limit, key)) = entrance.to.rate().zip(caller.counted) else { return Ok(()) };
    let (calls, counted, now) = (&entrance.calls, (limit.rate, key), app.clock().now());
    let outcome = match app.shared_store() {
        Some(store) => calls.admit_shared(store, &entrance.to.path(), counted, now).await,
        None => calls.admit(limit.rate, key, now),
    };
    outcome.map_err(|too_often| Reason::RateExceeded(too_often.retry_after).into())
}
