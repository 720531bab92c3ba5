use proptest::prelude::*;

use super::*;

const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn waits_double_from_half_a_second_to_thirty() {
    let mut supervisor = Supervisor::new();
    let mut now = Instant::now();
    let mut waits = Vec::new();
    for failures in 1..=9 {
        assert!(supervisor.may_start(now));
        supervisor.started();
        assert_eq!(supervisor.state(now), StartState::Running(1));
        supervisor.exited(now, AT_ONCE);
        let StartState::Waiting { failures: seen, until } = supervisor.state(now) else {
            panic!("an early exit must make it wait");
        };
        assert_eq!(seen, failures);
        assert!(!supervisor.may_start(now + (until - now) / 2));
        waits.push((until - now).as_millis());
        now = until;
        assert_eq!(supervisor.state(now), StartState::Ready);
    }
    assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
}

#[test]
fn an_exit_after_a_long_run_may_start_at_once_and_forgets_the_failures() {
    let mut supervisor = Supervisor::new();
    let now = Instant::now();
    supervisor.started();
    supervisor.exited(now, AT_ONCE);
    let now = now + Duration::from_secs(1);
    supervisor.started();
    supervisor.exited(now, EARLY);
    assert!(supervisor.may_start(now));
    supervisor.started();
    supervisor.exited(now, AT_ONCE);
    assert_eq!(supervisor.state(now), StartState::Waiting { failures: 1, until: now + FIRST_WAIT });
}

#[test]
fn many_that_die_together_are_one_failure() {
    let mut supervisor = Supervisor::new();
    let now = Instant::now();
    for _ in 0..50 {
        supervisor.started();
    }
    assert_eq!(supervisor.state(now), StartState::Running(50));
    for _ in 0..50 {
        supervisor.exited(now, AT_ONCE);
    }
    assert_eq!(supervisor.state(now), StartState::Waiting { failures: 1, until: now + FIRST_WAIT });
}

#[test]
fn what_is_ended_on_purpose_is_no_failure() {
    let mut supervisor = Supervisor::new();
    let now = Instant::now();
    supervisor.started();
    supervisor.stopped();
    assert_eq!(supervisor.state(now), StartState::Ready);
}

proptest! {
    /// Whoever starts as often as it may, and fails each time, has started at most a few times per minute.
    #[test]
    fn a_crash_loop_is_never_busy(runs in prop::collection::vec(0_u64..10_000, 1..400)) {
        let mut supervisor = Supervisor::new();
        let begin = Instant::now();
        let mut now = begin;
        let mut starts = 0_u64;
        for run in runs {
            prop_assert!(supervisor.may_start(now));
            supervisor.started();
            starts += 1;
            let ran_for = Duration::from_millis(run);
            now += ran_for;
            supervisor.exited(now, ran_for);
            if let StartState::Waiting { until, .. } = supervisor.state(now) {
                now = until;
            }
        }
        let most = 7 + (now - begin).as_secs() / 30;
        prop_assert!(starts <= most, "{} starts in {:?}", starts, now - begin);
    }
}
