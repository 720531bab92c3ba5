//! The lists of capabilities: each kind on its own, absent = all, empty = none.

use std::collections::BTreeSet;

use doorward_model::Curation;

use super::super::unique;
use crate::{
    mistake::Complaint,
    section::{Found, Section},
};

/// Reads the four lists, and warns of kinds that are shown whole.
pub(crate) fn curation(section: &Section<'_>) -> Curation {
    let curation = Curation {
        tools: list(section, "tools", name),
        prompts: list(section, "prompts", name),
        resources: list(section, "resources", uri),
        resource_templates: list(section, "resource_templates", template),
    };
    let kinds = [
        ("tools", "tools"),
        ("prompts", "prompts"),
        ("resources", "resources"),
        ("resource_templates", "resource templates"),
    ];
    let whole: Vec<_> = kinds.into_iter().filter(|(key, _)| !section.has(key)).collect();
    if let Some((first, _)) = whole.first() {
        let words: Vec<_> = whole.iter().map(|(_, words)| format!("all {words}")).collect();
        let keys: Vec<_> = whole.iter().map(|(key, _)| format!("`{key}`")).collect();
        let message = format!("shows {} of its upstream, new ones too", words.join(" and "));
        let hint = format!("list what is shown in {}", keys.join(", "));
        section.warn(first, Complaint::new(message).hint(hint));
    }
    curation
}

fn list(
    section: &Section<'_>,
    key: &str,
    check: fn(&str) -> Result<(), Complaint>,
) -> Option<BTreeSet<String>> {
    let items = unique(section.texts(key)?, section.context);
    let accepted = |item: Found<&str>| {
        section.context.accept(&item.at, check(item.value)).map(|()| item.value.to_owned())
    };
    Some(items.into_iter().filter_map(accepted).collect())
}

fn name(text: &str) -> Result<(), Complaint> {
    if text.is_empty() { Err("a capability has a name".into()) } else { Ok(()) }
}

fn uri(text: &str) -> Result<(), Complaint> {
    if text.is_empty() { Err("a resource has a URI".into()) } else { Ok(()) }
}

/// As much of RFC 6570 section 2 as catches slips: every `{` has its `}`, and something between them.
fn template(text: &str) -> Result<(), Complaint> {
    if text.is_empty() {
        return Err("a resource template has a URI template".into());
    }
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let closed = rest[open..].strip_prefix('{').and_then(|inside| inside.split_once('}'));
        match closed {
            Some((expression, after)) if !expression.is_empty() && !expression.contains('{') => rest = after,
            _ => {
                let complaint =
                    Complaint::new("not a URI template: its braces do not match, or hold nothing");
                return Err(complaint.hint("such as \"file:///{path}\""));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn braces_of_templates_match() {
        for good in ["file:///{path}", "a://x", "a://{b}{?c,d}/{+e}", "a://{ä}"] {
            assert!(template(good).is_ok(), "{good}");
        }
        for bad in ["", "{", "}", "a://{b", "a://b}", "a://{}", "a://{b{c}}", "a://}{"] {
            assert!(template(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_template_is_read_or_refused(text in "[{}a-zä/]*") {
            let depth = text.chars().try_fold(0_i32, |depth, c| match (depth, c) {
                (0, '{') => Some(1),
                (1, '}') => Some(0),
                (_, '{' | '}') => None,
                _ => Some(depth),
            });
            prop_assert!(template(&text).is_err() || depth == Some(0));
        }
    }
}
