//! Two readings of one byte stream: what HTTP leaves ambiguous is refused, and what follows is not a request.

use crate::harness::World;

/// A request that must not be seen, behind an ambiguous one.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn ambiguous_lengths_are_refused_and_hide_nothing() {
    let world = World::start().await;
    let own = world.gateway.authority();
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ] {
        let request = format!(
            "POST /mcp/open HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\n{headers}\r\n0\r\n\r\n{SMUGGLED}"
        );
        let answer = world.gateway.raw(request.as_bytes(), None).await;
        assert_eq!(answer.map(|answer| answer.status), Some(400), "{headers:?}");
    }
    assert!(world.gateway.records().await.is_empty());
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn of_two_framings_the_chunked_one_counts_and_the_connection_ends() {
    let world = World::start().await;
    let own = world.gateway.authority();
    let request = format!(
        "POST /mcp/open HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\
         Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n0\r\n\r\n"
    );
    let answer = world.gateway.raw(request.as_bytes(), Some("POST /mcp/open")).await;
    assert_eq!(answer.map(|answer| answer.status), Some(400), "one byte of JSON is no message");
    let record = world.gateway.last_record().await;
    assert_eq!(record["request_bytes"], 1, "RFC 9112 section 6.3: the length is ignored");
    world.finish().await;
}

#[tokio::test]
async fn malformed_heads_are_refused_by_http_itself() {
    let world = World::start().await;
    let own = world.gateway.authority();
    for head in [
        format!("GET /mcp/open HTTP/1.1\r\nHost : {own}\r\n\r\n"),
        format!("GET /mcp/open HTTP/1.1\r\nHost: {own}\r\n folded: x\r\n\r\n"),
        format!("GET /mcp/open HTTP/1.1\r\nHost: {own}\r\nX: a\0b\r\n\r\n"),
        format!("GET /mcp/open HTTP/1.1\r\nHost: {own}\r\nAuthorization: Bearer\u{b}x\r\n\r\n"),
        format!("GET /mcp/open HTTP/1.1\r\nHost: {own}\r\nX\u{e9}: y\r\n\r\n"),
        format!("GET /mcp/op en HTTP/1.1\r\nHost: {own}\r\n\r\n"),
        format!("GET  /mcp/open HTTP/1.1\r\nHost: {own}\r\n\r\n"),
        format!("GET /mcp/open HTTP/9.9\r\nHost: {own}\r\n\r\n"),
        "\u{16}\u{3}\u{1}".to_owned() + &"\0".repeat(100),
        "garbage\r\n\r\n".to_owned(),
    ] {
        let answer = world.gateway.raw(head.as_bytes(), None).await;
        assert!(answer.is_none_or(|answer| matches!(answer.status, 400 | 505)), "{head:?}");
    }
    assert!(world.gateway.records().await.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn broken_chunks_end_the_request() {
    let world = World::start().await;
    let own = world.gateway.authority();
    for body in ["x\r\n{\r\n0\r\n\r\n", "1\r\n{}\r\n0\r\n\r\n", "-1\r\n{\r\n", "ffffffffffffffffff\r\n{"] {
        let request = format!(
            "POST /mcp/open HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{body}{SMUGGLED}"
        );
        let answer = world.gateway.raw(request.as_bytes(), Some("POST /mcp/open")).await;
        assert_eq!(answer.map(|answer| answer.status), Some(400), "{body:?}");
    }
    let records = world.gateway.records().await;
    assert!(records.iter().all(|record| record["reason"] == "body_broken"), "{records:?}");
    world.finish().await;
}
