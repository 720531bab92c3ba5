use proptest::prelude::*;

use super::*;

#[test]
fn what_cannot_be_seen_goes_and_white_space_is_one_space() {
    for (text, seen) in [
        ("Claude Code", "Claude Code"),
        ("  Claude\t\n Code\u{2028}", "Claude Code"),
        ("Goo\u{200b}gle\u{feff}", "Google"),
        ("\u{202e}edoC\u{202c} \u{2066}x\u{2069}", "edoC x"),
        ("a\0b\u{7f}c\u{85}d", "abc d"),
        ("tag\u{e0041}\u{e007f}ged", "tagged"),
        ("H\u{300}\u{301}\u{302}\u{303}i", "H\u{300}\u{301}i"),
        ("شركة", "شركة"),
        ("株式会社", "株式会社"),
        ("\u{3164}\u{200d}\u{2800}", ""),
        ("", ""),
    ] {
        assert_eq!(shown(text, NAME), seen, "{text:?}");
    }
}

#[test]
fn long_texts_are_cut_and_say_so() {
    assert_eq!(shown("abcdef", 6), "abcdef");
    assert_eq!(shown("abcdefg", 6), "abcdef…");
    assert_eq!(shown(&"é".repeat(10_000), NAME).chars().count(), NAME + 1);
}

#[test]
fn a_person_has_a_name_and_the_subject_that_is_theirs() {
    let person = |subject: &str, name: &str| {
        super::person(&Person {
            subject: subject.to_owned(),
            name: name.to_owned(),
            groups: Vec::new(),
            domain: None,
            administrator: false,
        })
    };
    assert_eq!(person("alice", "alice"), "alice");
    assert_eq!(person("alice", "\u{200b}"), "alice");
    assert_eq!(person("corp:7f3a", "Alice Ng"), "Alice Ng (corp:7f3a)");
}

#[test]
fn days_are_written_out() {
    assert_eq!(day(Timestamp::from_secs(1_795_255_200)), "21 November 2026");
    assert_eq!(day(Timestamp::from_micros(i64::MAX)), "1 January 1970");
}

proptest! {
    #[test]
    fn what_is_shown_is_bounded_visible_and_shown_the_same_again(text in any::<String>(), longest in 1_usize..40) {
        let once = shown(&text, longest);
        prop_assert!(once.chars().count() <= longest + 1);
        prop_assert!(!once.chars().any(is_invisible));
        prop_assert_eq!(once.trim(), once.as_str());
        prop_assert_eq!(shown(&once, longest), once);
    }
}
