//! What a virtual server shows. Hidden means non-existent.
//!
//! One [`Exposure`] answers for lists, calls, completion, subscriptions and declared capabilities alike, so
//! that the five can never disagree.

use std::collections::BTreeSet;

use doorward_model::{Curation, Kind};

use crate::uri_template::{TemplateError, UriTemplate};

/// The compiled curation of one virtual server.
#[derive(Debug, Clone)]
pub struct Exposure {
    curation: Curation,
    templates: Vec<UriTemplate>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<'a> {
    /// No capability in particular: a list, a ping, a notification.
    Nothing,
    /// A tool or a prompt, by name.
    Named(Kind, &'a str),
    /// A resource, by URI.
    Uri(&'a str),
    /// Whatever an expansion of this URI template, or this URI, stands for (completion).
    TemplateOrUri(&'a str),
}

/// Proof that what was asked for is exposed here. Only [`Exposure::clear`] and [`crate::ownership::clear`] make one:
///
/// ```compile_fail
/// let cleared = doorward_guard::exposure::Cleared(());
/// ```
#[derive(Debug)]
#[must_use = "the proof goes into the decision"]
pub struct Cleared(());

/// What was asked for does not exist here, as far as the caller can ever learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hidden(());

impl Cleared {
    /// For the modules of this crate that find out what exists for whom.
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl Hidden {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

/// Whether a URI may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriExposure {
    /// Resources are not filtered, `resources` names it, or an exposed template matches it.
    Exposed,
    /// None of these.
    Hidden,
    /// Not named, but templates are not filtered: it depends on which templates the upstream has.
    AskTemplates,
}

impl Exposure {
    /// Compiles a curation.
    pub fn compile(curation: &Curation) -> Result<Self, TemplateError> {
        let templates = curation
            .resource_templates
            .iter()
            .flatten()
            .map(|template| UriTemplate::parse(template))
            .collect::<Result<_, _>>()?;
        Ok(Self { curation: curation.clone(), templates })
    }

    /// Whether any kind is filtered at all.
    pub fn filters(&self, kind: Kind) -> bool {
        self.selection(kind).is_some()
    }

    /// Whether a kind is switched off: an empty list.
    pub fn shows_nothing_of(&self, kind: Kind) -> bool {
        self.selection(kind).is_some_and(BTreeSet::is_empty)
    }

    /// Whether a list shows the entry of that name, URI or URI template.
    pub fn lists(&self, kind: Kind, name: &str) -> bool {
        self.selection(kind).is_none_or(|selection| selection.contains(name))
    }

    /// Whether a tool or prompt may be called: exactly when it may be listed.
    pub fn calls(&self, kind: Kind, name: &str) -> bool {
        self.lists(kind, name)
    }

    /// Whether a URI may be read, subscribed to or completed.
    pub fn uri(&self, uri: &str) -> UriExposure {
        if self.lists(Kind::Resource, uri) || self.templates.iter().any(|template| template.matches(uri)) {
            UriExposure::Exposed
        } else if self.filters(Kind::ResourceTemplate) {
            UriExposure::Hidden
        } else {
            UriExposure::AskTemplates
        }
    }

    /// Clears a request, or finds that it asks for something hidden.
    ///
    /// `upstream_templates` are the templates that the upstream publishes, where [`Exposure::uri`] answered
    /// [`UriExposure::AskTemplates`]; without them such a URI is hidden.
    pub fn clear(&self, asked: Asked<'_>, upstream_templates: &[UriTemplate]) -> Result<Cleared, Hidden> {
        let exposed = match asked {
            Asked::Nothing => true,
            Asked::Named(kind, name) => self.calls(kind, name),
            Asked::Uri(uri) => self.reads(uri, upstream_templates),
            Asked::TemplateOrUri(text) => {
                // A text without an expression is a URI, whatever the templates.
                (text.contains('{') && self.lists(Kind::ResourceTemplate, text))
                    || self.reads(text, upstream_templates)
            }
        };
        if exposed { Ok(Cleared(())) } else { Err(Hidden(())) }
    }

    fn reads(&self, uri: &str, upstream_templates: &[UriTemplate]) -> bool {
        match self.uri(uri) {
            UriExposure::Exposed => true,
            UriExposure::Hidden => false,
            UriExposure::AskTemplates => upstream_templates.iter().any(|template| template.matches(uri)),
        }
    }

    fn selection(&self, kind: Kind) -> Option<&BTreeSet<String>> {
        match kind {
            Kind::Tool => self.curation.tools.as_ref(),
            Kind::Prompt => self.curation.prompts.as_ref(),
            Kind::Resource => self.curation.resources.as_ref(),
            Kind::ResourceTemplate => self.curation.resource_templates.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    fn exposure(curation: &Curation) -> Exposure {
        Exposure::compile(curation).expect("templates parse")
    }

    #[test]
    fn each_kind_is_filtered_on_its_own() {
        let exposure = exposure(&Curation {
            tools: Some(set(&["echo"])),
            prompts: Some(set(&[])),
            ..Curation::default()
        });
        assert!(exposure.calls(Kind::Tool, "echo"));
        assert!(!exposure.calls(Kind::Tool, "Echo"));
        assert!(!exposure.lists(Kind::Tool, "delete"));
        assert!(exposure.shows_nothing_of(Kind::Prompt));
        assert!(!exposure.shows_nothing_of(Kind::Tool));
        assert!(exposure.lists(Kind::Resource, "x://anything"));
        assert!(exposure.lists(Kind::ResourceTemplate, "x://{any}"));
    }

    #[test]
    fn a_uri_is_exposed_by_name_by_template_or_when_unfiltered() {
        let open = exposure(&Curation::default());
        assert_eq!(open.uri("x://a"), UriExposure::Exposed);

        let named = exposure(&Curation {
            resources: Some(set(&["x://a"])),
            resource_templates: Some(set(&["x://t/{id}"])),
            ..Curation::default()
        });
        assert_eq!(named.uri("x://a"), UriExposure::Exposed);
        assert_eq!(named.uri("x://t/1"), UriExposure::Exposed);
        assert_eq!(named.uri("x://b"), UriExposure::Hidden);
        assert_eq!(named.uri("x://t/1/2"), UriExposure::Hidden);

        let unfiltered_templates = exposure(&Curation { resources: Some(set(&[])), ..Curation::default() });
        assert_eq!(unfiltered_templates.uri("x://b"), UriExposure::AskTemplates);
    }
}
