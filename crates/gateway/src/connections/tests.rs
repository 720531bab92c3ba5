use std::sync::Weak;

use doorward_auth::keys::DataKey;
use doorward_model::{Name, SystemClock};
use doorward_store::NewConnection;
use tempfile::TempDir;

use super::*;
use crate::connections::held::{Contents, Row};

async fn connections() -> (Arc<Connections>, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}", directory.path().join("doorward.db").display());
    let store = Store::open(&url).await.expect("the store opens");
    let envelope = Arc::new(Envelope::new(&DataKey::generate(), []));
    (Connections::new(Weak::new(), store, envelope, Arc::new(SystemClock)), directory)
}

/// Stores a connection of Alice's.
async fn connect(connections: &Connections) -> (Place, Key) {
    let place = Place::Upstream(Name::parse("notes").expect("a name"));
    let key = Key::new(&place, "alice".to_owned());
    let (issuer, resource) = ("https://as.example.com", "https://notes.example.com/mcp");
    let row = Row { place: &key.place, person: &key.person, issuer, resource };
    let access = doorward_model::Secret::new("token".to_owned());
    let sealed = Contents::new(&access, None, step_up::StepUps::default()).seal(&connections.envelope, row);
    let new = NewConnection {
        place: key.place.clone(),
        person: key.person.clone(),
        issuer: issuer.to_owned(),
        client: "doorward".to_owned(),
        resource: resource.to_owned(),
        scopes: String::new(),
        sealed,
        expires: None,
        now: connections.clock.now(),
    };
    assert!(connections.store.put_connection(&new).await.expect("the store works").is_some());
    (place, key)
}

#[tokio::test]
async fn a_renewal_does_not_bring_back_what_was_removed_meanwhile() {
    let (connections, _directory) = connections().await;
    let (place, key) = connect(&connections).await;
    let before = connections.memory().changes;
    let held = connections.held(&key).await.expect("connected");
    connections.disconnect(&place, "alice").await.expect("the store works");
    connections.settle(&key, &Ok(Arc::clone(&held)), before);
    assert_eq!(connections.held(&key).await.unwrap_err(), NoToken::Never);
}

#[tokio::test]
async fn what_a_renewal_gave_is_remembered_where_nothing_changed() {
    let (connections, _directory) = connections().await;
    let (_, key) = connect(&connections).await;
    let held = connections.held(&key).await.expect("connected");
    connections.memory().known.clear();
    let changes = connections.memory().changes;
    connections.settle(&key, &Ok(held), changes);
    assert!(connections.memory().known.contains(&key));
}
