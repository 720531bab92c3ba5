//! The public documents: what anybody may read without saying who they are.

use bytes::Bytes;
use doorward_auth::client::registration::{OwnAddresses, client_document};
use http::{HeaderValue, StatusCode, header};

use crate::{
    App, oauth,
    path::{Answer, Document, OpenRecord, preflight},
};

/// The key set may be kept for `signer::MAX_AGE`.
const KEYS_AGE: &str = "public, max-age=300";

/// Answers with a document.
pub(crate) fn answer(app: &App, document: &Document, record: &mut OpenRecord) -> Answer {
    record.allow();
    match document {
        Document::ProtectedResource(entrance) => public(entrance.metadata.clone().unwrap_or_default()),
        Document::Keys => {
            let mut answer = public(app.signer().jwks());
            answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEYS_AGE));
            answer
        }
        Document::OwnClient => {
            let own = OwnAddresses::at(app.routes().origin());
            public(Bytes::from(client_document(&own).to_string()))
        }
        Document::AuthorizationServer => public(oauth::document(&app.routes().snapshot)),
        Document::Probe(probe) => probe.answer(app),
        Document::Preflight => preflight(),
    }
}

/// A document for everybody, programs in other origins' pages too.
fn public(body: Bytes) -> Answer {
    let mut answer = Answer::json(StatusCode::OK, body);
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    answer.headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}
