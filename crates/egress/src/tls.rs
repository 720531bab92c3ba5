//! TLS towards upstreams and issuers: the platform's roots and the operator's extra ones.

use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};

use crate::http::EgressError;

/// The client's TLS settings. `extra_roots` is PEM text.
pub(crate) fn client_config(extra_roots: Option<&[u8]>) -> Result<ClientConfig, EgressError> {
    let mut roots = RootCertStore::empty();
    // A platform without roots is fine until something needs them: then the handshake says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in CertificateDer::pem_slice_iter(extra_roots.unwrap_or_default()) {
        let certificate = certificate.map_err(|_| EgressError::Roots)?;
        roots.add(certificate).map_err(|_| EgressError::Roots)?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let versions = builder.with_safe_default_protocol_versions().map_err(|_| EgressError::Roots)?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
