//! The way of a request, as one function.
//!
//! ```text
//! admit → route → authenticate → read → understand → expose → authorize → limit → (recall) → forward → examine
//! ```
//!
//! A batch is split after `read`; each of its messages then goes this way, and all pass `limit` before one passes on.
//!
//! Each stage takes what the stage before it returned, by value: a skipped check does not compile. The record
//! is opened before and closed after, whatever happens, also when a stream is dropped half way.

mod a2a;
mod admit;
mod answer;
mod authenticate;
mod authorize;
mod batch;
mod engine;
mod examine;
mod expose;
mod forward;
mod lease;
mod limits;
mod read;
mod recall;
mod record;
mod refusal;
mod relay;
mod route;
mod together;
mod trace;
mod unconnected;

use std::{net::SocketAddr, sync::Arc};

use doorward_guard::Permit;
use hyper::{Request, Response, body::Incoming};

pub(crate) use admit::{hide_from_other_origins, preflight};
pub(crate) use answer::{Answer, Body, Content};
pub(crate) use record::OpenRecord;
pub(crate) use refusal::{Reason, Refusal};
pub(crate) use route::{Document, Routed, Visit};

use self::{engine::Asked, read::Read, unconnected::Unconnected};
use crate::{App, listen, oauth, well_known};

/// Answers one request of a client. Never fails: what goes wrong is a refusal, and a refusal is an answer.
pub(crate) async fn handle(app: &Arc<App>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    let cross_origin = admit::CrossOrigin::of(&request);
    let Some(mut record) = OpenRecord::open(app, &request, peer) else {
        // Supervisors and scrapers need an answer then most of all.
        let probed = app.answers_probes().then(|| listen::unrecorded(app, &request)).flatten();
        return probed.unwrap_or_else(answer::unrecorded);
    };
    let answer = match walk(app, request, peer, &mut record).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_answer(app, &mut record),
    };
    answer.send(record, &cross_origin).await
}

/// The stages. Each line needs what the line above it returned.
async fn walk(
    app: &Arc<App>,
    request: Request<Incoming>,
    peer: SocketAddr,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let snapshot = app.routes();
    let admitted = admit::host_and_origin(request, &snapshot)?;
    let routed = match route::find(admitted, &snapshot, (app, peer.ip()), record)? {
        route::Found::VirtualServer(server) => server,
        route::Found::Agent(visit) => return Ok(a2a::answer(app, &snapshot, visit, record).await),
        route::Found::Endpoint(visit) => return Box::pin(oauth::answer(app, &snapshot, visit, record)).await,
        route::Found::Document(document) => return Ok(well_known::answer(app, &document, record)),
    };
    let caller =
        authenticate::caller(app, &snapshot, &routed.published.entrance, routed.presented(), record).await?;
    let read = read::message(routed, caller, record).await?;
    if read.is_array() {
        return Box::pin(batch::answer(app, read, record)).await;
    }
    let (asked, permit) = judge(app, read, record).await?;
    fetch(app, asked, permit, record).await
}

/// What every message passes before anything of it goes upstream.
async fn judge(app: &App, read: Read, record: &mut OpenRecord) -> Result<(Asked, Permit), Refusal> {
    let asked = engine::understand(app, read, record).await?;
    let cleared = expose::clear(&asked)?;
    let permit = authorize::decide(cleared, &asked)?;
    let permit = limits::admit(app, permit, &asked).await?;
    Ok((asked, permit))
}

/// What every message passes that may.
async fn fetch(
    app: &Arc<App>,
    asked: Asked,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    if unconnected::is_for_own_tool(&asked) {
        return Box::pin(unconnected::call(app, &asked, permit, record)).await;
    }
    let permit = match recall::answer(app, &asked, permit, record).await {
        Ok(answer) => return Ok(answer),
        Err(permit) => permit,
    };
    let unconnected = Unconnected::of(&asked);
    match (forward::send(app, asked, permit, record).await, unconnected) {
        (Err(refusal), Some(unconnected)) => Box::pin(unconnected.answer(app, refusal, record)).await,
        (reply, _) => examine::reply(app, reply?, record).await,
    }
}
