use super::*;

/// A known upstream that ends at once, as often as it may be started, until then.
fn ended(known: &mut Known, times: u32, now: &mut Instant) -> Vec<KeepsEnding> {
    let mut said = Vec::new();
    for _ in 0..times {
        if let StartState::Waiting { until, .. } = known.supervisor.state(*now) {
            *now = until;
        }
        known.supervisor.started();
        said.extend(known.ended("exit code 3".to_owned(), *now, Duration::ZERO));
    }
    said
}

#[test]
fn a_loop_is_said_once_with_its_counts() {
    let (mut known, mut now) = (Known::default(), Instant::now());
    let said = ended(&mut known, 20, &mut now);
    let texts: Vec<_> = said.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["it keeps ending: exit code 3, 3 times in 1 s; the next start waits 2 s"]);
    let StartState::Waiting { failures, until } = known.supervisor.state(now) else { panic!("it waits") };
    let error = known.keeps_ending(failures, until, now).to_string();
    assert_eq!(error, "it keeps ending: exit code 3, 20 times in 7 minutes; the next start waits 30 s");
}

#[test]
fn one_end_is_no_loop() {
    let (mut known, mut now) = (Known::default(), Instant::now());
    assert!(ended(&mut known, 1, &mut now).is_empty());
    let StartState::Waiting { failures, until } = known.supervisor.state(now) else { panic!("it waits") };
    let error = known.keeps_ending(failures, until, now).to_string();
    assert_eq!(error, "it keeps ending: exit code 3, once; the next start waits 1 s");
}

#[test]
fn what_ran_for_long_begins_a_new_row_and_is_said_again() {
    let (mut known, mut now) = (Known::default(), Instant::now());
    assert_eq!(ended(&mut known, 5, &mut now).len(), 1);
    now += Duration::from_mins(1);
    known.supervisor.started();
    assert!(known.ended("signal 9".to_owned(), now, Duration::from_mins(1)).is_none());
    assert!(known.row.is_none());
    assert_eq!(ended(&mut known, 5, &mut now).len(), 1);
}
