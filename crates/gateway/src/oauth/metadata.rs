//! What clients discover: the authorization server's metadata (RFC 8414).

use bytes::Bytes;
use doorward_auth::server::metadata::{self, Options};
use doorward_model::{ClientDocuments, Snapshot};

/// The document. Every address in it comes from the public URL.
pub(crate) fn document(snapshot: &Snapshot) -> Bytes {
    let options = Options {
        registration: snapshot.tokens.registration,
        client_documents: snapshot.tokens.client_documents != ClientDocuments::Off,
        id_jag: snapshot.issuers.values().any(|issuer| issuer.id_jag),
    };
    Bytes::from(metadata::authorization_server(&snapshot.origin(), &options).to_string())
}
