//! What a filter finds, and what it must not miss.

use doorward_model::Name;

use super::*;

fn key(number: usize) -> Key {
    (Name::parse("agent").unwrap(), format!("task-{number}"))
}

#[test]
fn nothing_is_surely_not_there_before_all_was_seen() {
    let mut known = Known::default();
    assert!(known.may_hold(Kind::Task, &key(1)));
    let filter = known.begin_scan().unwrap();
    assert_eq!(known.begin_scan(), None, "one is enough");
    known.add(Kind::Task, &key(1));
    assert!(known.may_hold(Kind::Task, &key(2)));
    known.end_scan(Known::default().begin_scan().unwrap());
    assert!(known.may_hold(Kind::Task, &key(2)), "that was the end of another filter's");
    known.end_scan(filter);
    assert!(known.may_hold(Kind::Task, &key(1)));
    assert!(!known.may_hold(Kind::Task, &key(2)));
    assert!(!known.may_hold(Kind::Context, &key(1)), "tasks are no contexts");
}

#[test]
fn what_was_added_is_found_and_little_else() {
    const MANY: usize = 200_000;
    let mut known = Known::default();
    (0..MANY).for_each(|number| known.add(Kind::Task, &key(number)));
    let filter = known.begin_scan().unwrap();
    known.end_scan(filter);
    assert!((0..MANY).all(|number| known.may_hold(Kind::Task, &key(number))));
    let wrong = (MANY..2 * MANY).filter(|number| known.may_hold(Kind::Task, &key(*number))).count();
    assert!(wrong < MANY / 1_000, "{wrong} of {MANY}");
}
