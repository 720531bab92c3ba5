//! Templates against an expander of their own (RFC 6570, section 3.2): every expansion matches, and nothing that
//! reaches further does.

use std::fmt::Write as _;

use doorward_guard::uri_template::UriTemplate;
use proptest::{collection::vec, prelude::*};

/// A part of a template with a value for its variables.
#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    /// Operator, and the values of `a`, `b`, …
    Expression(char, Vec<String>),
}

fn part() -> impl Strategy<Value = Part> {
    let operator =
        prop_oneof![Just(' '), Just('+'), Just('#'), Just('.'), Just('/'), Just(';'), Just('?'), Just('&')];
    // Values are not empty: matching is stricter than expansion there.
    let values = vec("[a-z0-9 é/?#&=;,:%-]{1,6}", 1..3);
    prop_oneof![
        "[a-z0-9:/_-]{1,6}".prop_map(Part::Literal),
        (operator, values).prop_map(|(operator, values)| Part::Expression(operator, values)),
    ]
}

fn encode(value: &str, keep_reserved: bool) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let reserved = b":/?#[]@!$&'()*+,;=".contains(&byte);
        if unreserved || (reserved && keep_reserved) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string");
        }
    }
    out
}

/// The table of RFC 6570, appendix A.
fn expand(operator: char, values: &[String]) -> String {
    let (first, separator, named) = match operator {
        '#' => ("#", ",", false),
        '.' => (".", ".", false),
        '/' => ("/", "/", false),
        ';' => (";", ";", true),
        '?' => ("?", "&", true),
        '&' => ("&", "&", true),
        _ => ("", ",", false),
    };
    let keep_reserved = matches!(operator, '+' | '#');
    let value = |(index, value): (usize, &String)| {
        let encoded = encode(value, keep_reserved);
        if named { format!("{}={encoded}", name(index)) } else { encoded }
    };
    let values: Vec<String> = values.iter().enumerate().map(value).collect();
    first.to_owned() + &values.join(separator)
}

fn name(index: usize) -> char {
    char::from(b'a' + u8::try_from(index).unwrap_or(0))
}

fn has_dot_segment(uri: &str) -> bool {
    let plain =
        uri.to_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").replace('\\', "/");
    plain.split(['/', '?', '#']).any(|segment| segment == "." || segment == "..")
}

proptest! {
    #[test]
    fn every_expansion_matches_unless_it_climbs(parts in vec(part(), 1..5)) {
        let (mut template, mut uri) = (String::new(), String::new());
        for part in &parts {
            match part {
                Part::Literal(text) => {
                    template.push_str(text);
                    uri.push_str(text);
                }
                Part::Expression(operator, values) => {
                    let names: Vec<String> = (0..values.len()).map(|index| name(index).to_string()).collect();
                    let operator_text = operator.to_string();
                    template.extend(["{", operator_text.trim(), &names.join(","), "}"]);
                    uri.push_str(&expand(*operator, values));
                }
            }
        }
        let parsed = UriTemplate::parse(&template).unwrap();
        prop_assert_eq!(parsed.matches(&uri), !has_dot_segment(&uri), "{} and {}", template, uri);
    }

    #[test]
    fn a_plain_variable_reaches_no_further_than_its_segment(value in "[ -~é]{0,12}") {
        let template = UriTemplate::parse("x://shelf/{id}/end").unwrap();
        let uri = format!("x://shelf/{value}/end");
        if template.matches(&uri) {
            prop_assert!(!value.contains(['/', '?', '#', ' ', '\\', '"', '<', '>', ':', '@']), "{:?}", value);
            prop_assert!(!value.is_empty());
            prop_assert!(!has_dot_segment(&uri));
        }
    }

    #[test]
    fn what_climbs_matches_nothing(before in "[a-z/]{0,6}", after in "[a-z/]{0,6}", which in 0..12_usize) {
        let climb = [
            "/../", "/./", "/%2e%2E/", "/.%2e/", "%2f..%2f", "%2F%2e%2e%2F", "\\..\\", "%5c..%5C", "/..%2f", "%5C../",
            "/%2E/", "/..?",
        ][which];
        let uri = format!("x://{before}{climb}{after}");
        for template in ["{+all}", "x://{+all}", "x://{a}{/b*}{?c}{&d}{#e}"] {
            prop_assert!(!UriTemplate::parse(template).unwrap().matches(&uri), "{} and {}", template, uri);
        }
    }

    #[test]
    fn no_text_is_too_odd_to_parse_or_to_match(template in "\\PC{0,40}", uri in "\\PC{0,40}") {
        if let Ok(template) = UriTemplate::parse(&template) {
            let _: bool = template.matches(&uri);
        }
    }
}
