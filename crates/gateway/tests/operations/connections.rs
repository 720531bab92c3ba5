//! `doorward connection`, on a store that `serve` has used.

use doorward_model::Timestamp;
use doorward_store::{NewConnection, Store};
use serde_json::{Value, json};

use crate::program::Place;

const FIRST: &str = "https://login.notes.example";
const OTHER: &str = "https://login.other.example";
const NOW: Timestamp = Timestamp::from_secs(1_795_255_200);

const CONFIGURATION: &str = "[listen]\naddress = \"127.0.0.1:0\"\n[[upstream]]\nname = \"notes\"\n\
     url = \"https://notes.example/mcp\"\ncredential = { kind = \"oauth\" }\n[[server]]\nname = \"own\"\nupstreams = [\"notes\"]\n";

/// A store in which somebody is connected, and another authorization server waits.
async fn place() -> Place {
    let place = Place::new();
    place.start(CONFIGURATION).stop().await;
    let store = store(&place).await;
    for issuer in [FIRST, OTHER] {
        store.note_authority("upstream:notes", issuer, NOW).await.expect("noted");
    }
    for person in ["alice", ""] {
        let new = NewConnection {
            place: "upstream:notes".to_owned(),
            person: person.to_owned(),
            issuer: FIRST.to_owned(),
            client: "doorward".to_owned(),
            resource: "https://notes.example/mcp".to_owned(),
            scopes: "read".to_owned(),
            sealed: "dw1.sealed".to_owned(),
            expires: None,
            now: NOW,
        };
        assert!(store.put_connection(&new).await.expect("stored").is_some());
    }
    store.close().await;
    place
}

async fn store(place: &Place) -> Store {
    let database = place.path("doorward-data/doorward.db");
    Store::open(&format!("sqlite:{}", database.display())).await.expect("the store opens")
}

fn listed(place: &Place) -> Value {
    place.run(&["connection", "list", "--json"], "").json()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_shown_and_approved_and_ends_what_the_one_before_gave() {
    let place = place().await;
    let list = listed(&place);
    let notes = &list["places"][0];
    assert_eq!((&notes["place"], &notes["approved"]["issuer"]), (&json!("upstream:notes"), &json!(FIRST)));
    assert_eq!((&notes["waiting"]["issuer"], &notes["approved"]["by"]), (&json!(OTHER), &Value::Null));
    assert_eq!(list["connections"].as_array().map(Vec::len), Some(2));
    assert!(!list.to_string().contains("sealed"), "nothing of a token is printed");
    let text = place.run(&["connection", "list"], "").text();
    assert!(text.contains(&format!("{OTHER} waits since")) && text.contains("connection of alice"), "{text}");
    let said = place.run(&["connection", "approve", "notes", "--issuer", "https://x.example"], "").refused();
    assert!(said.contains(&format!("the one that waits is {OTHER}")), "{said}");
    let said = place.run(&["connection", "approve", "upstream:notes", "--json"], "").json();
    assert_eq!(said, json!({ "place": "upstream:notes", "approved": OTHER, "before": FIRST }));
    let list = listed(&place);
    assert_eq!(list["places"][0]["approved"]["by"], "command:connection-approve");
    assert_eq!((&list["places"][0]["waiting"], &list["connections"]), (&Value::Null, &json!([])));
    let said = place.run(&["connection", "approve", "notes"], "").refused();
    assert!(said.contains("waits for approval"), "{said}");
    let records = place.records().await;
    let record = records.iter().find(|record| record["path"] == "doorward connection approve");
    let record = record.expect("a record");
    assert_eq!(record["upstream"], "notes");
    assert!(record["detail"].as_str().is_some_and(|detail| detail.contains(OTHER) && detail.contains(FIRST)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rejected_does_not_come_again_and_connections_are_removed_one_by_one() {
    let place = place().await;
    let said = place.run(&["connection", "reject", "notes", "--json"], "").json();
    assert_eq!(said, json!({ "place": "upstream:notes", "rejected": OTHER, "approved": FIRST }));
    let store = store(&place).await;
    store.note_authority("upstream:notes", OTHER, NOW).await.expect("noted");
    store.close().await;
    assert_eq!(listed(&place)["places"][0]["waiting"], Value::Null);
    assert_eq!(listed(&place)["places"][0]["rejected"], OTHER);
    place.run(&["connection", "remove", "notes", "--user", "alice"], "").text();
    let left = listed(&place)["connections"].clone();
    assert_eq!((left.as_array().map(Vec::len), &left[0]["person"]), (Some(1), &json!("")));
    let said = place.run(&["connection", "remove", "notes", "--user", "alice"], "").refused();
    assert!(said.contains("no connection of alice"), "{said}");
    place.run(&["connection", "remove", "notes", "--shared", "--json"], "").json();
    assert_eq!(listed(&place)["connections"], json!([]));
    for wrong in [&["notes"][..], &["notes", "--user", ""], &["Notes", "--shared"], &["server:x", "--shared"]]
    {
        place.run(&[&["connection", "remove"], wrong].concat(), "").refused();
    }
    let records = place.records().await;
    let removed = records.iter().filter(|record| record["path"] == "doorward connection remove").count();
    assert_eq!(removed, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_has_no_accounts_is_said_to_have_none() {
    let place = place().await;
    for command in ["approve", "reject"] {
        let said = place.run(&["connection", command, "nots"], "").refused();
        assert!(said.contains("no upstream `nots` has a credential of the kind `oauth`"), "{said}");
        assert!(said.contains("did you mean `upstream:notes`?"), "{said}");
    }
    let said = place.run(&["connection", "approve", "agent:notes"], "").refused();
    assert!(said.contains("no agent `notes` has a credential"), "{said}");
    let said = place.run(&["connection", "remove", "stranger", "--shared"], "").refused();
    assert!(said.contains("no upstream `stranger` has a credential"), "{said}");
    assert!(!said.contains("did you mean"), "{said}");
}
