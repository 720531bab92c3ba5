//! Stage 7a: a list that is kept need not be fetched. Comes after every check, like the upstream itself.

use doorward_guard::Permit;
use doorward_model::Credential;
use doorward_protocol::json::Document;

use super::{Answer, engine::Asked, examine, record::OpenRecord};
use crate::{App, connections, lists::PageKey};

/// The kept answer, or the permit back.
pub(super) async fn answer(
    app: &App,
    asked: &Asked,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Permit> {
    let page = page(app, asked).await;
    let kept = page.as_ref().zip(asked.client_id());
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

/// Which page is asked for: of the account that is connected now, where each caller may have their own.
async fn page(app: &App, asked: &Asked) -> Option<PageKey> {
    let page = asked.exchange.page.clone()?;
    let Credential::Connection(connecting) = &asked.published().server.upstream.credential else {
        return Some(page);
    };
    let person = connections::whose(&app.routes().snapshot, connecting, &asked.caller().caller)?;
    let present = Box::pin(app.connections().present(connecting, person)).await;
    present.map(|connection| page.of(connection))
}
