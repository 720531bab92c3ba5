//! Stage 7a: a list that is kept need not be fetched. Comes after every check, like the upstream itself.

use doorward_guard::Permit;
use doorward_protocol::json::Document;

use super::{Answer, engine::Asked, examine, record::OpenRecord};
use crate::App;

/// The kept answer, or the permit back.
pub(super) fn answer(
    app: &App,
    asked: &Asked,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Permit> {
    let kept = asked.exchange.page.as_ref().zip(asked.client_id());
    let now = app.clock().now();
    match kept.and_then(|(page, id)| asked.published().entrance.memory.lists.answer(page, id, now)) {
        Some((body, filtered)) => {
            record.allow();
            record.filtered(filtered);
            if asked.published().server.payloads.results
                && let Ok(document) = Document::reread(body.clone())
            {
                examine::keep_result(&document, record);
            }
            Ok(Answer::json(http::StatusCode::OK, body))
        }
        None => Err(permit),
    }
}
