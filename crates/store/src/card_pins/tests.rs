//! What is approved, what waits, and who is told.

use super::*;
use crate::harness::{
    at_once, on_each_engine,
    samples::{NOW, agent, hash},
};

/// The card of one word.
fn card(word: &str) -> SeenCard {
    SeenCard {
        card: format!("{{\"name\":\"{word}\"}}"),
        digest: hash(word),
        provenance: "unsigned".to_owned(),
    }
}

async fn observe(store: &Store, word: &str, secs: i64) -> Observed {
    store.observe_card(&agent(), &card(word), NOW.plus_secs(secs)).await.unwrap().0
}

async fn pin(store: &Store) -> CardPin {
    store.card_pin(&agent()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_first_card_is_approved_and_stays_so_whatever_comes() {
    on_each_engine(async |database| {
        let store = database.store().await;
        assert_eq!(store.card_pin(&agent()).await.unwrap(), None);
        let (observed, first) = store.observe_card(&agent(), &card("first"), NOW).await.unwrap();
        let expected = CardPin {
            agent: agent(),
            approved: card("first"),
            approved_at: NOW,
            approved_by: None,
            waiting: None,
            rejected: None,
        };
        assert_eq!((observed, &first), (Observed::First, &expected));
        assert_eq!(observe(&store, "first", 1).await, Observed::Approved);
        assert_eq!(observe(&store, "second", 2).await, Observed::New);
        assert_eq!(observe(&store, "second", 3).await, Observed::Waiting);
        let waiting =
            WaitingCard { card: card("second"), first_seen: NOW.plus_secs(2), last_seen: NOW.plus_secs(3) };
        assert_eq!(pin(&store).await, CardPin { waiting: Some(waiting), ..expected });
        assert_eq!(observe(&store, "first", 4).await, Observed::Approved);
        assert!(pin(&store).await.waiting.is_some(), "agents that change back and forth hide nothing");
        assert_eq!(observe(&store, "third", 5).await, Observed::New);
        assert_eq!(pin(&store).await.waiting.unwrap().card, card("third"));
    })
    .await;
}

#[tokio::test]
async fn a_card_that_is_declared_anew_replaces_what_was_there() {
    on_each_engine(async |database| {
        let store = database.store().await;
        observe(&store, "first", 0).await;
        observe(&store, "second", 1).await;
        let moved = SeenCard { provenance: "elsewhere".to_owned(), ..card("first") };
        let replace = async |before: &SeenCard, after: &SeenCard, secs| {
            store.replace_card(&agent(), (before, after), "configuration", NOW.plus_secs(secs)).await.unwrap()
        };
        let cursor = store.card_pins_since(CardPinCursor::default()).await.unwrap().1;
        assert!(!replace(&card("second"), &moved, 2).await, "it is not the approved one");
        assert!(replace(&card("first"), &moved, 3).await);
        assert!(!replace(&card("first"), &moved, 4).await, "it was of another address");
        let expected = CardPin {
            agent: agent(),
            approved: moved.clone(),
            approved_at: NOW.plus_secs(3),
            approved_by: Some("configuration".to_owned()),
            waiting: None,
            rejected: None,
        };
        assert_eq!(pin(&store).await, expected);
        assert_eq!(store.card_pins_since(cursor).await.unwrap().0, [expected], "everybody is told");
        observe(&store, "second", 5).await;
        store.reject_card(&agent(), &hash("second")).await.unwrap();
        assert!(replace(&moved, &card("second"), 6).await, "a rejection is of what was declared before");
        assert_eq!((pin(&store).await.approved, pin(&store).await.rejected), (card("second"), None));
    })
    .await;
}

#[tokio::test]
async fn only_the_card_that_was_looked_at_is_approved() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let approve = async |word| {
            store.approve_card(&agent(), &hash(word), "local:root", NOW.plus_secs(9)).await.unwrap()
        };
        assert!(!approve("first").await, "there is none");
        observe(&store, "first", 0).await;
        assert!(!approve("first").await, "it does not wait");
        observe(&store, "second", 1).await;
        observe(&store, "third", 2).await;
        assert!(!approve("second").await, "another one took its place");
        assert!(approve("third").await);
        assert!(!approve("third").await);
        let pin = pin(&store).await;
        assert_eq!((&pin.approved, &pin.waiting), (&card("third"), &None));
        assert_eq!((pin.approved_at, pin.approved_by.as_deref()), (NOW.plus_secs(9), Some("local:root")));
        assert_eq!(observe(&store, "first", 10).await, Observed::New, "what was approved once waits again");
    })
    .await;
}

