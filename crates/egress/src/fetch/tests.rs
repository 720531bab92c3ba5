use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{AddressError, BodyError, EgressConfig};

const BOUNDS: Bounds = Bounds { bytes: 1000, time: Duration::from_secs(20) };

/// A server that answers each connection with this text, and keeps what it was asked.
async fn says(text: &str) -> (Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/card.json", listener.local_addr().expect("an address"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (keeps, text) = (Arc::clone(&seen), text.to_owned());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a request"));
            }
            keeps.lock().expect("whole").push(String::from_utf8(head).expect("text"));
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    (url.parse().expect("a URL"), seen)
}

async fn fetch(url: &Url, etag: Option<&str>) -> Result<Fetched, EgressError> {
    let egress = Egress::new(&EgressConfig::default()).expect("a client");
    egress.fetch_if_changed(url, Trust::Declared, BOUNDS, etag).await
}

#[tokio::test]
async fn a_document_comes_with_its_tag_and_age() {
    let (url, seen) = says(
        "HTTP/1.1 200 OK\r\netag: W/\"v1\"\r\ncache-control: public, max-age=60\r\ncontent-length: 2\r\n\r\n{}",
    )
    .await;
    let expected = Fetched::Document {
        body: Bytes::from_static(b"{}"),
        etag: Some("W/\"v1\"".to_owned()),
        max_age: Some(60),
    };
    assert_eq!(fetch(&url, None).await.expect("a document"), expected);
    assert_eq!(fetch(&url, Some("\"v0\"")).await.expect("a document"), expected);
    let seen = seen.lock().expect("whole");
    assert!(!seen[0].contains("if-none-match"), "{seen:?}");
    assert!(seen[1].contains("if-none-match: \"v0\"\r\n"), "{seen:?}");
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let (url, _) = says("HTTP/1.1 304 Not Modified\r\ncache-control: max-age=5\r\n\r\n").await;
    assert_eq!(fetch(&url, Some("\"v1\"")).await.expect("no change"), Fetched::Same { max_age: Some(5) });
    // Nobody asked whether it changed.
    assert!(matches!(fetch(&url, None).await, Err(EgressError::Status(304))));
    assert!(matches!(fetch(&url, Some("v1\r\nx: y")).await, Err(EgressError::Status(304))));
}

#[tokio::test]
async fn other_answers_and_large_ones_are_refused() {
    let (moved, seen) = says("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(fetch(&moved, None).await, Err(EgressError::Status(302))));
    assert_eq!(seen.lock().expect("whole").len(), 1, "redirects are not followed");
    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n{}", "x".repeat(1001));
    let error = fetch(&says(&large).await.0, None).await;
    assert!(matches!(error, Err(EgressError::Body(BodyError::TooLarge(1000)))), "{error:?}");
}

#[tokio::test]
async fn a_tag_without_end_is_not_kept() {
    let head = format!("HTTP/1.1 200 OK\r\netag: \"{}\"\r\ncontent-length: 2\r\n\r\n{{}}", "x".repeat(2000));
    match fetch(&says(&head).await.0, None).await.expect("a document") {
        Fetched::Document { etag, .. } => assert_eq!(etag, None),
        Fetched::Same { .. } => panic!("there was nothing before"),
    }
}

#[tokio::test]
async fn the_guard_stands_before_documents_too() {
    let (url, seen) = says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let egress = Egress::new(&EgressConfig::default()).expect("a client");
    let error = egress.fetch_if_changed(&url, Trust::Guarded, BOUNDS, None).await;
    assert!(matches!(error, Err(EgressError::Refused(AddressError::NotPublic))), "{error:?}");
    assert!(seen.lock().expect("whole").is_empty());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
    let bounds = Bounds { time: Duration::from_millis(20), ..BOUNDS };
    let egress = Egress::new(&EgressConfig::default()).expect("a client");
    let error = egress.fetch_if_changed(&url, Trust::Declared, bounds, None).await;
    assert!(matches!(error, Err(EgressError::Timeout(_))), "{error:?}");
    drop(listener);
}
