//! TLS as callers see it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use doorward_protocol::grpc::frame;
use doorward_testkit::{agent::ScriptedAgent, recorder::Recorder};
use http::Request;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
    string::Ia5String,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    client::{Connection, Outcome},
    program::{Place, Program, configuration},
    soon,
};

/// An authority of the tests' own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn issue(&self) -> Pair {
        self.issue_to(vec!["127.0.0.1".to_owned()], None)
    }

    /// A certificate for hosts, and for the workload of this URI.
    fn issue_to(&self, hosts: Vec<String>, workload: Option<&str>) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(hosts).expect("parameters");
        params.distinguished_name = DistinguishedName::new();
        let workload = workload.map(|uri| SanType::URI(Ia5String::try_from(uri).expect("ASCII")));
        params.subject_alt_names.extend(workload);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair { certificate, key: key.serialize_pem() }
    }

    /// A client that trusts this authority, offers these protocols and presents that certificate.
    fn client(&self, protocols: &[&str], own: Option<&Pair>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("PEM")).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                builder.with_client_auth_cert(vec![pair.certificate()], pair.key()).expect("a pair")
            }
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}

impl Pair {
    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("PEM")
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM")
    }

    fn write(&self, place: &Place) {
        place.write("cert.pem", &self.certificate);
        place.write("key.pem", &self.key);
    }
}

async fn connect(client: &TlsConnector, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    client.connect(ServerName::from(address.ip()), stream).await
}

const TLS: &str = "tls = { certificate = \"cert.pem\", key = \"key.pem\" }";

