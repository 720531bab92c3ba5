use proptest::prelude::*;

use super::*;
use crate::keys::Sealer;

fn master() -> MasterKey {
    MasterKey::generate().0
}

/// Computed by an independent implementation (pyca/cryptography) from the description at the top of the
/// module: what is stored today must open in every later version.
#[test]
fn the_stored_form_does_not_change() {
    let master =
        MasterKey::parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff").unwrap();
    let wrapped =
        "dw1.4231cfd6.AAECAwQFBgcICQoLnjUf-i3KSVRhtaYwwOtGYTIh4k7rckUXPt7VCcbd0-r1mOj2wKIlh7MoP5zzmgDA";
    let sealed = "dw1.f9dba034.AAECAwQFBgcICQoLt6yh1hJOZebdz-2ovUVF76FVVSwJJIM";
    let key = DataKey::unwrap([&master], "upstream", wrapped).unwrap();
    assert_eq!(*key.bytes(), std::array::from_fn(|at| 32 + u8::try_from(at).unwrap()));
    let opened = Envelope::new(&key, []).open(sealed, &[b"credential", b"1"]).unwrap();
    assert_eq!(opened.as_slice(), b"hunter2");
}

#[test]
fn a_data_key_survives_a_change_of_the_master_key() {
    let (old, new) = (master(), master());
    let key = DataKey::generate();
    let envelope = Envelope::new(&key, []);
    let sealed = envelope.seal(b"hunter2", &[b"credential", b"1"]);
    let wrapped = key.wrap(&old, "upstream");
    assert_eq!(key_id(&wrapped), Some(&*old.key_id()));
    assert_eq!(key_id(&sealed), Some(&*key.key_id()));

    let unwrapped = DataKey::unwrap([&new, &old], "upstream", &wrapped).unwrap();
    let wrapped = unwrapped.wrap(&new, "upstream");
    let unwrapped = DataKey::unwrap([&new], "upstream", &wrapped).unwrap();
    assert_eq!(unwrapped.key_id(), key.key_id());
    let opened = Envelope::new(&unwrapped, []).open(&sealed, &[b"credential", b"1"]).unwrap();
    assert_eq!(opened.as_slice(), b"hunter2");
}

#[test]
fn a_wrong_master_key_is_told_from_a_changed_text() {
    let (right, wrong) = (master(), master());
    let wrapped = DataKey::generate().wrap(&right, "a");
    assert_eq!(DataKey::unwrap([&wrong], "a", &wrapped).unwrap_err(), SealError::UnknownKey);
    assert_eq!(DataKey::unwrap([], "a", &wrapped).unwrap_err(), SealError::UnknownKey);
    assert_eq!(DataKey::unwrap([&right], "b", &wrapped).unwrap_err(), SealError::Refused);
    let renamed = wrapped.replacen(&right.key_id(), &wrong.key_id(), 1);
    assert_eq!(DataKey::unwrap([&wrong, &right], "a", &renamed).unwrap_err(), SealError::Refused);
    for bad in
        ["", "dw1", "dw1..", "dw2.00000000.AA", &wrapped[4..], &format!("{wrapped}="), "dw1.0000000G.AA"]
    {
        assert_eq!(DataKey::unwrap([&right], "a", bad).unwrap_err(), SealError::Malformed, "{bad}");
    }
}

#[test]
fn a_sealed_text_opens_at_its_place_only() {
    let key = DataKey::generate();
    let envelope = Envelope::new(&key, []);
    let sealed = envelope.seal(b"x", &[b"ab", b"c"]);
    for place in
        [&[&b"ab"[..], b"d"][..], &[b"a", b"bc"], &[b"abc"], &[b"ab", b"c", b""], &[b"c", b"ab"], &[]]
    {
        assert_eq!(envelope.open(&sealed, place).unwrap_err(), SealError::Refused, "{place:?}");
    }
    assert_ne!(sealed, envelope.seal(b"x", &[b"ab", b"c"]), "two seals differ");
}

#[test]
fn every_bit_counts() {
    let key = DataKey::generate();
    let envelope = Envelope::new(&key, []);
    let sealed = envelope.seal(b"secret", &[b"a"]);
    let (head, body) = sealed.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(changed));
        assert_eq!(envelope.open(&changed, &[b"a"]).unwrap_err(), SealError::Refused, "bit {bit}");
    }
    for length in 0..bytes.len() {
        let shorter = format!("{head}.{}", URL_SAFE_NO_PAD.encode(&bytes[..length]));
        assert!(envelope.open(&shorter, &[b"a"]).is_err(), "{length} bytes");
    }
}

#[test]
fn older_data_keys_open_and_do_not_seal() {
    let [older, newer] = [DataKey::generate(), DataKey::generate()];
    let sealed = Envelope::new(&older, []).seal(b"x", &[]);
    let ring = Envelope::new(&newer, [&older]);
    assert!(ring.open(&sealed, &[]).is_ok());
    assert_eq!(key_id(&ring.seal(b"x", &[])), Some(&*newer.key_id()));
    assert_eq!(Envelope::new(&newer, []).open(&sealed, &[]).unwrap_err(), SealError::UnknownKey);
}

#[test]
fn handles_can_hang_on_a_data_key() {
    let key = DataKey::generate();
    let handle = Sealer::derive(&key, "mcp-session").seal(b"x", &[]);
    let unwrapped = DataKey::unwrap([&master()], "a", &key.wrap(&master(), "a"));
    assert!(unwrapped.is_err());
    let master = master();
    let unwrapped = DataKey::unwrap([&master], "a", &key.wrap(&master, "a")).unwrap();
    assert!(Sealer::derive(&unwrapped, "mcp-session").open(&handle, &[]).is_ok());
    assert!(Sealer::derive(&master, "mcp-session").open(&handle, &[]).is_err());
}

#[test]
fn nothing_of_a_key_is_printed() {
    let key = DataKey::generate();
    assert_eq!(format!("{key:?}"), format!("DataKey({})", key.key_id()));
    assert_eq!(format!("{:?}", Envelope::new(&key, [])), format!("Envelope({})", key.key_id()));
    assert!(!hash::hex(key.bytes()).contains(&key.key_id()));
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "(dw1\\.)?[0-9a-f]{0,9}\\.?[A-Za-z0-9_-]{0,40}\\PC{0,2}") {
        prop_assert!(Envelope::new(&DataKey::generate(), []).open(&text, &[]).is_err());
    }

    #[test]
    fn what_is_sealed_comes_back(secret in prop::collection::vec(any::<u8>(), 0..80), place in "\\PC{0,20}") {
        let envelope = Envelope::new(&DataKey::generate(), []);
        let sealed = envelope.seal(&secret, &[place.as_bytes()]);
        let opened = envelope.open(&sealed, &[place.as_bytes()]).unwrap();
        prop_assert_eq!(opened.as_slice(), &*secret);
    }
}
