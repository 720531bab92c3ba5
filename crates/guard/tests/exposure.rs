//! Hidden means non-existent: lists, calls and declarations are answered from one place and never disagree, and a
//! template exposes what it expands to and nothing beyond.

use std::collections::BTreeSet;

use doorward_guard::{
    Exposure,
    exposure::{Asked, UriExposure},
    uri_template::UriTemplate,
};
use doorward_model::{Curation, Kind};
use proptest::{collection::btree_set, option, prelude::*};

fn names() -> impl Strategy<Value = Option<BTreeSet<String>>> {
    let name = prop_oneof![Just("echo"), Just("Echo"), Just("x://a"), Just("x://A"), Just("")];
    option::of(btree_set(name.prop_map(str::to_owned), 0..4))
}

fn curation() -> impl Strategy<Value = Curation> {
    let template = prop_oneof![Just("x://{id}"), Just("x://a/{+rest}"), Just("y://{?q}")];
    let templates = option::of(btree_set(template.prop_map(str::to_owned), 0..3));
    (names(), names(), names(), templates).prop_map(|(tools, prompts, resources, resource_templates)| {
        Curation { tools, prompts, resources, resource_templates }
    })
}

const KINDS: [Kind; 4] = [Kind::Tool, Kind::Prompt, Kind::Resource, Kind::ResourceTemplate];

fn selection(curation: &Curation, kind: Kind) -> Option<&BTreeSet<String>> {
    match kind {
        Kind::Tool => curation.tools.as_ref(),
        Kind::Prompt => curation.prompts.as_ref(),
        Kind::Resource => curation.resources.as_ref(),
        Kind::ResourceTemplate => curation.resource_templates.as_ref(),
    }
}

proptest! {
    #[test]
    fn what_is_listed_is_exactly_what_may_be_called(curation in curation(), name in "[ -~]{0,6}|echo|Echo|x://a") {
        let exposure = Exposure::compile(&curation).unwrap();
        for kind in KINDS {
            let wanted = selection(&curation, kind).is_none_or(|names| names.contains(&name));
            prop_assert_eq!(exposure.lists(kind, &name), wanted);
            prop_assert_eq!(exposure.filters(kind), selection(&curation, kind).is_some());
        }
        for kind in [Kind::Tool, Kind::Prompt] {
            let cleared = exposure.clear(Asked::Named(kind, &name), &[]).is_ok();
            prop_assert_eq!(cleared, exposure.lists(kind, &name));
            prop_assert_eq!(exposure.calls(kind, &name), cleared);
        }
        prop_assert!(exposure.clear(Asked::Nothing, &[]).is_ok());
    }

    #[test]
    fn what_shows_nothing_lists_and_calls_nothing(curation in curation(), name in "[ -~]{0,6}|echo|x://a") {
        let exposure = Exposure::compile(&curation).unwrap();
        for kind in KINDS {
            if exposure.shows_nothing_of(kind) {
                prop_assert!(!exposure.lists(kind, &name));
            }
        }
        if exposure.shows_nothing_of(Kind::Resource) && exposure.shows_nothing_of(Kind::ResourceTemplate) {
            prop_assert!(exposure.clear(Asked::Uri(&name), &[]).is_err());
            prop_assert!(exposure.clear(Asked::TemplateOrUri(&name), &[]).is_err());
        }
    }

    #[test]
    fn templates_of_the_upstream_count_only_where_templates_are_not_filtered(curation in curation(), uri in "x://[a-c/.%2]{0,6}") {
        let exposure = Exposure::compile(&curation).unwrap();
        let theirs = [UriTemplate::parse("{+everything}").unwrap()];
        let (alone, with) =
            (exposure.clear(Asked::Uri(&uri), &[]).is_ok(), exposure.clear(Asked::Uri(&uri), &theirs).is_ok());
        prop_assert!(with || !alone, "more templates never hide");
        prop_assert_eq!(alone, exposure.uri(&uri) == UriExposure::Exposed);
        if curation.resource_templates.is_some() {
            prop_assert_eq!(with, alone);
        }
    }
}