fn start(place: &Place, upstream: &Recorder, pair: &Pair, listen: &str) -> Program {
    pair.write(place);
    place.start(&configuration(upstream, listen, ""))
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_is_spoken_over_tls() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let authority = Authority::new();
    let program = start(&place, &upstream, &authority.issue(), TLS);
    for protocols in [&["http/1.1"][..], &[]] {
        let stream = connect(&authority.client(protocols, None), program.address).await.expect("a handshake");
        let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(agreed, protocols.first().map(|name| name.as_bytes().to_vec()));
        let mut connection = Connection::over(stream, program.address);
        assert_eq!(connection.call("x").await.answer().status, 200);
        assert_eq!(connection.call("y").await.answer().status, 200);
    }
    let unknown = connect(&authority.client(&["gopher"], None), program.address).await;
    assert!(unknown.is_err(), "no protocol in common");
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_agreed_on_over_tls_and_known_in_clear() {
    let upstream = Recorder::start().await.expect("an upstream");
    let authority = Authority::new();
    let place = Place::new();
    let program = start(&place, &upstream, &authority.issue(), TLS);
    let client = authority.client(&["h2", "http/1.1"], None);
    let stream = connect(&client, program.address).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(get_by_http_2(stream, &format!("https://{}/healthz", program.address)).await, 200);
    program.stop().await;

    let place = Place::new();
    let program = place.start(&configuration(&upstream, "", ""));
    let stream = TcpStream::connect(program.address).await.expect("a connection");
    assert_eq!(get_by_http_2(stream, &format!("http://{}/healthz", program.address)).await, 200);
    program.stop().await;
}

async fn get_by_http_2<S>(stream: S, uri: &str) -> u16
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request =
        http::Request::get(uri).body(http_body_util::Empty::<bytes::Bytes>::new()).expect("a request");
    sender.send_request(request).await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_listener_says_https_and_serves_nothing_in_clear() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let authority = Authority::new();
    authority.issue().write(&place);
    let closed = configuration(&upstream, TLS, "").replace("access = \"open\"", "access = \"jwt\"")
        + "[[issuer]]\nname = \"corp\"\nissuer = \"https://idp.example.com\"\n";
    let program = place.start(&closed);
    let stream = connect(&authority.client(&[], None), program.address).await.expect("a handshake");
    let mut connection = Connection::over(stream, program.address);
    let metadata = connection.get("/.well-known/oauth-protected-resource/mcp/demo").await.json();
    assert_eq!(metadata["resource"], format!("https://{}/mcp/demo", program.address));
    let mut clear = Connection::to(program.address).await;
    clear.send("GET", "/healthz", &[], "").await;
    // A TLS alert, perhaps, and the end.
    assert!(clear.head().await.is_none(), "answered in clear");
    // The connection closes a moment before the failure is counted.
    let counting = async {
        while !connection.get("/metrics").await.body.contains("\ndoorward_tls_failures_total 1\n") {}
    };
    soon("the count of the failure", counting).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_and_a_broken_one_is_not() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let authority = Authority::new();
    let (first, second) = (authority.issue(), authority.issue());
    let program = start(&place, &upstream, &first, TLS);
    let client = authority.client(&[], None);
    let shown = async || {
        let stream = connect(&client, program.address).await.expect("a handshake");
        let certificates = stream.get_ref().1.peer_certificates().expect("certificates");
        certificates[0].clone().into_owned()
    };
    let stream = connect(&client, program.address).await.expect("a handshake");
    let mut old = Connection::over(stream, program.address);
    assert_eq!(shown().await, first.certificate());

    place.write("key.pem", &second.key);
    program.wait_for_log("the certificate stays as it was");
    assert_eq!(shown().await, first.certificate());
    place.write("cert.pem", "no certificate");
    program.wait_for_log("cert.pem: holds nothing of the kind that is expected");
    assert_eq!(shown().await, first.certificate());

    second.write(&place);
    program.wait_for_log("the certificate was read again");
    assert_eq!(shown().await, second.certificate());
    assert_eq!(old.call("x").await.answer().status, 200, "open connections go on");
    program.signal("HUP");
    program.wait_for_logs("the certificate was read again", 2);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_are_verified_when_they_are_presented() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let (authority, of_clients) = (Authority::new(), Authority::new());
    place.write("clients.pem", &of_clients.pem);
    let listen = "tls = { certificate = \"cert.pem\", key = \"key.pem\", client_ca = \"clients.pem\" }";
    let program = start(&place, &upstream, &authority.issue(), listen);
    let outcome = async |own: Option<&Pair>| {
        let stream = connect(&authority.client(&[], own), program.address).await.ok()?;
        let mut connection = Connection::over(stream, program.address);
        match connection.call("x").await {
            Outcome::Answered(answer) => Some(answer.status),
            Outcome::Unread | Outcome::Cut => None,
        }
    };
    assert_eq!(outcome(None).await, Some(200), "none is needed");
    assert_eq!(outcome(Some(&of_clients.issue())).await, Some(200));
    assert_eq!(outcome(Some(&authority.issue())).await, None, "of another authority");
    assert_eq!(upstream.requests_of("tools/call").len(), 2);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_says_who_calls_where_it_is_a_way_in() {
    const RUNNER: &str = "spiffe://corp.example/ci/runner";
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let (authority, of_clients) = (Authority::new(), Authority::new());
    place.write("clients.pem", &of_clients.pem);
    authority.issue().write(&place);
    let listen = "tls = { certificate = \"cert.pem\", key = \"key.pem\", client_ca = \"clients.pem\" }";
    let servers = format!(
        "[[server]]\nname = \"certified\"\nupstreams = [\"u\"]\naccess = [\"mtls\", \"oauth\"]\n\
         [[server]]\nname = \"runners\"\nupstreams = [\"u\"]\naccess = \"mtls\"\nallow = {{ users = [\"mtls:{RUNNER}\"] }}\n"
    );
    let program = place.start(&format!("{}{servers}", configuration(&upstream, listen, "")));
    let ask = async |own: Option<&Pair>, server: &str, headers: &[(&str, &str)]| {
        let stream = connect(&authority.client(&[], own), program.address).await.expect("a handshake");
        let mut connection = Connection::over(stream, program.address);
        // Twice: who it is belongs to the connection.
        connection.modern(server, "tools/list", None, json!({}), headers).await.answer();
        connection.modern(server, "tools/list", None, json!({}), headers).await.answer()
    };
    let runner = of_clients.issue_to(vec!["runner.corp.example".to_owned()], Some(RUNNER));
    let host = of_clients.issue_to(vec!["builder.corp.example".to_owned()], None);
    let nameless = of_clients.issue_to(vec![], None);
    assert_eq!(ask(Some(&runner), "certified", &[]).await.status, 200);
    assert_eq!(ask(Some(&runner), "runners", &[]).await.status, 200);
    assert_eq!(ask(Some(&host), "certified", &[]).await.status, 200);
    assert_eq!(ask(Some(&host), "runners", &[]).await.status, 404);
    for own in [None, Some(&nameless)] {
        let answer = ask(own, "runners", &[]).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("ClientCertificate")));
    }
    // What a request brings of its own is what counts, and what is no good is not made good by the connection.
    assert_eq!(ask(Some(&runner), "certified", &[("Authorization", "Bearer nothing")]).await.status, 401);
    program.stop().await;
    let records = place.records().await;
    let subjects: Vec<_> =
        records.iter().map(|record| record["subject"].as_str().unwrap_or_default()).collect();
    let workload = format!("mtls:{RUNNER}");
    assert_eq!(subjects[..8], [[workload.as_str(); 4], ["mtls:builder.corp.example"; 4]].concat());
    assert!(subjects[8..].iter().all(|subject| subject.is_empty()), "{subjects:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_ends_holds_nothing_up() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let authority = Authority::new();
    let mut program = start(&place, &upstream, &authority.issue(), TLS);
    let mut silent = TcpStream::connect(program.address).await.expect("a connection");
    silent.write_all(&[0x16, 0x03, 0x01]).await.expect("written");
    let stream = connect(&authority.client(&[], None), program.address).await.expect("a handshake");
    Connection::over(stream, program.address).call("x").await.answer();
    program.signal("TERM");
    assert!(program.ended().await.success());
}

