//! The public documents: what anybody may read without saying who they are.

use http::{HeaderValue, StatusCode, header};

use crate::path::{Answer, Document, OpenRecord, preflight};

/// Answers with a document.
pub(crate) fn answer(document: &Document, record: &mut OpenRecord) -> Answer {
    record.allow();
    match document {
        Document::ProtectedResource(published) => {
            let body = published.metadata.clone().unwrap_or_default();
            let mut answer = Answer::json(StatusCode::OK, body);
            answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
            answer.headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            answer
        }
        Document::Healthy => plain("ok"),
        Document::Ready => plain("ready"),
        Document::Preflight => preflight(),
    }
}

fn plain(text: &'static str) -> Answer {
    let mut answer = Answer::whole(StatusCode::OK, "text/plain; charset=utf-8", text);
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
