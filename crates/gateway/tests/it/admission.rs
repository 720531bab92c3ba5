//! The door itself: which hosts, origins, paths and methods there are, and in which order they are looked at.

mod cards;
mod cors;
mod origins;
pub(crate) mod passthrough;
mod routes;
mod smuggling;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Plan, World};

/// The port of the gateway.
fn port(world: &World) -> String {
    world.gateway.authority().rsplit(':').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn our_own_host_and_loopback_names_are_served() {
    let world = World::start().await;
    let port = port(&world);
    for host in [
        world.gateway.authority(),
        "localhost".into(),
        format!("localhost:{port}"),
        format!("LocalHost:{port}"),
        "localhost:1".into(),
        "127.0.0.1".into(),
        format!("127.1.2.3:{port}"),
        format!("[::1]:{port}"),
    ] {
        let answer = world.gateway.modern("open", "tools/list", json!({})).set("Host", &host).send().await;
        assert_eq!(answer.status, 200, "{host}");
    }
    world.finish().await;
}

#[tokio::test]
async fn other_hosts_are_not_served() {
    let world = World::strict("").await;
    let port = port(&world);
    let own = world.gateway.authority();
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1.evil.example".into(),
        "localhost.evil.example".into(),
        format!("evil-localhost:{port}"),
        format!("{own}.evil.example"),
        format!("{own}@evil.example"),
        format!("evil.example@{own}"),
        format!("evil.example/{own}"),
        format!("evil.example#{own}"),
        format!("evil.example\\{own}"),
        format!("{own},evil.example"),
        format!("{own} evil.example"),
        "localhost:99999".into(),
        "localhost:x".into(),
        "localhost:".to_owned() + &port + ":1",
        "localhost%00".into(),
        "0.0.0.0".into(),
        "192.168.0.1".into(),
        "169.254.169.254".into(),
        "[::]".into(),
        "[::ffff:192.168.0.1]".into(),
        "[::1".into(),
        String::new(),
        "*".into(),
    ] {
        let answer = world.gateway.modern("open", "tools/list", json!({})).set("Host", &host).send().await;
        assert_eq!(answer.status, 421, "{host:?}");
        assert!(!answer.text().contains("evil"), "{host:?}");
        assert_eq!(world.gateway.last_record().await["reason"], "host_not_allowed");
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let world = World::start().await;
    let own = world.gateway.authority();
    let call = world.gateway.modern("open", "tools/list", json!({}));
    for call in [
        call.clone().without("Host"),
        call.clone().header("Host", "evil.example"),
        call.clone().set("Host", "evil.example").header("Host", &own),
        call.clone().header("Host", &own),
    ] {
        assert_eq!(call.send().await.status, 421);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_absolute_form_counts_before_the_host_header() {
    let world = World::start().await;
    let own = world.gateway.authority();
    let call = |target: &str, host: &str| world.gateway.call("GET", target).set("Host", host);
    for (target, host, status) in [
        (format!("http://{own}/mcp/open"), "evil.example", 405),
        (format!("http://{own}/mcp/open"), &*own, 405),
        ("http://evil.example/mcp/open".to_owned(), &own, 421),
        ("http://evil.example/healthz".to_owned(), &own, 200),
        (format!("http://{own}@evil.example/mcp/open"), &own, 421),
        (format!("http://evil.example@{own}/mcp/open"), &own, 421),
        ("http://evil.example".to_owned(), &own, 421),
        (format!("http://{own}/mcp/no-such-server"), &own, 404),
    ] {
        let answer = call(&target, host).header("Accept", "text/event-stream").send().await;
        assert_eq!(answer.status, status, "{target} with Host {host}");
    }
    world.finish().await;
}

#[tokio::test]
async fn http_2_names_the_host_in_its_own_way_and_is_judged_alike() {
    let world = World::start().await;
    let own = world.gateway.authority();
    for (authority, path, expected) in [
        (own.as_str(), "/healthz", StatusCode::OK),
        (own.as_str(), "/mcp/jwt", StatusCode::UNAUTHORIZED),
        (own.as_str(), "/mcp/nowhere", StatusCode::NOT_FOUND),
        ("evil.example", "/mcp/jwt", StatusCode::MISDIRECTED_REQUEST),
        ("localhost:1", "/mcp/jwt", StatusCode::UNAUTHORIZED),
    ] {
        let stream = world.gateway.connect().await;
        world.gateway.expect_record(&format!("GET {path}"));
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        let driver = tokio::spawn(connection);
        let request = Request::get(format!("http://{authority}{path}"))
            .header("x-forwarded-host", "evil.example")
            .body(Full::<Bytes>::default());
        let answer = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), expected, "{authority} {path}");
        drop((sender, answer));
        driver.abort();
    }
    world.finish().await;
}

/// The protocols begin with the same letter, and a connection may begin with it alone.
#[tokio::test]
async fn the_first_byte_of_a_connection_decides_nothing() {
    let world = World::start().await;
    let own = world.gateway.authority();
    let post = format!("OST /mcp/nowhere HTTP/1.1\r\nHost: {own}\r\nContent-Length: 0\r\n\r\n");
    // The rest of the preface, and a frame of no settings (RFC 9113, sections 3.4 and 6.5).
    let preface = "RI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    for (rest, begins) in [(post.as_str(), &b"HTTP/1.1 404"[..]), (preface, &b"\0"[..])] {
        let mut stream = world.gateway.connect().await;
        stream.write_all(b"P").await.unwrap();
        // By the time that somebody else has an answer, the letter has been seen.
        assert_eq!(world.gateway.call("GET", "/healthz").send().await.status, 200);
        if rest == post {
            world.gateway.expect_record("POST /mcp/nowhere");
        }
        stream.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = vec![0; begins.len()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, begins);
    }
    world.finish().await;
}

