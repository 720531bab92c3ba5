use proptest::prelude::*;

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + secs)
}

fn keys() -> KeySet {
    KeySet::parse(br#"{"keys":[]}"#).unwrap()
}

fn stored(max_age: Option<u64>) -> KeyCache {
    let mut cache = KeyCache::new();
    cache.store(keys(), at(0), max_age);
    cache
}

fn name(state: &State) -> &'static str {
    match state {
        State::Fresh(_) => "fresh",
        State::Stale(_) => "stale",
        State::Missing => "missing",
    }
}

#[test]
fn freshness_follows_the_issuer_within_bounds() {
    for (max_age, fresh_for) in [
        (None, 600),
        (Some(0), 60),
        (Some(59), 60),
        (Some(61), 61),
        (Some(3600), 3600),
        (Some(u64::MAX), 3600),
    ] {
        let cache = stored(max_age);
        assert_eq!(name(&cache.lookup(at(fresh_for - 1))), "fresh", "{max_age:?}");
        assert_eq!(name(&cache.lookup(at(fresh_for))), "stale", "{max_age:?}");
    }
}

#[test]
fn stale_keys_end_after_a_day() {
    let cache = stored(None);
    assert_eq!(name(&cache.lookup(at(24 * 3600 - 1))), "stale");
    assert_eq!(name(&cache.lookup(at(24 * 3600))), "missing");
    assert_eq!(name(&KeyCache::new().lookup(at(0))), "missing");
}

#[test]
fn unknown_keys_cause_one_fetch_a_minute() {
    let mut cache = stored(Some(3600));
    let fetches = (0..600).filter(|second| cache.may_refresh(at(*second))).count();
    assert_eq!(fetches, 10);
}

#[test]
fn a_failed_fetch_for_an_unknown_key_does_not_shorten_the_minute() {
    let mut cache = stored(Some(3600));
    assert!(cache.may_refresh(at(0)));
    cache.failed(at(1));
    assert!(!cache.may_refresh(at(59)));
    assert!(cache.may_refresh(at(60)));
    assert_eq!(name(&cache.lookup(at(60))), "fresh", "what is held stays");
}

#[test]
fn of_many_askers_one_fetches() {
    let mut cache = KeyCache::new();
    assert!(cache.may_refresh(at(0)));
    assert!(!cache.may_refresh(at(0)));
    assert!(!cache.may_refresh(at(29)));
    assert!(cache.may_refresh(at(30)), "a fetch that never reported is given up");
    cache.store(keys(), at(31), Some(60));
    assert!(cache.may_refresh(at(91)), "stale: due at once");
}

#[test]
fn failures_back_off_and_success_forgets_them() {
    let mut cache = KeyCache::new();
    let mut now = 0;
    for pause in [1, 2, 4, 8, 16, 32, 32, 32] {
        assert!(cache.may_refresh(at(now)), "{now}");
        cache.failed(at(now));
        assert!(!cache.may_refresh(at(now + pause - 1)), "{now} {pause}");
        now += pause;
    }
    for _ in 0..200 {
        cache.failed(at(now));
    }
    assert!(!cache.may_refresh(at(now + 31)));
    assert!(cache.may_refresh(at(now + 32)));
    cache.store(keys(), at(now), Some(60));
    cache.failed(at(now + 60));
    assert!(!cache.may_refresh(at(now + 60)));
    assert!(cache.may_refresh(at(now + 61)));
}

#[test]
fn a_clock_that_is_turned_back_does_not_freeze_anything() {
    let mut cache = stored(None);
    assert!(cache.may_refresh(at(5)));
    assert_eq!(name(&cache.lookup(at(-1_000_000))), "stale");
    assert!(cache.may_refresh(at(-1_000_000)));
    cache.failed(at(0));
    assert!(cache.may_refresh(at(-2_000_000)));
}

proptest! {
    /// Whatever happens in whatever order: one claim at a time, a pause after each failure, and no keys older
    /// than a day.
    #[test]
    fn never_too_eager_never_too_old(steps in prop::collection::vec((0_i64..4000, 0_u8..4), 1..60)) {
        let mut cache = KeyCache::new();
        let (mut now, mut fetched, mut failed) = (0, None, None);
        for (wait, what) in steps {
            now += wait;
            match what {
                0 => { cache.store(keys(), at(now), None); fetched = Some(now); failed = None; }
                1 => { cache.failed(at(now)); failed = Some(now); }
                _ => {
                    let fresh = matches!(cache.lookup(at(now)), State::Fresh(_));
                    let allowed = cache.may_refresh(at(now));
                    if allowed {
                        prop_assert!(!cache.may_refresh(at(now)), "claimed twice");
                    }
                    if allowed && !fresh {
                        prop_assert!(failed.is_none_or(|at| now > at), "no pause after a failure");
                    }
                }
            }
            let state = cache.lookup(at(now));
            match fetched {
                None => prop_assert_eq!(name(&state), "missing"),
                Some(since) => prop_assert_eq!(matches!(state, State::Missing), now >= since + 24 * 3600),
            }
        }
    }
}
