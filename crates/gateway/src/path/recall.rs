//! Stage 7a: a list that is kept need not be fetched. Comes after every check, like the upstream itself.

use doorward_guard::Permit;

use super::{Answer, engine::Asked, record::OpenRecord};
use crate::App;

/// The kept answer, or the permit back.
pub(super) fn answer(
    app: &App,
    asked: &Asked,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Permit> {
    let kept = asked.exchange.page.as_ref().zip(asked.client_id());
    match kept.and_then(|(page, id)| asked.published().memory.lists.answer(page, id, app.clock().now())) {
        Some(body) => {
            record.allow();
            Ok(Answer::json(http::StatusCode::OK, body))
        }
        None => Err(permit),
    }
}