#[tokio::test]
async fn probes_are_answered_whatever_the_host() {
    let world = World::start().await;
    for (path, text) in [("/healthz", "ok"), ("/readyz", "ready")] {
        for host in [world.gateway.authority(), "10.0.0.7:8420".into(), "pod.cluster.local".into()] {
            let answer = world.gateway.call("GET", path).set("Host", &host).send().await;
            assert_eq!((answer.status, answer.text().as_str()), (200, text));
        }
    }
    world.finish().await;
}

/// Host and Origin, then the route, then who is calling, then what for: each is refused as if the later ones
/// had not been looked at.
#[tokio::test]
async fn an_earlier_check_hides_the_later_ones() {
    let world = World::strict("").await;
    let token = world.token("alice", "jwt");
    let evil = "http://evil.example";
    for (server, host, origin, token, body, status, reason) in [
        ("nowhere", "evil.example", evil, None, "{", 421, "host_not_allowed"),
        ("jwt", "evil.example", evil, Some(&token), "{}", 421, "host_not_allowed"),
        ("nowhere", "localhost", evil, None, "{", 403, "origin_not_allowed"),
        ("jwt", "localhost", evil, Some(&token), "{}", 403, "origin_not_allowed"),
        ("nowhere", "localhost", "http://localhost", None, "{", 404, "not_found"),
        ("nowhere", "localhost", "http://localhost", Some(&token), "{}", 404, "not_found"),
        ("jwt", "localhost", "http://localhost", None, "{", 401, "credential_missing"),
        ("twin", "localhost", "http://localhost", Some(&token), "{", 401, "token_audience"),
        ("jwt", "localhost", "http://localhost", Some(&token), "{", 400, "malformed_json"),
    ] {
        let call = world.gateway.post(server, body).set("Host", host).header("Origin", origin);
        let answer = call.maybe_bearer(token.map(String::as_str)).send().await;
        let context = format!("{server} {host} {origin} {body}");
        assert_eq!(answer.status, status, "{context}");
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], reason, "{context}");
        let is_known = record.get("subject").is_some();
        assert_eq!(is_known, reason == "malformed_json", "who is calling is found out third: {record}");
        let is_routed = record.get("server").is_some();
        assert_eq!(is_routed, matches!(status, 400 | 401), "where to is found out second: {record}");
    }
    assert!(world.recorder.requests().is_empty());
    assert_eq!(world.issuer.fetches().jwks, 1);
    world.finish().await;
}

#[tokio::test]
async fn behind_a_name_the_name_counts_and_loopback_still_does() {
    let world = World::planned(Plan::default().public_url("https://door.example:8443"), "").await;
    for (host, status) in [
        ("door.example:8443", 200),
        ("DOOR.example:8443", 200),
        ("localhost:8420", 200),
        ("door.example", 421),
        ("door.example:443", 421),
        ("sub.door.example:8443", 421),
        ("door.example.:8443", 421),
    ] {
        let answer = world.gateway.modern("open", "tools/list", json!({})).set("Host", host).send().await;
        assert_eq!(answer.status, status, "{host}");
    }
    world.finish().await;
}
