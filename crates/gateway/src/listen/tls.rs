//! TLS for callers: certificate and key from files, read again when they change.
//!
//! A pair that does not fit changes nothing: connections go on with the last good one. Client certificates are
//! verified where they are asked for; who they name goes along with every request of the connection.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use doorward_auth::verify;
use doorward_model::{Identity, Timestamp};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

#[cfg(test)]
mod tests;

/// Largest file, in bytes: the roots of all public authorities together have a quarter of it.
const FILE_MAX: u64 = 1 << 20;

/// The certificate that is shown at present.
pub(crate) struct Tls {
    files: doorward_config::Tls,
    config: ArcSwap<ServerConfig>,
}

/// Who the certificate of a connection names; a request carries it as an extension.
#[derive(Debug, Clone)]
pub(crate) struct ClientCertificate {
    pub(crate) identity: Arc<Identity>,
    pub(crate) expires: Timestamp,
}

impl ClientCertificate {
    /// Reads the certificate that a client presented and TLS has verified.
    pub(super) fn of(stream: &TlsStream<TcpStream>) -> Option<Self> {
        let (_, connection) = stream.get_ref();
        let certificate = connection.peer_certificates()?.first()?;
        let named = verify::certificate_name(certificate);
        if named.is_none() {
            tracing::debug!("a client certificate names nobody");
        }
        let verify::CertificateName { name, expires } = named?;
        Some(Self { identity: Arc::new(Identity::of_certificate(&name)), expires })
    }
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is not PEM, or holds nothing of what it is for.
    #[error("{}: {}", path.display(), why(error))]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        error: pem::Error,
    },
    /// Certificate and key do not fit, or cannot be used.
    #[error("the certificate and its key cannot be used: {0}")]
    Pair(rustls::Error),
    /// The roots of client certificates cannot be used.
    #[error("{}: {error}", path.display())]
    Roots {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: VerifierBuilderError,
    },
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: &doorward_config::Tls) -> Result<Self, TlsError> {
        Ok(Self { config: ArcSwap::from_pointee(read(files)?), files: files.clone() })
    }

    /// Reads the files again. On an error everything stays as it is.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        self.config.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    /// The files.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let doorward_config::Tls { certificate, key, client_ca } = &self.files;
        [certificate, key].into_iter().chain(client_ca).cloned().collect()
    }

    /// For one new connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn read(files: &doorward_config::Tls) -> Result<ServerConfig, TlsError> {
    let certificates = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes(&files.key)?)
        .map_err(|error| TlsError::Pem { path: files.key.clone(), error })?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Pair)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(client_verifier(path, provider)?),
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Asks for a certificate, takes none for an answer, and refuses one that leads elsewhere.
fn client_verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let failed = |error| TlsError::Roots { path: path.to_owned(), error };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|_| failed(VerifierBuilderError::NoRootAnchors))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    builder.allow_unauthenticated().build().map_err(failed)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::Pem { path: path.to_owned(), error };
    let bytes = bytes(path)?;
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(failed)?;
    if certificates.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(certificates) }
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    read_capped(path).map_err(|error| TlsError::File { path: path.to_owned(), error })
}

/// A whole file, unless it is much too large.
pub(crate) fn read_capped(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_MAX) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(bytes)
}

/// The library's words mention parts of the file only as numbers, but are not meant for people.
fn why(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::NoItemsFound => "holds nothing of the kind that is expected",
        _ => "is not PEM",
    }
}
