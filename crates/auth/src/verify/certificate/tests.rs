use proptest::prelude::*;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, string::Ia5String};

use super::*;

fn ia5(text: &str) -> Ia5String {
    Ia5String::try_from(text).expect("ASCII")
}

fn uri(text: &str) -> SanType {
    SanType::URI(ia5(text))
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(ia5(text))
}

fn certificate(names: Vec<SanType>, common: &[&str]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.distinguished_name = DistinguishedName::new();
    for name in common {
        params.distinguished_name.push(DnType::CommonName, *name);
    }
    params.not_after = rcgen::date_time_ymd(2031, 2, 3);
    let key = KeyPair::generate().expect("a key");
    params.self_signed(&key).expect("a certificate").der().to_vec()
}

fn named(names: Vec<SanType>, common: &[&str]) -> Option<String> {
    certificate_name(&certificate(names, common)).map(|certificate| certificate.name)
}

#[test]
fn a_workload_comes_before_a_host_and_a_host_before_a_common_name() {
    const WORKLOAD: &str = "spiffe://corp.example/ns/ci/sa/runner";
    let name = |names, common: &[&str]| named(names, common).unwrap_or_default();
    assert_eq!(name(vec![dns("ci.corp.example"), uri(WORKLOAD)], &["runner"]), WORKLOAD);
    assert_eq!(name(vec![dns("CI.corp.example"), dns("b.example")], &["runner"]), "ci.corp.example");
    assert_eq!(name(vec![], &["runner@corp"]), "runner@corp");
    let expires = certificate_name(&certificate(vec![uri(WORKLOAD)], &[])).map(|named| named.expires);
    assert_eq!(expires.map(Timestamp::to_rfc3339).as_deref(), Some("2031-02-03T00:00:00.000000Z"));
}

#[test]
fn a_certificate_that_leaves_its_name_open_names_nobody() {
    for (names, common) in [
        (vec![], &[][..]),
        (vec![uri("spiffe://a/x"), uri("spiffe://a/y")], &["runner"][..]),
        (vec![uri("spiffe://a/x y")], &["runner"]),
        (vec![dns("*.corp.example")], &["runner"]),
        (vec![dns("a:b")], &["runner"]),
        (vec![], &["spiffe://corp.example/admin"]),
        (vec![], &["two words"]),
        (vec![], &["caf\u{e9}"]),
        (vec![], &["run\u{202e}ner"]),
        (vec![], &["line\nbreak"]),
        (vec![], &[""]),
    ] {
        assert_eq!(named(names.clone(), common), None, "{names:?} {common:?}");
    }
    let long = "x".repeat(256);
    assert_eq!(named(vec![uri(&format!("spiffe://a/{long}"))], &[]), None);
    assert_eq!(named(vec![], &[&long[..255]]).map(|name| name.len()), Some(255));
}

#[test]
fn what_is_no_certificate_names_nobody() {
    let good = certificate(vec![dns("a.example")], &[]);
    for end in 0..good.len() {
        assert_eq!(certificate_name(&good[..end]), None, "{end}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(certificate_name(&bytes).is_none());
    }

    #[test]
    fn a_damaged_certificate_is_read_or_refused(at in 0_usize..300, byte: u8) {
        let mut der = certificate(vec![dns("a.example"), dns("b.example")], &["c"]);
        let at = at % der.len();
        der[at] = byte;
        if let Some(named) = certificate_name(&der) {
            prop_assert!(named.name.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}
