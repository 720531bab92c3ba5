//! Upstreams that speak HTTP+SSE, the transport of revision 2024-11-05: clients do not notice, nor need an operator.

use serde_json::{Value, json};

use crate::{
    clients::{Client, PYTHON_V1, PYTHON_V2, RMCP, TS_V1, TS_V2, Way},
    harness::{Gateway, Kind, Published, Upstream},
    wire::Session,
};

fn start() -> Gateway {
    start_with("transport = \"sse\"")
}

fn start_with(transport: &str) -> Gateway {
    let upstream = Upstream::start_sse();
    let tools = Some(Kind::Everything.curated().0);
    let upstream_keys = format!(
        "url = {:?}
{transport}",
        upstream.url
    );
    let published = Published { name: "everything", upstream: upstream_keys, access: "open", tools };
    Gateway::launch(&published.sections(), &[], vec![upstream])
}

fn suites(clients: &[Client]) {
    let gateway = start();
    let kind = Kind::Everything;
    for client in clients {
        client.run(Way::Through, kind, &gateway.resource(kind), None, client.agrees_with(kind));
    }
    gateway.stop();
}

#[test]
fn node_clients_at_a_server_of_2024() {
    suites(&[TS_V1, TS_V2]);
}

#[test]
fn python_clients_at_a_server_of_2024() {
    suites(&[PYTHON_V1, PYTHON_V2]);
}

#[test]
fn the_rust_client_at_a_server_of_2024() {
    suites(&[RMCP]);
}

#[test]
fn a_server_of_2024_is_found_out_without_being_told() {
    let gateway = start_with("");
    let kind = Kind::Everything;
    for client in [TS_V1, PYTHON_V2] {
        client.run(Way::Through, kind, &gateway.resource(kind), None, client.agrees_with(kind));
    }
    let found = gateway.log().matches("the upstream speaks HTTP+SSE").count();
    assert_eq!(found, 1, "once, and remembered");
    gateway.stop();
}

#[test]
fn sessions_at_a_server_of_2024_hear_only_their_own_and_end_alone() {
    let gateway = start();
    let url = gateway.resource(Kind::Everything);
    let (one, two) = (Session::begin(&url), Session::begin(&url));
    let (heard_by_one, heard_by_two) = (one.stream(), two.stream());
    let uri = "demo://resource/dynamic/text/7";
    one.request(&json!("subscription"), "resources/subscribe", &json!({ "uri": uri })).result();
    one.call("toggle-subscriber-updates", &json!({})).result();
    let mut updates = heard_by_one.filter(|message| message["method"] == "notifications/resources/updated");
    assert_eq!(updates.next().expect("an update")["params"]["uri"], uri);
    assert_eq!(two.end(), 200);
    let heard_by_two: Vec<Value> = heard_by_two.collect();
    assert!(!heard_by_two.iter().any(|message| message.to_string().contains(uri)), "{heard_by_two:?}");
    assert_eq!([one.ping(), two.ping()], [200, 404]);
    gateway.stop();
}
