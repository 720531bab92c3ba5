use doorward_auth::{
    keys::{DataKey, KeySet, hash},
    verify,
};
use doorward_model::{Issuer, Name};
use serde_json::json;
use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

struct World {
    _directory: TempDir,
    store: Store,
    envelope: Arc<Envelope>,
}

impl World {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("doorward.db").display());
        let store = Store::open(&url).await.expect("the store opens");
        let envelope = Arc::new(Envelope::new(&DataKey::generate(), []));
        Self { _directory: directory, store, envelope }
    }

    async fn signer(&self) -> Arc<Signer> {
        Signer::open(self.store.clone(), Arc::clone(&self.envelope), NOW).await.expect("keys")
    }

    async fn rotate(&self, compromised: bool, now: Timestamp) -> Rotated {
        let rotation = Rotation { store: &self.store, envelope: &self.envelope, compromised };
        rotation.run(now).await.expect("the store works")
    }
}

fn kids(signer: &Signer) -> Vec<String> {
    let set: Value = serde_json::from_slice(&signer.jwks()).expect("JSON");
    let keys = set["keys"].as_array().expect("keys").clone();
    keys.iter().map(|key| key["kid"].as_str().expect("an id").to_owned()).collect()
}

/// A token, and whether the signer's published keys verify it.
fn verifies(signer: &Signer, token: &str) -> bool {
    let keys = KeySet::parse(&signer.jwks()).expect("a key set");
    let issuer = Issuer {
        name: Name::parse("us").expect("a name"),
        issuer: "https://gw.example.com".to_owned(),
        jwks_uri: None,
        algorithms: vec![Algorithm::Es256],
        required_scope: None,
        id_jag: false,
    };
    verify::peek(token).expect("a token").verify(&issuer, &keys, NOW).is_ok()
}

fn token(signer: &Signer) -> String {
    let claims = json!({
        "iss": "https://gw.example.com", "sub": "alice", "aud": "https://agent.example.com",
        "iat": NOW.as_secs(), "exp": NOW.as_secs() + 60, "jti": hash::random_hex::<8>(),
    });
    signer.jwt("at+jwt", &claims)
}

#[tokio::test]
async fn the_first_start_makes_two_keys_and_publishes_both() {
    let world = World::start().await;
    let signer = world.signer().await;
    let published = kids(&signer);
    assert_eq!(published.len(), 2);
    assert!(published.contains(&signer.card_key().key_id().to_owned()));
    assert!(verifies(&signer, &token(&signer)));
    let set = String::from_utf8(signer.jwks().to_vec()).expect("text");
    assert!(!set.contains(r#""d":"#), "nothing private is published");
    let again = world.signer().await;
    assert_eq!(kids(&again), published, "a later start has the same");
}

#[tokio::test]
async fn of_many_first_starts_one_makes_the_keys() {
    let world = World::start().await;
    let starts = (0..10).map(|_| world.signer());
    let signers = futures_util::future::join_all(starts).await;
    for signer in &signers {
        assert_eq!(kids(signer), kids(&signers[0]));
        assert!(verifies(&signers[0], &token(signer)));
    }
}

#[tokio::test]
async fn keys_are_sealed_to_their_rows() {
    let world = World::start().await;
    let (signer, other) = (world.signer().await, World::start().await);
    let rows = world.store.signing_keys().await.expect("rows");
    let der = signer.card_key().to_pkcs8();
    for row in &rows {
        assert!(row.sealed.starts_with("dw1."), "{row:?}");
        assert!(!row.sealed.as_bytes().windows(16).any(|part| der.windows(16).any(|key| key == part)));
    }
    let mut moved = rows[0].clone();
    moved.sealed.clone_from(&rows[1].sealed);
    assert!(matches!(open(&moved, &world.envelope), Err(SignerError::Sealed { .. })));
    assert!(matches!(open(&rows[0], &other.envelope), Err(SignerError::Sealed { .. })));
}

#[tokio::test]
async fn a_rotation_uses_the_key_that_was_published_before() {
    let world = World::start().await;
    let signer = world.signer().await;
    let (old, before, changes) = (token(&signer), kids(&signer), signer.changes());
    let first = signer.card_key().key_id().to_owned();
    let early = world.rotate(false, NOW.plus_secs(599)).await;
    assert_eq!(early, Rotated::TooEarly(NOW.plus_secs(600)));
    let Rotated::Done { current, next } = world.rotate(false, NOW.plus_secs(600)).await else {
        panic!("it was time");
    };
    assert!(before.contains(&current) && !before.contains(&next) && current != first);
    assert_eq!(signer.card_key().key_id(), first, "nobody has looked yet");
    signer.look().await.expect("the store works");
    assert!(changes.has_changed().expect("it lives"));
    assert_eq!(signer.card_key().key_id(), current);
    assert_eq!(kids(&signer).len(), 3, "the one that signed, the one that signs, the one that will");
    assert!(verifies(&signer, &old) && verifies(&signer, &token(&signer)));

    signer.forget(NOW.plus_secs(600 + RETIRED - 1)).await.expect("the store works");
    signer.look().await.expect("the store works");
    assert_eq!(kids(&signer).len(), 3);
    signer.forget(NOW.plus_secs(600 + RETIRED)).await.expect("the store works");
    signer.look().await.expect("the store works");
    assert_eq!(kids(&signer).len(), 2);
    assert!(!verifies(&signer, &old));
}

#[tokio::test]
async fn of_compromised_keys_none_is_left() {
    let world = World::start().await;
    let signer = world.signer().await;
    let (old, before) = (token(&signer), kids(&signer));
    let Rotated::Done { current, next } = world.rotate(true, NOW).await else { panic!("at once") };
    signer.look().await.expect("the store works");
    let mut after = kids(&signer);
    after.sort();
    let mut expected = vec![current, next];
    expected.sort();
    assert_eq!(after, expected);
    assert!(before.iter().all(|kid| !after.contains(kid)));
    assert!(!verifies(&signer, &old) && verifies(&signer, &token(&signer)));
}

#[tokio::test]
async fn rotations_at_the_same_time_are_one() {
    let world = World::start().await;
    world.signer().await;
    let later = NOW.plus_secs(600);
    let rotations = (0..8).map(|_| world.rotate(false, later));
    let outcomes = futures_util::future::join_all(rotations).await;
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Rotated::Done { .. })).count();
    assert_eq!(done, 1, "{outcomes:?}");
}