/// Asks an agent for a task that there is not, over HTTP/2: the HTTP status, and that of gRPC.
async fn ask_agent(
    client: &TlsConnector,
    address: SocketAddr,
    (path, media, body): (&str, &str, Bytes),
) -> (u16, Option<String>) {
    let stream = connect(client, address).await.expect("a handshake");
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("https://{address}{path}"))
        .header("content-type", media)
        .header("a2a-version", "1.0")
        .header("te", "trailers");
    let answer = sender.send_request(request.body(Full::new(body)).expect("a request")).await;
    let answer = answer.expect("an answer");
    let status = answer.headers().get("grpc-status").map(|status| status.to_str().expect("text").to_owned());
    connection.abort();
    (answer.status().as_u16(), status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_opens_an_agent_on_every_binding() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let agent = ScriptedAgent::start().await.expect("an agent");
    let (authority, of_clients) = (Authority::new(), Authority::new());
    place.write("clients.pem", &of_clients.pem);
    authority.issue().write(&place);
    let listen = "tls = { certificate = \"cert.pem\", key = \"key.pem\", client_ca = \"clients.pem\" }";
    let helper = format!(
        "[[agent]]\nname = \"helper\"\ncard = \"{}\"\naccess = \"mtls\"\n\
         bindings = [\"jsonrpc\", \"http+json\", \"grpc\"]\n",
        agent.card_url()
    );
    let program = place.start(&format!("{}{helper}", configuration(&upstream, listen, "")));
    let builder = of_clients.issue_to(vec!["builder.corp.example".to_owned()], None);
    let rpc = json!({ "jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": { "id": "none" } });
    for (binding, path, media, body) in [
        ("jsonrpc", "/a2a/helper", "application/json", Bytes::from(rpc.to_string())),
        ("http+json", "/a2a/helper/tasks/none:cancel", "application/json", Bytes::from("{}")),
        ("grpc", "/lf.a2a.v1.A2AService/GetTask", "application/grpc", frame(b"\x0a\x06helper\x12\x04none")),
    ] {
        let asked = |own| {
            let client = authority.client(&["h2"], own);
            let body = body.clone();
            async move { ask_agent(&client, program.address, (path, media, body)).await }
        };
        let (refused, known) = match binding {
            "jsonrpc" => ((401, None), (200, None)),
            "http+json" => ((401, None), (404, None)),
            _ => ((200, Some("16".to_owned())), (200, Some("5".to_owned()))),
        };
        assert_eq!(asked(None).await, refused, "{binding}");
        assert_eq!(asked(Some(&builder)).await, known, "{binding}: a task that there is not");
    }
    program.stop().await;
    let records = place.records().await;
    let subjects: Vec<_> = records.iter().filter_map(|record| record["subject"].as_str()).collect();
    assert_eq!(subjects, ["mtls:builder.corp.example"; 3]);
}
