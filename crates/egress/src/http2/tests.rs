//! Servers of hyper that speak HTTP/2, in clear and over TLS, and servers that do not.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{AddressError, Egress, EgressConfig, EgressError, Outbound, Phase, Protocol, Trust, read_capped};

const PATIENCE: Duration = Duration::from_secs(20);

/// What a server keeps of its requests, and how many connections it had.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<(Version, HeaderMap)>>,
}

/// Answers with what it was sent, in two frames and trailers. With a barrier, when so many requests are there.
async fn echo(
    request: Request<Incoming>,
    seen: Arc<Seen>,
    together: Option<Arc<Barrier>>,
) -> Result<Response<BoxBody<Bytes, io::Error>>, io::Error> {
    let (head, body) = request.into_parts();
    seen.requests.lock().expect("whole").push((head.version, head.headers));
    let body = read_capped(body, 1 << 20).await.map_err(io::Error::other)?;
    if let Some(together) = together {
        together.wait().await;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let (first, second) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
    let frames = [Frame::data(first), Frame::data(second), Frame::trailers(trailers)];
    let frames = futures_util::stream::iter(frames.map(Ok));
    Ok(Response::new(StreamBody::new(frames).boxed()))
}

async fn speak<S>(stream: S, seen: Arc<Seen>, together: Option<Arc<Barrier>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    seen.connections.fetch_add(1, Ordering::Relaxed);
    let service = service_fn(move |request| echo(request, Arc::clone(&seen), together.clone()));
    let server = http2::Builder::new(TokioExecutor::new());
    // A client that leaves ends it with an error.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn in_clear(together: Option<Arc<Barrier>>) -> (SocketAddr, Arc<Seen>) {
    let (listener, address) = listen().await;
    let seen = Arc::new(Seen::default());
    let keeps = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(speak(stream, Arc::clone(&keeps), together.clone()));
        }
    });
    (address, seen)
}

/// A server that agrees on one of these protocols, and speaks HTTP/2 whatever that is; and its certificate.
async fn over_tls(alpn: &[&[u8]]) -> (SocketAddr, Arc<Seen>, String) {
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a certificate and its key");
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, address) = listen().await;
    let seen = Arc::new(Seen::default());
    let keeps = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, keeps) = (acceptor.clone(), Arc::clone(&keeps));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    speak(stream, keeps, None).await;
                }
            });
        }
    });
    (address, seen, certificate.pem())
}

