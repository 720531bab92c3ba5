use std::{env, os::unix::fs::PermissionsExt as _, path::Path};

use doorward_auth::keys::Sealer;
use doorward_store::RewrappedDataKey;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// A store, and a directory for key files.
struct World {
    directory: TempDir,
    url: String,
    server: Option<(String, String)>,
}

impl World {
    fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("doorward.db").display());
        Self { directory, url, server: None }
    }

    /// The same on PostgreSQL, where there is one.
    async fn postgres() -> Option<Self> {
        let Ok(server) = env::var("DOORWARD_TEST_POSTGRES") else {
            println!("DOORWARD_TEST_POSTGRES is not set: this test ran on SQLite only");
            return None;
        };
        let schema = format!("test_{}", Store::fresh_chain().expect("random bytes"));
        on_server(&server, format!("CREATE SCHEMA {schema}")).await;
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options[search_path]={schema}");
        Some(Self { url, server: Some((server, schema)), ..Self::sqlite() })
    }

    async fn store(&self) -> Store {
        Store::open(&self.url).await.expect("the store opens")
    }

    fn file(&self, name: &str) -> MasterKeySource {
        MasterKeySource::File(self.directory.path().join(name))
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("master.key")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).expect("a key file")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("written");
    }

    /// Nothing but the key and the database: no rests of files.
    fn is_tidy(&self) -> bool {
        let names = fs::read_dir(self.directory.path()).expect("a directory");
        names.flatten().all(|entry| !entry.file_name().to_string_lossy().contains("new"))
    }

    async fn open(&self) -> Result<Keyring, KeyringError> {
        open(&self.file("master.key"), &self.store().await).await
    }

    async fn rotate(&self) -> Result<Rotated, KeyringError> {
        let (source, store) = (self.file("master.key"), self.store().await);
        Rotation { source: &source, store: &store, new: None }.run(NOW).await
    }

    async fn clear(self) {
        if let Some((server, schema)) = &self.server {
            on_server(server, format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

/// Runs `body` on a new world of each engine that there is.
async fn on_each_engine(body: impl AsyncFn(&World)) {
    body(&World::sqlite()).await;
    if let Some(world) = World::postgres().await {
        body(&world).await;
        world.clear().await;
    }
}

async fn on_server(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.expect("the server answers");
    connection.execute(AssertSqlSafe(sql)).await.expect("done");
}

async fn open(source: &MasterKeySource, store: &Store) -> Result<Keyring, KeyringError> {
    Keyring::open(source, store, NOW).await
}

/// A key and its text.
fn a_key() -> (MasterKey, String) {
    let (key, text) = MasterKey::generate();
    (key, text.expose().trim().to_owned())
}

fn value(text: &str) -> MasterKeySource {
    MasterKeySource::Value(Secret::new(text.to_owned()))
}

/// Something at rest and something that a caller holds.
fn sealed(keyring: &Keyring) -> (String, String) {
    let handle = Sealer::derive(&keyring.handles, "test").seal(b"handle", &[b"caller"]);
    (keyring.envelope.seal(b"secret", &[b"row"]), handle)
}

#[track_caller]
fn opens(keyring: &Keyring, sealed: &(String, String)) {
    let secret = keyring.envelope.open(&sealed.0, &[b"row"]).expect("the secret opens");
    assert_eq!(&**secret, b"secret");
    let handle = Sealer::derive(&keyring.handles, "test").open(&sealed.1, &[b"caller"]);
    assert_eq!(handle.expect("the handle opens"), b"handle");
}

#[track_caller]
fn said<T>(outcome: Result<T, KeyringError>) -> String {
    match outcome {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_first_start_makes_a_key_and_later_ones_use_it() {
    let world = World::sqlite();
    let sealed = sealed(&world.open().await.expect("the first start"));
    let mode = fs::metadata(world.path()).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = world.text();
    opens(&world.open().await.expect("the second start"), &sealed);
    assert_eq!(world.text(), text);
    assert!(world.is_tidy());
}

#[tokio::test]
async fn a_key_that_is_there_beforehand_is_used() {
    let world = World::sqlite();
    let (key, text) = a_key();
    world.write(&text);
    world.open().await.expect("the first start");
    assert_eq!(world.text(), text);
    let stored = world.store().await.data_keys().await.expect("data keys");
    assert_eq!(stored.len(), 2);
    for stored in stored {
        assert_eq!(envelope::key_id(&stored.wrapped), Some(&*key.key_id()));
    }
}

#[tokio::test]
async fn a_lost_key_is_not_made_anew() {
    let world = World::sqlite();
    world.open().await.expect("the first start");
    let key = MasterKey::parse(&world.text()).expect("a key");
    fs::remove_file(world.path()).expect("removed");
    let said = said(world.open().await);
    assert!(said.contains("there is no master key at") && said.contains(&key.key_id()), "{said}");
    assert!(!world.path().exists());
    let said = self::said(world.rotate().await);
    assert!(said.contains("there is no master key at"), "{said}");
    assert!(!world.path().exists());
}

#[tokio::test]
async fn a_wrong_key_is_named_with_the_right_one() {
    let world = World::sqlite();
    let sealed = sealed(&world.open().await.expect("the first start"));
    let (right, right_text) = (MasterKey::parse(&world.text()).expect("a key"), world.text());
    let (wrong, text) = a_key();
    world.write(&text);
    let said = said(world.open().await);
    assert!(said.contains(&right.key_id()) && said.contains(&wrong.key_id()), "{said}");
    assert!(!said.contains(&text) && !said.contains(right_text.trim()));
    let again = self::said(world.rotate().await);
    assert_eq!((again, world.text()), (said, text), "nothing changes");
    world.write(&right_text);
    opens(&world.open().await.expect("the right key is back"), &sealed);
}

#[tokio::test]
async fn what_is_no_key_is_said_before_anything_is_stored() {
    let world = World::sqlite();
    for bad in ["", "\n", "secret", &"0".repeat(64), &format!("{}\nx", a_key().1)] {
        world.write(bad);
        let said = said(world.open().await);
        assert!(said.contains("is not usable"), "{said}");
        assert_eq!(world.text(), bad);
    }
    assert!(world.store().await.data_keys().await.expect("data keys").is_empty());
}

#[tokio::test]
async fn a_row_that_was_changed_or_moved_is_not_taken_for_another_key() {
    let world = World::sqlite();
    world.open().await.expect("the first start");
    let store = world.store().await;
    let stored = store.data_keys().await.expect("data keys");
    let turn = |index: usize, new: &str| RewrappedDataKey {
        id: stored[index].id.clone(),
        old: stored[index].wrapped.clone(),
        new: new.to_owned(),
    };
    let swapped = [turn(0, &stored[1].wrapped), turn(1, &stored[0].wrapped)];
    assert!(store.rewrap_data_keys(&swapped).await.expect("stored"));
    let said = said(world.open().await);
    assert!(said.contains("is damaged or was moved"), "{said}");
}

#[tokio::test]
async fn starts_at_the_same_time_agree_on_their_keys() {
    on_each_engine(async |world| {
        let stores = [world.store().await, world.store().await, world.store().await];
        let source = world.file("master.key");
        let [a, b, c] = &stores;
        let (a, b, c) = tokio::join!(open(&source, a), open(&source, b), open(&source, c));
        let sealed = sealed(a.as_ref().expect("the first"));
        for keyring in [a, b, c] {
            opens(&keyring.expect("a start"), &sealed);
        }
    })
    .await;
}

#[tokio::test]
async fn replicas_that_share_no_key_file_do_not_share_a_store() {
    on_each_engine(async |world| {
        let stores = [world.store().await, world.store().await];
        let paths = ["one.key", "two.key"].map(|name| world.directory.path().join(name));
        let sources = paths.clone().map(MasterKeySource::File);
        let (one, two) = tokio::join!(open(&sources[0], &stores[0]), open(&sources[1], &stores[1]));
        let (winner, loser, said) = match (one, two) {
            (Ok(_), Err(error)) => (&paths[0], &paths[1], error.to_string()),
            (Err(error), Ok(_)) => (&paths[1], &paths[0], error.to_string()),
            _ => panic!("exactly one starts"),
        };
        assert!(said.contains("a copy from a backup or from another replica"), "{said}");
        assert!(winner.exists() && !loser.exists(), "the key that seals nothing is gone");
        fs::copy(winner, loser).expect("copied");
        open(&MasterKeySource::File(loser.clone()), &stores[0]).await.expect("now it starts");
    })
    .await;
}

#[tokio::test]
async fn a_new_key_opens_all_that_the_old_one_did_and_the_old_one_nothing() {
    on_each_engine(async |world| {
        let running = world.open().await.expect("the first start");
        let before = sealed(&running);
        let old = world.text();
        let rotated = world.rotate().await.expect("rotated");
        assert!(!rotated.finished && !rotated.old_left && rotated.data_keys == 2);
        let new = world.text();
        assert_eq!(MasterKey::parse(&new).expect("one key").key_id(), rotated.key);
        assert_ne!(old, new);
        let restarted = world.open().await.expect("a restart");
        opens(&restarted, &before);
        // What a process seals that runs since before the rotation.
        opens(&restarted, &sealed(&running));
        opens(&running, &sealed(&restarted));
        world.write(&old);
        assert!(said(world.open().await).contains(&rotated.key));
        assert!(world.is_tidy());
    })
    .await;
}

#[tokio::test]
async fn a_rotation_goes_on_from_wherever_it_was_ended() {
    let world = World::sqlite();
    let before = sealed(&world.open().await.expect("the first start"));
    let old = world.text();
    let (new, text) = a_key();
    let both = format!("{text}\n{old}");

    // Ended while the file was written.
    let rest = world.directory.path().join("master.key.0011.doorward-new");
    fs::write(&rest, &text).expect("written");
    opens(&world.open().await.expect("a start with a rest"), &before);

    // Ended after the file got the new key.
    world.write(&both);
    opens(&world.open().await.expect("a start with both"), &before);
    let rotated = world.rotate().await.expect("finished");
    assert_eq!((rotated.key.as_str(), rotated.finished), (&*new.key_id(), true));
    assert_eq!(world.text().trim(), text);
    assert!(world.is_tidy(), "the rest is gone");

    // Ended after the store was wrapped anew.
    world.write(&both);
    opens(&world.open().await.expect("a start with both"), &before);
    assert!(world.rotate().await.expect("finished").finished);
    assert_eq!(world.text().trim(), text);
    opens(&world.open().await.expect("a start with the new key"), &before);
}

#[tokio::test]
async fn a_key_file_keeps_its_mode_and_its_links() {
    let world = World::sqlite();
    world.open().await.expect("the first start");
    let elsewhere = world.directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let real = elsewhere.join("key");
    fs::rename(world.path(), &real).expect("moved");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("a mode");
    std::os::unix::fs::symlink(&real, world.path()).expect("a link");
    world.rotate().await.expect("rotated");
    assert_eq!(fs::read_link(world.path()).expect("still a link"), real);
    assert_eq!(fs::metadata(&real).expect("a file").permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(&elsewhere).expect("a directory").count(), 1);
    world.open().await.expect("a restart");
}

#[tokio::test]
async fn of_rotations_at_the_same_time_none_locks_the_store() {
    on_each_engine(async |world| {
        let before = sealed(&world.open().await.expect("the first start"));
        let (one, two) = tokio::join!(world.rotate(), world.rotate());
        assert!(one.is_ok() || two.is_ok());
        opens(&world.open().await.expect("a restart"), &before);
    })
    .await;
}

#[tokio::test]
async fn a_key_in_a_variable_is_changed_with_the_next_start() {
    let world = World::sqlite();
    let store = world.store().await;
    let ((_, old), (new, text)) = (a_key(), a_key());
    let before = sealed(&open(&value(&old), &store).await.expect("the first start"));
    let rotation = Rotation { source: &value(&old), store: &store, new: Some(Secret::new(text.clone())) };
    let rotated = rotation.run(NOW).await.expect("rotated");
    assert_eq!((rotated.key, rotated.finished), (new.key_id(), false));
    assert!(said(open(&value(&old), &store).await).contains(&new.key_id()));
    opens(&open(&value(&text), &store).await.expect("the new key"), &before);

    // Or with both keys in the variable, the new one first, over two restarts.
    let (newer, newer_text) = a_key();
    let both = value(&format!("{newer_text} {text}"));
    opens(&open(&both, &store).await.expect("a start with both"), &before);
    let rotation = Rotation { source: &both, store: &store, new: None };
    let rotated = rotation.run(NOW).await.expect("rotated");
    assert_eq!((rotated.key, rotated.finished), (newer.key_id(), true));
    opens(&open(&value(&newer_text), &store).await.expect("the newer key alone"), &before);
}

#[tokio::test]
async fn of_two_new_keys_for_one_store_one_wins_whole() {
    on_each_engine(async |world| {
        let stores = [world.store().await, world.store().await];
        let (_, old) = a_key();
        let old = value(&old);
        let before = sealed(&open(&old, &stores[0]).await.expect("the first start"));
        let ((_, one), (_, two)) = (a_key(), a_key());
        let rotation = |store, new: &str| {
            Rotation { source: &old, store, new: Some(Secret::new(new.to_owned())) }.run(NOW)
        };
        let (first, second) = tokio::join!(rotation(&stores[0], &one), rotation(&stores[1], &two));
        let winner = match (&first, &second) {
            (Ok(_), Err(_)) => one,
            (Err(_), Ok(_)) => two,
            _ => panic!("exactly one wins: {first:?}, {second:?}"),
        };
        opens(&open(&value(&winner), &stores[0]).await.expect("the winner's key"), &before);
    })
    .await;
}

#[test]
fn a_file_is_made_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a/b/master.key");
    let text = |text: &str| Secret::new(text.to_owned());
    assert!(file::make(&path, &text("one")).expect("made"));
    assert!(!file::make(&path, &text("two")).expect("there is one"));
    file::unmake(&path, &text("two")).expect("another's");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "one");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("a directory"))), (0o600, 0o700));
    let held = file::lock(&path).expect("locked");
    assert!(file::lock(&path).is_err());
    drop(held);
    assert!(file::lock(&path).is_ok());
}
