//! What clients discover: the authorization server's metadata (RFC 8414).

use bytes::Bytes;
use doorward_auth::server::metadata::{self, MetadataOptions};
use doorward_model::{ClientDocuments, Snapshot};

/// The document. Every address in it comes from the public URL.
pub(crate) fn document(snapshot: &Snapshot) -> Bytes {
    let options = MetadataOptions {
        registration: snapshot.tokens.registration,
        client_documents: snapshot.tokens.client_documents != ClientDocuments::Off,
        id_jag: snapshot.issuers.values().any(|issuer| issuer.id_jag),
        introspection: true,
        // No token of Doorward's is a JWT.
        keys: false,
    };
    Bytes::from(metadata::authorization_server(&snapshot.origin(), options).to_string())
}
