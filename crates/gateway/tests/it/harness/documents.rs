//! An https server of the tests' own: where clients describe themselves.

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// How long the body takes after the head.
    pub(crate) late: Duration,
}

/// An https server on loopback with one document.
pub(crate) struct Documents {
    url: String,
    shared: Arc<Shared>,
    directory: TempDir,
    serving: JoinHandle<()>,
}

struct Shared {
    document: Mutex<Document>,
    fetches: AtomicUsize,
}

impl Document {
    /// 200 with this JSON.
    pub(crate) fn json(body: &Value) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { status: 200, headers, body: body.to_string(), late: Duration::ZERO }
    }

    /// With this header in the place of any other of its name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Documents {
    /// Starts the server; it has the document of a public client with a loopback redirect.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = Arc::new(server(&directory));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://127.0.0.1:{}/client.json", listener.local_addr().unwrap().port());
        let document = Mutex::new(Document::json(&json!({})));
        let shared = Arc::new(Shared { document, fetches: AtomicUsize::new(0) });
        let serving = tokio::spawn(serve(listener, TlsAcceptor::from(config), Arc::clone(&shared)));
        let documents = Self { url, shared, directory, serving };
        documents.publish(Document::json(&documents.usual()));
        documents
    }

    /// The client id: the document's own address.
    pub(crate) fn id(&self) -> &str {
        &self.url
    }

    /// A client on its own host.
    pub(crate) fn usual(&self) -> Value {
        json!({
            "client_id": self.url,
            "client_name": "A described client",
            "redirect_uris": ["https://described.example.com/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        })
    }

    /// Answers with this from now on.
    pub(crate) fn publish(&self, document: Document) {
        *self.shared.document.lock().unwrap_or_else(PoisonError::into_inner) = document;
    }

    /// How often somebody asked.
    pub(crate) fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::Relaxed)
    }

    /// `[network]` that trusts the server's certificate.
    pub(crate) fn network(&self) -> String {
        format!("[network]\nca = \"{}\"", self.authority().display())
    }

    fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A certificate for 127.0.0.1, and the authority that it leads to in a file.
fn server(directory: &TempDir) -> ServerConfig {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let pem = params.self_signed(&authority_key).unwrap().pem();
    std::fs::write(directory.path().join("ca.pem"), pem).unwrap();
    let authority = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, acceptor.clone(), Arc::clone(&shared)));
    }
}

/// Reads one request and answers it. A connection that breaks is the client's business.
async fn answer(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    shared.fetches.fetch_add(1, Ordering::Relaxed);
    let document = shared.document.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut text = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", document.status, document.body.len());
    for (name, value) in &document.headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("Connection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    tokio::time::sleep(document.late).await;
    stream.write_all(document.body.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
