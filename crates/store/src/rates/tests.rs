//! The statement says what the rule says, and replicas share one.

use std::time::Duration;

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::*;
use crate::harness::{
    Database, at_once, on_each_engine,
    samples::{NOW, hash},
};

const MINUTE: Duration = Duration::from_mins(1);

/// What the rule admits of `most` that come one after the other.
fn by_the_rule(rate: Rate, state: &mut Option<Timestamp>, now: Timestamp, most: u32) -> Admission {
    let mut granted = 0;
    while granted < most {
        match rate.admit(*state, now) {
            Ok(next) => *state = Some(next),
            Err(too_often) if granted == 0 => return Admission::TooOften(too_often),
            Err(_) => break,
        }
        granted += 1;
    }
    Admission::Granted(granted)
}

#[tokio::test]
async fn the_statement_says_what_the_rule_says() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let mut runner = TestRunner::deterministic();
        let steps = proptest::collection::vec((0_i64..4_000_000, 1_u32..6), 1..40);
        let cases = (1_u32..100, 1_u32..20, steps);
        for case in 0..20 {
            let (limit, burst, steps) = cases.new_tree(&mut runner).unwrap().current();
            let (rate, key) = (Rate::new(limit, MINUTE, burst), hash(&case.to_string()));
            let (mut state, mut now) = (None, NOW);
            for (gap, most) in steps {
                now = Timestamp::from_micros(now.as_micros() + gap);
                let expected = by_the_rule(rate, &mut state, now, most);
                assert_eq!(store.admit_rate(&key, rate, now, most).await.unwrap(), expected, "{rate:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_goes_back_opens_nothing() {
    on_each_engine(async |database| {
        let (store, rate) = (database.store().await, Rate::new(1, MINUTE, 1));
        assert_eq!(store.admit_rate(&hash("k"), rate, NOW, 5).await.unwrap(), Admission::Granted(1));
        let refused = store.admit_rate(&hash("k"), rate, NOW.plus_secs(-60), 5).await.unwrap();
        assert_eq!(refused, Admission::TooOften(TooOften { retry_after: 2 * MINUTE }));
    })
    .await;
}

#[tokio::test]
async fn replicas_together_admit_no_more_than_one_alone() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let rate = Rate::new(60, MINUTE, 25);
        let granted = at_once(&stores, |store, _| async move {
            let mut sum = 0;
            while let Admission::Granted(granted) = store.admit_rate(&hash("k"), rate, NOW, 2).await.unwrap()
            {
                sum += granted;
            }
            sum
        })
        .await;
        assert_eq!(granted.iter().sum::<u32>(), 25);
        assert_eq!(stores[0].admit_rate(&hash("other"), rate, NOW, 1).await.unwrap(), Admission::Granted(1));
    })
    .await;
}

#[tokio::test]
async fn a_key_is_forgotten_when_it_makes_no_difference() {
    let database = Database::sqlite();
    let (store, rate) = (database.store().await, Rate::new(60, MINUTE, 1));
    for key in 0..3 {
        store.admit_rate(&hash(&key.to_string()), rate, NOW.plus_secs(key), 1).await.unwrap();
    }
    assert_eq!(store.forget_rates(NOW).await.unwrap(), 0);
    assert_eq!(store.forget_rates(NOW.plus_secs(2)).await.unwrap(), 2);
    assert_eq!(store.forget_rates(NOW.plus_secs(3)).await.unwrap(), 1);
}
