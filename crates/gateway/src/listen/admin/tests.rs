use std::net::{Ipv4Addr, SocketAddr};

use doorward_config::{Environment, Overrides};
use doorward_model::SystemClock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

/// Status and body.
async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).expect("a status").to_owned(), body.to_owned())
}

#[tokio::test]
async fn probes_are_answered_when_no_record_can_be_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let overrides =
        Overrides { listen: Some("127.0.0.1:0".into()), public_url: Some("http://127.0.0.1:1".into()) };
    let environment = Environment {
        base_dir: directory.path(),
        var: &|_| None,
        names: &Vec::new,
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
        stored: doorward_config::StoredSecrets::Unknown,
        real: &|path| Ok(path.to_owned()),
        overrides,
    };
    let loaded = doorward_config::defaults(&environment).expect("defaults");
    let app = App::build(&loaded, Arc::new(SystemClock)).await.expect("an app");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = tokio::spawn(super::super::serve(Arc::clone(&app), listener, std::future::pending()));
    assert_eq!(get(address, "/readyz").await, ("200".into(), "ready".into()));

    let slots: Vec<_> = std::iter::from_fn(|| app.ledger().reserve()).collect();
    assert_eq!(get(address, "/mcp/any").await.0, "503", "nothing crosses unrecorded");
    assert_eq!(get(address, "/healthz").await, ("200".into(), "ok".into()), "a restart would not help");
    assert_eq!(get(address, "/readyz").await, ("503".into(), "records are not being written".into()));
    let (status, metrics) = get(address, "/metrics").await;
    assert!(status == "200" && metrics.contains("\ndoorward_records_waiting 65536\n"), "{metrics}");

    drop(slots);
    assert_eq!(get(address, "/readyz").await.0, "200");
    app.drain();
    assert_eq!(get(address, "/readyz").await, ("503".into(), "stopping".into()));
    serving.abort();
    app.shut_down().await;
}
