//! Judging chains without a database.

use proptest::prelude::*;

use super::{
    super::chain::{Entry, link},
    *,
};

const CHAIN: &str = "main";

/// A whole chain of `records` records between `start` and `stop`.
fn whole(records: usize) -> Vec<StoredEntry> {
    let entry = |kind, body: String| Entry { kind, time: "2026-11-21T10:16:43.000001Z".into(), body };
    let mut entries = vec![entry(kind::START, r#"{"gap":false,"durability":"strict"}"#.into())];
    entries.extend((0..records).map(|n| entry(kind::RECORD, format!(r#"{{"n":{n}}}"#))));
    entries.push(entry(kind::STOP, r#"{"open":0}"#.into()));
    let links = link(CHAIN, &Head::genesis(), &entries).unwrap();
    let stored = entries.into_iter().zip(links).map(|(entry, link)| StoredEntry {
        seq: link.seq,
        kind: entry.kind.into(),
        time: entry.time,
        body: entry.body,
        prev: link.prev,
        hash: link.hash,
    });
    stored.collect()
}

fn head(entries: &[StoredEntry]) -> Option<Head> {
    entries.last().map(|entry| Head { seq: entry.seq, hash: entry.hash.clone() })
}

fn rehash(entry: &mut StoredEntry) {
    entry.hash = Hashed::new(&entry.prev, CHAIN, &entry.kind, &entry.time, &entry.body).at(entry.seq);
}

fn judge(entries: &[StoredEntry], head: Option<&Head>) -> Option<(i64, Why)> {
    let mut check = ChainCheck::new(CHAIN.into(), head.cloned());
    for entry in entries {
        check.push(entry.clone());
    }
    check.finish(head).broken.map(|broken| (broken.seq, broken.why))
}

/// Tampers with a chain of ten (entries 1 to 10) and judges it by its old head.
fn tampered(change: impl FnOnce(&mut Vec<StoredEntry>)) -> Option<(i64, Why)> {
    let mut entries = whole(8);
    let head = head(&entries);
    change(&mut entries);
    judge(&entries, head.as_ref())
}

fn renumber(entries: &mut [StoredEntry]) {
    for (seq, entry) in (1..).zip(entries) {
        entry.seq = seq;
    }
}

#[test]
fn a_whole_chain_holds() {
    assert_eq!(tampered(|_| {}), None);
    assert_eq!(judge(&[], Some(&Head::genesis())), None);
}

#[test]
fn an_edit_of_any_column_shows() {
    let edits: [fn(&mut StoredEntry); 4] = [
        |entry| entry.kind = kind::START.into(),
        |entry| entry.time = "2026-11-21T10:16:43.000002Z".into(),
        |entry| entry.body.push(' '),
        |entry| entry.hash = GENESIS_OF_ANOTHER.into(),
    ];
    for edit in edits {
        assert_eq!(tampered(|entries| edit(&mut entries[4])), Some((5, Why::Edited)));
        assert_eq!(tampered(|entries| edit(&mut entries[9])), Some((10, Why::Edited)));
    }
    assert_eq!(tampered(|entries| entries[4].prev = GENESIS_OF_ANOTHER.into()), Some((5, Why::Edited)));
}

const GENESIS_OF_ANOTHER: &str = "1111111111111111111111111111111111111111111111111111111111111111";

#[test]
fn an_edit_with_a_new_hash_breaks_the_link_behind_it() {
    let change = |place: usize| {
        tampered(|entries| {
            entries[place].body = "{}".into();
            rehash(&mut entries[place]);
        })
    };
    assert_eq!(change(4), Some((6, Why::BadLink)));
    assert_eq!(change(9), Some((10, Why::BadLink)), "only the head tells");
}

#[test]
fn what_is_taken_out_is_missing() {
    assert_eq!(tampered(|entries| drop(entries.remove(4))), Some((5, Why::Missing)));
    assert_eq!(tampered(|entries| drop(entries.drain(..3))), Some((1, Why::Missing)));
    let moved_up = tampered(|entries| {
        entries.remove(4);
        renumber(entries);
    });
    assert_eq!(moved_up, Some((5, Why::Missing)));
}

#[test]
fn a_tail_that_was_cut_off_shows() {
    assert_eq!(tampered(|entries| entries.truncate(7)), Some((8, Why::Truncated)));
    assert_eq!(tampered(Vec::clear), Some((1, Why::Truncated)));
    assert_eq!(judge(&whole(3), None), Some((6, Why::Truncated)), "a chain without head");
}

#[test]
fn what_was_moved_is_reordered() {
    for (one, other) in [(3, 4), (3, 7), (0, 9), (8, 9)] {
        let swapped = tampered(|entries| {
            entries.swap(one, other);
            renumber(entries);
        });
        assert_eq!(swapped, Some((i64::try_from(one).unwrap() + 1, Why::Reordered)), "{one} and {other}");
    }
}

#[test]
fn what_was_put_in_is_inserted() {
    let forged = |prev: &str, whole: bool| {
        let mut forged =
            StoredEntry { seq: 5, kind: kind::RECORD.into(), prev: prev.into(), ..Default::default() };
        if whole {
            rehash(&mut forged);
        }
        forged
    };
    for (linked, whole) in [(false, false), (false, true), (true, false), (true, true)] {
        let inserted = tampered(|entries| {
            let prev = if linked { entries[3].hash.clone() } else { GENESIS_OF_ANOTHER.into() };
            entries.insert(4, forged(&prev, whole));
            renumber(entries);
        });
        assert_eq!(inserted, Some((5, Why::Inserted)), "linked {linked}, whole {whole}");
    }
    let at_the_end = tampered(|entries| {
        let mut forged = forged(&entries[9].hash, false);
        forged.seq = 11;
        rehash(&mut forged);
        entries.push(forged);
    });
    assert_eq!(at_the_end, Some((11, Why::Inserted)));
    let copied = tampered(|entries| {
        entries.insert(4, entries[3].clone());
        renumber(entries);
    });
    assert_eq!(copied, Some((5, Why::Inserted)));
    let before_all = tampered(|entries| entries.insert(0, StoredEntry { seq: 0, ..Default::default() }));
    assert_eq!(before_all, Some((0, Why::Inserted)));
}

#[test]
fn a_writer_at_work_is_no_tampering() {
    let entries = whole(8);
    let mut check = ChainCheck::new(CHAIN.into(), head(&entries[..4]));
    for entry in &entries[..7] {
        check.push(entry.clone());
    }
    assert_eq!(check.finish(head(&entries).as_ref()).broken, None);
}

#[test]
fn entries_behind_the_first_fault_are_still_counted() {
    let mut entries = whole(8);
    let head = head(&entries);
    entries[2].body = "{}".into();
    let mut check = ChainCheck::new(CHAIN.into(), head.clone());
    for entry in entries {
        check.push(entry);
    }
    let verdict = check.finish(head.as_ref());
    assert_eq!((verdict.entries, verdict.records), (10, 8));
}

proptest! {
    /// Any set of entries but the whole chain in its order is broken, whatever numbers they are given.
    #[test]
    fn nothing_but_the_whole_chain_holds(picked in prop::collection::vec((0_usize..6, 1_i64..8), 0..8)) {
        let entries = whole(4);
        let mut other: Vec<_> =
            picked.into_iter().map(|(place, seq)| StoredEntry { seq, ..entries[place].clone() }).collect();
        other.sort_by_key(|entry| entry.seq);
        other.dedup_by_key(|entry| entry.seq);
        prop_assert_eq!(judge(&other, head(&entries).as_ref()).is_none(), other == entries);
    }

    /// One changed byte anywhere is found, and nothing before it is blamed.
    #[test]
    fn one_changed_character_is_found(place in 0_usize..10, column in 0_usize..5, at: prop::sample::Index) {
        let found = tampered(|entries| {
            let entry = &mut entries[place];
            let text = [&mut entry.kind, &mut entry.time, &mut entry.body, &mut entry.prev, &mut entry.hash]
                .into_iter().nth(column).unwrap();
            let at = at.index(text.len());
            let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
            text.replace_range(at..=at, other);
        });
        let number = i64::try_from(place).unwrap() + 1;
        prop_assert!(matches!(found, Some((seq, _)) if seq == number), "{:?}", found);
    }
}
