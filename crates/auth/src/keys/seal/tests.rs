use proptest::prelude::*;

use super::*;
use crate::keys::MasterKey;

const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";
const OTHER: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e00";

fn master(text: &str) -> MasterKey {
    MasterKey::parse(text).unwrap()
}

fn sealer(purpose: &str) -> Sealer {
    Sealer::derive(&master(MASTER), purpose)
}

/// Computed by an independent implementation (pyca/cryptography) from the description at the top of the
/// module: what is stored today must open in every later version.
#[test]
fn the_stored_form_does_not_change() {
    const GOLDEN: &str = "AUIxz9ahjSCtWYk365bxN_VwL-XRPzgHh3FzPj5UVonOPXRFBLqC";
    let sealer = sealer("task");
    let aad: [&[u8]; 2] = [b"everything", b"alice"];
    assert_eq!(master(MASTER).key_id(), "4231cfd6");
    assert_eq!(sealer.seal_deterministic(b"task-7", &aad), GOLDEN);
    assert_eq!(sealer.open(GOLDEN, &aad).as_deref(), Ok(&b"task-7"[..]));
}

#[test]
fn every_bit_counts() {
    let sealer = sealer("p");
    let text = sealer.seal(b"eleven bytes", &[b"a"]);
    let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(sealer.open(&URL_SAFE_NO_PAD.encode(changed), &[b"a"]).is_err(), "bit {bit}");
    }
}

#[test]
fn no_second_spelling_opens() {
    let sealer = sealer("p");
    // 1, 2 and 0 bytes beyond a multiple of three: with and without spare bits in the last digit.
    for plaintext in [&b"a"[..], b"ab", b"abc"] {
        let text = sealer.seal(plaintext, &[]);
        assert!(sealer.open(&text, &[]).is_ok());
        for changed in [format!("{text}="), format!("{text}=="), format!(" {text}"), format!("{text}\n")] {
            assert_eq!(sealer.open(&changed, &[]), Err(SealError::Malformed), "{changed}");
        }
        for last in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/" {
            let changed = format!("{}{}", &text[..text.len() - 1], char::from(*last));
            assert_eq!(sealer.open(&changed, &[]).is_ok(), changed == text, "{changed}");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let sealer = sealer("p");
    let text = sealer.seal(b"content", &[]);
    for end in 0..text.len() {
        assert!(sealer.open(&text[..end], &[]).is_err(), "{end}");
    }
}

#[test]
fn the_parts_of_the_place_do_not_run_together() {
    let sealer = sealer("p");
    let text = sealer.seal(b"x", &[b"ab", b"c"]);
    let others: [&[&[u8]]; 8] = [
        &[],
        &[b"abc"],
        &[b"a", b"bc"],
        &[b"ab", b"c", b""],
        &[b"", b"ab", b"c"],
        &[b"c", b"ab"],
        &[b"ab"],
        &[b"ab", b"C"],
    ];
    for other in others {
        assert_eq!(sealer.open(&text, other), Err(SealError::Refused), "{other:?}");
    }
    assert!(sealer.open(&text, &[b"ab", b"c"]).is_ok());
}

#[test]
fn purposes_are_apart() {
    let text = sealer("a").seal(b"x", &[]);
    assert_eq!(sealer("b").open(&text, &[]), Err(SealError::Refused));
    assert_eq!(sealer("").open(&text, &[]), Err(SealError::Refused));
}

#[test]
fn rotation_opens_the_old_and_seals_with_the_new() {
    let old = sealer("p");
    let new = Sealer::derive(&master(OTHER), "p");
    let both = Sealer::derive(&master(OTHER), "p").with_previous(&master(MASTER));
    let text = old.seal(b"x", &[b"a"]);
    assert_eq!(new.open(&text, &[b"a"]), Err(SealError::UnknownKey));
    assert_eq!(both.open(&text, &[b"a"]).as_deref(), Ok(&b"x"[..]));
    assert_eq!(both.open(&text, &[b"b"]), Err(SealError::Refused));
    let fresh = both.seal(b"y", &[]);
    assert_eq!(new.open(&fresh, &[]).as_deref(), Ok(&b"y"[..]));
    assert_eq!(old.open(&fresh, &[]), Err(SealError::UnknownKey));
}

#[test]
fn keys_that_share_an_id_are_both_tried() {
    let mut both = Sealer::derive(&master(OTHER), "p").with_previous(&master(MASTER));
    let shared = both.previous[0].id;
    both.current.id = shared;
    let text = sealer("p").seal(b"x", &[]);
    assert_eq!(both.open(&text, &[]).as_deref(), Ok(&b"x"[..]));
}

#[test]
fn deterministic_handles_differ_by_content_place_and_purpose() {
    let (a, b) = (sealer("a"), sealer("b"));
    let handles = [
        a.seal_deterministic(b"x", &[b"1"]),
        a.seal_deterministic(b"y", &[b"1"]),
        a.seal_deterministic(b"x", &[b"2"]),
        a.seal_deterministic(b"", &[b"1", b"x"]),
        b.seal_deterministic(b"x", &[b"1"]),
    ];
    // Compared behind version and key id, which are the same in all.
    let distinct: std::collections::BTreeSet<_> = handles.iter().map(|text| &text[8..]).collect();
    assert_eq!(distinct.len(), handles.len());
    assert_eq!(handles[0], sealer("a").seal_deterministic(b"x", &[b"1"]));
}

#[test]
fn nothing_secret_is_printed() {
    assert_eq!(format!("{:?}", sealer("p")), r#"Sealer("p" with 4231cfd6)"#);
}

fn parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..4)
}

proptest! {
    #[test]
    fn what_is_sealed_opens_at_its_place_only(
        plaintext in prop::collection::vec(any::<u8>(), 0..300), place in parts(), elsewhere in parts(),
    ) {
        let sealer = sealer("p");
        let place: Vec<_> = place.iter().map(Vec::as_slice).collect();
        let elsewhere: Vec<_> = elsewhere.iter().map(Vec::as_slice).collect();
        for text in [sealer.seal(&plaintext, &place), sealer.seal_deterministic(&plaintext, &place)] {
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(sealer.open(&text, &place), Ok(plaintext.clone()));
            if elsewhere != place {
                prop_assert_eq!(sealer.open(&text, &elsewhere), Err(SealError::Refused));
            }
        }
        prop_assert_ne!(sealer.seal(&plaintext, &place), sealer.seal(&plaintext, &place));
        prop_assert_eq!(
            sealer.seal_deterministic(&plaintext, &place),
            sealer.seal_deterministic(&plaintext, &place)
        );
    }

    #[test]
    fn arbitrary_texts_do_not_open(text in "[A-Za-z0-9_-]{0,120}", any in any::<String>()) {
        prop_assert!(sealer("p").open(&text, &[]).is_err());
        prop_assert!(sealer("p").open(&any, &[]).is_err());
    }
}
