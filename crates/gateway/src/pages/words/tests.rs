use std::sync::Arc;

use super::*;
use crate::pages::tests::world;

fn tools(curated: Option<&[String]>) -> Power {
    let mut server = world::server();
    server.curation.tools = curated.map(|names| names.iter().cloned().collect());
    call(&Destination::Server(Arc::new(server)))
}

#[test]
fn curated_tools_are_named_and_uncurated_ones_are_all() {
    let named = tools(Some(&["echo".to_owned(), "get-sum".to_owned()]));
    assert_eq!(named.what, "Use these tools");
    assert_eq!(named.with[0].first, ["echo", "get-sum"]);

    let all = tools(None);
    assert!(all.what.starts_with("Use all tools") && all.means.contains("added later"), "{all:?}");
    assert!(all.with.is_empty());

    let none = tools(Some(&[]));
    assert!(none.means.contains("none at present") && none.with.is_empty(), "{none:?}");
}

#[test]
fn many_tools_are_all_there_some_of_them_on_request() {
    let names: Vec<String> = (0..40).map(|number| format!("tool-{number:02}")).collect();
    let many = tools(Some(&names));
    let [capabilities] = &many.with[..] else { panic!("{many:?}") };
    let all: Vec<&String> = capabilities.first.iter().chain(&capabilities.rest).collect();
    assert_eq!(all, names.iter().collect::<Vec<_>>());
    assert_eq!(capabilities.first.len(), SEEN_AT_ONCE);
}

#[test]
fn each_scope_that_opens_something_is_said() {
    let server = world::server();
    let at_server = Destination::Server(Arc::new(server));
    let at_agent = world::agent();
    assert_eq!(powers(Scopes::MCP, &at_server).len(), 2);
    assert_eq!(powers(Scopes::NONE.with(Scope::McpRead), &at_server).len(), 1);
    assert_eq!(powers(Scopes::A2A, &at_agent).len(), 2);
    assert_eq!(powers(Scopes::NONE.with(Scope::OfflineAccess), &at_server), []);
    for scope in Scope::ALL {
        let alone = Scopes::NONE.with(scope);
        assert_eq!(in_short(alone) == "nothing", powers(alone, &at_server).is_empty(), "{scope:?}");
    }
}

#[test]
fn lengths_of_time_are_in_the_unit_that_fits() {
    for (seconds, words) in [
        (0, "1 second"),
        (30, "30 seconds"),
        (120, "2 minutes"),
        (3_600, "1 hour"),
        (86_400, "1 day"),
        (90 * 86_400, "90 days"),
    ] {
        assert_eq!(how_long(Duration::from_secs(seconds)), words);
    }
}
