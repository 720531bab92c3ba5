//! Small texts that decide: the values of mirrored headers, and URI templates.

use std::fmt::Write as _;

use doorward_guard::uri_template::UriTemplate;
use doorward_protocol::mcp::header;

use super::first_line;

/// A text comes back from the header value that stands for it, and that value is one that a header can carry.
///
/// # Panics
/// If that does not hold.
pub fn header(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    round_trip(text);
    if let Some(decoded) = header::decode(text) {
        round_trip(&decoded);
        let sentinel = text.trim_matches([' ', '\t']).starts_with("=?base64?");
        assert!(sentinel || *decoded == *text.trim_matches([' ', '\t']), "plain text stands for itself");
    }
}

fn round_trip(text: &str) {
    let encoded = header::encode(text);
    assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')), "no header carries this");
    assert_eq!(encoded.trim(), &*encoded, "the ends of a header are trimmed on the way");
    assert_eq!(header::decode(&encoded).as_deref(), Some(text));
}

/// The first line is the template, the rest a URI. No URI with a dot segment matches, a template without expressions
/// matches itself alone, and a template matches its own expansion.
///
/// # Panics
/// If that does not hold.
pub fn uri_template(data: &[u8]) {
    let (template, uri) = first_line(data);
    let (Ok(template), Ok(uri)) = (std::str::from_utf8(template), std::str::from_utf8(uri)) else { return };
    let Ok(parsed) = UriTemplate::parse(template) else { return };
    let matches = parsed.matches(uri);
    assert!(!matches || !climbs(uri), "a dot segment came through");
    if !template.contains('{') {
        assert!(!matches || template == uri, "a template without expressions matches something else");
        assert!(matches || template != uri || uri.contains(['.', '%']), "a template does not match itself");
    }
    for suffix in ["/..", "/%2e%2E", "/a/%2E./b", "\\..\\b", "/..%2f"] {
        assert!(!parsed.matches(&format!("{uri}{suffix}")), "a dot segment came through");
    }
    let expanded = expand(template);
    // Dots and percent signs of the template's own may make dot segments.
    if !expanded.contains(['.', '%']) {
        assert!(parsed.matches(&expanded), "a template does not match its expansion {expanded:?}");
    }
}

/// Whether a path segment is `..`, as it is written or after decoding once.
fn climbs(uri: &str) -> bool {
    let decoded = uri.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    decoded.split(['/', '\\', '?', '#']).any(|segment| segment == "..")
}

/// The expansion (RFC 6570, section 3.2) with every variable `v`, in a template that was accepted.
fn expand(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((literal, expression)) = rest.split_once('{') {
        out.push_str(literal);
        let (inner, after) = expression.split_once('}').unwrap_or((expression, ""));
        let operator = inner.chars().next().filter(|first| "+#./;?&".contains(*first));
        let variables = &inner[operator.map_or(0, char::len_utf8)..];
        let (opening, separator, named) = match operator {
            None | Some('+') => ("", ",", false),
            Some('#') => ("#", ",", false),
            Some('.') => (".", ".", false),
            Some('/') => ("/", "/", false),
            Some(';') => (";", ";", true),
            Some('?') => ("?", "&", true),
            _ => ("&", "&", true),
        };
        for (number, name) in variables.split(',').enumerate() {
            out.push_str(if number == 0 { opening } else { separator });
            if named {
                let name = name.trim_end_matches('*').split(':').next().unwrap_or_default();
                // Writing to a string cannot fail.
                let _ = write!(out, "{name}=");
            }
            out.push('v');
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
