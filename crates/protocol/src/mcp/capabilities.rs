//! What a virtual server declares: its upstream's capabilities without what it does not show.

use super::revision::Revision;
use crate::json::{Object, Splice, Value};

/// Which groups of capabilities a virtual server shows nothing of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Not one tool.
    pub tools: bool,
    /// Not one prompt.
    pub prompts: bool,
    /// Not one resource and not one template.
    pub resources: bool,
}

/// Removes from `capabilities` of an initialize or discover result what is withheld, and `tasks`: the
/// experimental tasks of 2025-11-25 are not bound to callers and so are not offered.
pub fn withhold<'d>(result: Object<'d>, withheld: Withheld, splice: &mut Splice<'d>) {
    let Some(capabilities) = result.get("capabilities").and_then(Value::as_object) else { return };
    splice.retain_members(capabilities, |member| match &*member.name {
        "tasks" => false,
        "tools" => !withheld.tools,
        "prompts" => !withheld.prompts,
        "resources" => !withheld.resources,
        "completions" => !(withheld.prompts && withheld.resources),
        other => !["tasks", "tools", "prompts", "resources"]
            .iter()
            .any(|name| crate::json::differs_only_in_case(other, name)),
    });
}

/// Keeps of `supportedVersions` in a discover result those that Doorward speaks too.
pub fn keep_spoken_versions<'d>(result: Object<'d>, splice: &mut Splice<'d>) {
    let Some(versions) = result.get("supportedVersions").and_then(Value::as_array) else { return };
    splice.retain_elements(versions, |version| {
        version.as_str().is_some_and(|text| Revision::parse(&text).is_some())
    });
}

/// Whether a client that declares these capabilities can send its person to an address (2025-11-25 and later, URL
/// elicitation).
pub fn elicits_urls(capabilities: Option<Object<'_>>) -> bool {
    let elicitation = capabilities.and_then(|it| it.get("elicitation")).and_then(Value::as_object);
    elicitation.and_then(|it| it.get("url")).and_then(Value::as_object).is_some()
}

/// Removes `tasks` from the capabilities that a legacy client declares in `initialize`.
pub fn without_client_tasks<'d>(params: Object<'d>, splice: &mut Splice<'d>) {
    if let Some(capabilities) = params.get("capabilities").and_then(Value::as_object) {
        splice.remove_member(capabilities, "tasks");
    }
}
