//! Does a URI belong to a URI template (RFC 6570, levels 1 to 4)?
//!
//! Matching decides what a caller may read, so it is strict where expansion is generous: a variable never
//! reaches beyond what its operator can expand to, and a URI with dot segments matches nothing, whatever
//! the upstream would make of it. Time is linear in the URI's length (the matcher is a finite automaton).

use regex::Regex;

/// Longest template, in bytes.
const MAX_TEMPLATE: usize = 2048;
/// Most expressions of one template, and most variables of one expression.
const MAX_PARTS: usize = 32;

/// A parsed template.
#[derive(Debug, Clone)]
pub struct UriTemplate {
    pattern: Regex,
}

/// Why a text is not a URI template that Doorward can decide on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace has no partner, or an expression is empty.
    #[error("braces do not pair up")]
    Braces,
    /// A variable has characters that RFC 6570 does not allow.
    #[error("a variable name has characters that are not allowed")]
    Variable,
    /// More than 2,048 bytes, 32 expressions, or 32 variables in one.
    #[error("a template has at most {MAX_TEMPLATE} bytes and {MAX_PARTS} expressions")]
    TooLong,
}

impl UriTemplate {
    /// Parses a template.
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        if template.len() > MAX_TEMPLATE {
            return Err(TemplateError::TooLong);
        }
        let mut pattern = String::from("^");
        let mut rest = template;
        if template.matches('{').count() > MAX_PARTS {
            return Err(TemplateError::TooLong);
        }
        while let Some(open) = rest.find(['{', '}']) {
            let (literal, expression) = rest.split_at(open);
            pattern.push_str(&regex::escape(literal));
            let inner = expression.strip_prefix('{').ok_or(TemplateError::Braces)?;
            let close = inner.find('}').ok_or(TemplateError::Braces)?;
            pattern.push_str(&expression_pattern(&inner[..close])?);
            rest = &inner[close + 1..];
        }
        pattern.push_str(&regex::escape(rest));
        pattern.push('$');
        let pattern = Regex::new(&pattern).map_err(|_| TemplateError::TooLong)?;
        Ok(Self { pattern })
    }

    /// Whether `uri` is an expansion of this template.
    pub fn matches(&self, uri: &str) -> bool {
        !has_dot_segment(uri) && self.pattern.is_match(uri)
    }
}

/// The pattern of one `{…}`: what its operator can expand to (RFC 6570 section 3.2).
fn expression_pattern(expression: &str) -> Result<String, TemplateError> {
    let first = expression.chars().next().ok_or(TemplateError::Braces)?;
    let (operator, variables) = if first.is_ascii_alphanumeric() || matches!(first, '_' | '%') {
        (None, expression)
    } else {
        (Some(first), &expression[first.len_utf8()..])
    };
    let count = variable_count(variables)?;
    // Unreserved characters and percent-encodings: all that a simple expansion produces, list commas included.
    let simple = r"(?:[A-Za-z0-9\-._~,=]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])";
    let reserved = r"[^\s{}]*";
    Ok(match operator {
        None => format!("{simple}+(?:,{simple}+){{0,{}}}", count - 1),
        Some('+') => reserved.to_owned(),
        Some('#') => format!("(?:#{reserved})?"),
        Some('.') => format!(r"(?:\.{simple}+)*"),
        Some('/') => format!("(?:/{simple}*)*"),
        Some(';') => format!("(?:;{simple}*)*"),
        Some('?') => format!(r"(?:\?{simple}*(?:&{simple}*)*)?"),
        Some('&') => format!("(?:&{simple}*)*"),
        Some(_) => return Err(TemplateError::Variable),
    })
}

/// How many variables a list has; each must be a `varname` with an optional prefix or explode modifier.
fn variable_count(variables: &str) -> Result<usize, TemplateError> {
    let mut count = 0;
    for variable in variables.split(',') {
        let name = variable.strip_suffix('*').unwrap_or(variable);
        let name = match name.split_once(':') {
            Some((name, length))
                if (1..=4).contains(&length.len()) && length.bytes().all(|b| b.is_ascii_digit()) =>
            {
                name
            }
            Some(_) => return Err(TemplateError::Variable),
            None => name,
        };
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'%' | b'.');
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(TemplateError::Variable);
        }
        count += 1;
    }
    if count > MAX_PARTS {
        return Err(TemplateError::TooLong);
    }
    Ok(count)
}

/// Whether a path segment is `.` or `..`, written plainly or percent-encoded.
fn has_dot_segment(uri: &str) -> bool {
    uri.split(['/', '\\', '?', '#']).any(|segment| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        let lower = plain.to_ascii_lowercase();
        lower.split("%2f").flat_map(|part| part.split("%5c")).any(|part| part == "." || part == "..")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(template: &str, uri: &str) -> bool {
        UriTemplate::parse(template).expect("a template").matches(uri)
    }

    #[test]
    fn simple_variables_stay_in_their_segment() {
        assert!(matches("test://template/{id}/data", "test://template/42/data"));
        assert!(matches("test://template/{id}/data", "test://template/a%20b/data"));
        assert!(!matches("test://template/{id}/data", "test://template//data"));
        assert!(!matches("test://template/{id}/data", "test://template/a/b/data"));
        assert!(!matches("test://template/{id}/data", "test://template/a/data/more"));
        assert!(!matches("test://template/{id}/data", "xtest://template/a/data"));
        assert!(!matches("test://{id}", "test://a?x=1"));
        assert!(!matches("test://{id}", "test://a\n"));
    }

    #[test]
    fn operators_match_what_they_expand_to() {
        assert!(matches("file:///{+path}", "file:///a/b/c.txt"));
        assert!(matches("x://a{/b,c}", "x://a/1/2"));
        assert!(matches("x://a{?q,r}", "x://a?q=1&r=2"));
        assert!(matches("x://a{?q}", "x://a"));
        assert!(matches("x://a{.ext}", "x://a.tar.gz"));
        assert!(matches("x://{a,b}", "x://1,2"));
        assert!(!matches("x://a{?q}", "x://a/../b?q=1"));
    }

    #[test]
    fn dot_segments_match_nothing() {
        for uri in [
            "file:///a/../etc",
            "file:///a/%2e%2E/etc",
            "file:///a/..%2fetc",
            "file:///./a",
            "file:///a\\..\\b",
        ] {
            assert!(!matches("file:///{+path}", uri), "{uri}");
        }
        assert!(matches("file:///{+path}", "file:///a/..b/c"));
    }

    #[test]
    fn malformed_templates_are_refused() {
        for (template, error) in [
            ("a{", TemplateError::Braces),
            ("a}", TemplateError::Braces),
            ("a{}", TemplateError::Braces),
            ("a{b{c}}", TemplateError::Variable),
            ("a{!b}", TemplateError::Variable),
            ("a{b:x}", TemplateError::Variable),
            ("a{b c}", TemplateError::Variable),
            (&"{a}".repeat(33), TemplateError::TooLong),
            (&format!("{{{}a}}", "a,".repeat(32)), TemplateError::TooLong),
        ] {
            assert_eq!(UriTemplate::parse(template).map(|_| ()), Err(error), "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_literals_match_themselves(text in "[ -~]{0,64}") {
            if let Ok(template) = UriTemplate::parse(&text) && !text.contains('{') && !has_dot_segment(&text) {
                proptest::prop_assert!(template.matches(&text));
            }
        }
    }
}
