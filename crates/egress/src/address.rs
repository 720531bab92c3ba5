//! Which addresses may be dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::Trust;

/// An address that must not be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A cloud metadata service: never, whoever asks.
    #[error("the address of a cloud metadata service is never dialled")]
    Metadata,
    /// A special-use address that nothing declared.
    #[error("the address is not public and no configuration allows it")]
    NotPublic,
}

/// Checks one resolved address against the trust of its destination.
pub(crate) fn check(address: IpAddr, trust: Trust, allow_private: &[IpNet]) -> Result<(), AddressError> {
    if is_metadata_address(address) {
        return Err(AddressError::Metadata);
    }
    let allowed = match trust {
        Trust::Declared => true,
        Trust::Guarded => {
            is_public(address) || allow_private.iter().any(|network| network.contains(&address))
        }
    };
    if allowed { Ok(()) } else { Err(AddressError::NotPublic) }
}

/// The metadata services of the large clouds, in every way of writing an IPv4 address as IPv6.
pub fn is_metadata_address(address: IpAddr) -> bool {
    const V4: [Ipv4Addr; 3] = [
        Ipv4Addr::new(169, 254, 169, 254),
        Ipv4Addr::new(169, 254, 170, 2),
        Ipv4Addr::new(100, 100, 100, 200),
    ];
    const V6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)];
    match address {
        IpAddr::V4(v4) => V4.contains(&v4),
        IpAddr::V6(v6) => V6.contains(&v6) || embedded_v4(v6).is_some_and(|v4| V4.contains(&v4)),
    }
}

/// Whether an address is globally routable unicast (the IANA special-purpose registries, seen from outside).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if embedded_v4(address).is_some() {
        // Mapped, compatible, NAT64 and 6to4 addresses reach what their IPv4 address reaches; there is no
        // honest reason for a document to name one.
        return false;
    }
    let [a, b, ..] = address.segments();
    let global_unicast = a & 0xe000 == 0x2000;
    let special = match a {
        0x2001 => b < 0x0200 || b == 0x0db8,
        0x3fff => b < 0x1000,
        _ => false,
    };
    global_unicast && !special
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let from = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if !(high == 0 && low <= 1) => Some(from(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x0064, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn special_use_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "100::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip(special)), "{special}");
            assert!(check(ip(special), Trust::Guarded, &[]).is_err(), "{special}");
        }
        for public in [
            "8.8.8.8",
            "100.63.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "2606:4700::1",
            "2a00::1",
            "2001:200::1",
        ] {
            assert!(is_public(ip(public)), "{public}");
        }
    }

    #[test]
    fn metadata_addresses_are_never_dialled() {
        let everything: IpNet = "0.0.0.0/0".parse().expect("a network");
        for metadata in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "100.100.100.200",
            "169.254.170.2",
        ] {
            for trust in [Trust::Declared, Trust::Guarded] {
                assert_eq!(
                    check(ip(metadata), trust, &[everything]),
                    Err(AddressError::Metadata),
                    "{metadata}"
                );
            }
        }
    }

    #[test]
    fn declared_and_allowed_private_addresses_are_dialled() {
        let network: IpNet = "10.0.0.0/8".parse().expect("a network");
        assert_eq!(check(ip("127.0.0.1"), Trust::Declared, &[]), Ok(()));
        assert_eq!(check(ip("10.9.9.9"), Trust::Guarded, &[network]), Ok(()));
        assert_eq!(check(ip("192.168.0.1"), Trust::Guarded, &[network]), Err(AddressError::NotPublic));
    }
}
