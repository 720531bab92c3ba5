//! The public documents: what anybody may read without saying who they are.

use http::{HeaderValue, StatusCode, header};

use crate::{
    App,
    path::{Answer, Document, OpenRecord, preflight},
};

/// Answers with a document.
pub(crate) fn answer(app: &App, document: &Document, record: &mut OpenRecord) -> Answer {
    record.allow();
    match document {
        Document::ProtectedResource(published) => {
            let body = published.metadata.clone().unwrap_or_default();
            let mut answer = Answer::json(StatusCode::OK, body);
            answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
            answer.headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            answer
        }
        Document::Probe(probe) => probe.answer(app),
        Document::Preflight => preflight(),
    }
}
