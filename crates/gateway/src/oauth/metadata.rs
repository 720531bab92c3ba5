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
        // Access tokens are no JWTs, but assertions about callers are, in the name of this issuer: whoever gets one
        // and trusts the issuer finds the keys where keys of issuers are found (RFC 8414 section 2).
        keys: true,
    };
    Bytes::from(metadata::authorization_server(&snapshot.origin(), options).to_string())
}
