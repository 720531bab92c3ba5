//! The caller's address behind reverse proxies, for records.
//!
//! A chain of proxies is believed from its near end: the connection's peer, then what each trusted proxy says
//! about the one before it. The first address that is not a trusted proxy's is the caller's. Whatever stands
//! further away was written by the caller and is never looked at. Nothing is decided on the outcome.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

#[cfg(test)]
mod tests;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What is said about one hop: its address, or nothing that can be used.
type Hop = Option<IpAddr>;

/// The rightmost address of `Forwarded` (RFC 7239) or `X-Forwarded-For` that is not a trusted proxy's, when
/// the peer is one; else the peer.
///
/// When the two headers tell different stories, one of them was not written by the proxy but passed on, and
/// nothing says which: then it is the peer too.
pub(crate) fn caller(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let forwarded = hops(headers, &header::FORWARDED, forwarded).map(|hops| nearest(peer, &hops, trusted));
    let x_forwarded = hops(headers, &X_FORWARDED_FOR, x_forwarded).map(|hops| nearest(peer, &hops, trusted));
    match (forwarded, x_forwarded) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// Walks from the near end to the first hop that is not trusted, or to where the chain says nothing usable.
fn nearest(peer: IpAddr, hops: &[Hop], trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        match hop {
            None => return nearest,
            Some(address) if !is_trusted(*address, trusted) => return *address,
            Some(address) => nearest = *address,
        }
    }
    nearest
}

/// The hops of all fields of a header, in order. Absent without any field.
fn hops(headers: &HeaderMap, name: &HeaderName, read: fn(&str) -> Option<Vec<Hop>>) -> Option<Vec<Hop>> {
    let mut fields = headers.get_all(name).iter().peekable();
    fields.peek()?;
    let hops = |field: &HeaderValue| field.to_str().ok().and_then(read).unwrap_or_else(|| vec![None]);
    Some(fields.flat_map(hops).collect())
}

/// `X-Forwarded-For`: addresses with commas between them. There is no standard; with a port and with brackets
/// are both in use.
#[expect(clippy::unnecessary_wraps, reason = "read like the other header")]
fn x_forwarded(text: &str) -> Option<Vec<Hop>> {
    let hop =
        |item: &str| item.parse().map(|address: IpAddr| address.to_canonical()).ok().or_else(|| node(item));
    Some(text.split(',').map(|item| hop(item.trim_matches([' ', '\t']))).collect())
}

/// `Forwarded` (RFC 7239 section 4): elements with commas between them, pairs with semicolons between them.
/// Absent when it is not of that grammar: quotes that do not match hide where an element ends.
fn forwarded(mut text: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut element = Element::default();
    loop {
        text = text.trim_start_matches([' ', '\t']);
        if !text.starts_with([',', ';']) && !text.is_empty() {
            let (name, rest) = text.split_once('=')?;
            let (value, rest) = value(rest)?;
            element.pair(name, &value)?;
            text = rest.trim_start_matches([' ', '\t']);
        }
        match text.split_at_checked(1) {
            Some((";", rest)) => text = rest,
            Some((",", rest)) => {
                hops.extend(std::mem::take(&mut element).hop());
                text = rest;
            }
            Some(_) => return None,
            None => {
                hops.extend(element.hop());
                return Some(hops);
            }
        }
    }
}

/// One element of `Forwarded`.
#[derive(Default)]
struct Element {
    any: bool,
    says_for: Option<Hop>,
}

impl Element {
    /// Takes one pair. Absent when the name is no token, or `for` stands there twice.
    fn pair(&mut self, name: &str, value: &str) -> Option<()> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        self.any = true;
        if name.eq_ignore_ascii_case("for") && self.says_for.replace(node(value)).is_some() {
            return None;
        }
        Some(())
    }

    /// What the element says; an empty element (RFC 9110 section 5.6.1) is none.
    fn hop(self) -> Option<Hop> {
        self.any.then(|| self.says_for.flatten())
    }
}

/// A token or a quoted string (RFC 9110 section 5.6), and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.bytes().position(|byte| !is_token(byte)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// RFC 9110 section 5.6.2. Addresses with ports should be quoted for their colon; live proxies forget it.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:[]".contains(&byte)
}

/// A node of RFC 7239 section 6, as far as it is an address: `unknown` and made-up names are none.
fn node(text: &str) -> Option<IpAddr> {
    let (address, port) = if let Some(rest) = text.strip_prefix('[') {
        let (inner, port) = rest.split_once(']')?;
        (IpAddr::V6(inner.parse().ok()?), port)
    } else {
        let end = text.find(':').unwrap_or(text.len());
        (IpAddr::V4(text[..end].parse().ok()?), &text[end..])
    };
    let is_port = |port: &str| {
        let made_up = port.strip_prefix('_').is_some_and(|name| !name.is_empty());
        made_up || (!port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    fits.then(|| address.to_canonical())
}