#[tokio::test]
async fn a_rejected_card_does_not_wait_again_until_another_one_was_seen() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let reject = async |word| store.reject_card(&agent(), &hash(word)).await.unwrap();
        observe(&store, "first", 0).await;
        observe(&store, "bad", 1).await;
        assert!(!reject("first").await);
        assert!(reject("bad").await);
        assert!(!reject("bad").await);
        assert_eq!(observe(&store, "bad", 2).await, Observed::Rejected);
        assert_eq!(observe(&store, "first", 3).await, Observed::Approved);
        assert_eq!(observe(&store, "bad", 4).await, Observed::Rejected);
        let rejected = pin(&store).await;
        assert_eq!((rejected.waiting, rejected.rejected), (None, Some(hash("bad"))));
        assert!(!store.approve_card(&agent(), &hash("bad"), "local:root", NOW).await.unwrap());
        assert_eq!(observe(&store, "good", 5).await, Observed::New);
        assert_eq!(observe(&store, "bad", 6).await, Observed::New);
    })
    .await;
}

#[tokio::test]
async fn whoever_polls_sees_each_change_once() {
    on_each_engine(async |database| {
        let [store, command] = database.stores().await;
        let mut cursor = CardPinCursor::default();
        let mut changed = async || {
            let (pins, next) = store.card_pins_since(cursor).await.unwrap();
            cursor = next;
            pins.into_iter().map(|pin| pin.approved.digest).collect::<Vec<_>>()
        };
        assert!(changed().await.is_empty());
        observe(&store, "first", 0).await;
        assert_eq!(changed().await, [hash("first")]);
        observe(&store, "first", 1).await;
        assert!(changed().await.is_empty(), "nothing changed");
        observe(&store, "second", 2).await;
        observe(&store, "second", 3).await;
        assert_eq!(changed().await, [hash("first")]);
        command.approve_card(&agent(), &hash("second"), "local:root", NOW).await.unwrap();
        assert_eq!(changed().await, [hash("second")]);
        observe(&store, "third", 4).await;
        command.reject_card(&agent(), &hash("third")).await.unwrap();
        let other = Name::parse("another").unwrap();
        store.observe_card(&other, &card("other"), NOW).await.unwrap();
        assert_eq!(changed().await, [hash("second"), hash("other")], "in the order of the changes");
        assert!(changed().await.is_empty());
        let all = store.card_pins().await.unwrap();
        assert_eq!(all.into_iter().map(|pin| pin.agent).collect::<Vec<_>>(), [other, agent()]);
    })
    .await;
}

#[tokio::test]
async fn of_two_replicas_that_see_a_first_card_one_approves_its_own() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..20 {
            let name = Name::parse(&format!("agent-{round}")).unwrap();
            let seen = at_once(&stores, |store, which| {
                let name = name.clone();
                async move { store.observe_card(&name, &card(&which.to_string()), NOW).await.unwrap() }
            })
            .await;
            let mut outcomes = seen.clone().map(|(observed, _)| format!("{observed:?}"));
            outcomes.sort();
            assert_eq!(outcomes, ["First", "New"]);
            assert_eq!(seen[0].1.approved, seen[1].1.approved);
        }
    })
    .await;
}

#[tokio::test]
async fn of_an_approval_and_a_rejection_at_once_one_counts() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        observe(&stores[0], "0", 0).await;
        for round in 1..=20 {
            let word = round.to_string();
            observe(&stores[0], &word, round).await;
            let done = at_once(&stores, |store, which| {
                let digest = hash(&word);
                async move {
                    match which {
                        0 => store.approve_card(&agent(), &digest, "local:root", NOW).await.unwrap(),
                        _ => store.reject_card(&agent(), &digest).await.unwrap(),
                    }
                }
            })
            .await;
            let pin = pin(&stores[0]).await;
            assert_ne!(done[0], done[1], "round {round}");
            assert_eq!((pin.approved.digest == hash(&word), pin.waiting), (done[0], None));
        }
    })
    .await;
}