/// A server that answers whatever it is sent with this text, and hangs up.
async fn says(text: &'static str) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut some = [0; 16];
                let _ = stream.read_exact(&mut some).await;
                // In two pieces: what tells the protocols apart may come bit by bit.
                let _ = stream.write_all(&text.as_bytes()[..3]).await;
                let _ = stream.flush().await;
                tokio::task::yield_now().await;
                let _ = stream.write_all(&text.as_bytes()[3..]).await;
                // Until the client has hung up, so that no reset overtakes the text.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    address
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn egress() -> Egress {
    Egress::new(&EgressConfig::default()).expect("a client")
}

fn egress_with(roots: String) -> Egress {
    let config = EgressConfig { extra_roots: Some(roots.into_bytes()), ..EgressConfig::default() };
    Egress::new(&config).expect("a client")
}

fn post(uri: &str, body: &'static str) -> Outbound {
    Outbound {
        method: Method::POST,
        uri: uri.parse().expect("a URI"),
        headers: HeaderMap::from_iter([(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/grpc"),
        )]),
        body: Bytes::from_static(body.as_bytes()),
        trust: Trust::Declared,
        protocol: Protocol::Http2,
    }
}

/// The whole body, and the trailers after it.
async fn drain(answer: Response<Incoming>) -> (Vec<u8>, HeaderMap) {
    let (mut body, mut data, mut trailers) = (answer.into_body(), Vec::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame.expect("a frame").into_data() {
            Ok(bytes) => data.extend_from_slice(&bytes),
            Err(frame) => trailers = frame.into_trailers().expect("trailers"),
        }
    }
    (data, trailers)
}

async fn refusal(egress: &Egress, outbound: Outbound) -> EgressError {
    egress.send(outbound, PATIENCE).await.expect_err("no answer")
}

#[tokio::test]
async fn prior_knowledge_in_clear_brings_body_and_trailers() {
    let (address, seen) = in_clear(None).await;
    let answer = egress().send(post(&format!("http://{address}/S/M"), "hello"), PATIENCE).await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    let (body, trailers) = drain(answer).await;
    assert_eq!(body, b"hello");
    assert_eq!(trailers["grpc-status"], "0");
    let requests = seen.requests.lock().expect("whole");
    let (version, headers) = &requests[0];
    assert_eq!(*version, Version::HTTP_2);
    assert_eq!(headers["te"], "trailers", "what gRPC asks for");
    assert_eq!(headers["content-type"], "application/grpc");
    assert!(!headers.contains_key("connection") && !headers.contains_key("transfer-encoding"));
}

#[tokio::test]
async fn many_requests_at_a_time_share_a_connection() {
    const TOGETHER: usize = 150;
    // None is answered before all are there.
    let (address, seen) = in_clear(Some(Arc::new(Barrier::new(TOGETHER)))).await;
    let (egress, uri) = (egress(), format!("http://{address}/S/M"));
    let asked = (0..TOGETHER).map(|_| egress.send(post(&uri, "hello"), PATIENCE));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(drain(answer.expect("an answer")).await.0, b"hello");
    }
    assert_eq!(seen.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_two_protocols_do_not_share_connections() {
    let (address, seen) = in_clear(None).await;
    let egress = egress();
    let uri = format!("http://{address}/S/M");
    drain(egress.send(post(&uri, "x"), PATIENCE).await.expect("an answer")).await;
    let usual = Outbound { protocol: Protocol::Http1OrAlpn, ..post(&uri, "x") };
    assert!(matches!(refusal(&egress, usual).await, EgressError::Broken(_)), "it got HTTP/1 and broke off");
    assert_eq!(seen.connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn over_tls_the_handshake_agrees_on_http2() {
    let (address, seen, certificate) = over_tls(&[b"http/1.1", b"h2"]).await;
    let uri = format!("https://localhost:{}/S/M", address.port());
    let answer = egress_with(certificate).send(post(&uri, "hello"), PATIENCE).await.expect("an answer");
    let (body, trailers) = drain(answer).await;
    assert_eq!((body.as_slice(), &trailers["grpc-status"]), (b"hello".as_slice(), &HeaderValue::from(0)));
    assert_eq!(seen.requests.lock().expect("whole")[0].0, Version::HTTP_2);
}

#[tokio::test]
async fn a_server_that_does_not_agree_on_http2_is_said_to_be_one() {
    for alpn in [&[b"http/1.1".as_slice()][..], &[]] {
        let (address, seen, certificate) = over_tls(alpn).await;
        let uri = format!("https://localhost:{}/S/M", address.port());
        let error = refusal(&egress_with(certificate), post(&uri, "hello")).await;
        assert!(matches!(error, EgressError::NotHttp2), "{alpn:?}: {error:?}");
        assert!(seen.requests.lock().expect("whole").is_empty(), "the request was not sent");
    }
}

#[tokio::test]
async fn a_server_of_http1_in_clear_is_said_to_be_one() {
    for text in ["HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", "HTTP/1.0 505 No\r\n\r\n"] {
        let error = refusal(&egress(), post(&format!("http://{}/S/M", says(text).await), "hello")).await;
        assert!(matches!(error, EgressError::NotHttp2), "{text:?}: {error:?}");
        assert_eq!(error.phase(), Phase::BeforeSending);
    }
}

#[tokio::test]
async fn what_is_no_http_at_all_is_broken() {
    for text in ["HTTQ what is this, I wonder", "SSH-2.0-OpenSSH_9.9\r\n"] {
        let error = refusal(&egress(), post(&format!("http://{}/S/M", says(text).await), "hello")).await;
        assert!(matches!(error, EgressError::Broken(_) | EgressError::Connect(_)), "{text:?}: {error:?}");
    }
}

#[tokio::test]
async fn an_unknown_certificate_is_not_believed() {
    let (address, seen, _) = over_tls(&[b"h2"]).await;
    let uri = format!("https://localhost:{}/S/M", address.port());
    let error = refusal(&egress(), post(&uri, "hello")).await;
    assert!(matches!(error, EgressError::Connect(_)), "{error:?}");
    assert_eq!(seen.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_guard_stands_before_this_way_too() {
    let (address, seen) = in_clear(None).await;
    let outbound = Outbound { trust: Trust::Guarded, ..post(&format!("http://{address}/S/M"), "x") };
    let error = refusal(&egress(), outbound).await;
    assert!(matches!(error, EgressError::Refused(AddressError::NotPublic)), "{error:?}");
    let metadata = post("http://169.254.169.254/S/M", "x");
    assert!(matches!(refusal(&egress(), metadata).await, EgressError::Refused(AddressError::Metadata)));
    assert_eq!(seen.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let service = service_fn(|_| async {
            let answer = Response::builder().header("x-large", "x".repeat(100 << 10));
            answer.body(http_body_util::Empty::<Bytes>::new())
        });
        let server = http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    });
    let error = refusal(&egress(), post(&format!("http://{address}/S/M"), "x")).await;
    assert!(matches!(error, EgressError::Broken(_)), "{error:?}");
}

#[tokio::test]
async fn a_reader_that_stands_still_holds_nobody_else_up() {
    let (address, _) = in_clear(None).await;
    let (egress, uri) = (egress(), format!("http://{address}/S/M"));
    let large: &'static str = "x".repeat(1 << 20).leak();
    let mut still = HashMap::new();
    for which in 0..20 {
        still.insert(which, egress.send(post(&uri, large), PATIENCE).await.expect("a head"));
    }
    let answer = egress.send(post(&uri, "hello"), PATIENCE).await.expect("an answer");
    assert_eq!(drain(answer).await.0, b"hello");
    for answer in still.into_values() {
        assert_eq!(drain(answer).await.0.len(), large.len());
    }
}

#[tokio::test]
async fn a_connection_that_ended_is_replaced() {
    let (listener, address) = listen().await;
    let serve = |stream: TcpStream| speak(stream, Arc::default(), None);
    let first = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let serving = tokio::spawn(serve(stream));
        (listener, serving)
    });
    let (egress, uri) = (egress(), format!("http://{address}/S/M"));
    drain(egress.send(post(&uri, "one"), PATIENCE).await.expect("an answer")).await;
    let (listener, serving) = first.await.expect("a server");
    serving.abort();
    assert!(serving.await.is_err(), "the connection is gone");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    // The client hears of the end a moment later: what goes out meanwhile fails before it is answered.
    let answer = loop {
        match egress.send(post(&uri, "two"), PATIENCE).await {
            Ok(answer) => break answer,
            Err(error) => assert!(matches!(error, EgressError::Broken(_)), "{error:?}"),
        }
    };
    assert_eq!(drain(answer).await.0, b"two");
}
