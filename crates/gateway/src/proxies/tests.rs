use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn networks() -> Vec<IpNet> {
    ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().expect("a network")).to_vec()
}

fn of(fields: &[(&str, &str)], peer: &str) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::try_from(*name).expect("a name");
        headers.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    caller(&headers, peer.parse().expect("an address"), &networks()).to_string()
}

#[test]
fn who_is_not_trusted_is_not_believed() {
    for name in ["forwarded", "x-forwarded-for"] {
        assert_eq!(of(&[(name, "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.4")], "192.0.2.1"), "192.0.2.1");
    }
    assert_eq!(of(&[], "10.0.0.1"), "10.0.0.1");
    assert_eq!(of(&[], "::ffff:10.0.0.1"), "10.0.0.1", "a mapped address is the address");
    assert_eq!(of(&[("x-forwarded-for", "1.2.3.4")], "::ffff:10.0.0.1"), "1.2.3.4");
}

#[test]
fn the_chain_is_read_from_its_near_end() {
    for (value, expected) in [
        ("192.0.2.9", "192.0.2.9"),
        ("6.6.6.6, 192.0.2.9", "192.0.2.9"),
        ("6.6.6.6, 192.0.2.9, 10.1.1.1,10.2.2.2", "192.0.2.9"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("192.0.2.9:4711", "192.0.2.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("6.6.6.6, unknown", "10.0.0.1"),
        ("6.6.6.6, unknown, 10.2.2.2", "10.2.2.2"),
        ("6.6.6.6,", "10.0.0.1"),
        ("6.6.6.6, 1.2.3.4:", "10.0.0.1"),
        ("6.6.6.6, 1.2.3.4:99999999", "10.0.0.1"),
        ("", "10.0.0.1"),
    ] {
        assert_eq!(of(&[("x-forwarded-for", value)], "10.0.0.1"), expected, "{value}");
    }
    let two_fields = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.9")];
    assert_eq!(of(&two_fields, "10.0.0.1"), "192.0.2.9");
}

#[test]
fn forwarded_is_read_as_the_standard_writes_it() {
    for (value, expected) in [
        ("for=192.0.2.9", "192.0.2.9"),
        ("For=192.0.2.9;proto=http;by=10.0.0.1", "192.0.2.9"),
        ("proto=https; for=\"192.0.2.9:80\" , for=10.2.2.2", "192.0.2.9"),
        ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=\"\\[2001:db8::1\\]\"", "2001:db8::1"),
        ("for=6.6.6.6, for=192.0.2.9, for=\"[fd00::1]:_port\"", "192.0.2.9"),
        ("for=192.0.2.9,, ,", "192.0.2.9"),
        ("for=6.6.6.6, for=unknown", "10.0.0.1"),
        ("for=6.6.6.6, for=_hidden", "10.0.0.1"),
        ("for=6.6.6.6, by=10.0.0.1", "10.0.0.1"),
        ("for=6.6.6.6, for=1.1.1.1;for=2.2.2.2", "10.0.0.1"),
        ("for=6.6.6.6, for=\"1.1.1.1", "10.0.0.1"),
        ("for=6.6.6.6, for=\"1.1.1.1\"x", "10.0.0.1"),
        ("for=6.6.6.6 for=1.1.1.1", "10.0.0.1"),
        ("for", "10.0.0.1"),
        ("=1.1.1.1", "10.0.0.1"),
    ] {
        assert_eq!(of(&[("forwarded", value)], "10.0.0.1"), expected, "{value}");
    }
}

#[test]
fn two_stories_are_none() {
    let same = [("forwarded", "for=192.0.2.9"), ("x-forwarded-for", "192.0.2.9")];
    assert_eq!(of(&same, "10.0.0.1"), "192.0.2.9");
    let forged = [("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "192.0.2.9")];
    assert_eq!(of(&forged, "10.0.0.1"), "10.0.0.1");
}

fn stranger() -> impl Strategy<Value = IpAddr> {
    let any = prop_oneof![
        any::<[u8; 4]>().prop_map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))),
        any::<[u8; 16]>().prop_map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()),
    ];
    any.prop_filter("not a proxy", |address| !is_trusted(*address, &networks()))
}

fn node_text(address: IpAddr, port: Option<u16>) -> String {
    let address = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    port.map_or_else(|| address.clone(), |port| format!("{address}:{port}"))
}

proptest! {
    #[test]
    fn what_the_caller_wrote_does_not_matter(
        forged in "[ -~]{0,60}",
        caller in stranger(),
        port in any::<Option<u16>>(),
        proxies in prop::collection::vec(any::<[u8; 3]>(), 0..4),
    ) {
        let mut chain = vec![forged, node_text(caller, port)];
        chain.extend(proxies.iter().map(|[b, c, d]| format!("10.{b}.{c}.{d}")));
        prop_assert_eq!(of(&[("x-forwarded-for", &chain.join(", "))], "10.0.0.1"), caller.to_string());
    }

    #[test]
    fn a_forged_quote_hides_at_most_the_caller(
        forged in "[ -~]{0,60}",
        caller in stranger(),
        port in any::<Option<u16>>(),
    ) {
        let value = format!("{forged}, for=\"{}\"", node_text(caller, port));
        let found = of(&[("forwarded", &value)], "10.0.0.1");
        prop_assert!([caller.to_string(), "10.0.0.1".to_owned()].contains(&found), "{} gives {}", value, found);
    }

    #[test]
    fn no_header_makes_a_stranger_somebody_else(
        forwarded in "[\t -~]{0,80}",
        x_forwarded in "[\t -~]{0,80}",
        peer in stranger(),
    ) {
        let fields = [("forwarded", forwarded.as_str()), ("x-forwarded-for", x_forwarded.as_str())];
        prop_assert_eq!(of(&fields, &peer.to_string()), peer.to_string());
    }

    #[test]
    fn well_formed_chains_are_read(
        hops in prop::collection::vec((stranger(), any::<Option<u16>>()), 1..6),
    ) {
        let elements: Vec<_> =
            hops.iter().map(|(address, port)| format!("by=_x;for=\"{}\"", node_text(*address, *port))).collect();
        let expected: Vec<_> = hops.iter().map(|(address, _)| Some(*address)).collect();
        prop_assert_eq!(forwarded(&elements.join(" , ")), Some(expected));
    }
}
