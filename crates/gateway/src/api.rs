//! The admin API: what an administrator changes in the store, for programs and for the console.
//!
//! | module | what |
//! |---|---|
//! | `who` | the administrator that asks, by a token or by the browser session |
//! | `secrets` | secrets that credentials refer to |
//! | `problem` | what is answered when something is not done (RFC 9457) |
//!
//! It changes data only. No body carries a command, an argument or a variable of a child process: those are in the
//! operator's file alone, and what a body has beyond what is described is refused.

mod problem;
mod secrets;
mod who;

use bytes::Bytes;
use doorward_model::Snapshot;
use http::{HeaderValue, StatusCode, header};

pub(crate) use problem::Problem;

use crate::{
    endpoint::Endpoint,
    oauth::{Outcome, Web},
    path::{Answer, OpenRecord, Visit},
};

/// What the API has (`OpenAPI` 3.1).
const DESCRIPTION: &str = include_str!("api/openapi.json");

/// The OAuth resource of the API: what tokens for it are bound to.
pub(crate) fn resource(snapshot: &Snapshot) -> String {
    format!("{}/api/v1", snapshot.origin())
}

/// Answers a request to the API.
pub(crate) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    if visit.endpoint == Endpoint::ApiDescription {
        record.allow();
        return Ok(json(StatusCode::OK, DESCRIPTION));
    }
    if let Err(problem) = who::administrator(web, &visit, record).await? {
        return Ok(problem.answer(record));
    }
    let done = match visit.endpoint.clone() {
        Endpoint::ApiSecret(name) => secrets::change(web, &name, visit, record).await?,
        _ => Ok(secrets::list(web).await?),
    };
    Ok(match done {
        Ok(answer) => {
            record.allow();
            answer
        }
        Err(problem) => problem.answer(record),
    })
}

/// An answer that nobody keeps.
fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::json(status, body);
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests;
